package store

import (
	"context"
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// turnPatience is how long the writer may wait for its turn, another process's
	// included that stopped in the middle (idleTime), before that is worth a word.
	turnPatience = idleTime + time.Second
	// refusalKept is how long a writer is taken for one that may not begin after it
	// was refused last. Nobody may write afterwards, as requests go elsewhere, so
	// that it cannot prove the contrary.
	refusalKept = 5 * time.Second
)

// turn is the writer's wait for its transactions. It is safe for concurrent use.
type turn struct {
	mu      sync.Mutex
	since   time.Time // it waits; zero: it does not
	refused time.Time // it was told so last; zero: it began since
	err     error
}

func (t *turn) wanted() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = time.Now()
}

func (t *turn) over(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since, t.refused, t.err = time.Time{}, time.Time{}, err
	if err != nil && hub.CodeOf(err) != hub.StorageFull { // every other hub would say so, too
		t.refused = time.Now()
	}
}

// CheckWriter fails while what is written waits for its turn, or is refused it.
func (s *Store) CheckWriter(context.Context) error {
	t := &s.w.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	switch waits := time.Since(t.since); {
	case !t.since.IsZero() && waits > turnPatience:
		return hub.Errorf(hub.Unavailable, "What is to be stored has waited %s for its turn.", waits.Round(time.Second))
	case !t.refused.IsZero() && time.Since(t.refused) < refusalKept:
		return hub.Wrap(hub.Unavailable, t.err, "The database takes nothing in.")
	}
	return nil
}

// CheckRoom fails when the tables have no room for what happens now.
func (s *Store) CheckRoom(ctx context.Context) error {
	ahead, err := s.WeeksAhead(ctx)
	if err == nil && ahead < 0 {
		err = hub.Errorf(hub.Unavailable, "The tables have no room for this week: a partition is missing. The hub that leads makes it, and its log says why it cannot.")
	}
	return err
}
