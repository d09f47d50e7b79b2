package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// prunable is what a clean-up needs to know of an event.
type prunable struct {
	seq int64
	id  hub.EventID
	at  time.Time
}

func scanPrunable(row scanner) (e prunable, err error) {
	var created Time
	err = row.Scan(&e.seq, &e.id, &created)
	e.at = created.Time
	return e, err
}

// Prune looks at no more than limit events with ids above after ("": from the
// oldest) and removes those whose deliveries are all finished and old enough,
// with their deliveries and attempts: always as a whole, so that what remains
// still agrees. It returns the id of the last event it looked at, to go on from.
// The newest event is kept, because it carries the number that the next one
// follows.
func (s *Store) Prune(ctx context.Context, r hub.Retention, after hub.EventID, limit int) (p hub.Pruned, position hub.EventID, err error) {
	err = s.write(ctx, func(t *tx) error {
		p, position = hub.Pruned{}, after
		before := highestID
		if t.bulk != nil {
			// Younger rows go with their week (PruneWeeks).
			before = hub.FirstID(weekOf(r.FinishedBefore))
		}
		events, err := list(ctx, t, scanPrunable,
			`SELECT seq, id, created_at FROM nchat_events WHERE id > $1 AND id < $3 ORDER BY id LIMIT $2`, from(after), limit, before)
		if err != nil {
			return err
		}
		p.More = len(events) == limit
		old := 0
		for _, e := range events {
			wrong := e.at.After(t.now) // made while the clock was ahead; it says nothing about the next
			if e.seq == t.seq || !wrong && !e.at.Before(r.FinishedBefore) {
				p.More = false // younger ones follow
				break
			}
			if wrong {
				if old == 0 {
					position = e.id // step over it; the next batch begins behind
				}
				p.More = true
				break
			}
			old++
		}
		if old == 0 {
			return nil
		}
		position = events[old-1].id
		return t.pruneOld(events[:old], r, &p)
	})
	return p, position, err
}

// pruneOld removes a run of old events, neighbours in the order of their ids,
// at one stroke when none of their deliveries has to stay, else one by one.
func (t *tx) pruneOld(events []prunable, r hub.Retention, p *hub.Pruned) error {
	stays, err := t.anyStays(events, r)
	if err != nil {
		return err
	}
	if !stays {
		return t.removeEvents(events, p)
	}
	for i := range events {
		if stays, err = t.anyStays(events[i:i+1], r); err != nil {
			return err
		}
		if stays {
			continue
		}
		if err := t.removeEvents(events[i:i+1], p); err != nil {
			return err
		}
	}
	return nil
}

// deliveriesOf returns the ends of the ids of the deliveries of a run of events.
func deliveriesOf(events []prunable) (low, high string) {
	first, _ := hub.DeliveryRange(events[0].id)
	_, last := hub.DeliveryRange(events[len(events)-1].id)
	return string(first), string(last)
}

// anyStays reports whether a delivery of a run of events is unfinished or too
// young to go.
func (t *tx) anyStays(events []prunable, r hub.Retention) (bool, error) {
	low, high := deliveriesOf(events)
	return t.anyBetween(low, high, r)
}

// anyBetween is anyStays for a range of deliveries' ids.
func (t *tx) anyBetween(low, high string, r hub.Retention) (found bool, err error) {
	failed := r.FailedBefore // zero: failed ones stay
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE id >= $1 AND id <= $2
			AND (finished_at IS NULL OR finished_at >= $3 OR status = 'failed' AND finished_at >= $4))`,
		low, high, at(r.FinishedBefore), Time{failed}.text())
	return found, err
}

// removeEvents removes a run of events with all that belongs to them.
func (t *tx) removeEvents(events []prunable, p *hub.Pruned) error {
	low, high := deliveriesOf(events)
	if err := t.uncount(low, high); err != nil {
		return err
	}
	for _, step := range []struct {
		query     string
		low, high string
		removed   *int
	}{
		{`DELETE FROM nchat_webhook_attempts WHERE delivery_id >= $1 AND delivery_id <= $2`, low, high, &p.Attempts},
		{`DELETE FROM nchat_webhook_deliveries WHERE id >= $1 AND id <= $2`, low, high, &p.Deliveries},
		{`DELETE FROM nchat_events WHERE id >= $1 AND id <= $2`, string(events[0].id), string(events[len(events)-1].id), &p.Events},
	} {
		n, err := t.exec(step.query, step.low, step.high)
		if err != nil {
			return err
		}
		*step.removed += int(n)
	}
	return nil
}

// uncount takes a range of deliveries out of the counters.
func (t *tx) uncount(low, high string) error {
	t.disturbed = true
	return each(context.Background(), t, func(row scanner) error {
		var k counterKey
		var n int
		if err := row.Scan(&k.webhook, &k.status, &n); err != nil {
			return err
		}
		t.count(k, -n)
		return nil
	}, `SELECT webhook_id, status, count(*) FROM nchat_webhook_deliveries WHERE id >= $1 AND id <= $2 GROUP BY webhook_id, status`,
		low, high)
}

// callBody is the size of what is kept of a call's body.
type callBody struct {
	id    hub.CallID
	bytes int64
}

// trimBatch is the number of calls that one commit of TrimCalls changes at most.
const trimBatch = 200

// TrimCalls removes bodies of calls of incoming webhooks, of those received
// before a time the oldest with ids above after, until so many bytes are free,
// or as many as one commit should free; the calls stay in the log. It returns
// their bytes and the id of the last, "" when there was none. The room is used
// again; on Postgres it is not given back, so the size stays what it was.
func (s *Store) TrimCalls(ctx context.Context, before time.Time, after hub.CallID, bytes int64) (freed int64, last hub.CallID, err error) {
	// Found on a reader: a search over what was trimmed before must not keep the
	// writer.
	bodies, err := list(ctx, s.readers, func(row scanner) (b callBody, err error) {
		err = row.Scan(&b.id, &b.bytes)
		return b, err
	}, `SELECT id, octet_length(body) FROM nchat_inbox WHERE id > $1 AND id < $2 AND provider = 'token' AND body IS NOT NULL
		ORDER BY id LIMIT $3`, from(after), hub.FirstID(before), trimBatch)
	if err != nil || len(bodies) == 0 {
		return 0, "", err
	}
	for _, b := range bodies {
		if freed >= min(bytes, portionBytes) {
			break
		}
		freed, last = freed+b.bytes, b.id
	}
	err = s.write(ctx, func(t *tx) error {
		return t.later(`UPDATE nchat_inbox SET body = NULL
			WHERE id >= $1 AND id <= $2 AND provider = 'token' AND body IS NOT NULL`, string(bodies[0].id), string(last))
	})
	return freed, last, err
}

// OldestAge returns when the oldest event that is still kept happened; zero:
// there is none.
func (s *Store) OldestAge(ctx context.Context) (oldest time.Time, err error) {
	var first Time
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&first) },
		`SELECT created_at FROM nchat_events ORDER BY seq LIMIT 1`)
	return first.Time, err
}

// Vacuum returns at most pages free pages to the file system. Postgres vacuums
// by itself.
func (s *Store) Vacuum(ctx context.Context, pages int) error {
	if s.onPostgres() {
		return nil
	}
	return s.maintain(ctx, "PRAGMA incremental_vacuum("+itoa(pages)+")")
}

// Size returns the bytes in use by the database, free pages not counted.
func (s *Store) Size(ctx context.Context) (size int64, err error) {
	query := `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`
	if s.pg != nil {
		query = sizeQuery
	}
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&size) }, query)
	return size, err
}
