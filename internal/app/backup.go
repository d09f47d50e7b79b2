package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/store"
)

// Progress says how far a long command is.
type Progress struct {
	Step string // what is being done, for people
	// Done of Total; Total 0: not known. Before were done by an earlier run.
	Done, Before, Total int64
	Bytes               bool // that is what is counted; else rows
}

// BackupOptions say what to back up and where to.
type BackupOptions struct {
	Path     string // of the archive: .tar, .tar.gz or .tgz
	Force    bool   // replace what is there
	WithKeys bool
	Version  string // of this program
	Now      func() time.Time
	Progress func(Progress) // from one goroutine at a time
}

// BackupReport is what a backup came to.
type BackupReport struct {
	Path string `json:"path"`
	Size int64  `json:"size"` // bytes
	*Manifest
}

// snapshotTries is how often the database is copied anew because files went
// away while those that had just come were being added.
const snapshotTries = 10

// Backup writes a backup of a hub, which may be at work. Files are added first
// and the database is copied then, so that what it names is there: a file is on
// disk before a row names it. What comes or goes in between is seen to. The
// archive appears under its name when it is whole and on disk.
func Backup(ctx context.Context, c Config, o BackupOptions) (*BackupReport, error) {
	compressed, err := isCompressed(o.Path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(o.Path); err == nil && !o.Force {
		return nil, alreadyThere(o.Path)
	}
	b := &backup{c: c, o: o, manifest: &Manifest{Format: archiveFormat, Version: o.Version, Postgres: c.Database.Postgres, Keys: o.WithKeys}}
	if o.WithKeys {
		if b.keys, err = c.keysText(); err != nil {
			return nil, err
		}
	}
	// Not in the data folder: a hub refuses work when the disk is full.
	if b.scratch, err = os.MkdirTemp(filepath.Dir(o.Path), ".hub-backup-*"); err != nil {
		return nil, fmt.Errorf("begin the backup: %w", err)
	}
	defer func() { _ = os.RemoveAll(b.scratch) }()
	if b.archive, err = newArchive(b.scratch, compressed, o.Now()); err != nil {
		return nil, err
	}
	defer b.archive.close()
	if err := WithDatabase(ctx, c, b.run); err != nil {
		return nil, err
	}
	info, err := os.Stat(o.Path)
	if err != nil {
		return nil, err
	}
	b.manifest.Members = nil
	return &BackupReport{Path: o.Path, Size: info.Size(), Manifest: b.manifest}, nil
}

// backup is a backup under way.
type backup struct {
	c        Config
	o        BackupOptions
	keys     string
	scratch  string // folder of what is not finished
	live     *store.Store
	archive  *archiveWriter
	manifest *Manifest
	added    map[string]bool // files, by hash
}

func (b *backup) run(ctx context.Context, db *Database) error {
	b.live, b.added = db.store, make(map[string]bool)
	if err := b.hasRoom(ctx); err != nil {
		return err
	}
	if _, err := b.addFiles(ctx, b.live.Blobs); err != nil {
		return err
	}
	copied, err := b.copyDatabase(ctx)
	if err != nil {
		return err
	}
	defer copied.Close()
	if err := b.describe(ctx, copied); err != nil {
		return err
	}
	if err := whole(b.archive.addFile(databaseMember, b.databasePath())); err != nil {
		return err
	}
	if b.keys != "" {
		if err := whole(b.archive.add(keysMember, int64(len(b.keys)), strings.NewReader(b.keys))); err != nil {
			return err
		}
	}
	if err := b.archive.finish(b.manifest); err != nil {
		return err
	}
	return b.archive.place(b.o.Path, b.o.Force)
}

func (b *backup) databasePath() string { return filepath.Join(b.scratch, databaseMember) }

// hasRoom refuses a backup that cannot fit. The copy of the database is there
// twice for a moment.
func (b *backup) hasRoom(ctx context.Context) error {
	need, err := b.live.Size(ctx)
	if err != nil {
		return err
	}
	if b.archive.gzip == nil {
		need *= 2
		err = b.live.Blobs(ctx, func(_ string, size int64) error {
			need += size
			return nil
		})
		if err != nil {
			return err
		}
	}
	free, err := freeBytes(b.scratch)
	if err != nil {
		return err
	}
	if free-b.c.DiskReserve < need {
		return hub.Errorf(hub.StorageFull, "The backup needs about %d MiB in %s, where %d MiB are free, %d MiB of them kept in reserve.",
			need>>20, filepath.Dir(b.o.Path), free>>20, b.c.DiskReserve>>20)
	}
	return nil
}

// addFiles adds the files that a database names and that were not added yet. It
// returns those that are not there.
func (b *backup) addFiles(ctx context.Context, named func(context.Context, func(string, int64) error) error) (missing []string, err error) {
	var hashes []string
	p := Progress{Step: "uploaded files", Bytes: true}
	err = named(ctx, func(hash string, size int64) error {
		if len(hash) != 64 || hashOf(fileMember(hash)) != hash {
			return fmt.Errorf("the database names a file with a malformed hash")
		}
		if !b.added[hash] {
			hashes = append(hashes, hash)
			p.Total += size
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, hash := range hashes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := b.archive.addFile(fileMember(hash), filepath.Join(b.c.Files.Dir, filepath.FromSlash(filePath(hash))))
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, hash)
			continue
		}
		if err != nil {
			return nil, err
		}
		b.added[hash] = true
		b.manifest.Files++
		if m.SHA256 != hash {
			b.manifest.DamagedFiles = append(b.manifest.DamagedFiles, hash)
		}
		p.Done += m.Size
		b.o.Progress(p)
	}
	return missing, nil
}

// copyDatabase copies the database, and adds the files that came meanwhile.
// Those of them that went again at once are not in the next copy.
func (b *backup) copyDatabase(ctx context.Context) (copied *store.File, err error) {
	for try := 1; ; try++ {
		b.manifest.CreatedAt = b.o.Now().UTC()
		if err := b.saveCopy(ctx); err != nil {
			return nil, err
		}
		if copied, err = store.OpenFile(b.databasePath()); err != nil {
			return nil, err
		}
		missing, err := b.addFiles(ctx, copied.Blobs)
		if err != nil {
			return nil, errors.Join(err, copied.Close())
		}
		gone, err := b.anyGone(ctx, missing)
		if err != nil {
			return nil, errors.Join(err, copied.Close())
		}
		if !gone || try == snapshotTries {
			b.manifest.LostFiles = missing
			return copied, nil
		}
		if err := errors.Join(copied.Close(), os.Remove(b.databasePath())); err != nil {
			return nil, err
		}
	}
}

// anyGone reports whether one of the files has been deleted since the database
// was copied. The others were lost before.
func (b *backup) anyGone(ctx context.Context, missing []string) (bool, error) {
	for _, hash := range missing {
		used, err := b.live.BlobUsed(ctx, hash)
		if err != nil || !used {
			return !used, err
		}
	}
	return false, nil
}

func (b *backup) saveCopy(ctx context.Context) error {
	if !b.c.Database.Postgres {
		b.o.Progress(Progress{Step: "database"})
		return store.SaveCopy(ctx, b.c.Database.Path, b.databasePath())
	}
	_, err := store.Copy(ctx, store.CopyOptions{
		From: b.c.storeOptions(), To: store.Options{Path: b.databasePath(), Synchronous: "OFF"},
		Running: true, Searchable: chat.Searchable, Progress: copyProgress(b.o.Progress),
	})
	if _, left := os.Lstat(b.databasePath() + "-wal"); err == nil && left == nil {
		err = errors.New("the copy of the database was not closed")
	}
	return err
}

// describe looks for damage, and notes what there is.
func (b *backup) describe(ctx context.Context, copied *store.File) (err error) {
	b.o.Progress(Progress{Step: "check of the copy"})
	if err := copied.Check(ctx); err != nil {
		return fmt.Errorf("the hub's database is damaged, and no backup was made of it: %w", err)
	}
	if b.manifest.SchemaVersion, err = copied.Schema(ctx); err != nil {
		return err
	}
	b.manifest.Rows, err = copied.Rows(ctx)
	return err
}

// keysText returns the keys as a keys file has them.
func (c Config) keysText() (string, error) {
	if _, err := c.CheckKeys(); err != nil {
		return "", err
	}
	if !c.SecretKeys.IsZero() {
		return c.SecretKeys.Reveal() + "\n", nil
	}
	text, err := os.ReadFile(c.KeysFile())
	return string(text), err
}

// copyProgress shows the progress of a copy.
func copyProgress(show func(Progress)) func(store.CopyProgress) {
	steps := map[store.CopyStep]string{
		store.CopyRows: "copy ", store.CopySearch: "index ", store.CopyCompare: "compare ", store.CopyVerify: "verify",
	}
	return func(p store.CopyProgress) {
		if p.Step == store.CopyVerify {
			p.Total = 0
		}
		show(Progress{Step: steps[p.Step] + strings.TrimPrefix(p.Table, "nchat_"), Done: p.Done, Before: p.Before, Total: p.Total})
	}
}
