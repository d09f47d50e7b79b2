package app

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// A backup is a tar archive (POSIX pax), perhaps compressed (RFC 1952), of
//
//	files/ab/cdef…   uploaded files, under the SHA-256 of their content
//	hub.db           the database, in the form of the embedded one
//	keys             the keys file, if asked for
//	manifest.json    what the others have to be; the last: without it the archive is not whole
const (
	filesMember    = "files/"
	databaseMember = "hub.db"
	keysMember     = "keys"
	manifestMember = "manifest.json"

	archiveFormat = 1
	maxKeys       = 64 << 10 // bytes
	maxManifest   = 1 << 30  // bytes: some millions of files
)

// Manifest says what a backup holds.
type Manifest struct {
	Format  int    `json:"format"`
	Version string `json:"version"` // of the hub that made it
	// Everything that was acknowledged before CreatedAt is in the backup.
	CreatedAt time.Time `json:"createdAt"`
	// Postgres says that the database was on Postgres; here it is in the form of
	// the embedded one.
	Postgres      bool             `json:"postgres"`
	SchemaVersion int64            `json:"schemaVersion"`
	Rows          map[string]int64 `json:"rows"` // by table
	Files         int              `json:"files"`
	// LostFiles are the hashes of files that the database names and that were not
	// there any more, DamagedFiles of those whose content is not theirs.
	LostFiles    []string `json:"lostFiles,omitempty"`
	DamagedFiles []string `json:"damagedFiles,omitempty"`
	Keys         bool     `json:"keys"`
	// Members are all others, in order. Reports leave them out.
	Members []Member `json:"members,omitempty"`
}

