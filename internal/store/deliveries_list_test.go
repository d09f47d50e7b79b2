package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// listed stores events with deliveries to two webhooks and returns what was
// stored, newest first.
func listed(t *testing.T, s *Store, n int) (all []hub.Delivery) {
	t.Helper()
	begin := noon
	ids := &hub.IDs{Now: func() time.Time { return begin }}
	for i := range n {
		begin = begin.Add(time.Minute)
		e := &hub.Event{ID: hub.EventID(ids.New()), Type: "order.created", Time: begin, Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub}}
		if i%2 == 1 {
			e.Type = hub.EventReactionAdded
		}
		r := hub.Routing{Event: e}
		for j, w := range []hub.WebhookID{id1, id2} {
			d := hub.Delivery{
				ID: hub.DeliveryIDFor(e.ID, w), WebhookID: w, EventID: e.ID, EventType: e.Type, Status: hub.DeliveryPending, DueAt: begin,
			}
			if (i+j)%3 == 0 {
				d.Status, d.DueAt = hub.DeliveryHeld, time.Time{}
			}
			r.Deliveries = append(r.Deliveries, hub.RoutedDelivery{Delivery: d})
			all = append(all, d)
		}
		if err := s.Publish(t.Context(), nil, r); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b hub.Delivery) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return all
}

func TestDeliveriesList(t *testing.T) { onBoth(t, testDeliveriesList) }

func testDeliveriesList(t *testing.T, s *Store, _ *time.Time) {
	all := listed(t, s, 12)
	at := func(m int) time.Time { return time.Date(2026, 2, 1, 12, m, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		q    hub.DeliveryQuery
		keep func(d hub.Delivery) bool
	}{
		"all":      {hub.DeliveryQuery{}, func(hub.Delivery) bool { return true }},
		"webhook":  {hub.DeliveryQuery{WebhookID: id1}, func(d hub.Delivery) bool { return d.WebhookID == id1 }},
		"held":     {hub.DeliveryQuery{Status: hub.DeliveryHeld}, func(d hub.Delivery) bool { return d.Status == hub.DeliveryHeld }},
		"pending":  {hub.DeliveryQuery{Status: hub.DeliveryPending, WebhookID: id2}, func(d hub.Delivery) bool { return d.Status == hub.DeliveryPending && d.WebhookID == id2 }},
		"active":   {hub.DeliveryQuery{Status: hub.DeliveryActive}, func(hub.Delivery) bool { return false }},
		"retrying": {hub.DeliveryQuery{Status: hub.DeliveryRetrying}, func(hub.Delivery) bool { return false }},
		"event":    {hub.DeliveryQuery{Event: "reaction.*"}, func(d hub.Delivery) bool { return d.EventType == hub.EventReactionAdded }},
		"any":      {hub.DeliveryQuery{Event: "*"}, func(hub.Delivery) bool { return true }},
		"since":    {hub.DeliveryQuery{Since: at(7)}, func(d hub.Delivery) bool { return !hub.IDTime(string(d.ID)).Before(at(7)) }},
		"until":    {hub.DeliveryQuery{Until: at(7), WebhookID: id1}, func(d hub.Delivery) bool { return hub.IDTime(string(d.ID)).Before(at(7)) && d.WebhookID == id1 }},
	} {
		var want, got []hub.DeliveryID
		for _, d := range all {
			if c.keep(d) {
				want = append(want, d.ID)
			}
		}
		for q := c.q; ; { // page by page
			q.Limit = 3
			page, err := s.Deliveries(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				got = append(got, d.ID)
			}
			if len(page) < q.Limit {
				break
			}
			q.Before = page[len(page)-1].ID
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := s.Deliveries(t.Context(), hub.DeliveryQuery{Status: "x' OR 1=1 --", Limit: 1}); hub.CodeOf(err) != hub.Invalid {
		t.Errorf("a status that is none: %v", err)
	}
	d, err := s.Delivery(t.Context(), all[0].ID)
	if err != nil || d.ID != all[0].ID || d.Status != all[0].Status {
		t.Errorf("%+v, %v", d, err)
	}
	for _, id := range []hub.DeliveryID{nobody, "no id"} {
		if _, err := s.Delivery(t.Context(), id); hub.CodeOf(err) != hub.NotFound {
			t.Error(err)
		}
	}
}

// TestDeliveriesListPlans: each list walks an index in its order.
func TestDeliveriesListPlans(t *testing.T) {
	s := openTest(t, Options{})
	const byKey, byWebhook, prefix = "PRIMARY KEY", "nchat_webhook_deliveries_webhook", "nchat_webhook_deliveries_"
	for want, queries := range map[string][]hub.DeliveryQuery{
		byKey:             {{}, {Status: hub.DeliverySuccess}, {Event: "a.*"}},
		byWebhook:         {{WebhookID: "w"}, {WebhookID: "w", Status: hub.DeliverySuccess, Since: time.Unix(1, 0)}},
		prefix + "failed": {{Status: hub.DeliveryFailed}},
		prefix + "leased": {{Status: hub.DeliveryActive}},
		prefix + "held":   {{WebhookID: "w", Status: hub.DeliveryHeld}},
	} {
		for _, q := range queries {
			q.Before, q.Limit = "g", 10
			if plan := planOf(t, s, q); !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%+v is planned as %s, want %s", q, plan, want)
			}
		}
	}
}

// planOf returns SQLite's plan for the list.
func planOf(t *testing.T, s *Store, q hub.DeliveryQuery) string {
	t.Helper()
	var plan strings.Builder
	text, args, err := s.deliveriesQuery(q)
	if err != nil {
		t.Fatal(err)
	}
	err = each(t.Context(), s.readers, func(row scanner) error {
		var id, parent, unused int
		var detail string
		err := row.Scan(&id, &parent, &unused, &detail)
		fmt.Fprintln(&plan, detail)
		return err
	}, "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

func TestAttempts(t *testing.T) { onBoth(t, testAttempts) }

func testAttempts(t *testing.T, s *Store, _ *time.Time) {
	all := listed(t, s, 1)
	begin := time.Date(2026, 2, 1, 12, 30, 0, 0, time.UTC)
	want := []hub.Attempt{
		{
			DeliveryID: all[0].ID, Number: 1, StartedAt: begin, Duration: 1500 * time.Microsecond, RequestHeaders: []byte(`{"A":"b"}`),
			ResponseStatus: 503, ResponseHeaders: []byte(`{"Retry-After":["5"]}`), ResponseBody: []byte("later\xff"), Truncated: true,
			RemoteAddr: "192.0.2.1:443", Result: "status", Reason: "503 → due 12:30:05", DueAt: begin.Add(5 * time.Second),
		},
		{DeliveryID: all[0].ID, Number: 2, StartedAt: begin.Add(5 * time.Second), Error: "no route", Result: "connect", Reason: "connect: failed"},
	}
	err := s.write(t.Context(), func(t *tx) error {
		for i := range want {
			if err := t.insertAttempt(&want[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Attempts(t.Context(), all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
