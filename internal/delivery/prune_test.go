package delivery_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// prunable is a rig with finished work of several ages.
func prunable(t *testing.T, path string) *rig {
	r := newRig(t, newWorld(t, 1), path)
	r.addWebhook("well", nil)
	r.addWebhook("dead", func(p *hub.Policy) { p.MaxRetries = 1 })
	return r
}

func (r *rig) pruner(change func(*delivery.Pruner)) *delivery.Pruner {
	p := &delivery.Pruner{Store: r.store, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	change(p)
	return p
}

func (r *rig) round(p *delivery.Pruner) {
	r.t.Helper()
	if err := p.Round(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) close() {
	r.stop()
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

func TestPruneByAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.publish("custom.0", "") // goes to the webhook that takes everything at once
		r.publish("custom.1", "") // goes to the one that never does
		time.Sleep(40 * time.Minute)
		r.publish("custom.0", "")
		synctest.Wait()
		age := r.pruner(func(p *delivery.Pruner) { p.Finished, p.Failed = 30*time.Minute, 90*time.Minute })
		r.round(age)
		if report := r.verify(); report.Events != 2 || report.Deliveries != 2 {
			t.Errorf("after 40 minutes: %+v, want the dead letter and the young one", report)
		}
		time.Sleep(60 * time.Minute)
		r.publish("custom.0", "")
		time.Sleep(time.Second)
		r.round(age)
		if report := r.verify(); report.Events != 1 {
			t.Errorf("after 100 minutes: %+v, want the young one", report)
		}
		s, err := r.engine.Stats(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.Completed != 1 || s.Failed != 0 {
			t.Errorf("counters after the clean-up: %+v", s)
		}
	})
}

func TestPruneKeepsWhatIsUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.setState(r.hooks[0].ID, hub.WebhookPaused)
		r.publish("custom.0", "")
		time.Sleep(100 * time.Minute)
		r.publish("custom.2", "")
		r.round(r.pruner(func(p *delivery.Pruner) { p.Finished, p.Failed = time.Minute, time.Minute }))
		if report := r.verify(); report.Deliveries != 1 {
			t.Errorf("what is on hold was removed: %+v", report)
		}
	})
}

func TestPruneByQuota(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		for range 3000 {
			r.publish("custom.0", "")
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		before, err := r.store.Size(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		quota := before * 2 / 3
		r.round(r.pruner(func(p *delivery.Pruner) { p.Bytes = quota }))
		after, err := r.store.Size(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		report := r.verify()
		if after > quota || report.Events == 0 || report.Events == 3000 {
			t.Errorf("quota %d: %d bytes before, %d after, %d events left", quota, before, after, report.Events)
		}
	})
}

// large is the size of the bodies of calls in these tests.
const large = 100 << 10

// receive logs n calls of incoming webhooks with large bodies.
func (r *rig) receive(n int) (ids []hub.CallID) {
	r.t.Helper()
	for range n {
		c := hub.Call{
			ID: hub.CallID(r.ids.New()), Verdict: "accepted", Status: 200, Body: make([]byte, large), BodySize: large, CreatedAt: r.store.Now(),
		}
		if err := r.store.LogCall(context.Background(), nil, &c); err != nil {
			r.t.Fatal(err)
		}
		ids = append(ids, c.ID)
		time.Sleep(10 * time.Millisecond)
	}
	return ids
}

func (r *rig) size() int64 {
	r.t.Helper()
	size, err := r.store.Size(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return size
}

// TestPruneByQuotaInOrder: the bodies of calls go first, then finished work;
// dead letters only when nothing else is left, which the log warns of. Of each
// the oldest goes first, and no more than has to.
func TestPruneByQuotaInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := prunable(t, path)
		defer r.close()
		r.answers(r.hooks[1], func(int) (hub.Response, time.Duration) { return status(500), 0 })
		r.publish("custom.1", "") // never taken
		time.Sleep(time.Minute)
		calls := r.receive(50)
		for range 300 {
			r.publish("custom.0", "")
		}
		time.Sleep(time.Minute)
		r.publish("custom.1", "")
		time.Sleep(time.Minute)
		var log bytes.Buffer
		prune := func(quota int64) {
			t.Helper()
			r.round(r.pruner(func(p *delivery.Pruner) {
				p.Bytes, p.Log = quota, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			}))
		}
		body := func(id hub.CallID) int {
			t.Helper()
			c, err := r.store.Call(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			return len(c.Body)
		}
		quota := r.size() - 30*large
		prune(quota)
		if r.size() > quota || body(calls[0]) != 0 || body(calls[20]) != 0 || body(calls[35]) != large {
			t.Errorf("quota %d, now %d; bodies of %d, %d, %d bytes", quota, r.size(), body(calls[0]), body(calls[20]), body(calls[35]))
		}
		if report := r.verify(); report.Events != 302 {
			t.Errorf("%d events are left although bodies were enough", report.Events)
		}
		prune(quota - 22*large) // more than the bodies that are left
		if body(calls[49]) != 0 || r.count(hub.DeliverySuccess) == 300 || r.count(hub.DeliveryFailed) != 2 {
			t.Errorf("%d succeeded, %d failed, the last body has %d bytes",
				r.count(hub.DeliverySuccess), r.count(hub.DeliveryFailed), body(calls[49]))
		}
		if log.Len() > 0 {
			t.Errorf("warned of: %s", log.String())
		}
		prune(1)
		if r.count(hub.DeliverySuccess) != 0 || r.count(hub.DeliveryFailed) != 1 { // the newest event always stays
			t.Errorf("%d succeeded, %d failed", r.count(hub.DeliverySuccess), r.count(hub.DeliveryFailed))
		}
		if !strings.Contains(log.String(), "failed deliveries") {
			t.Errorf("the log warns of %q", log.String())
		}
		r.verify()
	})
}
