package delivery_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

func answerAtOnce(int) (hub.Response, time.Duration) { return status(204), 0 }

// spaced checks that no request came sooner after the one before.
func spaced(t *testing.T, came []time.Time, gap time.Duration) {
	t.Helper()
	for i := 1; i < len(came); i++ {
		if got := came[i].Sub(came[i-1]); got < gap-time.Millisecond {
			t.Fatalf("request %d came %s after the one before, want %s", i+1, got, gap)
		}
	}
}

// TestRateLimit: a limit of 60 a minute is one a second, and what has to wait
// for it does not count as being sent.
func TestRateLimit(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.RateLimit = 60 }, func(r *rig, w hub.OutgoingWebhook) {
		times := r.answers(w, answerAtOnce)
		const events = 100
		var last hub.DeliveryID
		for range events {
			last = r.publish("all.x", "").Deliveries[0].ID
		}
		for range 9 {
			time.Sleep(10*time.Second + 500*time.Millisecond)
			s, err := r.engine.Stats(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if s.Active > 5 || s.Active+s.Pending+s.Completed != events {
				t.Errorf("%d active, %d pending, %d completed", s.Active, s.Pending, s.Completed)
			}
		}
		if err := r.engine.Cancel(context.Background(), last); err != nil {
			t.Errorf("cancel what waits for the rate limit: %v", err)
		}
		time.Sleep(10 * time.Second)
		came := times()
		spaced(t, came, time.Second)
		if took := came[len(came)-1].Sub(came[0]); len(came) != events-1 || took > events*time.Second {
			t.Errorf("%d requests in %s", len(came), took)
		}
		r.verify()
	})
}

// TestSlowRateLimit: with a request a minute, even the next one is not held in
// memory until its time has come.
func TestSlowRateLimit(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.RateLimit = 1 }, func(r *rig, w hub.OutgoingWebhook) {
		times := r.answers(w, answerAtOnce)
		for range 5 {
			r.publish("all.x", "")
		}
		for range 4 {
			time.Sleep(30 * time.Second)
			if n := r.count(hub.DeliveryActive); n != 0 {
				t.Errorf("%d are called active", n)
			}
			time.Sleep(30 * time.Second)
		}
		time.Sleep(time.Minute)
		spaced(t, times(), time.Minute)
		if n := len(times()); n != 5 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestNothingWaitsInMemory: while the queue is paused, a Retry-After runs or a
// breaker is open, deliveries are due in the store, where they can be canceled
// and retried, and go out afterwards.
func TestNothingWaitsInMemory(t *testing.T) {
	tests := map[string]struct {
		answer  hub.Response
		pause   bool
		answers int // the answer so often, then success
	}{
		"queue paused":   {status(204), true, 1},
		"Retry-After":    {status(429, "Retry-After", "60"), false, 1},
		"breaker opened": {status(500), false, 2 * hub.BreakerFailures},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			onRig(t, func(p *hub.Policy) { p.Concurrency, p.MaxRetries = 2, 20 }, func(r *rig, w hub.OutgoingWebhook) {
				ctx := context.Background()
				r.answers(w, func(n int) (hub.Response, time.Duration) {
					if n <= tt.answers {
						return tt.answer, time.Second
					}
					return status(204), time.Second
				})
				const events = 40
				var ids []hub.DeliveryID
				for range events {
					ids = append(ids, r.publish("all.x", "").Deliveries[0].ID)
				}
				synctest.Wait()
				if n := r.count(hub.DeliveryActive); n != events {
					t.Fatalf("%d are in memory at first, want all", n)
				}
				if tt.pause {
					if err := r.engine.PauseAll(ctx); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(7500 * time.Millisecond) // the first five requests of each slot, at most
				if n := r.count(hub.DeliveryActive); n > 1 {
					t.Errorf("%d are active", n)
				}
				// Neither is among those that were sent first.
				if err := r.engine.Cancel(ctx, ids[events-1]); err != nil {
					t.Errorf("cancel: %v", err)
				}
				if err := r.engine.Retry(ctx, ids[events-2]); err != nil {
					t.Errorf("retry: %v", err)
				}
				if tt.pause {
					if err := r.engine.ResumeAll(ctx); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * time.Hour)
				if got := r.count(hub.DeliverySuccess); got != events-1 || r.count(hub.DeliveryCanceled) != 1 {
					t.Errorf("%d arrived, %d canceled", got, r.count(hub.DeliveryCanceled))
				}
				r.verify()
			})
		})
	}
}

