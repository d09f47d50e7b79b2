package chat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nself-chat/hub"
)

// Blobs keeps the content of files in a folder, each under the SHA-256 of its
// content: "<Dir>/ab/cdef…". A blob that is there is complete and on disk. It
// is safe for concurrent use, by several processes with one folder, too, as long
// as each writes and removes one hash by one caller at a time; Service sees to
// that, and to it that no blob is removed which a row uses.
type Blobs struct {
	// Dir is the folder; it is made when absent.
	Dir string
	// Gate is asked again while a long upload comes in; its error ends it, as
	// when the disk's reserve is reached. nil: always open.
	Gate func() error
}

// gateEvery is how many bytes of an upload are taken in between two looks at the
// gate.
const gateEvery = 1 << 20

// incomingPrefix begins the names of files that are still being written.
const incomingPrefix = ".incoming-"

// incoming is content that was received and is not kept yet.
type incoming struct {
	file *os.File
	hash string
	size int64
	head []byte // the first 512 bytes
}

// receive writes r into a temporary file in the folder. It is TooLarge when
// there are more than limit bytes.
func (b *Blobs) receive(r io.Reader, limit int64) (*incoming, error) {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return nil, diskError(err)
	}
	f, err := os.CreateTemp(b.Dir, incomingPrefix+"*") // mode 0600
	if err != nil {
		return nil, diskError(err)
	}
	in := &incoming{file: f}
	if err := in.fill(r, limit, b.Gate); err != nil {
		in.drop()
		return nil, err
	}
	return in, nil
}

func (in *incoming) fill(r io.Reader, limit int64, gate func() error) error {
	sum := sha256.New()
	source := &source{r: io.LimitReader(r, limit+1), gate: gate}
	size, err := io.Copy(io.MultiWriter(in.file, sum), source)
	switch {
	case source.err != nil:
		return source.refusal(limit)
	case err != nil:
		return diskError(err)
	case size > limit:
		return tooLarge(limit)
	}
	in.size, in.hash = size, hex.EncodeToString(sum.Sum(nil))
	in.head = make([]byte, min(size, 512))
	if _, err := in.file.ReadAt(in.head, 0); err != nil && !errors.Is(err, io.EOF) {
		return diskError(err)
	}
	return nil
}

// source remembers whether it was the reader that failed, not the disk. It
// fails when the gate closes.
type source struct {
	r     io.Reader
	gate  func() error // nil: always open
	asked int          // bytes since the gate was asked
	err   error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.asked += n; s.asked >= gateEvery && s.gate != nil && err == nil {
		s.asked = 0
		err = s.gate()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *source) refusal(limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](s.err); ok {
		return tooLarge(limit)
	}
	if _, ok := errors.AsType[*hub.Error](s.err); ok {
		return s.err
	}
	return hub.Wrap(hub.Invalid, s.err, "The upload ended before it was complete.")
}

func tooLarge(limit int64) error {
	return hub.Errorf(hub.TooLarge, "A file may have at most %d bytes.", limit)
}

// drop removes the temporary file. A blob that was made of it stays.
func (in *incoming) drop() {
	_ = in.file.Close()
	_ = os.Remove(in.file.Name()) // what stays is swept
}

// keep makes the content a blob: on disk, under its hash. One that is there
// already is left as it is. The temporary file stays, so that the content can be
// kept again when another process removed the blob meanwhile.
func (b *Blobs) keep(in *incoming) error {
	path := b.path(in.hash)
	if b.has(path, in.size) {
		return nil
	}
	if err := in.file.Sync(); err != nil {
		return diskError(err)
	}
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return diskError(err)
	}
	// Also when it was there: who made it may not have come this far.
	if err := syncDir(b.Dir); err != nil {
		return diskError(err)
	}
	twin, err := in.twin()
	if err != nil {
		return diskError(err)
	}
	if err := os.Rename(twin, path); err != nil {
		_ = os.Remove(twin)
		return diskError(err)
	}
	if err := syncDir(dir); err != nil {
		return diskError(err)
	}
	return nil
}

// has reports whether a blob is there. It opens it, because a network file system
// may remember for a while what it would say of a name.
func (b *Blobs) has(path string, size int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Size() == size
}

// twin returns another file with the same content, on disk: the same one under
// a second name, or a copy where the file system has no such names.
func (in *incoming) twin() (name string, err error) {
	name = in.file.Name() + "-" + rand.Text()
	if os.Link(in.file.Name(), name) == nil {
		return name, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, io.NewSectionReader(in.file, 0, in.size))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(name)
	}
	return name, err
}

// path is where the blob of a hash lies.
func (b *Blobs) path(hash string) string { return filepath.Join(b.Dir, hash[:2], hash[2:]) }

// open opens a blob for reading.
func (b *Blobs) open(hash string) (*os.File, error) {
	if !isHash(hash) {
		return nil, errors.New("chat: a stored hash is malformed")
	}
	f, err := os.Open(b.path(hash))
	if err != nil {
		return nil, fmt.Errorf("chat: open a file: %w", err)
	}
	return f, nil
}

// setAside takes a blob away in a manner that can be undone; one that is not
// there is no error. name is where, and has not been used.
func (b *Blobs) setAside(hash, name string) error {
	if err := os.Rename(b.path(hash), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("chat: remove a file: %w", err)
	}
	return nil
}

// asideName returns a name for setAside. What is left there is swept.
func (b *Blobs) asideName() string { return filepath.Join(b.Dir, incomingPrefix+rand.Text()) }

// putBack undoes setAside, unless the blob was made anew.
func (b *Blobs) putBack(hash, name string) error {
	if _, err := os.Stat(b.path(hash)); err == nil {
		return b.removeAside(name)
	}
	if err := os.Rename(name, b.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("chat: put back a file: %w", err)
	}
	return nil
}

// removeAside removes for good what was set aside.
func (b *Blobs) removeAside(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("chat: remove a file: %w", err)
	}
	return nil
}

// sweep removes temporary files that were last written before a time, and
// calls old with the hash of every blob that was, which it may remove. Its error
// ends the sweep.
func (b *Blobs) sweep(before time.Time, old func(hash string) error) error {
	err := filepath.WalkDir(b.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed meanwhile, or no file was ever kept
			}
			return err
		}
		info, err := entry.Info()
		if err != nil || entry.IsDir() || !info.ModTime().Before(before) {
			return nil //nolint:nilerr // removed meanwhile
		}
		switch hash := filepath.Base(filepath.Dir(path)) + entry.Name(); {
		case strings.HasPrefix(entry.Name(), incomingPrefix):
			return os.Remove(path)
		case isHash(hash):
			return old(hash)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("chat: sweep the files folder: %w", err)
	}
	return nil
}

func isHash(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// syncDir makes the entries of a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// diskError turns what the file system says into what a caller may be told.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return hub.Wrap(hub.StorageFull, err, "The hub's disk is full; nothing was stored.")
	}
	return fmt.Errorf("chat: store a file: %w", err)
}
