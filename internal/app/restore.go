package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/store"
)

// RestoreOptions say what to restore. Where to, the configuration does.
type RestoreOptions struct {
	Path     string
	Force    bool // move aside what is there
	Now      func() time.Time
	Progress func(Progress) // from one goroutine at a time
}

// KeysState says whether what is sealed in a database can be opened.
type KeysState string

// The states.
const (
	KeysFit     KeysState = "fit"
	KeysMissing KeysState = "missing"
	KeysWrong   KeysState = "wrong" // those that are there do not fit
)

// RestoreReport is what a restore came to.
type RestoreReport struct {
	*Manifest
	Database string `json:"database"` // where it is now
	// MovedTo is the folder to which --force moved what was there.
	MovedTo string `json:"movedTo,omitempty"`
	// KeysFit says whether the hub can open what is sealed in the database;
	// KeysFile is where it looks for the keys unless they are configured.
	KeysFit  KeysState `json:"keysFit"`
	KeysFile string    `json:"keysFile"`
	// Verify is what Verify found in the restored database.
	Verify *hub.VerifyReport `json:"verify"`
}

// Restore puts a backup in the place that the configuration names, after the
// whole archive was read and found to be what its manifest says. The database
// comes last: until then there is none, and the restore can be repeated.
//
// Errors of package hub: Invalid (no whole backup), Conflict (a database is
// there, or a hub is running), StorageFull.
func Restore(ctx context.Context, c Config, o RestoreOptions) (report *RestoreReport, err error) {
	if c.Database.Postgres && o.Force {
		return nil, hub.Errorf(hub.Invalid, "--force moves files aside, not the tables of Postgres. Name an empty database, or another HUB_DATABASE_SCHEMA.")
	}
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &restore{c: c, o: o, archive: f, report: &RestoreReport{Database: c.Database.Path, KeysFile: c.KeysFile()}}
	if c.Database.Postgres {
		r.report.Database = "Postgres"
	}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	return r.report, nil
}

// restore is a restore under way.
type restore struct {
	c        Config
	o        RestoreOptions
	archive  *os.File
	report   *RestoreReport
	lock     io.Closer
	database *os.File // the database before it has its name
	present  []string // what is in its place
	copies   []string // beside it, from before the migrations of a database
	keys     []byte   // of the archive
	checked  map[string]Member
}

// databaseFiles are the names of a database and of what belongs to it.
func (r *restore) databaseFiles() []string {
	path := r.c.Database.Path
	return []string{path, path + "-wal", path + "-shm"}
}

// prepare takes the place.
func (r *restore) prepare() (err error) {
	folder := filepath.Dir(r.c.Database.Path)
	if r.c.Database.Postgres {
		folder = r.c.DataDir
	}
	for _, dir := range []string{r.c.DataDir, folder} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if !r.c.Database.Postgres {
		if r.lock, err = store.Lock(r.c.Database.Path); err != nil {
			return err
		}
		for _, path := range r.databaseFiles() {
			if _, err := os.Lstat(path); err == nil {
				r.present = append(r.present, path)
			}
		}
		if r.copies, err = store.MigrationCopies(r.c.Database.Path); err != nil {
			return errors.Join(err, r.close())
		}
	}
	if err := r.removeLeftovers(folder); err != nil {
		return errors.Join(err, r.close())
	}
	if r.present != nil && !r.o.Force {
		return errors.Join(hub.Errorf(hub.Conflict, "There is a database already: %s. --force moves it aside, or name another HUB_DATA_DIR.",
			r.present[0]), r.close())
	}
	r.database, err = os.CreateTemp(folder, unnamed) // mode 0600
	if err != nil {
		return errors.Join(err, r.close())
	}
	return nil
}

// unnamed is the pattern of the names of databases that are being restored.
const unnamed = ".restore-*.db"

// unfinishedRestores returns the databases in a folder that are being restored, or were
// when a restore was killed.
func unfinishedRestores(folder string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(folder), unnamed) // the folder's name is no pattern
	for i := range names {
		names[i] = filepath.Join(folder, names[i])
	}
	return names, err
}

