package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// On Postgres events, deliveries and attempts are partitioned by the week in
// which their event happened: old ones go by dropping a table instead of
// deleting its rows.

// partitioned are the tables, each with the column of its range.
var partitioned = []string{"nchat_events", "nchat_webhook_deliveries", "nchat_webhook_attempts"}

const (
	partitionSpan = 7 * 24 * time.Hour
	// partitionsAhead are made before they are needed.
	partitionsAhead = 2
)

// weekOf returns the beginning of the partition that holds t: a Monday, UTC.
func weekOf(t time.Time) time.Time {
	t = t.UTC().Truncate(24 * time.Hour)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

// EnsurePartitions makes the partitions of this week and of those ahead. It
// does nothing on the embedded database.
func (s *Store) EnsurePartitions(ctx context.Context) error {
	if s.pg == nil {
		return nil
	}
	week := weekOf(s.Now())
	for i := -1; i <= partitionsAhead; i++ { // the last week's too: its events may be on their way
		if err := s.ensureWeek(ctx, week.Add(time.Duration(i)*partitionSpan)); err != nil {
			return err
		}
	}
	return nil
}

// ensureWeek makes the partitions of the week that begins at from.
func (s *Store) ensureWeek(ctx context.Context, from time.Time) error {
	to := from.Add(partitionSpan)
	for _, table := range partitioned {
		// The ids of a moment begin with it (RFC 9562 §5.7). Of two processes that
		// do this at once, one waits for the other.
		_, err := s.pg.pool.Exec(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
			partitionName(table, from), table, hub.FirstID(from), hub.FirstID(to)))
		if err != nil && !isCode(err, "42P07", codeUnique) {
			return fmt.Errorf("store: make the partition of %s: %w", from.Format(time.DateOnly), err)
		}
	}
	return nil
}

func partitionName(table string, from time.Time) string { return table + "_" + from.Format("20060102") }

// sizeQuery sums up the relations of the hub's schema.
const sizeQuery = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'`

// partitionsQuery lists the weeks for which there are partitions, by the names
// of those of the events.
const partitionsQuery = `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'nchat_events'::regclass ORDER BY c.relname`

func (t *tx) weeks() ([]time.Time, error) {
	return list(context.Background(), t, func(row scanner) (time.Time, error) {
		var name string
		if err := row.Scan(&name); err != nil {
			return time.Time{}, err
		}
		return time.Parse("20060102", strings.TrimPrefix(name, "nchat_events_"))
	}, partitionsQuery)
}

// dropWeek drops the oldest week of which nothing has to stay, as a whole, and
// reports whether there was one. A week must have ended before the cutoff; the
// newest event always stays.
func (t *tx) dropWeek(r hub.Retention, p *hub.Pruned) (bool, error) {
	weeks, err := t.weeks()
	if err != nil {
		return false, err
	}
	for _, from := range weeks {
		to := from.Add(partitionSpan)
		if to.After(r.FinishedBefore) || to.After(t.now) {
			return false, nil
		}
		stays, err := t.weekStays(from, to, r)
		if err != nil {
			return false, err
		}
		if !stays {
			return true, t.drop(from, to, p)
		}
	}
	return false, nil
}

// weekStays reports whether the week holds the newest event, or a delivery that
// is unfinished or too young to go.
func (t *tx) weekStays(from, to time.Time, r hub.Retention) (stays bool, err error) {
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&stays) },
		`SELECT EXISTS (SELECT 1 FROM nchat_events WHERE seq = $3 AND id >= $1 AND id < $2)`, hub.FirstID(from), hub.FirstID(to), t.seq)
	if err != nil || stays {
		return stays, err
	}
	return t.anyBetween(hub.FirstID(from), hub.FirstID(to), r)
}

// drop drops a week's tables and takes their rows out of the counters.
func (t *tx) drop(from, to time.Time, p *hub.Pruned) error {
	// The one statement of the writer that reads a table from end to end.
	if err := t.later(`SET LOCAL enable_seqscan = on`); err != nil {
		return err
	}
	if err := t.uncount(hub.FirstID(from), hub.FirstID(to), p); err != nil {
		return err
	}
	if err := t.later(`SET LOCAL enable_seqscan = off`); err != nil {
		return err
	}
	// A reader that is at work on the table is not waited for: the next round
	// comes.
	if err := t.later(`SET LOCAL lock_timeout = '2s'`); err != nil {
		return err
	}
	for _, table := range partitioned {
		if err := t.later(`DROP TABLE IF EXISTS ` + partitionName(table, from)); err != nil {
			return err
		}
	}
	p.Weeks++
	return nil
}
