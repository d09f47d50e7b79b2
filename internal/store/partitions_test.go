package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
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

	retention := hub.Retention{FinishedBefore: now.Add(time.Hour)}
	total, err := s.PruneWeeks(t.Context(), retention, 0)
	if err != nil {
		t.Fatal(err)
	}
	var p hub.Pruned
	position := hub.EventID("")
	for more := true; more; more = p.More {
		if p, position, err = s.Prune(t.Context(), retention, position, 100); err != nil {
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

// fillWeek makes a week of so many deliveries that succeeded, and one at its end
// that failed at a time.
func fillWeek(t *testing.T, s *Store, from time.Time, n int, failed time.Time) {
	t.Helper()
	if err := s.ensureWeek(t.Context(), nil, from); err != nil {
		t.Fatal(err)
	}
	low := hub.FirstID(from)
	for _, statement := range []struct {
		text string
		args []any
	}{
		{
			`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, order_key, status, created_at, updated_at, finished_at)
			SELECT (left($1, 24) || lpad(to_hex(n), 12, '0'))::uuid, $2::uuid, $1::uuid, 'x', 'o', CASE WHEN n = $3 THEN 'failed' ELSE 'success' END,
				$4::timestamptz, $4, CASE WHEN n = $3 THEN $5::timestamptz ELSE $4 END FROM generate_series(1, $3::integer) n`,
			[]any{low, id1, n, from, failed},
		},
		{`INSERT INTO nchat_webhook_counters (webhook_id, status, total) VALUES ($1, 'success', $2::integer - 1), ($1, 'failed', 1)`, []any{id1, n}},
		{
			`INSERT INTO nchat_events (id, seq, type, data, origin, revision, created_at) VALUES ($1, 1, 'x', '{}', '{}', 1, $2)`,
			[]any{hub.FirstID(s.Now()), s.Now()},
		},
		{`ANALYZE nchat_webhook_deliveries`, nil},
	} {
		if _, err := s.pg.pool.Exec(t.Context(), statement.text, statement.args...); err != nil {
			t.Fatalf("%s: %v", statement.text, err)
		}
	}
}

// TestPruneLargeWeek: whether a week may go is not asked of the writer, however
// large the week is, and one with a late dead letter is known by that alone. The
// transaction that drops a week looks at none of its rows.
func TestPruneLargeWeek(t *testing.T) {
	const rows = 200_000
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	s.now = func() time.Time { return noon }
	c := &explaining{writeConn: stoppedClock{s.w.conn, s.now}, t: t}
	s.w.conn = c
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := weekOf(noon.Add(-10 * partitionSpan))
	late := old.Add(2 * partitionSpan)
	fillWeek(t, s, old, rows, late)
	asked := &recorder{pool: s.readers}
	s.readers = asked

	r := hub.Retention{FinishedBefore: noon.Add(-4 * partitionSpan), FailedBefore: late}
	p, err := s.PruneWeeks(t.Context(), r, 0)
	if err != nil || p.Weeks != 0 || len(c.plans) != 0 {
		t.Fatalf("%+v, %v, and the writer was asked %d times; the week has to stay", p, err, len(c.plans))
	}
	for _, q := range asked.asked[1:] { // but the list of the weeks
		if plan, cost := planPostgres(t, s, q); cost > 5 {
			t.Errorf("looks at %d rows:\n%s", cost, plan)
		}
	}

	r.FailedBefore = late.Add(time.Second)
	if p, err = s.PruneWeeks(t.Context(), r, 0); err != nil || p.Weeks != 1 || p.Deliveries != rows {
		t.Fatalf("removed %+v, %v, want the week", p, err)
	}
	for _, plan := range c.plans {
		plan.reads(t, 0, 50)
	}
	if left, err := s.DeliveryTotals(t.Context()); err != nil || left[hub.DeliverySuccess] != 0 || left[hub.DeliveryFailed] != 0 {
		t.Errorf("counters %v, %v", left, err)
	}
}

// TestPruneDisturbedWeek: what happened to a week after it was looked at is not
// overlooked, even when it is finished again.
func TestPruneDisturbedWeek(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	s.now = func() time.Time { return noon }
	s.w.conn = stoppedClock{s.w.conn, s.now}
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := weekOf(noon.Add(-10 * partitionSpan))
	fillWeek(t, s, old, 10, old)
	w := hub.OutgoingWebhook{
		ID: id1, Name: "w", URL: "http://receiver/", State: hub.WebhookActive, Events: []string{"x"}, Policy: hub.DefaultPolicy(),
		SealedSecret: "x", CreatedAt: noon, UpdatedAt: noon,
	}
	if _, err := s.CreateOutgoingWebhook(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
	r := hub.Retention{FinishedBefore: noon, FailedBefore: noon}
	found, err := s.lookAt(t.Context(), old, r)
	if err != nil || found == nil {
		t.Fatalf("%v, %v: the week may go", found, err)
	}
	var id hub.DeliveryID
	for d, n := range found.counts {
		if d.status == hub.DeliveryFailed && n == 1 {
			id = hub.DeliveryID(found.low()[:24] + "00000000000a")
		}
	}
	for _, step := range []func() error{
		func() error { _, err := s.RetryDelivery(t.Context(), id); return err },
		func() error { _, _, err := s.CancelDelivery(t.Context(), id); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if dropped, err := s.drop(t.Context(), found); err != nil || dropped {
			t.Errorf("dropped: %t, %v; the week is not what it was", dropped, err)
		}
	}
	r.FinishedBefore = noon.Add(time.Second)
	if found, err = s.lookAt(t.Context(), old, r); err != nil || found == nil {
		t.Fatalf("%v, %v: the week may go", found, err)
	}
	if dropped, err := s.drop(t.Context(), found); err != nil || !dropped {
		t.Errorf("dropped: %t, %v", dropped, err)
	}
}

// TestPartitionsBesideReader: the tables get room for three weeks ahead while a
// backup reads them, and nobody who writes waits for that.
func TestPartitionsBesideReader(t *testing.T) {
	database := postgrestest.URL(t)
	s := openTest(t, Options{Postgres: database})
	now := s.Now()
	reader, err := s.pg.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback(context.WithoutCancel(t.Context())) }()
	for _, table := range partitioned {
		if _, err := reader.Exec(t.Context(), `LOCK TABLE `+table+` IN ACCESS SHARE MODE`); err != nil { // as pg_dump does
			t.Fatal(err)
		}
	}
	if _, err := s.Join(t.Context(), "n", "test"); err != nil {
		t.Fatal(err)
	}
	// A write that is under way does not keep it, either.
	writer, err := s.pg.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Rollback(context.WithoutCancel(t.Context())) }()
	for _, table := range partitioned {
		if _, err := writer.Exec(t.Context(), `LOCK TABLE `+table+` IN ROW EXCLUSIVE MODE`); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		now = now.Add(partitionSpan)
		s.now = func() time.Time { return now }
		ahead, err := s.WeeksAhead(t.Context())
		if err != nil || ahead != partitionsAhead-1 {
			t.Fatalf("%d weeks ahead, %v", ahead, err)
		}
		if err := s.EnsurePartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ahead, err = s.WeeksAhead(t.Context()); err != nil || ahead != 3 {
			t.Fatalf("%d weeks ahead, %v, want 3", ahead, err)
		}
		if _, err := s.Beat(t.Context(), "n"); err != nil {
			t.Fatal(err)
		}
	}
	// They have what the table has: its indexes and its rules.
	var bare int
	err = s.pg.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_inherits i WHERE i.inhparent IN ($1::text::regclass, $2::text::regclass, $3::text::regclass)
		AND ((SELECT count(*) FROM pg_index x WHERE x.indrelid = i.inhrelid AND EXISTS (SELECT 1 FROM pg_inherits p WHERE p.inhrelid = x.indexrelid))
				<> (SELECT count(*) FROM pg_index x WHERE x.indrelid = i.inhparent)
			OR (SELECT count(*) FROM pg_index x WHERE x.indrelid = i.inhrelid) <> (SELECT count(*) FROM pg_index x WHERE x.indrelid = i.inhparent)
			OR (SELECT count(*) FROM pg_constraint c WHERE c.conrelid = i.inhrelid) <> (SELECT count(*) FROM pg_constraint c WHERE c.conrelid = i.inhparent))`,
		partitioned[0], partitioned[1], partitioned[2]).Scan(&bare)
	if err != nil || bare > 0 {
		t.Errorf("%d partitions differ from their tables, %v", bare, err)
	}
}
