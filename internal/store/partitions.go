package store

import (
	"context"
	"fmt"
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
		from := week.Add(time.Duration(i) * partitionSpan)
		to := from.Add(partitionSpan)
		for _, table := range partitioned {
			// The ids of a moment begin with it (RFC 9562 §5.7). Of two processes
			// that do this at once, one waits for the other.
			_, err := s.pg.pool.Exec(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
				partitionName(table, from), table, hub.FirstID(from), hub.FirstID(to)))
			if err != nil && !isCode(err, "42P07", codeUnique) {
				return fmt.Errorf("store: make the partition of %s: %w", from.Format(time.DateOnly), err)
			}
		}
	}
	return nil
}

func partitionName(table string, from time.Time) string { return table + "_" + from.Format("20060102") }

// sizeQuery sums up the relations of the hub's schema.
const sizeQuery = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'`
