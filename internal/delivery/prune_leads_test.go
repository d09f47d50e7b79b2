package delivery_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// prunedStore counts who asks it to remove something.
type prunedStore struct {
	delivery.PruneStore
	weeks, rows, sizes atomic.Int64
}

func (s *prunedStore) PruneWeeks(context.Context, hub.Retention, int) (hub.Pruned, error) {
	s.weeks.Add(1)
	return hub.Pruned{}, nil
}

func (s *prunedStore) Prune(context.Context, hub.Retention, hub.EventID, int) (hub.Pruned, hub.EventID, error) {
	s.rows.Add(1)
	return hub.Pruned{}, "", nil
}

func (s *prunedStore) ByWeek() bool { return false }

func (s *prunedStore) InUse(context.Context) (int64, error) {
	s.sizes.Add(1)
	return 0, nil
}

// TestOnlyTheLeaderPrunes: of several hubs one cleans up, the one that leads, as
// soon as it does and no longer than that.
func TestOnlyTheLeaderPrunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &prunedStore{}
		var leads atomic.Bool
		var also atomic.Int64
		p := &delivery.Pruner{
			Store: store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Finished: time.Hour, Bytes: 1,
			Leads: leads.Load,
			Also:  []func(context.Context) error{func(context.Context) error { also.Add(1); return nil }},
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = p.Run(ctx) }()
		for _, step := range []bool{false, true, false} {
			leads.Store(step)
			<-time.After(time.Hour)
			synctest.Wait()
			asked := []bool{store.weeks.Swap(0) > 0, store.rows.Swap(0) > 0, store.sizes.Swap(0) > 0, also.Swap(0) > 0}
			if asked[0] != step || asked[1] != step || asked[2] != step || asked[3] != step {
				t.Errorf("it leads: %t; asked to remove weeks, rows, to look at the size, and for the rest: %v", step, asked)
			}
		}
		stop()
		<-ended
	})
}