// Member is one file of a backup.
type Member struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`

	cut bool // its source broke off: the rest is zeros
}

// isCompressed tells from its name whether an archive is to be compressed.
func isCompressed(path string) (bool, error) {
	switch {
	case strings.HasSuffix(path, ".tar"):
		return false, nil
	case strings.HasSuffix(path, ".tar.gz"), strings.HasSuffix(path, ".tgz"):
		return true, nil
	}
	return false, hub.Errorf(hub.Invalid, "A backup's name ends in .tar, or in .tar.gz or .tgz to compress it. "+
		"For another compression write a .tar and compress that.")
}

// archiveWriter writes a backup under a temporary name.
type archiveWriter struct {
	file    *os.File
	gzip    *gzip.Writer // nil: not compressed
	tar     *tar.Writer
	now     time.Time
	members []Member
}

// newArchive begins an archive in a folder. close must be called.
func newArchive(dir string, compressed bool, now time.Time) (*archiveWriter, error) {
	f, err := os.CreateTemp(dir, "archive-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("begin the backup: %w", err)
	}
	w := &archiveWriter{file: f, now: now.Truncate(time.Second)}
	var out io.Writer = f
	if compressed {
		w.gzip, _ = gzip.NewWriterLevel(f, gzip.BestSpeed) // the level is a valid one
		out = w.gzip
	}
	w.tar = tar.NewWriter(out)
	return w, nil
}

// close closes the file, finished or not.
func (w *archiveWriter) close() { _ = w.file.Close() }

// add adds a member of exactly that size. When its source breaks off, the rest
// is zeros: the hash tells.
func (w *archiveWriter) add(name string, size int64, from io.Reader) (Member, error) {
	m := Member{Name: name, Size: size}
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: w.now}); err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	sum := sha256.New()
	to := io.MultiWriter(w.tar, sum)
	source := &failing{r: io.LimitReader(from, size)}
	n, err := io.Copy(to, source)
	if source.err == nil && err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	if n < size {
		m.cut = true
		if _, err := io.CopyN(to, zeros{}, size-n); err != nil {
			return m, fmt.Errorf("write the backup: %w", err)
		}
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	w.members = append(w.members, m)
	return m, nil
}

// addFile adds a file.
func (w *archiveWriter) addFile(name, path string) (Member, error) {
	f, err := os.Open(path)
	if err != nil {
		return Member{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Member{}, err
	}
	return w.add(name, info.Size(), f)
}

// whole refuses a member whose source broke off: without it the backup is worth
// nothing.
func whole(m Member, err error) error {
	if err == nil && m.cut {
		err = fmt.Errorf("write the backup: %s could not be read to its end", m.Name)
	}
	return err
}

// finish adds the manifest and makes the archive durable.
func (w *archiveWriter) finish(m *Manifest) error {
	m.Members = w.members
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if len(text) > maxManifest {
		return errors.New("write the backup: there are too many files for one archive")
	}
	if _, err := w.add(manifestMember, int64(len(text)), strings.NewReader(string(text))); err != nil {
		return err
	}
	err = w.tar.Close()
	if w.gzip != nil {
		err = errors.Join(err, w.gzip.Close())
	}
	if err = errors.Join(err, w.file.Sync()); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// place gives the finished archive its name. Without force it fails when there
// is such a file already.
func (w *archiveWriter) place(path string, force bool) error {
	err := fs.ErrExist
	if !force {
		err = os.Link(w.file.Name(), path) // fails where a rename would replace
		if errors.Is(err, fs.ErrExist) {
			return alreadyThere(path)
		}
	}
	if err != nil { // or a file system without links
		if err := os.Rename(w.file.Name(), path); err != nil {
			return fmt.Errorf("name the backup: %w", err)
		}
	}
	return syncDir(filepath.Dir(path))
}

func alreadyThere(path string) error {
	return hub.Errorf(hub.Conflict, "%s exists already; --force replaces it.", path)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// failing remembers that it was the reader that failed.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// archiveReader reads an archive that may come from anywhere. It hands out
// members whose names are known and whose sizes are possible, in the order in
// which a backup has them, each once.
type archiveReader struct {
	tar   *tar.Reader
	rest  io.Reader // what the tar reader reads
	limit int64     // of the size of a member
	seen  map[string]bool
	last  string
}

// maxExpansion is how much longer than itself what is compressed by DEFLATE
// (RFC 1951) can be.
const maxExpansion = 1032

func readArchive(f io.ReadSeeker) (*archiveReader, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, err
	}
	var magic [2]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil {
		return nil, damaged("it is empty")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r := &archiveReader{rest: f, limit: size, seen: make(map[string]bool)}
	if magic == [2]byte{0x1f, 0x8b} { // RFC 1952 §2.3.1
		unpacked, err := gzip.NewReader(f)
		if err != nil {
			return nil, damaged("its compression cannot be read")
		}
		r.rest, r.limit = unpacked, size*maxExpansion
	}
	r.tar = tar.NewReader(r.rest)
	return r, nil
}

// damaged is what is said of an archive that cannot be used.
func damaged(format string, args ...any) error {
	return hub.Errorf(hub.Invalid, "This is no whole backup: %s.", fmt.Sprintf(format, args...))
}

// next returns the next member, io.EOF after the last. Its content is to be
// read with read before the next call.
func (r *archiveReader) next() (Member, error) {
	header, err := r.tar.Next()
	if errors.Is(err, io.EOF) {
		return Member{}, r.end()
	}
	if err != nil {
		return Member{}, damaged("it ends too early, or is no tar archive")
	}
	m := Member{Name: header.Name, Size: header.Size}
	if err := r.check(header); err != nil {
		return m, err
	}
	r.seen[m.Name], r.last = true, m.Name
	return m, nil
}

func (r *archiveReader) check(h *tar.Header) error {
	if h.Typeflag != tar.TypeReg || h.Linkname != "" {
		return damaged("%.100q is no plain file", h.Name)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse") {
			return damaged("%.100q is no plain file", h.Name)
		}
	}
	limit := r.limit
	switch {
	case h.Name == keysMember:
		limit = min(limit, maxKeys)
	case h.Name == manifestMember:
		limit = min(limit, maxManifest)
	case h.Name != databaseMember && hashOf(h.Name) == "":
		return damaged("%.100q does not belong into it", h.Name)
	}
	switch {
	case r.seen[h.Name]:
		return damaged("%q is in it twice", h.Name)
	case r.last == manifestMember:
		return damaged("%q follows the manifest", h.Name)
	case h.Size < 0 || h.Size > limit:
		return damaged("%q has an impossible size", h.Name)
	}
	return nil
}

// read copies the content of a member, and completes the member's hash.
func (r *archiveReader) read(ctx context.Context, m *Member, to io.Writer) error {
	sum := sha256.New()
	source := &failing{r: &interruptible{ctx, r.tar}}
	n, err := io.Copy(io.MultiWriter(to, sum), source)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case source.err != nil || err == nil && n != m.Size:
		return damaged("%q breaks off", m.Name)
	case err != nil:
		return err
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// end makes sure that nothing but zeros follows the archive, and that its
// checksum, when it is compressed, is right.
func (r *archiveReader) end() error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.rest.Read(buf)
		for _, b := range buf[:n] {
			if b != 0 {
				return damaged("something follows its end")
			}
		}
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return damaged("its compression breaks off")
		}
	}
}

// interruptible ends with its context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// fileMember is the name of an uploaded file in an archive, and its path in the
// files folder.
func fileMember(hash string) string { return filesMember + filePath(hash) }

func filePath(hash string) string { return hash[:2] + "/" + hash[2:] }

// hashOf returns the hash that a member's name stands for, "" when it is not
// that of an uploaded file.
func hashOf(name string) string {
	path, found := strings.CutPrefix(name, filesMember)
	if !found || len(path) != 2*sha256.Size+1 || path[2] != '/' {
		return ""
	}
	hash := path[:2] + path[3:]
	if strings.Trim(hash, "0123456789abcdef") != "" {
		return ""
	}
	return hash
}
