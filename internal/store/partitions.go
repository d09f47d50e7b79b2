package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

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
	partitionsAhead = 3
	// partitionTime bounds the making of one, and attachWait its wait for others who
	// change the table.
	partitionTime = 10 * time.Second
	attachWait    = 2 * time.Second
)

// weekOf returns the beginning of the partition that holds t: a Monday, UTC.
func weekOf(t time.Time) time.Time {
	t = t.UTC().Truncate(24 * time.Hour)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

// EnsurePartitions makes the partitions of this week and of those ahead that are
// missing. It does nothing on the embedded database.
func (s *Store) EnsurePartitions(ctx context.Context) error {
	if s.pg == nil {
		return nil
	}
	have, err := s.partitions(ctx)
	if err != nil {
		return err
	}
	week := weekOf(s.Now())
	for i := -1; i <= partitionsAhead; i++ { // the last week's too: its events may be on their way
		if err := s.ensureWeek(ctx, have, week.Add(time.Duration(i)*partitionSpan)); err != nil {
			return err
		}
	}
	return nil
}

// ensureWeek makes those partitions of the week that begins at from which are
// not among those there are.
func (s *Store) ensureWeek(ctx context.Context, have map[string]bool, from time.Time) error {
	for _, table := range partitioned {
		if have[partitionName(table, from)] {
			continue
		}
		if err := s.makePartition(ctx, table, from); err != nil {
			return fmt.Errorf("store: make the partition of %s: %w", from.Format(time.DateOnly), err)
		}
	}
	return nil
}

// makePartition makes a partition of a table beside it and attaches it then, which
// those who read and write the table do not notice; to make it in its place would
// shut them out, and wait for a backup to end first.
func (s *Store) makePartition(ctx context.Context, table string, from time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, partitionTime)
	defer cancel()
	name := partitionName(table, from)
	err := pgx.BeginFunc(ctx, s.pg.pool, func(tx pgx.Tx) error {
		for _, statement := range []string{
			fmt.Sprintf(`SET LOCAL lock_timeout = %d`, attachWait.Milliseconds()),
			fmt.Sprintf(`CREATE TABLE %s (LIKE %s INCLUDING ALL)`, name, table),
			// It is empty: there is nothing to look through. The ids of a moment begin with
			// it (RFC 9562 §5.7).
			fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')`,
				table, name, hub.FirstID(from), hub.FirstID(from.Add(partitionSpan))),
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if isCode(err, codeExists, codeUnique) {
		return nil // another process did so at this moment
	}
	return pgRefusal(err)
}

// partitions returns the names of the partitions that there are.
func (s *Store) partitions(ctx context.Context) (map[string]bool, error) {
	names, err := list(ctx, s.readers, scanText, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = ANY ($1::text[]::regclass[])`, partitioned)
	have := make(map[string]bool, len(names))
	for _, name := range names {
		have[name] = true
	}
	return have, err
}

// WeeksAhead returns for how many weeks after the present one the tables have
// room; -1: not even for that. The embedded database needs none, and always has
// room.
func (s *Store) WeeksAhead(ctx context.Context) (int, error) {
	if s.pg == nil {
		return partitionsAhead, nil
	}
	have, err := s.partitions(ctx)
	if err != nil {
		return 0, err
	}
	ahead := -1
	for week := weekOf(s.Now()); ; week = week.Add(partitionSpan) {
		for _, table := range partitioned {
			if !have[partitionName(table, week)] {
				return ahead, nil
			}
		}
		ahead++
	}
}

func partitionName(table string, from time.Time) string { return table + "_" + from.Format("20060102") }

// sizeQuery sums up the relations of the hub's schema.
const sizeQuery = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'`

// partitionsQuery lists the weeks for which there are partitions, by the names
// of those of the events.
const partitionsQuery = `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'nchat_events'::regclass ORDER BY c.relname`

// weeks returns the beginnings of the weeks for which there are partitions.
func (s *Store) weeks(ctx context.Context) ([]time.Time, error) {
	return list(ctx, s.readers, func(row scanner) (time.Time, error) {
		var name string
		if err := row.Scan(&name); err != nil {
			return time.Time{}, err
		}
		return time.Parse("20060102", strings.TrimPrefix(name, "nchat_events_"))
	}, partitionsQuery)
}

const (
	// countTime bounds the look at an old week, which reads all of it.
	countTime = 10 * time.Minute
	// dropWait is how long a drop waits for those who read the tables. Nobody
	// writes meanwhile, and a backup reads for an hour: the next round comes.
	dropWait = 200 * time.Millisecond
)

// PruneWeeks drops weeks of which nothing has to stay, each as a whole: of those
// that may go the oldest, at most so many; 0: all. A week must have ended before the
// cutoff; the newest event always stays. There is more when somebody read the tables,
// so that none could be dropped. It does nothing on the embedded database.
//
// Whether a week may go, and how many deliveries go with it, is found out by
// reading, beside the writers. The transaction that drops it only makes sure that
// this still holds.
func (s *Store) PruneWeeks(ctx context.Context, r hub.Retention, most int) (p hub.Pruned, err error) {
	if s.pg == nil {
		return p, nil
	}
	weeks, err := s.weeks(ctx)
	if err != nil {
		return p, err
	}
	for _, from := range weeks {
		if to := from.Add(partitionSpan); to.After(r.FinishedBefore) || to.After(s.Now()) {
			break
		}
		w, err := s.lookAt(ctx, from, r)
		dropped := false
		if err == nil && w != nil {
			dropped, err = s.drop(ctx, w)
		}
		switch {
		case isCode(err, codeLocked):
			p.More = true // somebody reads the tables
			return p, nil
		case err != nil:
			return p, err
		case dropped:
			p.Weeks++
			p.Deliveries += w.deliveries()
			if p.Weeks == most {
				return p, nil
			}
		}
	}
	return p, nil
}

// oldWeek is a week that may go, as it was when it was looked at.
type oldWeek struct {
	from      time.Time
	disturbed string // the setting disturbedKey before the look
	counts    map[counterKey]int
}

func (w *oldWeek) low() string  { return hub.FirstID(w.from) }
func (w *oldWeek) high() string { return hub.FirstID(w.from.Add(partitionSpan)) }

func (w *oldWeek) deliveries() (total int) {
	for _, n := range w.counts {
		total += n
	}
	return total
}

// openQuery finds out whether a week holds deliveries that are not finished, by
// the indexes that have only such. Each is empty for most old weeks.
const openQuery = `SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE scheduled_for IS NOT NULL AND id >= $1 AND id < $2)
	OR EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE lease_node IS NOT NULL AND id >= $1 AND id < $2)
	OR EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE status = 'held' AND id >= $1 AND id < $2)
	OR EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE order_key IS NOT NULL AND finished_at IS NULL AND id >= $1 AND id < $2)`

// lateQuery finds out whether a week holds a dead letter that is too young to go,
// by the index of dead letters.
const lateQuery = `SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries
	WHERE status = 'failed' AND finished_at >= $3 AND id >= $1 AND id < $2)`

// countQuery counts a week's deliveries, with whether any has to stay.
const countQuery = `SELECT webhook_id, status, count(*),
		bool_or(finished_at IS NULL OR finished_at >= $3 OR status = 'failed' AND finished_at >= $4)
	FROM nchat_webhook_deliveries WHERE id >= $1 AND id < $2 GROUP BY webhook_id, status`

// lookAt looks at the week that begins at from; nil: something in it has to stay.
// A week of many millions is read only when it seems that it may go.
func (s *Store) lookAt(ctx context.Context, from time.Time, r hub.Retention) (*oldWeek, error) {
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	w := &oldWeek{from: from, counts: make(map[counterKey]int)}
	var err error
	if w.disturbed, err = setting(ctx, s.readers, disturbedKey); err != nil {
		return nil, err
	}
	failed := Time{r.FailedBefore}.text() // the zero time: all of them stay
	for _, q := range []struct {
		text string
		args []any
	}{
		{openQuery, []any{w.low(), w.high()}},
		{lateQuery, []any{w.low(), w.high(), failed}},
	} {
		stays := false
		err := each(ctx, s.readers, func(row scanner) error { return row.Scan(&stays) }, q.text, q.args...)
		if err != nil || stays {
			return nil, err
		}
	}
	stays := false
	err = each(ctx, s.unhurried(), func(row scanner) error {
		var k counterKey
		var n int
		var stay bool
		err := row.Scan(&k.webhook, &k.status, &n, &stay)
		w.counts[k], stays = n, stays || stay
		return err
	}, countQuery, w.low(), w.high(), at(r.FinishedBefore), failed)
	if err != nil || stays {
		return nil, err
	}
	return w, nil
}

// unhurried is a reader whose queries may take as long as their contexts allow.
func (s *Store) unhurried() querier { return pgPool{pool: s.pg.pool, time: countTime} }

// disturbedKey is a setting that changes whenever finished deliveries do, as
// they are sent again or removed: what was counted of old weeks may be wrong then.
const disturbedKey = "retention.disturbed"

// disturb changes it. The time is none, so that nobody takes it for news.
func (t *tx) disturb() error {
	return t.later(`INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, '1', 'epoch')
		ON CONFLICT (key) DO UPDATE SET value = (nchat_settings.value::bigint + 1)::text`, disturbedKey)
}

// drop drops a week's tables and takes their rows out of the counters, unless it
// is not any more as it was found.
func (s *Store) drop(ctx context.Context, w *oldWeek) (dropped bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		dropped = false
		holds, err := t.stillHolds(w)
		if err != nil || !holds {
			return err
		}
		if err := t.later(fmt.Sprintf(`SET LOCAL lock_timeout = %d`, dropWait.Milliseconds())); err != nil {
			return err
		}
		for _, table := range partitioned {
			if _, err := t.exec(`DROP TABLE IF EXISTS ` + partitionName(table, w.from)); err != nil {
				return err
			}
		}
		if err := t.later(`SET LOCAL lock_timeout = DEFAULT`); err != nil {
			return err
		}
		for k, n := range w.counts {
			t.count(k, -n)
		}
		dropped = true
		return nil
	})
	return dropped && err == nil, err
}

// stillHolds reports whether a week has no unfinished delivery, none that was
// finished since it was looked at, and not the newest event.
func (t *tx) stillHolds(w *oldWeek) (bool, error) {
	disturbed, err := setting(context.Background(), t, disturbedKey)
	if err != nil || disturbed != w.disturbed || t.disturbed {
		return false, err
	}
	stays := false
	is := func(row scanner) error { return row.Scan(&stays) }
	err = each(context.Background(), t, is,
		`SELECT EXISTS (SELECT 1 FROM nchat_events WHERE seq = $3 AND id >= $1 AND id < $2)`, w.low(), w.high(), t.seq)
	if err == nil && !stays {
		err = each(context.Background(), t, is, openQuery, w.low(), w.high())
	}
	return !stays, err
}
