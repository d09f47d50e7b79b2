package ingress

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
)

// uses are what was added to the webhook "hook" in all.
func (w *world) uses() (total hub.IncomingWebhook) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for _, u := range w.store.uses {
		if u.ID != "hook" {
			w.t.Errorf("a use of %q", u.ID)
		}
		total.CallCount += u.CallCount
		total.RefusedCount += u.RefusedCount
		if u.LastUsedAt.After(total.LastUsedAt) {
			total.LastUsedAt = u.LastUsedAt
		}
	}
	return total
}

func TestRunLogsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.in.Run(ctx) }()
		w.do("POST", token, `{"text":"x"}`)
		w.advance(time.Second)
		w.do("POST", token, `{"text":"x"}`)
		w.do("POST", token, `{"text":`)
		w.do("POST", "nobody", `{"text":"x"}`)
		synctest.Wait()
		if calls, uses := w.written(); len(calls)+len(uses) != 0 {
			t.Error("written before the interval was over")
		}
		time.Sleep(flushEvery) // the bubble's clock
		synctest.Wait()
		if diff := cmp.Diff(hub.IncomingWebhook{CallCount: 3, RefusedCount: 1, LastUsedAt: noon.Add(time.Second)}, w.uses()); diff != "" {
			t.Errorf("uses (-want +got):\n%s", diff)
		}
		want := []hub.Call{
			{
				IncomingID: "hook", Verdict: "bad_body", Reason: "The body is not valid JSON, and what can be read of it says nothing.",
				Dialect: "card", RecognisedBy: "any other JSON", RemoteIP: "192.0.2.1", Status: 400, Body: []byte(`{"text":`), BodySize: 8, CreatedAt: noon.Add(time.Second),
			},
			{
				Verdict: "unknown_token", Reason: "There is no webhook at this address.", Dialect: "slack", RecognisedBy: "text", RemoteIP: "192.0.2.1",
				Status: 404, BodySize: 12, CreatedAt: noon.Add(time.Second),
			},
		}
		calls, _ := w.written()
		if diff := cmp.Diff(want, calls, cmpopts.IgnoreFields(hub.Call{}, "ID", "Answer")); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
		time.Sleep(3 * flushEvery)
		synctest.Wait()
		if _, uses := w.written(); len(uses) != 1 {
			t.Errorf("%d counts written while nothing happened", len(uses)-1)
		}
		// What happened last is written at the end.
		w.do("POST", token, `{"text":"x"}`)
		w.do("POST", token, `[]`, "Content-Type", "application/json")
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
		calls, _ = w.written()
		if got := w.uses(); got.CallCount != 5 || got.RefusedCount != 2 || len(calls) != 3 {
			t.Errorf("at the end: %+v, %d calls logged", got, len(calls))
		}
	})
}

func TestFloodIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.in.Run(ctx) }()
		const seconds, each = 3, 100
		for range seconds {
			for range each {
				w.do("POST", token, `{`)
				w.do("POST", "nobody", `x`)
			}
			w.advance(time.Second)
			time.Sleep(time.Second)
		}
		stop()
		<-ended
		got := map[string]int{}
		calls, _ := w.written()
		for _, c := range calls {
			got[c.Verdict]++
		}
		want := map[string]int{"bad_body": seconds * sampled, "unknown_token": 10, "rate_limited": 20}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
		if u := w.uses(); u.CallCount != seconds*each || u.RefusedCount != seconds*each || !u.LastUsedAt.IsZero() {
			t.Errorf("counted %+v", u)
		}
	})
}

// TestCountsSurviveAFailure: what could not be written is written later.
func TestCountsSurviveAFailure(t *testing.T) {
	w := newWorld(t)
	w.do("POST", token, `x`)
	w.do("POST", token, `{`)
	w.store.logErr = errors.New("locked")
	w.in.journal.flush(t.Context())
	w.do("POST", token, `x`)
	w.store.logErr = nil
	w.in.journal.flush(t.Context())
	if u := w.uses(); u.CallCount != 3 || u.RefusedCount != 1 || !u.LastUsedAt.Equal(noon) {
		t.Errorf("counted %+v", u)
	}
}

// TestFlushOutlivesItsContext: the hub may be told to stop while calls are on
// their way into the log.
func TestFlushOutlivesItsContext(t *testing.T) {
	w := newWorld(t)
	w.do("POST", token, `{`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.in.journal.flush(ctx)
	if calls, _ := w.written(); len(calls) != 1 || w.uses().CallCount != 1 {
		t.Errorf("%d calls logged, counted %+v", len(calls), w.uses())
	}
}

// TestWithoutRun: nothing blocks and nothing grows when nobody writes.
func TestWithoutRun(t *testing.T) {
	w := newWorld(t)
	for range 3 * maxPending {
		w.advance(time.Second)
		w.do("POST", token, `{`)
	}
	if n := len(w.in.journal.queue); n != maxPending {
		t.Errorf("%d calls wait, want %d", n, maxPending)
	}
	for range 2 {
		w.in.journal.flush(t.Context())
	}
	if len(w.in.journal.uses) != 0 {
		t.Errorf("counters of %d idle webhooks are kept", len(w.in.journal.uses))
	}
}

func TestRefusalsOfDisabledWebhooksAreCounted(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.Enabled = false })
	w.do("POST", token, `x`)
	w.do("POST", token, `x`)
	w.in.journal.flush(t.Context())
	if u := w.uses(); u.CallCount != 2 || u.RefusedCount != 2 {
		t.Errorf("counted %+v", u)
	}
}