// TestCancelOutOfMemory: what is leased and waits for a slot can be canceled and
// retried; what is being sent cannot.
func TestCancelOutOfMemory(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.Concurrency = 1 }, func(r *rig, w hub.OutgoingWebhook) {
		ctx := context.Background()
		times := r.answers(w, func(int) (hub.Response, time.Duration) { return status(204), 20 * time.Second })
		var ids []hub.DeliveryID
		for range 3 {
			ids = append(ids, r.publish("all.x", "").Deliveries[0].ID)
		}
		synctest.Wait()
		if err := r.engine.Cancel(ctx, ids[0]); hub.CodeOf(err) != hub.Conflict {
			t.Errorf("cancel what is being sent: %v", err)
		}
		if err := r.engine.Retry(ctx, ids[2]); err != nil {
			t.Errorf("retry what waits: %v", err)
		}
		if err := r.engine.Cancel(ctx, ids[1]); err != nil {
			t.Errorf("cancel what waits: %v", err)
		}
		if err := r.engine.Cancel(ctx, ids[1]); hub.CodeOf(err) != hub.Conflict {
			t.Errorf("cancel it again: %v", err)
		}
		time.Sleep(time.Minute)
		if n := len(times()); n != 2 || r.delivery(ids[1]).Status != hub.DeliveryCanceled || r.count(hub.DeliverySuccess) != 2 {
			t.Errorf("%d requests, the canceled one is %s", n, r.delivery(ids[1]).Status)
		}
		r.verify()
	})
}

// TestReplayPace: the pace of a replay holds for deliveries that wait for each
// other as for others.
func TestReplayPace(t *testing.T) {
	for _, key := range []string{"", "m:1"} {
		onRig(t, func(p *hub.Policy) { p.MaxRetries = 0 }, func(r *rig, w hub.OutgoingWebhook) {
			r.answers(w, func(int) (hub.Response, time.Duration) { return status(500), 0 })
			for range 8 { // the breaker stays closed
				r.publish("all.x", key)
			}
			time.Sleep(time.Minute)
			times := r.answers(w, answerAtOnce)
			r.mu.Lock()
			clear(r.finished) // a new series
			r.mu.Unlock()
			n, err := r.engine.Replay(context.Background(), hub.ReplayRequest{WebhookID: w.ID, Status: hub.DeliveryFailed, RatePerMinute: 30})
			if n != 8 || err != nil {
				t.Fatal(n, err)
			}
			time.Sleep(time.Minute)
			spaced(t, times(), 2*time.Second)
			if got := len(times()); got != 8 {
				t.Errorf("key %q: %d requests", key, got)
			}
			r.verify()
		})
	}
}

