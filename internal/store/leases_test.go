package store

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// counting counts the transactions of the writer and their statements.
type counting struct {
	writeConn
	transactions, statements int
}

func (c *counting) commit() error { c.transactions++; return c.writeConn.commit() }

func (c *counting) exec(text string, args ...any) (int64, error) {
	c.statements++
	return c.writeConn.exec(text, args...)
}

func (c *counting) later(text string, args ...any) error {
	c.statements++
	return c.writeConn.later(text, args...)
}

func (c *counting) query(text string, args ...any) (rows, error) {
	c.statements++
	return c.writeConn.query(text, args...)
}

// fillLeases makes leases of a process that is gone, of two lanes in turn; of the
// first lane it may have sent half.
func fillLeases(tb testing.TB, s *Store, n int) {
	tb.Helper()
	for _, statement := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, lease_node, lease_epoch, lease_seq, created_at, updated_at)
			SELECT (left($1, 24) || lpad(to_hex(n), 12, '0'))::uuid, ($2::text[])[1 + n % 2]::uuid, $1::uuid, 'x', 'active', 'gone', 1, (n + 1) / 2, $4, $4
			FROM generate_series(1, $3::integer) n`, []any{id1, []string{id1, id2}, n, noon}},
		{`INSERT INTO nchat_webhook_lanes (webhook_id, node, mark) VALUES ($1, 'gone', $3), ($2, 'another', 1000000)
			ON CONFLICT DO NOTHING`, []any{id1, id2, n / 4}},
		{`INSERT INTO nchat_webhook_counters (webhook_id, status, total) SELECT id, 'active', $2 FROM unnest($1::uuid[]) id
			ON CONFLICT (webhook_id, status) DO UPDATE SET total = $2`, []any{[]string{id1, id2}, n / 2}},
	} {
		if _, err := s.pg.pool.Exec(tb.Context(), statement.text, statement.args...); err != nil {
			tb.Fatalf("%s: %v", statement.text, err)
		}
	}
}

// TestVoidManyLeases: what a hub held that died is made due in few statements,
// however much it was: each costs a trip to the database, and the others wait.
func TestVoidManyLeases(t *testing.T) {
	n := 50_000
	if testing.Short() {
		n = 10_000
	}
	s := openTest(t, EmptyPostgres(t))
	s.now = func() time.Time { return noon }
	c := &counting{writeConn: stoppedClock{s.w.conn, s.now}}
	s.w.conn = c
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What the planner knows of the table is from before it was filled.
	if _, err := s.pg.pool.Exec(t.Context(), `ANALYZE nchat_webhook_deliveries`); err != nil {
		t.Fatal(err)
	}
	fillLeases(t, s, n)
	if voided, err := s.VoidLeases(t.Context()); voided != n || err != nil {
		t.Fatalf("voided %d, %v", voided, err)
	}
	if c.transactions > n/2000 || c.statements > 8*c.transactions {
		t.Errorf("%d statements in %d transactions", c.statements, c.transactions)
	}
	totals, err := s.DeliveryTotals(t.Context())
	if err != nil || totals[hub.DeliveryPending] != int64(n) || totals[hub.DeliveryActive] != 0 {
		t.Errorf("counters %v, %v", totals, err)
	}
	var due, tried, attempts, known int
	err = s.pg.pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE status = 'pending' AND scheduled_for = $1 AND lease_node IS NULL AND lease_epoch = 2),
			sum(attempts), (SELECT count(*) FROM nchat_webhook_attempts WHERE number = 1 AND result = 'unknown' AND started_at = $1 AND due_at = $1),
			(SELECT count(*) FROM nchat_webhook_attempts a JOIN nchat_webhook_deliveries d ON d.id = a.delivery_id WHERE d.webhook_id <> $2 OR d.lease_seq > $3)
		FROM nchat_webhook_deliveries`, noon, id1, n/4).Scan(&due, &tried, &attempts, &known)
	if err != nil || due != n || tried != n/4 || attempts != n/4 || known != 0 {
		t.Errorf("%d due, %d tries, %d attempts, %d of them of what was not sent, %v", due, tried, attempts, known, err)
	}
}

func BenchmarkVoidLeases(b *testing.B) {
	const n = 50_000
	s, err := Open(b.Context(), Options{Postgres: postgrestest.URL(b), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.now = func() time.Time { return noon }
	if err := s.EnsurePartitions(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		if _, err := s.pg.pool.Exec(b.Context(), `TRUNCATE nchat_webhook_deliveries, nchat_webhook_attempts`); err != nil {
			b.Fatal(err)
		}
		fillLeases(b, s, n)
		b.StartTimer()
		if voided, err := s.VoidLeases(b.Context()); voided != n || err != nil {
			b.Fatalf("voided %d, %v", voided, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/lease")
}
