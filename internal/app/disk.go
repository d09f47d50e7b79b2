package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nself-chat/hub"
)

// diskCheckEvery is how old the last look at the disk may be.
const diskCheckEvery = time.Second

// diskGate refuses intake when a disk is nearly full, so that what was
// acknowledged can still be recorded, and while the database is not in its place. It
// opens again by itself.
type diskGate struct {
	folders func() []string
	reserve int64 // bytes; 0: the gate is always open
	now     func() time.Time
	free    func(dir string) (int64, error)
	log     *slog.Logger
	// place fails while the database is not where it was; nil: that is not looked at.
	place func() error

	mu      sync.Mutex
	checked time.Time
	refusal error // of a full disk
	lost    error // what place said
}

func newDiskGate(folders func() []string, reserve int64, now func() time.Time, log *slog.Logger) *diskGate {
	return &diskGate{folders: folders, reserve: reserve, now: now, free: freeBytes, log: log}
}

// Check returns a StorageFull error while less than the reserve is free on the
// disk of any of the folders, and what place says before that.
func (g *diskGate) Check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look()
	if g.lost != nil {
		return g.lost
	}
	return g.refusal
}

// CheckPlace is Check for the database's place alone.
func (g *diskGate) CheckPlace(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.look()
	return g.lost
}

// Run looks also when nobody asks, so that the log tells.
func (g *diskGate) Run(ctx context.Context) error {
	tick := time.NewTicker(diskCheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = g.Check() // it has been logged
		}
	}
}

// look looks, unless it was done just now. The lock is held.
func (g *diskGate) look() {
	now := g.now()
	if age := now.Sub(g.checked); age >= 0 && age < diskCheckEvery {
		return
	}
	g.checked = now
	if g.place != nil {
		g.lookAtPlace()
	}
	if g.reserve > 0 {
		g.lookAtSpace()
	} else {
		g.refusal = nil
	}
}

func (g *diskGate) lookAtPlace() {
	lost := g.place()
	switch {
	case lost != nil && g.lost == nil:
		g.log.Error("intake refused: the database is not in its place, and what this hub stores from now on goes when it ends; "+
			"put its files back, or stop the hub and restore a backup", "error", lost)
	case lost == nil && g.lost != nil:
		g.log.Warn("the database is in its place again")
	}
	g.lost = lost
}

func (g *diskGate) lookAtSpace() {
	folder, free, err := leastFree(g.folders(), g.free)
	switch {
	case err != nil:
		g.refusal = nil // the write itself will tell
	case free < g.reserve:
		if g.refusal == nil {
			g.log.Error("intake refused: the disk is nearly full; free some space, or lower HUB_DISK_RESERVE",
				"folder", folder, "freeMiB", free>>20, "reserveMiB", g.reserve>>20)
		}
		g.refusal = hub.Errorf(hub.StorageFull, "The hub's disk is nearly full; nothing was stored. Its operator has to free some space.")
	default:
		g.refusal = nil
	}
}

// DiskFolders are the folders whose disks the hub fills: those of the data, of
// an embedded database and of the uploaded files. One that is still to be made
// is named by the nearest folder above it.
func (c Config) DiskFolders() []string {
	folders := []string{existingFolder(c.DataDir)}
	if !c.Database.Postgres {
		folders = append(folders, existingFolder(filepath.Dir(c.Database.Path)))
	}
	return append(folders, existingFolder(c.Files.Dir))
}

// CheckFiles fails when no file can be made in the folder of the uploaded files, or, when
// that is still to be made, in the nearest folder above it. Nothing stays. A disk that is
// full is no failure: the gate deals with it.
func (c Config) CheckFiles() (exists bool, err error) {
	folder := c.Files.Dir
	info, err := os.Stat(folder)
	for errors.Is(err, fs.ErrNotExist) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		info, err = os.Stat(folder)
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", folder)
	}
	if err == nil {
		err = tryFile(folder)
	}
	if err != nil {
		return false, fmt.Errorf("uploaded files cannot be stored in %s: %w; give the folder to the user of the hub (chown), "+
			"or name another with HUB_FILES", c.Files.Dir, err)
	}
	return folder == c.Files.Dir, nil
}

// tryFile makes a file and removes it.
func tryFile(folder string) error {
	f, err := os.CreateTemp(folder, ".incoming-*") // the name that a hub clears away when it is left over (chat.Blobs)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// existingFolder is path, or the nearest folder above it that exists.
func existingFolder(path string) string {
	for {
		parent := filepath.Dir(path)
		if _, err := os.Stat(path); err == nil || parent == path {
			return path
		}
		path = parent
	}
}

// leastFree returns the folder with the least free space. Folders that cannot
// be asked are passed over; it fails when none can.
func leastFree(folders []string, freeOf func(string) (int64, error)) (folder string, free int64, err error) {
	var errs []error
	for _, f := range folders {
		n, err := freeOf(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if folder == "" || n < free {
			folder, free = f, n
		}
	}
	if folder == "" {
		return "", 0, errors.Join(errs...)
	}
	return folder, free, nil
}

// freeBytes is the space that this process may still use on dir's disk.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