// TestStatsWithoutDeletedWebhooks: what a deleted webhook left is in the sums
// only.
func TestStatsWithoutDeletedWebhooks(t *testing.T) {
	onRig(t, nil, func(r *rig, w hub.OutgoingWebhook) {
		r.addWebhook("well", nil)
		r.publish("all.x", "")
		time.Sleep(time.Minute)
		if _, err := r.store.DeleteOutgoingWebhook(context.Background(), w.ID, nil); err != nil {
			t.Fatal(err)
		}
		r.reload()
		s, err := r.engine.Stats(context.Background())
		if err != nil || s.Completed != 2 || len(s.Lanes) != 1 || s.Lanes[0].State != hub.WebhookActive {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// halfStore refuses some calls while it is told to.
type halfStore struct {
	delivery.Store
	claim, mark, record atomic.Bool
}

var errDown = errors.New("the database is away")

func (h *halfStore) Claim(ctx context.Context, node string, quotas []hub.Quota) ([]hub.Job, []hub.LaneDue, error) {
	if h.claim.Load() {
		return nil, nil, errDown
	}
	return h.Store.Claim(ctx, node, quotas)
}

func (h *halfStore) SetMark(ctx context.Context, webhook hub.WebhookID, node string, mark int64) error {
	if h.mark.Load() {
		return errDown
	}
	return h.Store.SetMark(ctx, webhook, node, mark)
}

func (h *halfStore) Record(ctx context.Context, outcomes []*hub.Outcome) ([]hub.Recorded, error) {
	if h.record.Load() {
		return nil, hub.Wrap(hub.Unavailable, errDown, "The database is away.")
	}
	return h.Store.Record(ctx, outcomes)
}

// TestProgress: whatever keeps a lane from sending what it may send shows, and
// what it has to wait for does not.
func TestProgress(t *testing.T) {
	tests := map[string]struct {
		spoil func(h *halfStore)
		// work makes deliveries wait; more of them, where it matters, than outcomes
		// may wait.
		work  func(r *rig, w hub.OutgoingWebhook)
		stuck bool
	}{
		"nothing to do": {func(*halfStore) {}, func(*rig, hub.OutgoingWebhook) {}, false},
		"claims fail": {func(h *halfStore) { h.claim.Store(true) }, func(r *rig, w hub.OutgoingWebhook) {
			r.setState(w.ID, hub.WebhookPaused)
			r.publish("all.x", "")
			r.setState(w.ID, hub.WebhookActive)
		}, true},
		"marks fail": {func(h *halfStore) { h.mark.Store(true) }, func(r *rig, _ hub.OutgoingWebhook) {
			r.publishBehindFailure()
		}, true},
		"outcomes cannot be recorded": {func(h *halfStore) { h.record.Store(true) }, func(r *rig, _ hub.OutgoingWebhook) {
			for range 1000 {
				r.publish("all.x", "")
			}
		}, true},
		"paused": {func(*halfStore) {}, func(r *rig, _ hub.OutgoingWebhook) {
			if err := r.engine.PauseAll(context.Background()); err != nil {
				r.t.Fatal(err)
			}
			r.publish("all.x", "")
		}, false},
		"a Retry-After": {func(*halfStore) {}, func(r *rig, w hub.OutgoingWebhook) {
			r.answers(w, func(int) (hub.Response, time.Duration) { return status(429, "Retry-After", "3600"), 0 })
			r.publish("all.x", "")
		}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hub.db")
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, newWorld(t, 1), path)
				defer r.close()
				w := r.addWebhook("well", nil)
				half := &halfStore{}
				r.stop()
				r.wrap = func(s delivery.Store) delivery.Store { half.Store = s; return half }
				r.start()
				r.answers(w, answerAtOnce)
				time.Sleep(time.Hour)
				tt.spoil(half)
				began := time.Now()
				tt.work(r, w)
				synctest.Wait()
				if since := r.engine.Progress(); !since.IsZero() && since.Before(began.Add(-time.Second)) {
					t.Errorf("stuck for %s at once", time.Since(since))
				}
				time.Sleep(10 * time.Minute)
				since := r.engine.Progress()
				if stuck := !since.IsZero() && time.Since(since) > 9*time.Minute; stuck != tt.stuck {
					t.Errorf("ten minutes later: since %s; want stuck %v", since, tt.stuck)
				}
				half.claim.Store(false)
				half.mark.Store(false)
				half.record.Store(false)
				time.Sleep(time.Minute)
				if since := r.engine.Progress(); !since.IsZero() {
					t.Errorf("when all is well again: stuck since %s", since)
				}
			})
		})
	}
}

// publishBehindFailure stores an event whose lease counts on a mark that went
// with a commit which failed.
func (r *rig) publishBehindFailure() {
	r.t.Helper()
	route := func() hub.Routing {
		return r.engine.Route(&hub.Event{
			ID: hub.EventID(r.ids.New()), Type: "all.x", Time: r.store.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub},
		})
	}
	first, second := route(), route()
	r.engine.Settle(false, first)
	if err := r.store.Publish(context.Background(), nil, second); err != nil {
		r.t.Fatal(err)
	}
	r.engine.Settle(true, second)
}

// TestStopRecords: an outcome that waits for the next try when the hub stops is
// tried once more. What was taken is not sent again after the restart.
func TestStopRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newWorld(t, 1), path)
		defer r.close()
		w := r.addWebhook("well", nil)
		half := &halfStore{}
		r.stop()
		r.wrap = func(s delivery.Store) delivery.Store { half.Store = s; return half }
		r.start()
		r.answers(w, answerAtOnce)
		half.record.Store(true)
		id := string(r.publish("all.x", "").Deliveries[0].ID)
		synctest.Wait() // it was sent, and its outcome refused
		half.record.Store(false)
		r.stop()
		r.start()
		time.Sleep(time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.sends[id] != 1 || r.answered[id] != 1 {
			t.Errorf("sent %d times, taken %d times", r.sends[id], r.answered[id])
		}
	})
}
