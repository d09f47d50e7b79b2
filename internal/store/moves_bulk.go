package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// The moves of moves.go, and Unlease, on Postgres: however many deliveries a batch
// has, it makes the same few trips to the database, during all of which every
// hub's writer waits.

// unleaseBulk is Unlease. (Active is what is leased: see endLeasesUpdate.)
func (t *tx) unleaseBulk(jobs []hub.Job, to hub.DeliveryStatus, due Time) error {
	return each(context.Background(), t, func(row scanner) error {
		var webhook hub.WebhookID
		if err := row.Scan(&webhook); err != nil {
			return err
		}
		t.changed++
		t.moved(webhook, hub.DeliveryActive, to)
		return nil
	}, `UPDATE nchat_webhook_deliveries d SET status = $3, scheduled_for = $4, lease_node = NULL,
			lease_epoch = d.lease_epoch + 1, updated_at = $5
		FROM unnest($1::uuid[], $2::bigint[]) AS u (id, epoch)
		WHERE d.id = u.id AND d.lease_epoch = u.epoch AND d.status = 'active'
		RETURNING d.webhook_id`,
		uuidArray(jobs, func(j hub.Job) hub.DeliveryID { return j.Delivery.ID }),
		bigintArray(jobs, func(j hub.Job) int64 { return j.Delivery.Epoch }),
		string(to), due, at(t.now))
}

// placed is a delivery with what its conversation says of it.
type placed struct {
	hub.Delivery
	behind bool // an unfinished delivery of the conversation is before it
}

func scanPlaced(row scanner) (p placed, err error) {
	dest, done := deliveryDest(&p.Delivery)
	err = row.Scan(append(dest, &p.behind)...)
	done()
	return p, err
}

// placedQuery reads deliveries d, of which where selects a batch, in the order of
// their ids.
func placedQuery(where string) string {
	return `SELECT ` + deliveryColumns + `, EXISTS (SELECT 1 FROM nchat_webhook_deliveries o
			WHERE o.webhook_id = d.webhook_id AND o.order_key = d.order_key AND (o.created_at, o.id) < (d.created_at, d.id)
				AND o.` + unfinished + `)
		FROM (SELECT * FROM nchat_webhook_deliveries d WHERE ` + where + `) d ORDER BY d.id`
}

// move is what becomes of a delivery in moveBulk.
type move struct {
	*hub.Delivery
	due     time.Time // zero: none
	changed time.Time // updated_at
}

// movesOf are moves of all to a state in which nothing is due.
func movesOf(all []hub.Delivery, now time.Time) []move {
	moves := make([]move, len(all))
	for i := range all {
		moves[i] = move{Delivery: &all[i], changed: now}
	}
	return moves
}

// moveBulk is tx.move for many; set is added to what the statement changes.
func (t *tx) moveBulk(moves []move, to hub.DeliveryStatus, set string) error {
	if len(moves) == 0 {
		return nil
	}
	var finished Time
	if to.Final() {
		finished = at(t.now)
	}
	for _, m := range moves {
		t.moved(m.WebhookID, m.Status, to)
	}
	return t.later(`UPDATE nchat_webhook_deliveries d SET status = $4, scheduled_for = u.due, finished_at = $5, updated_at = u.changed,
			lease_epoch = d.lease_epoch + 1`+set+`
		FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS u (id, due, changed) WHERE d.id = u.id`,
		uuidArray(moves, func(m move) hub.DeliveryID { return m.ID }),
		timeArray(moves, func(m move) time.Time { return m.due }),
		timeArray(moves, func(m move) time.Time { return m.changed }),
		string(to), finished)
}

// releaseHeldBulk is ReleaseHeld.
func (t *tx) releaseHeldBulk(webhook hub.WebhookID, limit int) (n int, err error) {
	held, err := list(context.Background(), t, scanPlaced,
		placedQuery(`d.webhook_id = $1 AND d.status = 'held' ORDER BY d.id LIMIT $2`), string(webhook), limit)
	if err != nil {
		return 0, err
	}
	moves := make([]move, len(held))
	for i := range held {
		moves[i] = move{Delivery: &held[i].Delivery, changed: t.now}
		if !held[i].behind {
			moves[i].due = t.now
		}
	}
	return len(held), t.moveBulk(moves, hub.DeliveryPending, "")
}

// againBulk is ReplayBatch for the deliveries that it found: those that still are
// of its status begin new series.
func (t *tx) againBulk(r *hub.ReplayRequest, ids []hub.DeliveryID, state hub.WebhookState, due time.Time, gap time.Duration) (n int, err error) {
	found, err := list(context.Background(), t, scanPlaced, placedQuery(`d.id = ANY ($1::uuid[]) AND d.status = $2`),
		uuidArray(ids, itself), string(r.Status))
	if err != nil {
		return 0, err
	}
	to := hub.DeliveryPending
	if state == hub.WebhookPaused {
		to = hub.DeliveryHeld
	}
	heads := headsOf(found)
	moves := make([]move, len(found))
	for i := range found {
		d := &found[i]
		m := move{Delivery: &d.Delivery, changed: t.now}
		switch place := due.Add(time.Duration(i) * gap); {
		case to == hub.DeliveryHeld:
		case d.OrderKey == "" || !d.behind && heads[conversation{d.WebhookID, d.OrderKey}] == &d.Delivery:
			m.due = place
		case place.After(t.now): // parked until its predecessor is finished; see notBefore
			m.changed = place
		}
		moves[i] = m
	}
	return len(found), t.moveBulk(moves, to, ", tries = 0")
}

// headsOf returns the first delivery of each conversation (inOrder).
func headsOf(all []placed) map[conversation]*hub.Delivery {
	heads := make(map[conversation]*hub.Delivery)
	for i := range all {
		d := &all[i].Delivery
		c := conversation{d.WebhookID, d.OrderKey}
		h := heads[c]
		if h == nil || d.CreatedAt.Before(h.CreatedAt) || d.CreatedAt.Equal(h.CreatedAt) && d.ID < h.ID {
			heads[c] = d
		}
	}
	return heads
}

// releaseConversations is release for the conversations of many deliveries.
func (t *tx) releaseConversations(all []hub.Delivery) error {
	freed := make(map[conversation]bool)
	for i := range all {
		if key := all[i].OrderKey; key != "" {
			freed[conversation{all[i].WebhookID, key}] = true
		}
	}
	if len(freed) == 0 {
		return nil
	}
	return t.later(t.releaseHeads(), conversationArgs(slices.Collect(maps.Keys(freed)), t.now)...)
}

// releaseHeads makes the heads of many conversations due that wait parked, given
// conversationArgs.
func (t *tx) releaseHeads() string {
	return `UPDATE nchat_webhook_deliveries d SET scheduled_for = ` + t.notBefore() + `, updated_at = $3
		FROM unnest($1::uuid[], $2::text[]) AS u (webhook_id, order_key)
		CROSS JOIN LATERAL (SELECT h.id FROM nchat_webhook_deliveries h
			WHERE h.webhook_id = u.webhook_id AND h.order_key = u.order_key AND h.finished_at IS NULL ORDER BY ` + t.inOrder() + ` LIMIT 1) head
		WHERE d.id = head.id AND d.status = 'pending' AND d.scheduled_for IS NULL AND d.lease_node IS NULL`
}

// conversationArgs are the arguments of releaseHeads.
func conversationArgs(all []conversation, now time.Time) []any {
	return []any{
		uuidArray(all, func(c conversation) hub.WebhookID { return c.webhook }),
		textArray(all, func(c conversation) string { return c.key }), now,
	}
}
