package control

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// tailAge is how long what was read is good for: text may be taken out of
	// the log, and the bell of another process may not be heard here.
	tailAge = time.Second
	// tailEvents and maxBytes bound what is kept.
	tailEvents = 1024
)

// tail keeps the newest events, so that the streams that wait at the end of
// the log share one reading of it. The zero value is ready; it is safe for
// concurrent use.
type tail struct {
	mu    sync.Mutex
	began time.Time
	// events are all with numbers above from, up to last.
	events     []*hub.Event
	from, last int64
	// rung is closed when the log has grown since it was read to its end; nil:
	// it was not read to its end.
	rung <-chan struct{}
}

// after returns at most limit events with a number above seq, oldest first,
// as the store does. They are shared and must not be changed.
func (t *tail) after(ctx context.Context, s *Service, seq int64, limit int) ([]*hub.Event, error) {
	t.mu.Lock()
	if now := s.Now(); seq > t.last || now.Sub(t.began).Abs() > tailAge {
		t.began, t.events, t.from, t.last, t.rung = now, nil, seq, seq, nil
	}
	if seq < t.from {
		t.mu.Unlock()
		return s.Store.EventsAfter(ctx, seq, limit)
	}
	defer t.mu.Unlock()
	found := t.above(seq)
	if len(found) < limit && !t.atEnd() {
		if err := t.read(ctx, s, limit); err != nil {
			return nil, err
		}
		found = t.above(seq)
	}
	t.trim()
	n := min(len(found), limit)
	return found[:n:n], nil
}

func (t *tail) above(seq int64) []*hub.Event {
	i, _ := slices.BinarySearchFunc(t.events, seq+1, func(e *hub.Event, seq int64) int { return cmp.Compare(e.Seq, seq) })
	return t.events[i:]
}

// atEnd reports whether nothing has come since the log was read to its end.
func (t *tail) atEnd() bool {
	if t.rung == nil {
		return false
	}
	select {
	case <-t.rung:
		return false
	default:
		return true
	}
}

// read adds the events that follow the last one.
func (t *tail) read(ctx context.Context, s *Service, limit int) error {
	rung := s.Bell.Wait() // before the reading, so that nothing is missed
	batch, err := s.Store.EventsAfter(ctx, t.last, limit)
	if err != nil {
		return err
	}
	if t.rung = rung; len(batch) == limit {
		t.rung = nil
	}
	if len(batch) > 0 {
		t.events = append(t.events, batch...)
		t.last = batch[len(batch)-1].Seq
	}
	return nil
}

// trim forgets the oldest events beyond the bounds. What was given away stays
// as it is.
func (t *tail) trim() {
	keep, bytes := len(t.events), 0
	for keep > 0 && len(t.events)-keep < tailEvents && bytes < maxBytes {
		keep--
		bytes += len(t.events[keep].Data)
	}
	if keep > 0 {
		t.from = t.events[keep-1].Seq
		t.events = slices.Clone(t.events[keep:])
	}
}
