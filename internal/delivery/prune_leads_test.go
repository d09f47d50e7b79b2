package delivery_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// prunedStore counts who asks it to remove something.
type prunedStore struct {
	delivery.PruneStore
	weeks, rows, sizes int
}

func (s *prunedStore) PruneWeeks(context.Context, hub.Retention) (hub.Pruned, error) {
	s.weeks++
	return hub.Pruned{}, nil
}

func (s *prunedStore) Prune(context.Context, hub.Retention, hub.EventID, int) (hub.Pruned, hub.EventID, error) {
	s.rows++
	return hub.Pruned{}, "", nil
}

func (s *prunedStore) Size(context.Context) (int64, error) {
	s.sizes++
	return 0, nil
}

func (s *prunedStore) OldestAge(context.Context) (time.Time, error) { return time.Time{}, nil }

// TestOnlyTheLeaderPrunes: of several hubs one cleans up, the one that leads, as
// soon as it does and no longer than that.
func TestOnlyTheLeaderPrunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, leads, also := &prunedStore{}, false, 0
		p := &delivery.Pruner{
			Store: store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Finished: time.Hour, Bytes: 1,
			Leads: func() bool { return leads },
			Also:  []func(context.Context) error{func(context.Context) error { also++; return nil }},
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = p.Run(ctx) }()
		for _, step := range []bool{false, true, false} {
			leads = step
			*store, also = prunedStore{}, 0
			<-time.After(time.Hour)
			synctest.Wait()
			if asked := []bool{store.weeks > 0, store.rows > 0, store.sizes > 0, also > 0}; asked[0] != step || asked[1] != step || asked[2] != step || asked[3] != step {
				t.Errorf("it leads: %t; asked to remove weeks, rows, to look at the size, and for the rest: %v", step, asked)
			}
		}
		stop()
		<-ended
	})
}
