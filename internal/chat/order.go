package chat

import (
	"context"
	"sync"

	"github.com/nself-chat/hub"
)

// order lets one change at a time pass for each key, in the order in which
// they came. The zero value is ready; it is safe for concurrent use.
type order struct {
	mu    sync.Mutex
	turns map[string]*turn
}

// turn is the right to change what one key names.
type turn struct {
	taken chan struct{} // capacity 1
	users int           // who has it or waits for it
}

// wait waits for the key's turn. The caller must call done when its change is
// over. ctx ends the waiting.
func (o *order) wait(ctx context.Context, key string) (done func(), err error) {
	o.mu.Lock()
	t := o.turns[key]
	if t == nil {
		if o.turns == nil {
			o.turns = make(map[string]*turn)
		}
		t = &turn{taken: make(chan struct{}, 1)}
		o.turns[key] = t
	}
	t.users++
	o.mu.Unlock()
	select {
	case t.taken <- struct{}{}:
		return func() {
			<-t.taken
			o.leave(key, t)
		}, nil
	case <-ctx.Done():
		o.leave(key, t)
		return nil, hub.Wrap(hub.Unavailable, ctx.Err(), "The request was given up before anything was stored.")
	}
}

func (o *order) leave(key string, t *turn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(o.turns, key)
	}
}
