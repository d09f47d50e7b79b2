package app

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nself-chat/hub"
)

// diskCheckEvery is how old the last look at the disk may be.
const diskCheckEvery = time.Second

// diskGate refuses intake when the disk is nearly full, so that what was
// acknowledged can still be recorded. It opens again by itself.
type diskGate struct {
	dir     string
	reserve int64 // bytes; 0: the gate is always open
	now     func() time.Time
	free    func(dir string) (int64, error)
	log     *slog.Logger

	mu      sync.Mutex
	checked time.Time
	refusal error
}

func newDiskGate(dir string, reserve int64, now func() time.Time, log *slog.Logger) *diskGate {
	return &diskGate{dir: dir, reserve: reserve, now: now, free: freeBytes, log: log}
}

// Check returns a StorageFull error while less than the reserve is free.
func (g *diskGate) Check() error {
	if g.reserve == 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if age := now.Sub(g.checked); age >= 0 && age < diskCheckEvery {
		return g.refusal
	}
	g.checked = now
	free, err := g.free(g.dir)
	switch {
	case err != nil:
		g.refusal = nil // the write itself will tell
	case free < g.reserve:
		if g.refusal == nil {
			g.log.Error("intake refused: the disk is nearly full; free some space, or lower HUB_DISK_RESERVE",
				"freeMiB", free>>20, "reserveMiB", g.reserve>>20)
		}
		g.refusal = hub.Errorf(hub.StorageFull, "The hub's disk is nearly full; nothing was stored. Its operator has to free some space.")
	default:
		g.refusal = nil
	}
	return g.refusal
}

// freeBytes is the space that this process may still use on dir's disk.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
