package store

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// bulk holds back, on Postgres, the rows that publishing inserts, the marks of lanes
// and what other processes are told, until the group ends or a statement looks at
// their tables: then each table gets all of its rows in one statement. (Row by row,
// 10,000 deliveries cost Postgres twice as much.)
type bulk struct {
	events     []*hub.Event
	origins    []string
	by         []string // "": nobody
	deliveries []*hub.RoutedDelivery
	statuses   []hub.DeliveryStatus
	due        []time.Time // zero: not due
	nodes      []string    // "": not leased
	handed     []handed    // of the deliveries
	marks      map[servedLane]int64
	ears       []string // to be told texts
	texts      []string
}

// servedLane is a lane while one process serves it.
type servedLane struct {
	webhook hub.WebhookID
	node    string
}

func (b *bulk) empty() bool {
	return len(b.events) == 0 && len(b.deliveries) == 0 && len(b.marks) == 0 && len(b.ears) == 0
}

// addEvent takes an event that has its number.
func (b *bulk) addEvent(e *hub.Event, origin string, by *string) {
	b.events = append(b.events, e)
	b.origins = append(b.origins, origin)
	if by == nil {
		by = new(string)
	}
	b.by = append(b.by, *by)
}

func (b *bulk) addDelivery(d *hub.RoutedDelivery, status hub.DeliveryStatus, due time.Time, node string) {
	b.deliveries = append(b.deliveries, d)
	b.statuses, b.due, b.nodes = append(b.statuses, status), append(b.due, due), append(b.nodes, node)
}

// raiseMark notes up to which of its leases node may have sent; the highest counts.
func (b *bulk) raiseMark(webhook hub.WebhookID, node string, mark int64) {
	if b.marks == nil {
		b.marks = make(map[servedLane]int64)
	}
	lane := servedLane{webhook, node}
	b.marks[lane] = max(b.marks[lane], mark)
}

// tell notes what is told to others with the commit.
func (b *bulk) tell(ears []string, text string) {
	for _, ear := range ears {
		b.ears, b.texts = append(b.ears, ear), append(b.texts, text)
	}
}

// insert sends what is held back.
func (b *bulk) insert(s writeConn, now time.Time) error {
	if events := b.events; len(events) > 0 {
		err := s.later(`INSERT INTO nchat_events
			(id, seq, type, data, origin, triggered_by, channel_id, is_private, is_quiet, target, order_key, revision, trace, created_at)
			SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::uuid[], $8::bool[],
				$9::bool[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::timestamptz[])`,
			uuidArray(events, func(e *hub.Event) hub.EventID { return e.ID }),
			bigintArray(events, func(e *hub.Event) int64 { return e.Seq }),
			textArray(events, func(e *hub.Event) string { return e.Type }),
			textArray(events, func(e *hub.Event) string { return string(e.Data) }),
			jsonbArray(b.origins, itself), jsonbArray(b.by, itself),
			uuidArrayOrNull(events, func(e *hub.Event) hub.ChannelID { return e.ChannelID }),
			boolArray(events, func(e *hub.Event) bool { return e.ChannelPrivate }),
			boolArray(events, func(e *hub.Event) bool { return e.Quiet }),
			textArrayOrNull(events, func(e *hub.Event) hub.WebhookID { return e.Target }),
			textArrayOrNull(events, func(e *hub.Event) string { return e.OrderKey }),
			bigintArray(events, func(e *hub.Event) int64 { return e.Revision }),
			textArrayOrNull(events, func(e *hub.Event) string { return e.Trace }),
			timeArray(events, func(e *hub.Event) time.Time { return e.Time }))
		if err != nil {
			return err
		}
	}
	if ds := b.deliveries; len(ds) > 0 {
		err := s.later(`INSERT INTO nchat_webhook_deliveries
			(id, webhook_id, event_id, event, order_key, lease_epoch, lease_seq, status, scheduled_for, lease_node, created_at, updated_at)
			SELECT u.*, $11, $11 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
				$9::timestamptz[], $10::text[]) u`,
			uuidArray(ds, func(d *hub.RoutedDelivery) hub.DeliveryID { return d.ID }),
			uuidArray(ds, func(d *hub.RoutedDelivery) hub.WebhookID { return d.WebhookID }),
			uuidArray(ds, func(d *hub.RoutedDelivery) hub.EventID { return d.EventID }),
			textArray(ds, func(d *hub.RoutedDelivery) string { return d.EventType }),
			textArrayOrNull(ds, func(d *hub.RoutedDelivery) string { return d.OrderKey }),
			bigintArray(ds, func(d *hub.RoutedDelivery) int64 { return d.Epoch }),
			bigintArray(ds, func(d *hub.RoutedDelivery) int64 { return d.LeaseSeq }),
			textArray(b.statuses, itself),
			timeArray(b.due, itself), textArrayOrNull(b.nodes, itself), now)
		if err != nil {
			return err
		}
	}
	if err := b.writeMarks(s); err != nil {
		return err
	}
	if err := b.notify(s); err != nil {
		return err
	}
	*b = bulk{} // what is queued may refer to the slices
	return nil
}

// notify tells others what they are to be told.
func (b *bulk) notify(s writeConn) error {
	ears, texts, err := handovers(b.handed)
	if err != nil {
		return err
	}
	ears, texts = append(ears, b.ears...), append(texts, b.texts...)
	if len(ears) == 0 {
		return nil
	}
	return s.later(`SELECT pg_notify(u.ear, u.text) FROM unnest($1::text[], $2::text[]) AS u (ear, text)`,
		textArray(ears, itself), textArray(texts, itself))
}

func (b *bulk) writeMarks(s writeConn) error {
	if len(b.marks) == 0 {
		return nil
	}
	lanes := slices.Collect(maps.Keys(b.marks))
	return s.later(`UPDATE nchat_webhook_lanes l SET mark = u.mark FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS u (webhook_id, node, mark)
		WHERE l.webhook_id = u.webhook_id AND l.node = u.node AND l.mark < u.mark`,
		uuidArray(lanes, func(l servedLane) hub.WebhookID { return l.webhook }),
		textArray(lanes, func(l servedLane) string { return l.node }),
		bigintArray(lanes, func(l servedLane) int64 { return b.marks[l] }))
}

// settle sends what is held back before a statement that may look at it.
func (t *tx) settle(text string) error {
	if t.bulk == nil || t.bulk.empty() || text != "" && !touchesBulk(text) {
		return nil
	}
	return t.bulk.insert(t.conn, t.now)
}

// touchesBulk reports whether a statement reads or writes what the transaction may
// still hold back.
func touchesBulk(text string) bool {
	return strings.Contains(text, "nchat_webhook_deliveries") || strings.Contains(text, "nchat_events") ||
		strings.Contains(text, "nchat_webhook_lanes")
}
