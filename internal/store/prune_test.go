package store

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// TestTrimCalls: the oldest bodies go, as many as asked for, and the calls stay.
func TestTrimCalls(t *testing.T) { onBoth(t, testTrimCalls) }

func testTrimCalls(t *testing.T, s *Store, now *time.Time) {
	for n := range 5 {
		c := hub.Call{ID: hub.CallID(numbered(n + 1)), Verdict: "accepted", Status: 200, BodySize: 10, CreatedAt: s.Now()}
		if n != 1 {
			c.Body = make([]byte, 10)
		}
		if err := s.LogCall(t.Context(), nil, &c); err != nil {
			t.Fatal(err)
		}
	}
	trim := func(before time.Time, after hub.CallID, bytes, freed int64, last hub.CallID) {
		t.Helper()
		if n, id, err := s.TrimCalls(t.Context(), before, after, bytes); n != freed || id != last || err != nil {
			t.Errorf("freed %d up to %q, %v; want %d up to %q", n, id, err, freed, last)
		}
	}
	trim(noon, "", 100, 0, "") // all are younger
	later := now.Add(time.Second)
	size := int64(10)
	if s.onPostgres() {
		size = 11 // as it is stored: with its length
	}
	trim(later, "", size+1, 2*size, id3)
	trim(later, id3, 1, size, id4)
	trim(later, "", 100, size, id5)
	trim(later, "", 100, 0, "")
	calls, err := s.Calls(t.Context(), "", "", 10)
	if err != nil || len(calls) != 5 {
		t.Errorf("%d calls are left, %v", len(calls), err)
	}
}

// TestCallRoom: what bodies leave on Postgres counts as free until new ones use it.
// What the table grows by uses none.
func TestCallRoom(t *testing.T) {
	now := noon
	s := openTest(t, EmptyPostgres(t))
	s.now = func() time.Time { return now }
	s.w.conn = stoppedClock{s.w.conn, s.now}
	// Pages are free, and go, when the test says so.
	if _, err := s.pg.pool.Exec(t.Context(), `ALTER TABLE nchat_inbox SET (autovacuum_enabled = false, toast.autovacuum_enabled = false)`); err != nil {
		t.Fatal(err)
	}
	ids := &hub.IDs{Now: s.now}
	const body, many = 50_000, 40
	receive := func(n int) {
		t.Helper()
		for range n {
			c := hub.Call{ID: hub.CallID(ids.New()), Verdict: "accepted", Status: 200, Body: make([]byte, body), BodySize: body, CreatedAt: now}
			for i := range c.Body {
				c.Body[i] = byte(rand.Uint32()) // not to be compressed
			}
			if err := s.LogCall(t.Context(), nil, &c); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Minute)
	}
	// inUse returns also how much of the size is said to be free.
	inUse := func() (used, free int64) {
		t.Helper()
		used, err := s.InUse(t.Context())
		size, err2 := s.Size(t.Context())
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return used, size - used
	}
	receive(many)
	before, free := inUse()
	if free != 0 {
		t.Errorf("%d bytes are free, though nothing was removed", free)
	}
	freed, last, err := s.TrimCalls(t.Context(), now, "", many/2*body)
	if err != nil || freed < many/2*body {
		t.Fatalf("freed %d, %v", freed, err)
	}
	if used, free := inUse(); free != freed || used > before-freed+body {
		t.Errorf("%d bytes in use, %d free; %d were, %d of them were removed", used, free, before, freed)
	}
	// The room is not to be had yet: the table grows.
	receive(many / 4)
	if _, free := inUse(); free < freed-body || free > freed {
		t.Errorf("%d bytes are free, of %d that nobody could use", free, freed)
	}
	if _, err := s.pg.pool.Exec(t.Context(), `VACUUM (TRUNCATE false) nchat_inbox`); err != nil {
		t.Fatal(err)
	}
	_, had := inUse()
	receive(many / 4)
	used, free := inUse()
	if gone := had - free; gone < many/4*body*9/10 || gone > many/4*body*11/10 {
		t.Errorf("%d bytes were free, and are %d after bodies of %d", had, free, many/4*body)
	}
	for range 3 {
		if again, _ := inUse(); again != used {
			t.Errorf("%d bytes in use, and a moment later %d", used, again)
		}
	}
	// Nothing is remembered once the table is smaller by as much.
	if _, err := s.pg.pool.Exec(t.Context(), `VACUUM FULL nchat_inbox`); err != nil {
		t.Fatal(err)
	}
	if _, free := inUse(); free != 0 {
		t.Errorf("%d bytes are free after the table was written anew", free)
	}
	if left, err := s.Setting(t.Context(), callRoomKey); left != "" || err != nil {
		t.Errorf("%q is kept, %v", left, err)
	}
	if _, _, err := s.TrimCalls(t.Context(), now, last, body); err != nil {
		t.Fatal(err)
	}
	if _, free := inUse(); free < body {
		t.Errorf("%d bytes are free after one more body", free)
	}
}

