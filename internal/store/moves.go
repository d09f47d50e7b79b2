package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// Moves between states that no attempt causes: holding, releasing, retrying,
// canceling. Each works on a bounded batch, so that a large backlog never
// keeps the writer from others; callers repeat until nothing is left.

// snapshotTime bounds Snapshot and HealthOf, for which the whole engine may wait.
const snapshotTime = 3 * time.Second

// Snapshot returns all outgoing webhooks in force and the revision of their
// subscriptions, as of one moment after every write that was answered.
func (s *Store) Snapshot(ctx context.Context) (revision int64, webhooks []hub.OutgoingWebhook, err error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	err = s.readers.snapshot(ctx, func(q querier) (err error) {
		if revision, err = lastRevision(ctx, q); err != nil {
			return err
		}
		webhooks, err = list(ctx, q, scanOutgoing,
			`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE deleted_at IS NULL ORDER BY id`)
		return err
	})
	return revision, webhooks, err
}

// HealthOf returns what is known of webhooks' endpoints, those aside that are
// deleted.
func (s *Store) HealthOf(ctx context.Context, webhooks []hub.WebhookID) (map[hub.WebhookID]hub.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	of := make(map[hub.WebhookID]hub.Health, len(webhooks))
	for some := range slices.Chunk(webhooks, healthBatch) {
		in, args := placeholders(some, nil)
		err := each(ctx, s.readers, func(row scanner) error {
			var id hub.WebhookID
			var health hub.Health
			err := row.Scan(&id, asJSON(&health))
			of[id] = health
			return err
		}, `SELECT id, health FROM nchat_outgoing_webhooks WHERE id IN (`+in+`) AND deleted_at IS NULL`, args...)
		if err != nil {
			return nil, err
		}
	}
	return of, nil
}

// healthBatch is the number of webhooks asked for in one statement.
const healthBatch = 500

// Abandoned returns the deleted webhooks that still have deliveries to cancel.
func (s *Store) Abandoned(ctx context.Context) ([]hub.WebhookID, error) {
	return list(ctx, s.readers, func(row scanner) (id hub.WebhookID, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT DISTINCT c.webhook_id FROM nchat_webhook_counters c JOIN nchat_outgoing_webhooks w ON w.id = c.webhook_id
		WHERE w.deleted_at IS NOT NULL AND c.status IN ('pending', 'retrying', 'held') AND c.total > 0`)
}

// HoldDue puts at most limit waiting deliveries of a webhook on hold and
// returns how many there were.
func (s *Store) HoldDue(ctx context.Context, webhook hub.WebhookID, limit int) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		due, err := list(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d
			WHERE d.webhook_id = $1 AND d.scheduled_for IS NOT NULL ORDER BY d.scheduled_for LIMIT $2`, string(webhook), limit)
		if err != nil {
			return err
		}
		n = len(due)
		return t.moveAll(due, hub.DeliveryHeld)
	})
	return n, err
}

// moveAll takes deliveries that nobody leases to a state in which nothing is due.
func (t *tx) moveAll(all []hub.Delivery, to hub.DeliveryStatus) error {
	if t.bulk != nil {
		return t.moveBulk(movesOf(all, t.now), to, "")
	}
	for i := range all {
		if err := t.move(&all[i], to, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// move takes a delivery that nobody leases to another state.
func (t *tx) move(d *hub.Delivery, to hub.DeliveryStatus, due time.Time) error {
	var finished Time
	if to.Final() {
		finished = at(t.now)
	}
	t.moved(d.WebhookID, d.Status, to)
	return t.later(`UPDATE nchat_webhook_deliveries SET status = $2, scheduled_for = $3, finished_at = $4, updated_at = $5,
			lease_epoch = lease_epoch + 1 WHERE id = $1`,
		string(d.ID), string(to), at(due), finished, at(t.now))
}

// ReleaseHeld makes at most limit held deliveries of a webhook due, each
// conversation from its head, and returns how many it took from hold.
func (s *Store) ReleaseHeld(ctx context.Context, webhook hub.WebhookID, limit int) (n int, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		if t.bulk != nil {
			n, err = t.releaseHeldBulk(webhook, limit)
			return err
		}
		held, err := t.held(webhook, limit)
		if err != nil {
			return err
		}
		n = len(held)
		for i := range held {
			d := &held[i]
			due := t.now
			if d.OrderKey != "" {
				behind, err := t.unfinishedOlder(d)
				if err != nil {
					return err
				}
				if behind {
					due = time.Time{} // parked until its predecessor is finished
				}
			}
			if err := t.move(d, hub.DeliveryPending, due); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (t *tx) held(webhook hub.WebhookID, limit int) ([]hub.Delivery, error) {
	return list(context.Background(), t, scanDelivery, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d
		WHERE d.webhook_id = $1 AND d.status = 'held' ORDER BY d.id LIMIT $2`, string(webhook), limit)
}

// unfinishedOlder reports whether the conversation of d has an unfinished
// delivery before it.
func (t *tx) unfinishedOlder(d *hub.Delivery) (found bool, err error) {
	older, args := "id < $3", []any{string(d.WebhookID), d.OrderKey, string(d.ID)}
	if t.bulk != nil {
		older, args = "(created_at, id) < ($4, $3)", append(args, at(d.CreatedAt))
	}
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries
			WHERE webhook_id = $1 AND order_key = $2 AND `+older+` AND `+unfinished+`)`, args...)
	return found, err
}

// HasHeld reports whether a webhook has deliveries on hold.
func (s *Store) HasHeld(ctx context.Context, webhook hub.WebhookID) (found bool, err error) {
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries WHERE webhook_id = $1 AND status = 'held')`, string(webhook))
	return found, err
}

// waiting are the unfinished deliveries of a webhook that nobody leases, with
// ids below $2: three sets, each served by its own index.
var waiting = []string{
	`d.webhook_id = $1 AND d.scheduled_for IS NOT NULL AND d.id < $2 ORDER BY d.scheduled_for LIMIT $3`,
	`d.webhook_id = $1 AND d.status = 'held' AND d.id < $2 ORDER BY d.id LIMIT $3`,
	`d.webhook_id = $1 AND d.order_key IS NOT NULL AND d.` + unfinished + ` AND d.lease_node IS NULL AND d.id < $2 LIMIT $3`,
}

// CancelUnfinished cancels at most limit deliveries of a webhook that are
// neither final nor leased and whose ids are below the given one; "" is no
// bound. It returns how many there were.
func (s *Store) CancelUnfinished(ctx context.Context, webhook hub.WebhookID, below hub.DeliveryID, limit int) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		n = 0
		for _, set := range waiting {
			all, err := list(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d `+t.indexedBy(set)+`WHERE `+set,
				string(webhook), upTo(below), limit)
			if err != nil {
				return err
			}
			if n = len(all); n > 0 {
				return t.cancelAll(all)
			}
		}
		return nil
	})
	return n, err
}

