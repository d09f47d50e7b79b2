package delivery_test

import (
	"context"
	"log/slog"
	"path/filepath"
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