// TestTripsOfPrune: on Postgres a batch of old events costs the same number of trips
// to the database, however those that have to stay lie among them.
func TestTripsOfPrune(t *testing.T) {
	now := noon
	s := openTest(t, EmptyPostgres(t))
	s.now = func() time.Time { return now }
	counted := &trips{writeConn: stoppedClock{s.w.conn, s.now}}
	s.w.conn = counted
	prune := func(n int) int {
		t.Helper()
		if err := s.EnsurePartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := newFixture(t, s)
		for range n {
			b.add(2, hub.DeliveryHeld, alone)
			if _, err := s.CancelUnfinished(t.Context(), b.webhook, "", 2); err != nil {
				t.Fatal(err)
			}
			b.add(1, hub.DeliveryActive, alone)
		}
		now = now.Add(2 * partitionSpan)
		if err := s.EnsurePartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
		newFixture(t, s).add(1, hub.DeliveryActive, alone) // the newest
		now = now.Add(time.Minute)
		before := counted.n
		p, _, err := s.Prune(t.Context(), hub.Retention{FinishedBefore: now}, hub.EventID(hub.FirstID(now.Add(-2*partitionSpan-time.Hour))), 1000)
		if err != nil || p.Events != 2*n || p.Deliveries != 2*n {
			t.Fatalf("removed %+v, %v; want %d events", p, err, 2*n)
		}
		took := counted.n - before
		counts, err := s.DeliveryCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		canceled, _ := b.count(hub.DeliveryCanceled)
		active, _ := b.count(hub.DeliveryActive)
		if c := counts[b.webhook]; canceled != 0 || active != n || c[hub.DeliveryCanceled] != 0 || c[hub.DeliveryActive] != int64(n) {
			t.Errorf("%d canceled, %d active are left, counted as %v", canceled, active, c)
		}
		return took
	}
	if few, many := prune(1), prune(20); many != few {
		t.Errorf("3 events take %d trips, 60 take %d", few, many)
	}
}

// explainingAll explains, of what concerns deliveries, what is executed, too.
type explainingAll struct{ *explaining }

func (c explainingAll) exec(text string, args ...any) (int64, error) {
	c.explain(text, args)
	return c.writeConn.exec(text, args...)
}

// TestPruneTouchesWhatItRemoves: a batch of old events among which some have to stay
// looks at their deliveries, however many others there are, and whatever the planner
// knows of them.
func TestPruneTouchesWhatItRemoves(t *testing.T) {
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	now := noon
	s.now = func() time.Time { return now }
	c := explainingAll{&explaining{writeConn: stoppedClock{s.w.conn, s.now}, t: t}}
	s.w.conn = c
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	const lanes, n = 100, 20
	webhooks := fillBacklog(t, s, backlog{lanes: lanes, perLane: 300})
	_, err := s.pg.pool.Exec(t.Context(), `UPDATE nchat_webhook_deliveries SET status = 'success', scheduled_for = NULL, finished_at = created_at
		WHERE webhook_id <> $1 OR id::text ~ '^.{12}[0-7]'`, webhooks[7]) // half of the events have one that is pending
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(3 * partitionSpan)
	position := hub.EventID("")
	for _, prepare := range []string{`SELECT 1`, `ANALYZE nchat_webhook_deliveries, nchat_events`} {
		if _, err := s.pg.pool.Exec(t.Context(), prepare); err != nil {
			t.Fatal(err)
		}
		c.plans = nil
		var p hub.Pruned
		if p, position, err = s.Prune(t.Context(), hub.Retention{FinishedBefore: now}, position, n); err != nil || p.Events == 0 || p.Events == n ||
			p.Deliveries != p.Events*lanes {
			t.Fatalf("removed %+v, %v", p, err)
		}
		for _, plan := range c.plansOf("nchat_webhook_deliveries") {
			plan.reads(t, n*lanes, 20*n*lanes)
		}
	}
}
