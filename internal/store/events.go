package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// publish inserts an event and its deliveries. It sets the event's number,
// and Parked on the deliveries that must wait for an earlier one.
func (t *tx) publish(r *hub.Routing) error {
	e := r.Event
	t.seq++
	e.Seq = t.seq
	origin, err := originText(e.Origin)
	if err != nil {
		return err
	}
	by := actorText(e.TriggeredBy)
	if err := t.insertEvent(e, origin, by); err != nil {
		return err
	}
	for i := range r.Deliveries {
		if err := t.insertDelivery(&r.Deliveries[i], e); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertEvent(e *hub.Event, origin string, by *string) error {
	if t.bulk != nil {
		t.bulk.addEvent(e, origin, by)
		t.changed++
		return nil
	}
	_, err := t.exec(`INSERT INTO nchat_events
		(seq, id, type, data, origin, triggered_by, channel_id, is_private, is_quiet, target, order_key, revision, trace, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		e.Seq, string(e.ID), e.Type, string(e.Data), origin, by, orNull(e.ChannelID), e.ChannelPrivate, e.Quiet,
		orNull(e.Target), orNull(e.OrderKey), e.Revision, orNull(e.Trace), at(e.Time).text())
	return err
}

// insertDelivery inserts a routed delivery of an event, parked when its
// conversation is not done with an earlier one.
func (t *tx) insertDelivery(d *hub.RoutedDelivery, e *hub.Event) error {
	d.Parked = false
	ear := ""
	if d.Handed && t.bulk != nil && !t.careful { // telling may be what failed
		ear = t.w.earOf(d.LeasedTo)
	}
	if d.Handed && ear == "" { // nobody would hear of it
		d.Handed, d.Mark, d.Epoch, d.LeaseSeq = false, 0, 0, 0
		d.Status, d.DueAt, d.LeasedTo = hub.DeliveryPending, t.now, ""
	}
	if d.OrderKey != "" && !e.FirstOfKey && d.Status != hub.DeliveryHeld {
		unfinished, err := t.unfinishedBeside(d.WebhookID, d.OrderKey, d.ID)
		if err != nil {
			return err
		}
		d.Parked = unfinished
	}
	status, due, node := d.Status, d.DueAt, d.LeasedTo
	if d.Parked {
		status, due, node = hub.DeliveryPending, time.Time{}, ""
	}
	t.moved(d.WebhookID, "", status)
	if t.bulk != nil {
		t.bulk.addDelivery(d, status, due, node)
		if d.Handed && !d.Parked {
			t.bulk.addHanded(d, e, ear)
		}
		t.changed++
		return t.setMark(d.WebhookID, d.LeasedTo, d.Mark)
	}
	_, err := t.exec(`INSERT INTO nchat_webhook_deliveries
		(id, webhook_id, event_id, event, status, order_key, scheduled_for, lease_node, lease_epoch, lease_seq, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		string(d.ID), string(d.WebhookID), string(d.EventID), d.EventType, string(status), orNull(d.OrderKey),
		at(due), orNull(node), d.Epoch, d.LeaseSeq, t.nowText, t.nowText)
	if err != nil {
		return err
	}
	return t.setMark(d.WebhookID, d.LeasedTo, d.Mark)
}

// Publish stores events with their deliveries, once per key when one is given.
func (s *Store) Publish(ctx context.Context, once *hub.Idempotency, routings ...hub.Routing) error {
	return s.writeRouted(ctx, routings, func(t *tx) error {
		if err := t.once(once); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

func (t *tx) publishAll(routings []hub.Routing) error {
	for i := range routings {
		if err := t.publish(&routings[i]); err != nil {
			return err
		}
	}
	return nil
}

const eventColumns = `seq, id, type, data, origin, triggered_by, channel_id, is_private, is_quiet, target, order_key,
	revision, trace, e.created_at`

func scanEvent(row scanner) (*hub.Event, error) {
	e := &hub.Event{}
	var data string
	var created Time
	err := row.Scan(&e.Seq, &e.ID, &e.Type, &data, asJSON(&e.Origin), asJSON(&e.TriggeredBy), orEmpty(&e.ChannelID),
		&e.ChannelPrivate, &e.Quiet, orEmpty(&e.Target), orEmpty(&e.OrderKey), &e.Revision, orEmpty(&e.Trace), &created)
	e.Data, e.Time = json.RawMessage(data), created.Time
	return e, err
}

// Event returns one event.
func (s *Store) Event(ctx context.Context, id hub.EventID) (*hub.Event, error) {
	return one(ctx, s.readers, "event", scanEvent, `SELECT `+eventColumns+` FROM nchat_events e WHERE id = $1`, string(id))
}

// EventsAfter returns at most limit events with a number above seq, oldest
// first: the live stream and its resumption.
func (s *Store) EventsAfter(ctx context.Context, seq int64, limit int) ([]*hub.Event, error) {
	return list(ctx, s.readers, scanEvent,
		`SELECT `+eventColumns+` FROM nchat_events e WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
}

// EventsBefore returns at most limit events with a number below seq (0: the
// newest), newest first, and the number to go on with, 0 when there are no more.
// pattern limits the types; "" is all. Of a pattern a page can hold fewer and not
// be the last: it looks at so many events and no more.
func (s *Store) EventsBefore(ctx context.Context, seq int64, pattern string, limit int) (page []*hub.Event, next int64, err error) {
	if seq == 0 {
		if seq, err = s.LastEvent(ctx); err != nil {
			return nil, 0, err
		}
		seq++
	}
	if pattern == "" || pattern == "*" {
		page, err = list(ctx, s.readers, scanEvent,
			`SELECT `+eventColumns+` FROM nchat_events e WHERE seq < $1 ORDER BY seq DESC LIMIT $2`, seq, limit)
		if len(page) == limit && limit > 0 {
			next = page[limit-1].Seq
		}
		return page, next, err
	}
	matches, arg := s.matches(pattern)
	_, other := s.matches(hub.AliasPattern(pattern))
	low := seq - lookedAt - 1
	page, err = list(ctx, s.readers, scanEvent,
		`SELECT `+eventColumns+` FROM nchat_events e WHERE seq < $1 AND seq > $2 AND (type `+matches+` $3 OR type `+matches+` $4)
		ORDER BY seq DESC LIMIT $5`, seq, low, arg, other, limit)
	switch {
	case err != nil:
		return nil, 0, err
	case len(page) == limit && limit > 0:
		return page, page[limit-1].Seq, nil
	}
	// The next one that there is: the oldest may be gone.
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&next) },
		`SELECT seq + 1 FROM nchat_events WHERE seq <= $1 ORDER BY seq DESC LIMIT 1`, low)
	return page, next, err
}

// likePattern turns a pattern of event types into one of LIKE.
var likePattern = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%")

// matches returns the operator and the argument that compare a text with a
// pattern in which * stands for anything. (LIKE of SQLite takes capital for
// small letters; GLOB's ? and [ cannot occur in a valid event pattern.)
func (s *Store) matches(pattern string) (operator, arg string) {
	if s.pg != nil {
		return "LIKE", likePattern.Replace(pattern)
	}
	return "GLOB", pattern
}

// LastEventID returns the id of the newest event, "" when there is none.
func (s *Store) LastEventID(ctx context.Context) (id hub.EventID, err error) {
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(orEmpty(&id)) }, `SELECT id FROM nchat_events ORDER BY id DESC LIMIT 1`)
	return id, err
}

// lastEventQuery finds the number of the newest event. It is never removed.
const lastEventQuery = `SELECT coalesce(max(seq), 0) FROM nchat_events`

// LastEvent returns the number of the newest event, 0 when there is none.
func (s *Store) LastEvent(ctx context.Context) (seq int64, err error) {
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&seq) }, lastEventQuery)
	return seq, err
}

func originText(o hub.Origin) (string, error) {
	if (o == hub.Origin{Kind: hub.OriginHub}) {
		return `{"kind":"hub"}`, nil
	}
	return encodeColumn(o)
}

func actorText(a *hub.TriggeredBy) *string {
	if a == nil {
		return nil
	}
	text := storableJSON(string(a.AppendJSON(nil)))
	return &text
}
