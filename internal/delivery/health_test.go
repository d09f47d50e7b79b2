package delivery_test

import (
	"context"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// onRig runs a test on an engine with one webhook, under a virtual clock.
func onRig(t *testing.T, change func(*hub.Policy), test func(r *rig, w hub.OutgoingWebhook)) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newWorld(t, 1), path)
		defer r.close()
		test(r, r.addWebhook("well", change))
	})
}

// answers has a webhook's receiver answer the n-th request (from 1) so, after a
// time. It returns a function that says when the requests came.
func (r *rig) answers(w hub.OutgoingWebhook, answer func(n int) (hub.Response, time.Duration)) (times func() []time.Time) {
	r.t.Helper()
	u, err := url.Parse(w.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	var came []time.Time
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behave[u.Path] = func(*rand.Rand, int) (hub.Response, time.Duration) {
		came = append(came, time.Now())
		return answer(len(came))
	}
	return func() []time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return came
	}
}

// webhook returns the webhook as it is stored.
func (r *rig) webhook(id hub.WebhookID) hub.OutgoingWebhook {
	r.t.Helper()
	w, err := r.store.OutgoingWebhook(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// delivery returns a delivery as it is stored.
func (r *rig) delivery(id hub.DeliveryID) hub.Delivery {
	r.t.Helper()
	d, err := r.store.Delivery(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// count returns how many deliveries are in a state.
func (r *rig) count(status hub.DeliveryStatus) int64 {
	r.t.Helper()
	totals, err := r.store.DeliveryTotals(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return totals[status]
}

// TestRetryAfterOutlivesSuccess: what was on its way when a receiver asked for
// patience, and succeeds, does not end the wait.
func TestRetryAfterOutlivesSuccess(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.Concurrency = 2 }, func(r *rig, w hub.OutgoingWebhook) {
		times := r.answers(w, func(n int) (hub.Response, time.Duration) {
			switch n {
			case 1:
				return status(200), time.Second
			case 2:
				return status(429, "Retry-After", "120"), 100 * time.Millisecond
			}
			return status(200), 0
		})
		began := time.Now()
		for range 5 {
			r.publish("all.x", "")
		}
		time.Sleep(10 * time.Second)
		r.publish("all.x", "")
		time.Sleep(time.Hour)
		came := times()
		if len(came) != 7 { // one of the six was sent twice
			t.Fatalf("%d requests", len(came))
		}
		if wait := came[2].Sub(began); wait < 2*time.Minute {
			t.Errorf("a request %s after the receiver asked for two minutes", wait)
		}
		if !r.webhook(w.ID).Health.Healthy() {
			t.Errorf("afterwards: %+v", r.webhook(w.ID).Health)
		}
	})
}
