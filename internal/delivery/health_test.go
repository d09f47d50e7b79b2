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
	r.policy[u.Path] = w.Policy
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

// TestBreaker: after ten failures in a row there is one request at a time, at
// growing intervals; who waits for that spends no attempt; the first success
// lets all of them go.
func TestBreaker(t *testing.T) {
	const stragglers = hub.BreakerFailures + 4 // four may be on their way when it opens
	onRig(t, func(p *hub.Policy) { p.Concurrency, p.MaxRetries = 5, 20 }, func(r *rig, w hub.OutgoingWebhook) {
		broken, most := true, 0
		times := r.answers(w, func(n int) (hub.Response, time.Duration) {
			if n > stragglers {
				most = max(most, r.inflight["/well-0"])
			}
			if broken {
				return status(500), time.Second
			}
			return status(204), time.Second
		})
		const events = 30
		var ids []hub.DeliveryID
		for range events {
			ids = append(ids, r.publish("all.x", "").Deliveries[0].ID)
		}
		time.Sleep(10 * time.Minute)
		came := times()
		if n := len(came); n < 15 || n > 22 {
			t.Fatalf("%d requests in ten minutes", n)
		}
		if most != 1 {
			t.Errorf("%d probes at once", most)
		}
		wait := 5 * time.Second
		for i := stragglers; i < len(came); i++ {
			if gap := came[i].Sub(came[i-1]); gap < wait {
				t.Errorf("probe %d came %s after the one before, want %s at least", i-stragglers+1, gap, wait)
			}
			wait = min(2*wait, 5*time.Minute)
		}
		attempts := 0
		for _, id := range ids {
			attempts += r.delivery(id).Attempts
		}
		if attempts != len(came) || r.count(hub.DeliveryActive) != 0 {
			t.Errorf("%d attempts are counted of %d requests, %d deliveries are active", attempts, len(came), r.count(hub.DeliveryActive))
		}
		if got := r.webhook(w.ID); got.Notice != hub.NoticeBreaker || !got.Health.Open {
			t.Errorf("notice %q, %+v", got.Notice, got.Health)
		}
		r.mu.Lock()
		broken = false
		r.mu.Unlock()
		time.Sleep(2 * time.Hour)
		if got := r.count(hub.DeliverySuccess); got != events || !r.webhook(w.ID).Health.Healthy() {
			t.Errorf("%d of %d arrived, %+v", got, events, r.webhook(w.ID).Health)
		}
		r.verify()
	})
}

// TestAnotherEndpoint: what the endpoint before answered, when another URL was set
// meanwhile, holds nothing against the new one.
func TestAnotherEndpoint(t *testing.T) {
	for name, answer := range map[string]hub.Response{
		"wants to wait":    status(429, "Retry-After", "36000"),
		"wants no more":    status(410),
		"fails as it does": status(500),
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, func(*hub.Policy) {}, func(r *rig, w hub.OutgoingWebhook) {
				r.answers(w, func(int) (hub.Response, time.Duration) { return answer, 5 * time.Second })
				r.publish("all.x", "")
				time.Sleep(time.Second)
				w.URL += "-elsewhere"
				r.answers(w, func(int) (hub.Response, time.Duration) { return status(204), 0 })
				_, _, err := r.store.UpdateOutgoingWebhook(context.Background(), w.ID, func(stored *hub.OutgoingWebhook) error {
					stored.URL, stored.Health = w.URL, hub.Health{}
					return nil
				})
				if err != nil {
					r.t.Fatal(err)
				}
				r.reload()
				time.Sleep(10 * time.Second)
				r.publish("all.x", "")
				time.Sleep(time.Second)
				got := r.webhook(w.ID)
				if got.State != hub.WebhookActive || !got.Health.Healthy() || r.count(hub.DeliverySuccess) == 0 {
					r.t.Errorf("%s, %+v, %d delivered", got.State, got.Health, r.count(hub.DeliverySuccess))
				}
			})
		})
	}
}

