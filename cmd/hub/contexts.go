package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"
)

// hubContext is one hub that is known by a name.
type hubContext struct {
	URL   string `yaml:"url"`
	Token string `yaml:"token"`
}

// contextsFile is the file of all contexts of a user.
type contextsFile struct {
	Current  string                `yaml:"current,omitempty"`
	Contexts map[string]hubContext `yaml:"contexts"`

	path string
}

// contextsPath is where the contexts are kept.
func (r *reach) contextsPath() (string, error) {
	folder := r.lookup("XDG_CONFIG_HOME")
	if !filepath.IsAbs(folder) { // as the XDG Base Directory Specification says
		home := r.lookup("HOME")
		if home == "" {
			return "", fail(exitFailed, "there is no place for contexts: set HOME or XDG_CONFIG_HOME")
		}
		folder = filepath.Join(home, ".config")
	}
	return filepath.Join(folder, "nself-chat-hub", "contexts.yaml"), nil
}

// contexts reads the contexts; none are no error.
func (r *reach) contexts() (*contextsFile, error) {
	path, err := r.contextsPath()
	if err != nil {
		return nil, err
	}
	f := &contextsFile{path: path, Contexts: map[string]hubContext{}}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fail(exitFailed, "%s holds tokens and may be read by others: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(f); err != nil {
		return nil, fail(exitFailed, "%s cannot be read as the contexts that `hub context add` writes: mend it, or remove it", path)
	}
	if f.Contexts == nil {
		f.Contexts = map[string]hubContext{}
	}
	return f, nil
}

// changeContexts reads the contexts, has them changed and keeps them, unless the
// change fails. Of commands that do so at the same time each sees what the one
// before it kept.
func (r *reach) changeContexts(change func(*contextsFile) error) (*contextsFile, error) {
	path, err := r.contextsPath()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// The file itself is replaced, so that a lock of it would be of the one before.
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // which unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("%s cannot be locked: %w", lock.Name(), err)
	}
	known, err := r.contexts()
	if err != nil {
		return nil, err
	}
	if err := change(known); err != nil {
		return nil, err
	}
	return known, known.save()
}

// named fails unless there is a context with that name.
func (f *contextsFile) named(name string) error {
	if _, ok := f.Contexts[name]; !ok {
		return fail(exitNotFound, "there is no context %q%s", name, f.names())
	}
	return nil
}

// save replaces the file as a whole. Only its owner may read it.
func (f *contextsFile) save() (err error) {
	text, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), ".contexts-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), f.path)
}

// sorted are the names of the contexts.
func (f *contextsFile) sorted() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// names lists the contexts for a message.
func (f *contextsFile) names() string {
	if len(f.Contexts) == 0 {
		return ""
	}
	return fmt.Sprintf(" (there is %s)", join(f.sorted(), "and"))
}
