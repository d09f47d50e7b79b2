package store

import (
	"context"
	"encoding/json"
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
	if t.bulk != nil {
		return t.pruneBetween(events, r, p)
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
	return lowestOf(events[0]), highestOf(events[len(events)-1])
}

// lowestOf returns the lower end of the ids of the deliveries of an event.
func lowestOf(e prunable) string {
	low, _ := hub.DeliveryRange(e.id)
	return string(low)
}

// highestOf returns the upper end.
func highestOf(e prunable) string {
	_, high := hub.DeliveryRange(e.id)
	return string(high)
}

// mustStay is the condition of a delivery that is unfinished or too young to go:
// finished since $3, or failed since $4.
const mustStay = `(finished_at IS NULL OR finished_at >= $3 OR status = 'failed' AND finished_at >= $4)`

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
		`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE id >= $1 AND id <= $2 AND `+mustStay+`)`,
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
	return t.uncountAll(`SELECT webhook_id, status, count(*) FROM nchat_webhook_deliveries WHERE id >= $1 AND id <= $2 GROUP BY webhook_id, status`,
		low, high)
}

// uncountAll takes deliveries out of the counters, which a query counts.
func (t *tx) uncountAll(query string, args ...any) error {
	t.disturbed = true
	return each(context.Background(), t, func(row scanner) error {
		var k counterKey
		var n int
		if err := row.Scan(&k.webhook, &k.status, &n); err != nil {
			return err
		}
		t.count(k, -n)
		return nil
	}, query, args...)
}

// pruneBetween removes, on Postgres, those of a run of old events of which no
// delivery has to stay: in as many trips, however they lie.
func (t *tx) pruneBetween(events []prunable, r hub.Retention, p *hub.Pruned) error {
	stay := make([]bool, len(events))
	err := each(context.Background(), t, func(row scanner) error {
		var n int
		if err := row.Scan(&n); err != nil {
			return err
		}
		stay[n-1] = true
		return nil
	}, `SELECT u.n FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS u (low, high, n)
		WHERE EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE id >= u.low AND id <= u.high AND `+mustStay+`)`,
		uuidArray(events, lowestOf), uuidArray(events, highestOf), at(r.FinishedBefore), Time{r.FailedBefore}.text())
	if err != nil {
		return err
	}
	var runs [][]prunable
	for i := range events {
		switch {
		case stay[i]:
		case i > 0 && !stay[i-1]:
			last := &runs[len(runs)-1]
			*last = append(*last, events[i])
		default:
			runs = append(runs, events[i:i+1:i+1])
		}
	}
	if len(runs) == 0 {
		return nil
	}
	low := uuidArray(runs, func(run []prunable) string { return lowestOf(run[0]) })
	high := uuidArray(runs, func(run []prunable) string { return highestOf(run[len(run)-1]) })
	const within = `unnest($1::uuid[], $2::uuid[]) AS u (low, high)`
	err = t.uncountAll(`SELECT d.webhook_id, d.status, count(*) FROM `+within+` JOIN nchat_webhook_deliveries d
		ON d.id >= u.low AND d.id <= u.high GROUP BY d.webhook_id, d.status`, low, high)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		query     string
		low, high any
		removed   *int
	}{
		{`DELETE FROM nchat_webhook_attempts x USING ` + within + ` WHERE x.delivery_id >= u.low AND x.delivery_id <= u.high`, low, high, &p.Attempts},
		{`DELETE FROM nchat_webhook_deliveries x USING ` + within + ` WHERE x.id >= u.low AND x.id <= u.high`, low, high, &p.Deliveries},
		{
			`DELETE FROM nchat_events x USING ` + within + ` WHERE x.id >= u.low AND x.id <= u.high`,
			uuidArray(runs, func(run []prunable) hub.EventID { return run[0].id }),
			uuidArray(runs, func(run []prunable) hub.EventID { return run[len(run)-1].id }), &p.Events,
		},
	} {
		n, err := t.exec(step.query, step.low, step.high)
		if err != nil {
			return err
		}
		*step.removed += int(n)
	}
	return nil
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
// again; on Postgres it is not given back, so it is remembered as free (InUse).
func (s *Store) TrimCalls(ctx context.Context, before time.Time, after hub.CallID, bytes int64) (freed int64, last hub.CallID, err error) {
	size := "octet_length"
	if s.onPostgres() {
		size = "pg_column_size" // as it is stored: compressed, perhaps
	}
	// Found on a reader: a search over what was trimmed before must not keep the
	// writer.
	bodies, err := list(ctx, s.readers, func(row scanner) (b callBody, err error) {
		err = row.Scan(&b.id, &b.bytes)
		return b, err
	}, `SELECT id, `+size+`(body) FROM nchat_inbox WHERE id > $1 AND id < $2 AND provider = 'token' AND body IS NOT NULL
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
		if t.bulk != nil {
			if err := t.freeCallRoom(freed); err != nil {
				return err
			}
		}
		return t.later(`UPDATE nchat_inbox SET body = NULL
			WHERE id >= $1 AND id <= $2 AND provider = 'token' AND body IS NOT NULL`, string(bodies[0].id), string(last))
	})
	return freed, last, err
}

// callRoom is the room that bodies have left, on Postgres, in the table of calls.
// The table keeps it until others use it. It is a setting, because whoever leads
// next, or starts again, would else trim as much once more.
type callRoom struct {
	Bytes int64 `json:"bytes"`
	// Size is that of the table, and At when it was looked at: what came since has used
	// some of the room, as far as the table did not grow.
	Size int64     `json:"size"`
	At   time.Time `json:"at"`
}

// callRoomKey is the setting. Its time of change is none, so that nobody takes it
// for news.
const callRoomKey = "retention.room"

// callSettled is the age from which on calls are in the log, under ids of their time.
const callSettled = 5 * time.Second

// callTableSize is the size of the table of calls.
const callTableSize = `SELECT pg_total_relation_size('nchat_inbox')`

// freeCallRoom notes that bodies are being removed that take so many bytes.
func (t *tx) freeCallRoom(bytes int64) error {
	text, err := setting(context.Background(), t, callRoomKey)
	if err != nil {
		return err
	}
	room := readCallRoom(text)
	if room.Bytes == 0 {
		room.At = t.now
		if err := each(context.Background(), t, func(row scanner) error { return row.Scan(&room.Size) }, callTableSize); err != nil {
			return err
		}
	}
	room.Bytes += bytes
	return t.later(`INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, $2, 'epoch')
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, callRoomKey, room.text())
}

