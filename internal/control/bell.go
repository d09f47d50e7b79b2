package control

import "sync"

// Bell tells any number of waiting streams that the event log has grown. The
// zero value is ready; it is safe for concurrent use.
type Bell struct {
	mu sync.Mutex
	ch chan struct{} // nil while nobody waits
}

// Ring wakes all who wait. It never blocks, so it may be called by the
// store's writer after a commit.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// Wait returns a channel that is closed at the next Ring. Take it before
// reading the log, so that nothing is missed in between.
func (b *Bell) Wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}
