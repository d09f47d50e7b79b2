package store

import (
	"context"
	"slices"
	"strings"
	"sync"
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
			page, next, err := s.Deliveries(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				got = append(got, d.ID)
			}
			if next == "" {
				break
			}
			q.Before = next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, _, err := s.Deliveries(t.Context(), hub.DeliveryQuery{Status: "x' OR 1=1 --", Limit: 1}); hub.CodeOf(err) != hub.Invalid {
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

// TestDeliveriesListPlans: each list walks an index in its order, and what is
// filtered of that is so many rows and no more.
func TestDeliveriesListPlans(t *testing.T) {
	s := openTest(t, Options{})
	const prefix = "nchat_webhook_deliveries_"
	rare := map[hub.DeliveryStatus][2]string{ // of all, of one webhook
		hub.DeliveryFailed: {prefix + "failed", prefix + "failed_webhook"}, hub.DeliveryHeld: {prefix + "held_all", prefix + "held"},
		hub.DeliveryCanceled: {prefix + "canceled", prefix + "canceled_webhook"}, hub.DeliveryRetrying: {prefix + "retrying", prefix + "retrying_webhook"},
		hub.DeliveryActive: {prefix + "leased", prefix + "leased"},
	}
	for _, status := range append(hub.DeliveryStatuses(), "") {
		for _, webhook := range []hub.WebhookID{"", "w"} {
			for _, event := range []string{"", "*", "a.*", "a.b"} {
				for _, since := range []time.Time{{}, time.Unix(1, 0)} {
					for _, until := range []time.Time{{}, time.Unix(1e9, 0)} {
						q := hub.DeliveryQuery{Status: status, WebhookID: webhook, Event: event, Since: since, Until: until, Before: "g", Limit: 10}
						want := [2]string{"PRIMARY KEY", prefix + "webhook"}
						if names, ok := rare[status]; ok {
							want = names
						}
						index := want[0]
						if webhook != "" {
							index = want[1]
						}
						l, err := s.listOf(q)
						if err != nil {
							t.Fatal(err)
						}
						filtered := event == "a.*" || event == "a.b" || status == hub.DeliverySuccess || status == hub.DeliveryPending
						if filtered != (len(l.filters) > 0) {
							t.Errorf("%+v is filtered: %v", q, l.filters)
						}
						text, args := l.page(q.Limit)
						plans := []string{explain(t, s, text, args...)}
						if filtered {
							text, args = l.last()
							plans = append(plans, explain(t, s, text, args...))
						}
						for _, plan := range plans {
							inner, _, _ := strings.Cut(plan, "SCAN d") // what follows sorts what it looked at
							if !strings.Contains(inner+" ", index+" ") && !strings.Contains(inner, index) || strings.Contains(inner, "TEMP B-TREE") {
								t.Errorf("%+v is planned as %s, want %s", q, plan, index)
							}
						}
					}
				}
			}
		}
	}
}

// TestDeliveriesLookAtSoMany: a page of what is rare ends after so many rows, says
// where to go on, and comes to all in the end.
func TestDeliveriesLookAtSoMany(t *testing.T) { onBoth(t, testDeliveriesLookAtSoMany) }

func testDeliveriesLookAtSoMany(t *testing.T, s *Store, now *time.Time) {
	ids := &hub.IDs{Now: func() time.Time { return *now }}
	const n = 2*lookedAt + 100
	var want []hub.DeliveryID
	var routings []hub.Routing
	for i := range n {
		e := &hub.Event{ID: hub.EventID(ids.New()), Type: "common", Time: *now, Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub}}
		if i == 3 || i == lookedAt+10 {
			e.Type = "rare"
		}
		d := hub.Delivery{ID: hub.DeliveryIDFor(e.ID, id1), WebhookID: id1, EventID: e.ID, EventType: e.Type, Status: hub.DeliveryHeld}
		if e.Type == "rare" {
			want = append([]hub.DeliveryID{d.ID}, want...)
		}
		routings = append(routings, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{{Delivery: d}}})
	}
	for chunk := range slices.Chunk(routings, 1000) {
		if err := s.Publish(t.Context(), nil, chunk...); err != nil {
			t.Fatal(err)
		}
	}
	for name, q := range map[string]hub.DeliveryQuery{"all": {}, "webhook": {WebhookID: id1}, "held": {Status: hub.DeliveryHeld}} {
		q.Event, q.Limit = "rare", 10
		looked := lookedAtBy
		if name == "all" {
			looked = lookedAt
		}
		var got []hub.DeliveryID
		pages := 0
		for {
			page, next, err := s.Deliveries(t.Context(), q)
			if err != nil || pages > n {
				t.Fatal(pages, err)
			}
			pages++
			for _, d := range page {
				got = append(got, d.ID)
			}
			if q.Before = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || pages != n/looked+1 {
			t.Errorf("%s: %d pages: %s", name, pages, diff)
		}
	}
	var got int
	pages := 0
	for seq := int64(0); ; pages++ {
		page, next, err := s.EventsBefore(t.Context(), seq, "rare", 10)
		if err != nil || pages > n {
			t.Fatal(pages, err)
		}
		got += len(page)
		if seq = next; next == 0 {
			break
		}
	}
	if got != len(want) || pages != 2 {
		t.Errorf("%d rare events in %d pages", got, pages+1)
	}
}

// hasty does once what happens while a snapshot is read, after its first query.
type hasty struct {
	pool
	meanwhile func()
}

func (h hasty) snapshot(ctx context.Context, read func(querier) error) error {
	return h.pool.snapshot(ctx, func(q querier) error { return read(hastyQuerier{q, h.meanwhile}) })
}

func (h hasty) query(ctx context.Context, text string, args ...any) (rows, error) {
	return hastyQuerier{h.pool, h.meanwhile}.query(ctx, text, args...)
}

type hastyQuerier struct {
	querier
	meanwhile func()
}

func (h hastyQuerier) query(ctx context.Context, text string, args ...any) (rows, error) {
	defer h.meanwhile()
	return h.querier.query(ctx, text, args...)
}

// TestDeliveriesThatMove: what leaves a list while a page of it is read hides
// nothing else.
func TestDeliveriesThatMove(t *testing.T) { onBoth(t, testDeliveriesThatMove) }

func testDeliveriesThatMove(t *testing.T, s *Store, now *time.Time) {
	ids := &hub.IDs{Now: func() time.Time { return *now }}
	const n = lookedAtBy + 50
	var oldest hub.DeliveryID // of those that are wanted, behind the first page
	var routings []hub.Routing
	for i := range n {
		e := &hub.Event{ID: hub.EventID(ids.New()), Type: "common", Time: *now, Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub}}
		d := hub.Delivery{ID: hub.DeliveryIDFor(e.ID, id1), WebhookID: id1, EventID: e.ID, Status: hub.DeliveryHeld}
		if i == n-lookedAtBy-1 {
			e.Type, oldest = "rare", d.ID
		}
		d.EventType = e.Type
		routings = append(routings, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{{Delivery: d}}})
	}
	if err := s.Publish(t.Context(), nil, routings...); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	readers := s.readers
	defer func() { s.readers = readers }()
	s.readers = hasty{readers, func() {
		once.Do(func() {
			err := s.write(t.Context(), func(tx *tx) error {
				_, err := tx.exec(`UPDATE nchat_webhook_deliveries SET status = 'canceled', finished_at = $2 WHERE id = $1`,
					string(routings[n-1].Deliveries[0].Delivery.ID), at(*now))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}}
	var got []hub.DeliveryID
	for q := (hub.DeliveryQuery{Status: hub.DeliveryHeld, Event: "rare", Limit: 10}); ; {
		page, next, err := s.Deliveries(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			got = append(got, d.ID)
		}
		if q.Before = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]hub.DeliveryID{oldest}, got); diff != "" {
		t.Error(diff)
	}
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
