package store

import (
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestVerifyTakesBoundedMemory: however large the events are, few of them are
// read at once, and each of them once.
func TestVerifyTakesBoundedMemory(t *testing.T) { onBoth(t, testVerifyTakesBoundedMemory) }

func testVerifyTakesBoundedMemory(t *testing.T, s *Store, _ *time.Time) {
	const events = 30
	data := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	for n := range events {
		e := &hub.Event{ID: hub.EventID(numbered(n + 1)), Type: "x", Time: noon, Data: data, Origin: hub.Origin{Kind: hub.OriginHub}}
		if err := s.Publish(t.Context(), nil, hub.Routing{Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	v := &verifier{q: s.readers}
	after, portions := hub.EventID(lowestID), 0
	for more := true; more; portions++ {
		var err error
		if after, more, err = v.portion(t.Context(), after); err != nil {
			t.Fatal(err)
		}
		if want := min(numbered(8*(portions+1)), numbered(events)); after != hub.EventID(want) {
			t.Errorf("portion %d ends with %s, want %s", portions+1, after, want)
		}
	}
	if portions != 4 {
		t.Errorf("%d portions", portions)
	}
	if after, more, err := v.portion(t.Context(), hub.EventID(numbered(events))); after != hub.EventID(numbered(events)) || more || err != nil {
		t.Errorf("behind the last: %s, %v, %v", after, more, err)
	}
	if report, err := s.Verify(t.Context()); err != nil || !report.Clean() || report.Events != events {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestVerifyFindsStuckHeld: what is held although its webhook is active is a
// problem, once there was time to move it.
func TestVerifyFindsStuckHeld(t *testing.T) { onBoth(t, testVerifyFindsStuckHeld) }

func testVerifyFindsStuckHeld(t *testing.T, s *Store, now *time.Time) {
	w := hub.OutgoingWebhook{
		ID: id1, Name: "w", URL: "https://receiver.example/", State: hub.WebhookPaused, Events: []string{"*"},
		Policy: hub.DefaultPolicy(), SealedSecret: "x", CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	revision, err := s.CreateOutgoingWebhook(t.Context(), &w)
	if err != nil {
		t.Fatal(err)
	}
	e := &hub.Event{ID: id2, Type: "x", Time: s.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub}, Revision: revision}
	d := hub.RoutedDelivery{Delivery: hub.Delivery{
		ID: hub.DeliveryIDFor(e.ID, w.ID), WebhookID: w.ID, EventID: e.ID, EventType: e.Type, Status: hub.DeliveryHeld,
	}}
	if err := s.Publish(t.Context(), nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{d}}); err != nil {
		t.Fatal(err)
	}
	problems := func(want int64) {
		t.Helper()
		if report, err := s.Verify(t.Context()); err != nil || report.Found != want {
			t.Errorf("%+v, %v; want %d problems", report, err, want)
		}
	}
	*now = now.Add(24 * time.Hour)
	problems(0) // paused
	_, _, err = s.UpdateOutgoingWebhook(t.Context(), w.ID, func(w *hub.OutgoingWebhook) error {
		w.State = hub.WebhookActive
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(heldGrace)
	problems(0) // just resumed
	*now = now.Add(time.Second)
	problems(1)
}
