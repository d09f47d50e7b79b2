package ingress

import (
	"context"
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// maxBodies is how many bytes of bodies are in memory at once, of all calls.
	maxBodies = 256 << 20
	// maxShare is how many of them belong to one webhook, or to refused calls.
	maxShare = maxBodies / 4
	// roomWait is how long a body waits for room each time that it grows.
	roomWait = time.Second
)

// room is the memory for bodies: a semaphore of bytes. No holder gets more
// than a share of it, so that whoever sends much to one webhook, and slowly,
// leaves room for the others. It is safe for concurrent use.
type room struct {
	total, share int64

	mu    sync.Mutex
	used  int64
	by    map[hub.IncomingID]int64 // those who hold something; "": refused calls
	freed chan struct{}            // closed when something is given back; nil: nobody waits
}

func newRoom(total, share int64) *room {
	return &room{total: total, share: share, by: make(map[hub.IncomingID]int64)}
}

// take takes n bytes for a holder, after waiting for them if need be, and
// reports whether it got them. What was taken is given back with give.
func (r *room) take(ctx context.Context, who hub.IncomingID, n int64, wait time.Duration) bool {
	taken, freed := r.try(who, n)
	if taken || wait <= 0 {
		return taken
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for !taken {
		select {
		case <-freed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
		taken, freed = r.try(who, n)
	}
	return true
}

// try takes n bytes if they are there; else freed is closed when trying again
// is worth while.
func (r *room) try(who hub.IncomingID, n int64) (taken bool, freed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used+n <= r.total && r.by[who]+n <= r.share {
		r.used += n
		r.by[who] += n
		return true, nil
	}
	if r.freed == nil {
		r.freed = make(chan struct{})
	}
	return false, r.freed
}

// give gives n bytes back.
func (r *room) give(who hub.IncomingID, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= n
	r.by[who] -= n
	if r.by[who] == 0 {
		delete(r.by, who)
	}
	if r.freed != nil {
		close(r.freed)
		r.freed = nil
	}
}
