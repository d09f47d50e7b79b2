package delivery_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// countingStore counts the batches of outcomes that it records.
type countingStore struct {
	delivery.Store
	batches atomic.Int64
}

func (s *countingStore) Record(ctx context.Context, outcomes []*hub.Outcome) ([]hub.Recorded, error) {
	s.batches.Add(1)
	return s.Store.Record(ctx, outcomes)
}

// TestOutcomesAreRecordedAtAPace: what nobody waits for is recorded every ten
// milliseconds, what a conversation waits for at once.
func TestOutcomesAreRecordedAtAPace(t *testing.T) {
	for name, tt := range map[string]struct {
		key         string
		least, most int64
	}{"unordered": {"", 9, 12}, "in a conversation": {"c", 100, 100}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hub.db")
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, newWorld(t, 1), path)
				defer r.close()
				r.stop()
				counting := &countingStore{}
				r.wrap = func(s delivery.Store) delivery.Store {
					counting.Store = s
					return counting
				}
				r.start()
				w := r.addWebhook("well", nil)
				r.answers(w, func(int) (hub.Response, time.Duration) { return status(200), 0 })
				for range 100 {
					r.publish("all.x", tt.key)
					time.Sleep(time.Millisecond)
				}
				time.Sleep(time.Second)
				if n := counting.batches.Load(); n < tt.least || n > tt.most || r.count(hub.DeliverySuccess) != 100 {
					t.Errorf("%d deliveries in %d batches, want 100 in %d to %d", r.count(hub.DeliverySuccess), n, tt.least, tt.most)
				}
			})
		})
	}
}

// TestBacklogIsNotPaced: a lane with a backlog sends as fast as its receiver answers.
// How far it may send is stored with outcomes, which therefore are not kept waiting.
func TestBacklogIsNotPaced(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.Concurrency = 10 }, func(r *rig, w hub.OutgoingWebhook) {
		const events, takes = 1000, 500 * time.Microsecond
		times := r.answers(w, func(int) (hub.Response, time.Duration) { return status(200), takes })
		r.setState(w.ID, hub.WebhookPaused)
		for range events {
			r.publish("all.x", "")
		}
		r.setState(w.ID, hub.WebhookActive)
		time.Sleep(10 * time.Second)
		came := times()
		if len(came) != events {
			t.Fatalf("%d requests, want %d", len(came), events)
		}
		if took, want := came[events-1].Sub(came[0]), events/10*takes; took > want*3/2 {
			t.Errorf("the backlog took %s, want hardly more than %s", took, want)
		}
	})
}
