package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// trips counts how often the writer waits for the database.
type trips struct {
	writeConn
	n int
}

func (c *trips) begin() (time.Time, int64, error) {
	c.n++
	return c.writeConn.begin()
}

func (c *trips) commit() error {
	c.n++
	return c.writeConn.commit()
}

func (c *trips) exec(text string, args ...any) (int64, error) {
	c.n++
	return c.writeConn.exec(text, args...)
}

func (c *trips) query(text string, args ...any) (rows, error) {
	c.n++
	return c.writeConn.query(text, args...)
}

// fixture makes deliveries of a webhook for tests: each of an event of its own.
type fixture struct {
	t       *testing.T
	s       *Store
	ids     hub.IDs
	webhook hub.WebhookID
}

func newFixture(t *testing.T, s *Store) *fixture {
	t.Helper()
	b := &fixture{t: t, s: s, ids: hub.IDs{Now: s.Now}}
	b.webhook = hub.WebhookID(b.ids.New())
	createWebhook(t, s, b.webhook)
	return b
}

func createWebhook(t *testing.T, s *Store, id hub.WebhookID) {
	t.Helper()
	_, err := s.CreateOutgoingWebhook(t.Context(), &hub.OutgoingWebhook{
		ID: id, Name: "x", URL: "https://example.org", Events: []string{"*"}, State: hub.WebhookActive,
		Policy: hub.DefaultPolicy(), SealedSecret: "x", CreatedAt: s.Now(), UpdatedAt: s.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// add makes n deliveries in a state; key names the conversation of each, "": none.
func (b *fixture) add(n int, status hub.DeliveryStatus, key func(i int) string) (jobs []hub.Job) {
	b.t.Helper()
	revision, _, err := b.s.Snapshot(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var routings []hub.Routing
	for i := range n {
		e := &hub.Event{
			ID: hub.EventID(b.ids.New()), Type: "x", Time: b.s.Now(), Data: []byte("1"), Origin: hub.Origin{Kind: hub.OriginHub},
			OrderKey: key(i), Revision: revision,
		}
		d := hub.Delivery{
			ID: hub.DeliveryIDFor(e.ID, b.webhook), WebhookID: b.webhook, EventID: e.ID, EventType: e.Type, OrderKey: e.OrderKey, Status: status,
		}
		switch status {
		case hub.DeliveryActive:
			d.LeasedTo, d.Epoch, d.LeaseSeq = "one", 1, int64(i+1)
		case hub.DeliveryPending:
			d.DueAt = b.s.Now()
		}
		routings = append(routings, hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{{Delivery: d}}})
		jobs = append(jobs, hub.Job{Delivery: d})
	}
	if err := b.s.Publish(b.t.Context(), nil, routings...); err != nil {
		b.t.Fatal(err)
	}
	return jobs
}

func alone(int) string { return "" }

// twos are conversations of two deliveries each.
func twos(i int) string { return fmt.Sprint("k", i/2) }

// count returns how many deliveries are in a state, and how many of them are due.
func (b *fixture) count(status hub.DeliveryStatus) (n, due int) {
	b.t.Helper()
	err := each(b.t.Context(), b.s.readers, func(row scanner) error { return row.Scan(&n, &due) },
		`SELECT count(*), count(scheduled_for) FROM nchat_webhook_deliveries WHERE webhook_id = $1 AND status = $2`,
		string(b.webhook), string(status))
	if err != nil {
		b.t.Fatal(err)
	}
	return n, due
}

// TestTripsOfMoves: on Postgres what is moved in batches costs the same number of
// trips to the database, however many deliveries a batch has; all hubs' writers
// wait meanwhile.
func TestTripsOfMoves(t *testing.T) {
	type step struct {
		prepare func(b *fixture, n int) []hub.Job
		move    func(b *fixture, jobs []hub.Job) (int, error)
		status  hub.DeliveryStatus
		due     func(n int) int
	}
	none, half, all := func(int) int { return 0 }, func(n int) int { return n / 2 }, func(n int) int { return n }
	unlease := func(held bool) func(*fixture, []hub.Job) (int, error) {
		return func(b *fixture, jobs []hub.Job) (int, error) {
			return len(jobs), b.s.Unlease(b.t.Context(), jobs, held)
		}
	}
	in := func(status hub.DeliveryStatus, key func(int) string) func(*fixture, int) []hub.Job {
		return func(b *fixture, n int) []hub.Job { return b.add(n, status, key) }
	}
	cancel := func(b *fixture, _ []hub.Job) (int, error) {
		return b.s.CancelUnfinished(b.t.Context(), b.webhook, "", 1000)
	}
	release := func(b *fixture, _ []hub.Job) (int, error) { return b.s.ReleaseHeld(b.t.Context(), b.webhook, 1000) }
	for name, step := range map[string]step{
		"given back":         {in(hub.DeliveryActive, alone), unlease(false), hub.DeliveryPending, all},
		"given back, paused": {in(hub.DeliveryActive, alone), unlease(true), hub.DeliveryHeld, none},
		"held": {in(hub.DeliveryPending, alone), func(b *fixture, _ []hub.Job) (int, error) {
			return b.s.HoldDue(b.t.Context(), b.webhook, 1000)
		}, hub.DeliveryHeld, none},
		"released":                  {in(hub.DeliveryHeld, alone), release, hub.DeliveryPending, all},
		"released in conversations": {in(hub.DeliveryHeld, twos), release, hub.DeliveryPending, half},
		"canceled":                  {in(hub.DeliveryHeld, twos), cancel, hub.DeliveryCanceled, none},
		"replayed in conversations": {func(b *fixture, n int) []hub.Job {
			jobs := b.add(n, hub.DeliveryHeld, twos)
			if _, err := cancel(b, nil); err != nil {
				b.t.Fatal(err)
			}
			return jobs
		}, func(b *fixture, _ []hub.Job) (int, error) {
			r := &hub.ReplayRequest{WebhookID: b.webhook, Status: hub.DeliveryCanceled}
			_, n, err := b.s.ReplayBatch(b.t.Context(), r, "", 1000, b.s.Now(), 0)
			return n, err
		}, hub.DeliveryPending, half},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, EmptyPostgres(t))
			counted := &trips{writeConn: s.w.conn}
			s.w.conn = counted
			trips := func(n int) int {
				t.Helper()
				b := newFixture(t, s)
				jobs := step.prepare(b, n)
				before := counted.n
				moved, err := step.move(b, jobs)
				if err != nil || moved != n {
					t.Fatalf("moved %d of %d, %v", moved, n, err)
				}
				took := counted.n - before
				if got, due := b.count(step.status); got != n || due != step.due(n) {
					t.Errorf("of %d, %d are %s, %d of them due; want %d", n, got, step.status, due, step.due(n))
				}
				return took
			}
			if few, many := trips(2), trips(60); many != few {
				t.Errorf("2 deliveries take %d trips, 60 take %d", few, many)
			}
		})
	}
}