// TestDisabledAndEnabled: a webhook that has only failed for five days is
// disabled, and told of; what is unfinished then is held, and sent when it is
// enabled again.
func TestDisabledAndEnabled(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.MaxRetries = 1 }, func(r *rig, w hub.OutgoingWebhook) {
		broken := true
		times := r.answers(w, func(int) (hub.Response, time.Duration) {
			if broken {
				return status(503), time.Millisecond
			}
			return status(204), time.Millisecond
		})
		for day := 0; day < 6; day += 2 {
			r.publish("all.x", "")
			time.Sleep(time.Hour)
			if got := r.webhook(w.ID); got.State != hub.WebhookActive || got.Notice.Disabling() {
				t.Fatalf("after day %d: %s, notice %q", day, got.State, got.Notice)
			}
			r.stop() // the hub sleeps, too
			time.Sleep(47 * time.Hour)
			r.start()
		}
		const events = 5
		for range events {
			r.publish("all.x", "m:1")
		}
		time.Sleep(time.Minute)
		if got := r.webhook(w.ID); got.State != hub.WebhookDisabled || got.Notice != hub.NoticeFailing {
			t.Fatalf("after six days: %s, notice %q, %+v", got.State, got.Notice, got.Health)
		}
		failed := r.count(hub.DeliveryFailed)
		if failed != 4 || r.count(hub.DeliverySuccess) != 0 || len(r.publish("all.x", "").Deliveries) != 0 {
			t.Errorf("%d failed, and there are more deliveries", failed)
		}
		sent := len(times())
		time.Sleep(time.Hour)
		if got := len(times()); got != sent {
			t.Errorf("%d requests to a disabled webhook", got-sent)
		}
		r.verify()
		r.mu.Lock()
		broken = false
		r.mu.Unlock()
		r.setState(w.ID, hub.WebhookActive)
		time.Sleep(time.Minute)
		if got := r.count(hub.DeliverySuccess); got != events-1 || r.count(hub.DeliveryHeld) != 0 {
			t.Errorf("%d arrived when it was enabled, %d are held; want %d and none", got, r.count(hub.DeliveryHeld), events-1)
		}
		r.verify()
	})
}

// TestSkipWhenTheClockWentBack: ids do not go back with it, and what is held is canceled
// all the same.
func TestSkipWhenTheClockWentBack(t *testing.T) {
	onRig(t, func(*hub.Policy) {}, func(r *rig, w hub.OutgoingWebhook) {
		r.setState(w.ID, hub.WebhookPaused)
		r.ids = &hub.IDs{Now: func() time.Time { return time.Now().Add(time.Minute) }}
		r.publish("all.x", "m:1")
		r.publish("all.x", "m:1")
		time.Sleep(time.Second)
		if err := r.engine.ReleaseHeld(context.Background(), w.ID, false); err != nil {
			t.Fatal(err)
		}
		if canceled, held := r.count(hub.DeliveryCanceled), r.count(hub.DeliveryHeld); canceled != 2 || held != 0 {
			t.Errorf("%d canceled, %d held", canceled, held)
		}
	})
}

// TestHealthIsStoredAfterAChange: what was to be stored of an endpoint when its webhook
// was changed is stored later.
func TestHealthIsStoredAfterAChange(t *testing.T) {
	onRig(t, func(p *hub.Policy) { p.MaxRetries = 20 }, func(r *rig, w hub.OutgoingWebhook) {
		r.answers(w, func(n int) (hub.Response, time.Duration) {
			if n == 1 {
				return status(500), 0
			}
			return status(204), 0
		})
		r.publish("all.x", "")
		time.Sleep(time.Second)
		if r.webhook(w.ID).Health.Failures != 1 {
			t.Fatalf("%+v", r.webhook(w.ID).Health)
		}
		_, _, err := r.store.UpdateOutgoingWebhook(context.Background(), w.ID, func(stored *hub.OutgoingWebhook) error {
			stored.Name = "another name"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // the retry succeeds before the engine has heard of the change
		r.reload()
		r.publish("all.x", "")
		time.Sleep(time.Second)
		if got := r.webhook(w.ID); !got.Health.Healthy() {
			t.Errorf("%+v", got.Health)
		}
	})
}
