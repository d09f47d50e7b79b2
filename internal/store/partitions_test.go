package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestWeekOf(t *testing.T) {
	for _, tt := range []struct{ of, want string }{
		{"2026-11-16T00:00:00Z", "2026-11-16"}, // a Monday
		{"2026-11-22T23:59:59Z", "2026-11-16"},
		{"2026-11-23T00:00:00Z", "2026-11-23"},
		{"2026-11-23T00:30:00+01:00", "2026-11-16"},
		{"2027-01-01T12:00:00Z", "2026-12-28"},
	} {
		of, err := time.Parse(time.RFC3339, tt.of)
		if err != nil {
			t.Fatal(err)
		}
		if got := weekOf(of).Format(time.DateOnly); got != tt.want {
			t.Errorf("the week of %s begins on %s, want %s", tt.of, got, tt.want)
		}
	}
}

// TestPruneWeeks: on Postgres what is old goes by the week, unless something in
// the week has to stay; then row by row. The counters follow.
func TestPruneWeeks(t *testing.T) {
	now := noon
	s := openTest(t, EmptyPostgres(t))
	s.now = func() time.Time { return now }
	s.w.conn = stoppedClock{s.w.conn, s.now}
	ids := &hub.IDs{Now: s.now}
	const webhook = hub.WebhookID(id1)
	publish := func(status hub.DeliveryStatus) hub.DeliveryID {
		t.Helper()
		if err := s.EnsurePartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := &hub.Event{ID: hub.EventID(ids.New()), Type: "test.week", Time: now, Data: []byte(`{}`), Origin: hub.Origin{Kind: hub.OriginHub}}
		d := hub.RoutedDelivery{Delivery: hub.Delivery{
			ID: hub.DeliveryIDFor(e.ID, webhook), WebhookID: webhook, EventID: e.ID, EventType: e.Type,
			Status: hub.DeliveryActive, LeasedTo: "n", Epoch: 1,
		}}
		if err := s.Publish(t.Context(), nil, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{d}}); err != nil {
			t.Fatal(err)
		}
		if status != hub.DeliveryActive {
			o := &hub.Outcome{DeliveryID: d.ID, WebhookID: webhook, Node: "n", Epoch: 1, Status: status, Tries: 1, Attempt: hub.Attempt{
				DeliveryID: d.ID, Number: 1, StartedAt: now, Result: "success", Reason: "r",
			}}
			if _, err := s.Record(t.Context(), []*hub.Outcome{o}); err != nil {
				t.Fatal(err)
			}
		}
		return d.ID
	}
	weeks := func() (all []string) {
		t.Helper()
		found, err := list(t.Context(), s.readers, scanText, partitionsQuery)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for range 5 {
		publish(hub.DeliverySuccess)
	}
	now = now.Add(partitionSpan)
	publish(hub.DeliverySuccess)
	kept := publish(hub.DeliveryActive) // unfinished: its week stays
	now = now.Add(partitionSpan)
	publish(hub.DeliverySuccess)
	now = now.Add(partitionSpan)
	newest := publish(hub.DeliverySuccess) // of this week
	before := len(weeks())

	var p, total hub.Pruned
	position := hub.EventID("")
	for more := true; more; more = p.More {
		var err error
		if p, position, err = s.Prune(t.Context(), hub.Retention{FinishedBefore: now.Add(time.Hour)}, position, 100); err != nil {
			t.Fatal(err)
		}
		total.Weeks, total.Events, total.Deliveries = total.Weeks+p.Weeks, total.Events+p.Events, total.Deliveries+p.Deliveries
	}
	// The first partition was made for the week before noon's, and is empty.
	if want := (hub.Pruned{Weeks: 3, Events: 1, Deliveries: 7}); total != want {
		t.Errorf("removed %+v, want %+v", total, want)
	}
	if after := weeks(); before-len(after) != 3 {
		t.Errorf("partitions %v", after)
	}
	for _, id := range []hub.DeliveryID{kept, newest} {
		if _, err := s.Delivery(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	counts, err := s.DeliveryCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(counts[webhook][hub.DeliverySuccess], counts[webhook][hub.DeliveryActive])
	if got != "1 1" {
		t.Errorf("counters %v", counts[webhook])
	}
}