// readCallRoom returns what a setting says; what cannot be read is no room.
func readCallRoom(text string) (room callRoom) {
	if err := json.Unmarshal([]byte(text), &room); err != nil {
		return callRoom{}
	}
	return room
}

func (r callRoom) text() string {
	b, _ := json.Marshal(r) // numbers and a time of this era
	return string(b)
}

// InUse returns the bytes that the database has in use, by which it is within its
// quota or not: on Postgres, too, without room that is used again.
func (s *Store) InUse(ctx context.Context) (int64, error) {
	size, err := s.Size(ctx)
	if err != nil || !s.onPostgres() {
		return size, err
	}
	room, err := s.callRoom(ctx)
	return size - room, err
}

// callRoom returns the room that there still is in the table of calls, and stores
// what is left of it.
func (s *Store) callRoom(ctx context.Context) (int64, error) {
	was, err := setting(ctx, s.readers, callRoomKey)
	if err != nil || was == "" {
		return 0, err
	}
	old := readCallRoom(was)
	room := callRoom{At: s.Now().Add(-callSettled)}
	if room.At.Before(old.At) {
		room.At = old.At
	}
	var came int64
	err = each(ctx, s.unhurried(), func(row scanner) error { return row.Scan(&came, &room.Size) },
		`SELECT coalesce(sum(pg_column_size(body)), 0)::bigint, (`+callTableSize+`) FROM nchat_inbox
			WHERE id >= $1 AND id < $2 AND body IS NOT NULL`, hub.FirstID(old.At), hub.FirstID(room.At))
	if err != nil {
		return 0, err
	}
	if came == 0 && room.Size == old.Size {
		return old.Bytes, nil
	}
	grown := room.Size - old.Size
	room.Bytes = max(0, old.Bytes-max(0, came-grown))
	// Unless it is not any more what it was: another process led for a moment.
	return room.Bytes, s.write(ctx, func(t *tx) error {
		if room.Bytes == 0 {
			return t.later(`DELETE FROM nchat_settings WHERE key = $1 AND value = $2`, callRoomKey, was)
		}
		return t.later(`UPDATE nchat_settings SET value = $3 WHERE key = $1 AND value = $2`, callRoomKey, was, room.text())
	})
}

// Vacuum returns at most pages free pages to the file system. Postgres vacuums
// by itself.
func (s *Store) Vacuum(ctx context.Context, pages int) error {
	if s.onPostgres() {
		return nil
	}
	return s.maintain(ctx, "PRAGMA incremental_vacuum("+itoa(pages)+")")
}

// ByWeek reports whether room is made by weeks that go (PruneWeeks). Rows that go
// leave it where nothing will use it: in the tables of their week.
func (s *Store) ByWeek() bool { return s.onPostgres() }

// Size returns the bytes that the database takes, free pages of the embedded one
// not counted.
func (s *Store) Size(ctx context.Context) (size int64, err error) {
	query := `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`
	if s.pg != nil {
		query = sizeQuery
	}
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&size) }, query)
	return size, err
}