// removeLeftovers removes what restores that were killed have left. The lock
// says that none is at work.
func (r *restore) removeLeftovers(folder string) error {
	if r.lock == nil {
		return nil
	}
	old, err := unfinishedRestores(folder)
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// close removes what is not finished.
func (r *restore) close() error {
	var errs []error
	if r.database != nil {
		_ = r.database.Close()
		if err := os.Remove(r.database.Name()); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
	}
	return errors.Join(errs...)
}

func (r *restore) run(ctx context.Context) error {
	if err := r.check(ctx); err != nil {
		return err
	}
	sealed, err := r.checkDatabase(ctx)
	if err != nil {
		return err
	}
	if err := r.moveAside(); err != nil {
		return err
	}
	if err := r.placeKeys(); err != nil {
		return err
	}
	if err := r.placeFiles(ctx); err != nil {
		return err
	}
	if err := r.placeDatabase(ctx); err != nil {
		return err
	}
	r.report.KeysFit = r.c.keysFor(sealed)
	return nil
}

// check reads the archive from end to end, and writes nothing but the database,
// which has no name yet.
func (r *restore) check(ctx context.Context) error {
	reader, err := readArchive(r.archive)
	if err != nil {
		return err
	}
	free, err := freeBytes(filepath.Dir(r.database.Name()))
	if err != nil {
		return err
	}
	r.checked = make(map[string]Member)
	var found []Member
	var manifest, keys bytes.Buffer
	p := Progress{Step: "check of the backup", Bytes: true}
	for {
		m, err := reader.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var to io.Writer = io.Discard
		switch m.Name {
		case databaseMember:
			to = r.database
		case manifestMember:
			to = &manifest
		case keysMember:
			to = &keys
		}
		if to == r.database && m.Size > free-r.c.DiskReserve {
			return hub.Errorf(hub.StorageFull, "The database of the backup has %d MiB, %d MiB are free.", m.Size>>20, free>>20)
		}
		if err := reader.read(ctx, &m, to); err != nil {
			return err
		}
		if m.Name != manifestMember {
			found = append(found, m)
			r.checked[m.Name] = m
		}
		p.Done += m.Size
		r.o.Progress(p)
	}
	if manifest.Len() == 0 {
		return damaged("it has no manifest")
	}
	if _, there := r.checked[keysMember]; there {
		r.keys = keys.Bytes()
	}
	return r.compare(manifest.Bytes(), found)
}

// compare holds the members against the manifest.
func (r *restore) compare(text []byte, found []Member) error {
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return damaged("its manifest cannot be read")
	}
	known, err := store.SchemaVersion()
	if err != nil {
		return err
	}
	if m.Format > archiveFormat || m.SchemaVersion > known {
		return hub.Errorf(hub.Conflict, "The backup was made by a newer hub (%.40q); restore it with that one.", m.Version)
	}
	if m.Format != archiveFormat {
		return damaged("its manifest is of no known format")
	}
	for i := range max(len(found), len(m.Members)) {
		switch {
		case i >= len(found):
			return damaged("%.100q is missing", m.Members[i].Name)
		case i >= len(m.Members), found[i].Name != m.Members[i].Name:
			return damaged("%q is not in its place in the manifest", found[i].Name)
		case found[i] != m.Members[i]:
			return damaged("%q is not what the manifest says", found[i].Name)
		}
		hash := hashOf(found[i].Name)
		if hash != "" && hash != found[i].SHA256 && !slices.Contains(m.DamagedFiles, hash) {
			return damaged("%q is not what its name says", found[i].Name)
		}
	}
	if _, there := r.checked[databaseMember]; !there {
		return damaged("it has no database")
	}
	if (r.keys != nil) != m.Keys {
		return damaged("its manifest is wrong about the keys")
	}
	for _, hash := range slices.Concat(m.LostFiles, m.DamagedFiles) {
		if len(hash) < 2 || hashOf(fileMember(hash)) != hash {
			return damaged("its manifest names files that cannot be")
		}
	}
	r.report.Manifest = m
	r.report.Members = nil // of no interest to who asked
	return nil
}

// checkDatabase looks for damage, and returns what tells which keys fit.
func (r *restore) checkDatabase(ctx context.Context) (sealed string, err error) {
	r.o.Progress(Progress{Step: "check of the database"})
	if err := r.database.Sync(); err != nil {
		return "", err
	}
	f, err := store.OpenFile(r.database.Name())
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := f.Check(ctx); err != nil {
		return "", fmt.Errorf("the database of the backup is damaged: %w", err)
	}
	return f.Setting(ctx, keysSetting)
}

// moveAside moves what is there into a folder of its own.
func (r *restore) moveAside() error {
	old, err := os.ReadFile(r.c.KeysFile())
	different := err == nil && r.keys != nil && !bytes.Equal(old, r.keys)
	if different && !r.o.Force {
		return hub.Errorf(hub.Conflict, "%s is there and differs from the keys of the backup; move it away.", r.c.KeysFile())
	}
	if r.present == nil && r.copies == nil && !different {
		return nil
	}
	aside := filepath.Join(filepath.Dir(r.c.Database.Path), "before-restore-"+r.o.Now().UTC().Format("20060102T150405Z"))
	if err := os.Mkdir(aside, 0o700); err != nil {
		return err
	}
	r.report.MovedTo = aside
	if r.present != nil {
		// First what may be on a disk of its own.
		if err := os.Rename(r.c.Files.Dir, filepath.Join(aside, "files")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the files cannot be moved to %s; move them yourself, or name another HUB_FILES: %w", aside, err)
		}
	}
	for _, path := range slices.Concat(r.copies, r.present) {
		if err := os.Rename(path, filepath.Join(aside, filepath.Base(path))); err != nil {
			return err
		}
	}
	if old == nil {
		return nil
	}
	if different {
		return os.Rename(r.c.KeysFile(), filepath.Join(aside, keysMember))
	}
	return os.WriteFile(filepath.Join(aside, keysMember), old, 0o600)
}

