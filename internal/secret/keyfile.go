package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxKeyFile bounds what is read of a keys file, in bytes: some hundreds of keys.
const maxKeyFile = 64 << 10

const keyFileHeader = `# Keys that seal the credentials in the hub's database, one "id:base64" per line.
# The first one seals, all of them open. Without this file the sealed credentials are lost:
# keep a copy of it, apart from the copies of the database.
`

// LoadOrCreate reads the keys file at path, and makes one with a new key if there is none. The new file is complete
// and on disk before it appears under its name, with mode 0600; of two processes that make it at once both use the
// same one. The directory must exist.
func LoadOrCreate(path string) (*Keys, error) {
	keys, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := createKeyFile(path); err != nil {
		return nil, fmt.Errorf("secret: create keys file %s: %w", path, err)
	}
	return Load(path)
}

// Load reads the keys file at path: the syntax of [ParseKeys] with one key per line and comments after "#". A file
// that anyone but its owner may read or write is refused (on systems that have such permissions). The error for a file
// that is not there satisfies errors.Is(err, fs.ErrNotExist).
func Load(path string) (*Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("secret: open keys file: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("secret: look at keys file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("secret: keys file %s is not a regular file", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("secret: keys file %s is open to other users of this machine (mode %04o): run chmod 600 %s",
			path, perm, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("secret: read keys file: %w", err)
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("secret: keys file %s is longer than %d bytes", path, maxKeyFile)
	}
	keys, err := parseKeys(stripComments(string(text)))
	if err != nil {
		return nil, fmt.Errorf("secret: keys file %s: %w", path, err)
	}
	return keys, nil
}

func stripComments(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, "#")
	}
	return strings.Join(lines, "\n")
}

// createKeyFile writes a temporary file beside path and links it into place, because a link, unlike a rename, fails
// when another process was first.
func createKeyFile(path string) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(tmp.Name()))) }()

	_, err = tmp.WriteString(keyFileHeader + newKey() + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := place(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// place gives the finished file its name. A file system without hard links gets a rename, which is still atomic: there
// the only process that could be in the way is another first start on the same data.
func place(tmp, path string) error {
	err := os.Link(tmp, path)
	switch {
	case err == nil, errors.Is(err, fs.ErrExist):
		return nil
	default:
		return os.Rename(tmp, path)
	}
}

// newKey returns a random key with a random id, as a line of a keys file.
func newKey() string {
	var id [4]byte
	var key [keyBytes]byte
	_, _ = rand.Read(id[:])  // never returns an error
	_, _ = rand.Read(key[:]) // never returns an error
	return "k" + hex.EncodeToString(id[:]) + ":" + base64.StdEncoding.EncodeToString(key[:])
}

// syncDir makes the new name durable. Windows cannot flush a directory and does not need to.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
