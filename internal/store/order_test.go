package store

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestOrderIsThatOfCommits: what one process committed first goes first, even if
// another one's clock, and so its ids, are some milliseconds behind.
func TestOrderIsThatOfCommits(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	publish := func(status hub.DeliveryStatus, later time.Duration) hub.DeliveryID {
		t.Helper()
		now := s.Now().Add(later)
		e := &hub.Event{
			ID: hub.EventID((&hub.IDs{Now: func() time.Time { return now }}).New()), Type: "x", Time: now, Data: []byte("1"),
			Origin: hub.Origin{Kind: hub.OriginHub}, OrderKey: "k",
		}
		d := hub.Delivery{
			ID: hub.DeliveryIDFor(e.ID, id1), WebhookID: id1, EventID: e.ID, EventType: e.Type, OrderKey: "k", Status: status,
		}
		if status == hub.DeliveryPending {
			d.DueAt = now
		}
		err := s.Publish(t.Context(), nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{{Delivery: d}}})
		if err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	due := func(want hub.DeliveryID, among ...hub.DeliveryID) {
		t.Helper()
		for _, id := range among {
			d, err := s.Delivery(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if isDue := !d.DueAt.IsZero(); isDue != (id == want) {
				t.Errorf("delivery %s is %s, due: %v; %s should be", id, d.Status, isDue, want)
			}
		}
	}
	first, second, third := publish(hub.DeliveryPending, 0), publish(hub.DeliveryPending, time.Second), publish(hub.DeliveryPending, 0)
	if third > second {
		t.Fatal("the third id is the highest: this shows nothing")
	}
	due(first, first, second, third)
	if _, _, err := s.CancelDelivery(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	due(second, second, third)
	if _, _, err := s.CancelDelivery(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	due(third, third)

	// So does what was on hold.
	fourth, fifth := publish(hub.DeliveryHeld, time.Second), publish(hub.DeliveryHeld, 0)
	if _, _, err := s.CancelDelivery(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	if n, err := s.ReleaseHeld(t.Context(), id1, 10); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	due(fourth, fourth, fifth)
}