// placeKeys writes the keys file, unless it is there.
func (r *restore) placeKeys() error {
	if r.keys == nil {
		return nil
	}
	root, err := os.OpenRoot(r.c.DataDir)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Lstat(filepath.Base(r.c.KeysFile())); err == nil {
		return nil // the same (moveAside)
	}
	return placeFile(root, filepath.Base(r.c.KeysFile()), func(to io.Writer) error {
		_, err := to.Write(r.keys)
		return err
	})
}

// placeFile writes a file into a folder, or one below it that exists, so that it
// is whole when it has its name.
func placeFile(root *os.Root, name string, write func(io.Writer) error) (err error) {
	// The name that a hub clears away when it is left over (chat.Blobs).
	temporary := filepath.Join(filepath.Dir(name), ".incoming-"+filepath.Base(name))
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		_ = root.Remove(temporary)
	}
	return err
}

// placeFiles writes the uploaded files. The paths are made of hashes, not of the
// names in the archive, and cannot leave the folder.
func (r *restore) placeFiles(ctx context.Context) error {
	p := Progress{Step: "uploaded files", Bytes: true}
	r.report.Files = 0
	for name, m := range r.checked {
		if hashOf(name) != "" {
			p.Total += m.Size
			r.report.Files++
		}
	}
	if r.report.Files == 0 {
		return nil
	}
	if err := os.MkdirAll(r.c.Files.Dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(r.c.Files.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if free, err := freeBytes(r.c.Files.Dir); err != nil || p.Total > free-r.c.DiskReserve {
		return errors.Join(err, hub.Errorf(hub.StorageFull, "The files of the backup have %d MiB, %d MiB are free.", p.Total>>20, free>>20))
	}
	folders := make(map[string]bool)
	reader, err := readArchive(r.archive)
	if err != nil {
		return err
	}
	for {
		m, err := reader.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		hash := hashOf(m.Name)
		if hash == "" || slices.Contains(r.report.DamagedFiles, hash) {
			continue
		}
		if err := root.Mkdir(hash[:2], 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		folders[hash[:2]] = true
		if err := r.placeBlob(ctx, root, reader, m, hash); err != nil {
			return err
		}
		p.Done += m.Size
		r.o.Progress(p)
	}
	for folder := range folders {
		if err := syncDir(filepath.Join(r.c.Files.Dir, folder)); err != nil {
			return err
		}
	}
	return syncDir(r.c.Files.Dir)
}

func (r *restore) placeBlob(ctx context.Context, root *os.Root, reader *archiveReader, m Member, hash string) error {
	path := filepath.FromSlash(filePath(hash))
	if info, err := root.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() == m.Size {
		return nil // from a restore that was interrupted
	}
	return placeFile(root, path, func(to io.Writer) error {
		if err := reader.read(ctx, &m, to); err != nil {
			return err
		}
		if m.SHA256 != hash {
			return damaged("%q has changed while it was read", m.Name)
		}
		return nil
	})
}

// placeDatabase gives the database its name, or copies it to Postgres, and
// holds it against its invariants.
func (r *restore) placeDatabase(ctx context.Context) error {
	if r.c.Database.Postgres {
		report, err := store.Copy(ctx, store.CopyOptions{
			From: store.Options{Path: r.database.Name()}, To: r.c.storeOptions(), Running: true,
			Command: "hub restore",
			Name:    "the backup with the database " + r.checked[databaseMember].SHA256[:16], Searchable: chat.Searchable,
			Progress: copyProgress(r.o.Progress),
		})
		if err == nil && report.Already {
			err = hub.Errorf(hub.Conflict, "This backup was restored to the Postgres database already.")
		}
		r.report.Verify = report.Verify
		return err
	}
	if err := os.Rename(r.database.Name(), r.c.Database.Path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(r.c.Database.Path)); err != nil {
		return err
	}
	r.o.Progress(Progress{Step: "verify"})
	return WithDatabase(ctx, r.c, func(ctx context.Context, db *Database) (err error) {
		r.report.Verify, err = db.Verify(ctx)
		return err
	})
}

// keysFor reports whether the hub's keys open what was sealed by the keys of a
// database (checkKeys). sealed is empty for a database without a sealed thing.
func (c Config) keysFor(sealed string) KeysState {
	keys, err := c.readKeys()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return KeysMissing
	case err != nil:
		return KeysWrong
	case sealed == "":
		return KeysFit
	}
	if _, err := keys.Open(sealed, keysSetting); err != nil {
		return KeysWrong
	}
	return KeysFit
}
