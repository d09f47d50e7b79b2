package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// The past of a hub that has run for weeks, written straight into its tables on Postgres, for a hub would take many minutes
// to deliver it. The rows are those that it would have left.

const (
	historyAge = 27 * 24 * time.Hour // of the first event: short of the 30 days after which the hub forgets
	week       = 7 * 24 * time.Hour

	// historyEvent is what happened then; who wants eventPattern wants it, too.
	historyEvent = "bench.past"
)

// historyTables are split into weeks by the time that an id begins with (RFC 9562 §5.7).
var historyTables = []string{"nchat_events", "nchat_webhook_deliveries", "nchat_webhook_attempts"}

// historyRows numbers the events: at is when, prefix the hexadecimal half of the ids that event and deliveries share. $1 is
// the number of events, $2 when the first happened, $3 the seconds between two.
const historyRows = `(SELECT n, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0') AS prefix
	FROM (SELECT n, $2::timestamptz + n * $3::float8 * interval '1 second' AS at FROM generate_series(0, $1::integer - 1) n) numbered) e`

// historyEventID is the id of an event of historyRows.
const historyEventID = `(e.prefix || '8' || substr(md5(e.n::text), 1, 15))::uuid`

// historyDeliveries are those of historyRows, of which every fiftieth is a dead letter; $4 is the webhooks. The second half
// of a delivery's id is the hash of its event and webhook, so that there cannot be two.
const historyDeliveries = historyRows + ` CROSS JOIN unnest($4::uuid[]) WITH ORDINALITY AS w (webhook, place)
	CROSS JOIN LATERAL (SELECT encode(sha256(convert_to(` + historyEventID + `::text || w.webhook, 'UTF8')), 'hex') AS hash) h
	CROSS JOIN LATERAL (SELECT (e.n + w.place) % 50 = 0 AS failed, (e.prefix
		|| translate(left(hash, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(hash, 2, 15))::uuid AS id) d`

// historyInserts fill the tables; they do not wait for each other.
var historyInserts = []struct {
	query string
	args  int // how many of historyRows' parameters it has
}{
	{`INSERT INTO nchat_events (id, seq, type, data, origin, revision, created_at)
		SELECT ` + historyEventID + `, n + 1, '` + historyEvent + `', '{"benchSeq":0,"benchSent":0,` + dataRest + `', '{"kind":"api"}',
			(SELECT max(revision) FROM nchat_outgoing_webhook_revisions), at
		FROM ` + historyRows, 3},
	{`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, attempts, tries, lease_epoch, lease_seq,
			last_status, last_error, created_at, updated_at, finished_at)
		SELECT d.id, webhook, ` + historyEventID + `, '` + historyEvent + `', CASE WHEN failed THEN 'failed' ELSE 'success' END,
			CASE WHEN failed THEN 4 ELSE 1 END, CASE WHEN failed THEN 4 ELSE 1 END, CASE WHEN failed THEN 8 ELSE 2 END, n + 1,
			CASE WHEN failed THEN 503 ELSE 204 END, NULL, at, at + interval '40 ms', at + interval '40 ms'
		FROM ` + historyDeliveries, 4},
	{`INSERT INTO nchat_webhook_attempts (delivery_id, number, started_at, duration_us, request_headers, response_status,
			response_headers, remote_addr, result, reason)
		SELECT d.id, t, at, 1500, '{"Content-Type":"application/json"}', CASE WHEN failed THEN 503 ELSE 204 END, '{}', '127.0.0.1:9000',
			CASE WHEN failed THEN 'status' ELSE 'success' END, CASE WHEN failed THEN '503: failed' ELSE '204: delivered' END
		FROM ` + historyDeliveries + ` CROSS JOIN generate_series(1, CASE WHEN failed THEN 4 ELSE 1 END) t`, 4},
}

// fill puts n finished deliveries of the webhooks, of every event one to each, into the database, whose tables a hub has
// made. The webhooks, and no others, subscribe to historyEvent. No hub may be running.
func (d *database) fill(ctx context.Context, webhooks []string, n int) error {
	events := max(1, n/len(webhooks))
	first := time.Now().Add(-historyAge)
	between := historyAge.Seconds() / float64(events)
	err := d.inSchema(ctx, func(conn *pgx.Conn) error {
		if err := makeWeeks(ctx, conn, first); err != nil {
			return err
		}
		// What the hub itself did comes after the past.
		_, err := conn.Exec(ctx, `UPDATE nchat_events SET seq = seq + $1`, events)
		return err
	})
	if err != nil {
		return err
	}
	args := []any{events, first, between, webhooks}
	errs := make([]error, len(historyInserts))
	var all sync.WaitGroup
	for i, insert := range historyInserts {
		all.Go(func() {
			errs[i] = d.inSchema(ctx, func(conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, insert.query, args[:insert.args]...)
				return err
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if err := d.inSchema(ctx, func(conn *pgx.Conn) error { return afterHistory(ctx, conn) }); err != nil {
		return err
	}
	return d.settle(ctx)
}

// afterHistory brings up to date what depends on the rows: the hub's counters, and what the server would have done over
// the weeks.
func afterHistory(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `INSERT INTO nchat_webhook_counters (webhook_id, status, total)
		SELECT webhook_id, status, count(*) FROM nchat_webhook_deliveries GROUP BY webhook_id, status
		ON CONFLICT (webhook_id, status) DO UPDATE SET total = excluded.total`)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	_, err = conn.Exec(ctx, "VACUUM (ANALYZE) "+strings.Join(historyTables, ", "))
	return err
}

// makeWeeks makes the partitions from first to now that are not there, each of the week that begins on a Monday.
func makeWeeks(ctx context.Context, conn *pgx.Conn, first time.Time) error {
	monday := first.UTC().Truncate(24 * time.Hour)
	monday = monday.AddDate(0, 0, -(int(monday.Weekday())+6)%7)
	for ; monday.Before(time.Now()); monday = monday.Add(week) {
		for _, table := range historyTables {
			_, err := conn.Exec(ctx, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s_%s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')",
				table, monday.Format("20060102"), table, firstID(monday), firstID(monday.Add(week))))
			if err != nil {
				return fmt.Errorf("history: %w", err)
			}
		}
	}
	return nil
}

// firstID is the lowest id that a moment can have.
func firstID(t time.Time) string {
	ms := fmt.Sprintf("%012x", t.UnixMilli())
	return ms[:8] + "-" + ms[8:] + "-0000-0000-000000000000"
}

// inSchema runs f on a connection that finds the hub's tables and does not wait for the disk.
func (d *database) inSchema(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := d.server.connect(ctx, d.name)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "SET search_path = hub; SET synchronous_commit = off")
	if err == nil {
		err = f(conn)
	}
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}