// indexedBy names the index where the planner of SQLite would take a worse one.
func (t *tx) indexedBy(where string) string {
	if t.bulk == nil && strings.Contains(where, "order_key") {
		return "INDEXED BY nchat_webhook_deliveries_order "
	}
	return ""
}

func (t *tx) cancelAll(all []hub.Delivery) error {
	if err := t.moveAll(all, hub.DeliveryCanceled); err != nil {
		return err
	}
	if t.bulk != nil {
		return t.releaseConversations(all)
	}
	for i := range all {
		if _, err := t.release(all[i].WebhookID, all[i].OrderKey); err != nil {
			return err
		}
	}
	return nil
}

// RetryDelivery begins a new series of tries for a delivery, due now. It is
// refused while the delivery is being sent and when its webhook is disabled or
// deleted; of a paused webhook it is held.
func (s *Store) RetryDelivery(ctx context.Context, id hub.DeliveryID) (d hub.Delivery, err error) {
	err = s.write(ctx, func(t *tx) error {
		if d, err = t.delivery(id); err != nil {
			return err
		}
		w, err := one(ctx, t, "outgoing webhook", scanOutgoing,
			`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(d.WebhookID))
		switch {
		case isNotFound(err):
			return hub.Errorf(hub.Conflict, "The webhook of this delivery was deleted; there is nowhere to send it.")
		case err != nil:
			return err
		case w.State == hub.WebhookDisabled:
			return hub.Errorf(hub.Conflict, "The webhook of this delivery is disabled; enable it first.")
		case d.LeasedTo != "":
			return hub.Errorf(hub.Conflict, "The delivery is being sent right now.")
		}
		return t.again(&d, w.State, t.now)
	})
	return d, err
}

func (t *tx) delivery(id hub.DeliveryID) (hub.Delivery, error) {
	return one(context.Background(), t, "delivery", scanDelivery,
		`SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d WHERE d.id = $1`, string(id))
}

// again begins a new series of tries, due at due, or when what is before it in
// its conversation is finished, but not before due either.
func (t *tx) again(d *hub.Delivery, state hub.WebhookState, due time.Time) error {
	to, changed := hub.DeliveryPending, t.now
	if state == hub.WebhookPaused {
		to, due = hub.DeliveryHeld, time.Time{}
	} else if d.OrderKey != "" {
		behind, err := t.unfinishedOlder(d)
		if err != nil {
			return err
		}
		if behind { // parked until its predecessor is finished; see notBefore
			if due.After(t.now) {
				changed = due
			}
			due = time.Time{}
		}
	}
	if err := t.move(d, to, due); err != nil {
		return err
	}
	err := t.later(`UPDATE nchat_webhook_deliveries SET tries = 0, updated_at = $2 WHERE id = $1`, string(d.ID), at(changed))
	if err != nil {
		return err
	}
	d.Status, d.DueAt, d.Tries, d.FinishedAt = to, due, 0, time.Time{}
	return nil
}

// CancelDelivery cancels an unfinished delivery that is not being sent.
// released reports whether its conversation moved on.
func (s *Store) CancelDelivery(ctx context.Context, id hub.DeliveryID) (d hub.Delivery, released bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		if d, err = t.delivery(id); err != nil {
			return err
		}
		switch {
		case d.Status.Final():
			return hub.Errorf(hub.Conflict, "The delivery is finished; there is nothing to cancel.")
		case d.LeasedTo != "":
			return hub.Errorf(hub.Conflict, "The delivery is being sent right now; try again in a moment.")
		}
		if err := t.move(&d, hub.DeliveryCanceled, time.Time{}); err != nil {
			return err
		}
		d.Status, d.DueAt, d.FinishedAt = hub.DeliveryCanceled, time.Time{}, t.now
		released, err = t.release(d.WebhookID, d.OrderKey)
		return err
	})
	return d, released, err
}

// replayWhere selects the deliveries of a ReplayRequest with an id above $3.
const replayWhere = `FROM nchat_webhook_deliveries d
	WHERE d.webhook_id = $1 AND d.status = $2 AND d.id > $3 AND d.id < $4`

func replayRange(r *hub.ReplayRequest) (after, before string) {
	after, before = lowestID, highestID
	if !r.Since.IsZero() {
		after = hub.FirstID(r.Since)
	}
	if !r.Until.IsZero() {
		before = hub.FirstID(r.Until)
	}
	return after, before
}

// CountReplay returns how many deliveries a replay would send again.
func (s *Store) CountReplay(ctx context.Context, r *hub.ReplayRequest) (n int, err error) {
	after, before := replayRange(r)
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&n) },
		`SELECT count(*) `+replayWhere, string(r.WebhookID), string(r.Status), after, before)
	return n, err
}

// ReplayBatch begins new series for at most limit deliveries with ids above
// after ("": from the start), the first due at due and the others spaced by
// gap: also those of one conversation, which wait for each other besides. It returns the last id looked at, "" when none was left, and how many it
// took.
func (s *Store) ReplayBatch(ctx context.Context, r *hub.ReplayRequest, after hub.DeliveryID, limit int, due time.Time, gap time.Duration) (
	last hub.DeliveryID, n int, err error,
) {
	first, before := replayRange(r)
	first = max(first, from(after))
	// Found on a reader: a search over finished work must not keep the writer.
	ids, err := list(ctx, s.readers, func(row scanner) (id hub.DeliveryID, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT d.id `+replayWhere+` ORDER BY d.id LIMIT $5`, string(r.WebhookID), string(r.Status), first, before, limit)
	if err != nil || len(ids) == 0 {
		return "", 0, err
	}
	err = s.write(ctx, func(t *tx) error {
		n = 0
		w, err := one(ctx, t, "outgoing webhook", scanOutgoing,
			`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(r.WebhookID))
		if err != nil {
			return err
		}
		if w.State == hub.WebhookDisabled {
			return hub.Errorf(hub.Conflict, "The webhook is disabled; enable it first.")
		}
		if t.bulk != nil {
			n, err = t.againBulk(r, ids, w.State, due, gap)
			return err
		}
		for _, id := range ids {
			d, err := t.delivery(id)
			if isNotFound(err) || err == nil && d.Status != r.Status {
				continue // pruned or changed since
			}
			if err != nil {
				return err
			}
			if err := t.again(&d, w.State, due.Add(time.Duration(n)*gap)); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return ids[len(ids)-1], n, err
}

// Leased returns at most limit leased deliveries with ids above after that
// were last changed before the given time, in the order of their ids.
func (s *Store) Leased(ctx context.Context, before time.Time, after hub.DeliveryID, limit int) ([]hub.Delivery, error) {
	return list(ctx, s.readers, scanDelivery, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d
		WHERE d.lease_node IS NOT NULL AND d.id > $1 AND d.updated_at < $2 ORDER BY d.id LIMIT $3`, from(after), at(before), limit)
}

// VoidLease makes one delivery due whose lease nobody remembers, with an
// attempt of unknown outcome. It does nothing when the epoch has moved on.
func (s *Store) VoidLease(ctx context.Context, id hub.DeliveryID, epoch int64) (voided bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		voided = false
		d, err := t.delivery(id)
		if err != nil || d.LeasedTo == "" || d.Epoch != epoch {
			return err
		}
		mark, err := t.mark(d.WebhookID, d.LeasedTo)
		if err != nil {
			return err
		}
		voided = true
		return t.voidLease(&heldLease{Delivery: d, mark: mark})
	})
	return voided, err
}

// DueCounts returns how many deliveries are due at now, and since when the
// oldest has been due (zero: none is).
func (s *Store) DueCounts(ctx context.Context, now time.Time) (due int64, oldest time.Time, err error) {
	var first Time
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&due, &first) },
		`SELECT count(*) FILTER (WHERE scheduled_for <= $1), min(scheduled_for)
		 FROM nchat_webhook_deliveries WHERE scheduled_for IS NOT NULL`, at(now))
	if first.After(now) {
		first = Time{}
	}
	return due, first.Time, err
}