// TestMovesAgree: moves in batches leave the counters right.
func TestMovesAgree(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ *time.Time) {
		b := newFixture(t, s)
		jobs := b.add(6, hub.DeliveryActive, alone)
		stale := jobs[0]
		stale.Delivery.Epoch++
		if err := s.Unlease(t.Context(), append(jobs[1:4:4], stale), true); err != nil {
			t.Fatal(err)
		}
		if active, _ := b.count(hub.DeliveryActive); active != 3 {
			t.Errorf("%d are leased, want those of another lease and those that were not named", active)
		}
		if err := s.Unlease(t.Context(), jobs, false); err != nil {
			t.Fatal(err)
		}
		b.add(5, hub.DeliveryHeld, func(int) string { return "k" })
		for _, move := range []func() (int, error){
			func() (int, error) { return s.ReleaseHeld(t.Context(), b.webhook, 1000) },
			func() (int, error) { return s.HoldDue(t.Context(), b.webhook, 2) },
			func() (int, error) { return s.CancelUnfinished(t.Context(), b.webhook, "", 3) },
		} {
			if n, err := move(); err != nil || n == 0 {
				t.Fatal(n, err)
			}
			counts, err := s.DeliveryCounts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, status := range hub.DeliveryStatuses() {
				if n, _ := b.count(status); int64(n) != counts[b.webhook][status] {
					t.Errorf("%d are %s, counted as %d", n, status, counts[b.webhook][status])
				}
			}
		}
	})
}

// TestMovesTouchWhatTheyMove: a batch looks at the deliveries that it moves, however
// many others there are, and whatever the planner knows of them.
func TestMovesTouchWhatTheyMove(t *testing.T) {
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	now := noon.Add(time.Hour)
	s.now = func() time.Time { return now }
	c := &explaining{writeConn: stoppedClock{s.w.conn, s.now}, t: t}
	s.w.conn = c
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	webhooks := fillBacklog(t, s, backlog{lanes: 300, perLane: 100})
	if _, err := s.pg.pool.Exec(t.Context(), `UPDATE nchat_webhook_deliveries SET order_key = substr(id::text, 12, 2)`); err != nil {
		t.Fatal(err) // a few of each conversation
	}
	const n = 50
	for i, prepare := range []string{`SELECT 1`, `ANALYZE nchat_webhook_deliveries`} {
		if _, err := s.pg.pool.Exec(t.Context(), prepare); err != nil {
			t.Fatal(err)
		}
		of := hub.WebhookID(webhooks[7+i])
		createWebhook(t, s, of)
		moved := func(move func() (int, error)) {
			t.Helper()
			c.plans = nil
			if moved, err := move(); err != nil || moved != n {
				t.Fatalf("moved %d, %v", moved, err)
			}
			for _, p := range c.plansOf("nchat_webhook_deliveries") {
				p.reads(t, 3*n, 60*n)
			}
		}
		moved(func() (int, error) { return s.HoldDue(t.Context(), of, n) })
		moved(func() (int, error) { return s.ReleaseHeld(t.Context(), of, n) })
		jobs, _, err := s.Claim(t.Context(), "n", []hub.Quota{{WebhookID: of, Max: n, Ahead: n}})
		if err != nil || len(jobs) != n {
			t.Fatalf("claimed %d, %v", len(jobs), err)
		}
		moved(func() (int, error) { return n, s.Unlease(t.Context(), jobs, false) })
		moved(func() (int, error) { return s.CancelUnfinished(t.Context(), of, "", n) })
		moved(func() (int, error) {
			_, n, err := s.ReplayBatch(t.Context(), &hub.ReplayRequest{WebhookID: of, Status: hub.DeliveryCanceled}, "", n, now, 0)
			return n, err
		})
	}
}
