package store

import (
	"context"
	"errors"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/fault"
)

// unfinished is the condition under which the order index covers a row.
const unfinished = `finished_at IS NULL`

// unfinishedBeside reports whether a conversation has an unfinished delivery
// other than id.
func (t *tx) unfinishedBeside(webhook hub.WebhookID, key string, id hub.DeliveryID) (found bool, err error) {
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_webhook_deliveries
			WHERE webhook_id = $1 AND order_key = $2 AND id <> $3 AND `+unfinished+`)`, string(webhook), key, string(id))
	return found, err
}

// inOrder is by which columns the deliveries of a conversation follow each
// other: as their commits did. Ids of one process do, too; those of several do
// not, as clocks agree to some milliseconds only.
func (t *tx) inOrder() string {
	if t.bulk != nil {
		return "created_at, id"
	}
	return "id"
}

// headQuery finds the first unfinished delivery of a conversation.
func (t *tx) headQuery() string {
	return `SELECT id FROM nchat_webhook_deliveries WHERE webhook_id = $1 AND order_key = $2 AND ` + unfinished +
		` ORDER BY ` + t.inOrder() + ` LIMIT 1`
}

// notBefore is when a parked delivery becomes due at the earliest, given the
// present as $3. What is parked by a replay keeps its place in the replay's
// pace as the time of its last change, which may thus lie ahead.
func (t *tx) notBefore() string {
	if t.bulk != nil {
		return "greatest(updated_at, $3)"
	}
	return "max(updated_at, $3)"
}

// release makes the head of a conversation due when it waits parked. It is
// called whenever a delivery of the conversation becomes final.
func (t *tx) release(webhook hub.WebhookID, key string) (released bool, err error) {
	if key == "" {
		return false, nil
	}
	n, err := t.exec(`UPDATE nchat_webhook_deliveries SET scheduled_for = `+t.notBefore()+`, updated_at = $3
		WHERE id = (`+t.headQuery()+`)
			AND status = 'pending' AND scheduled_for IS NULL AND lease_node IS NULL`,
		string(webhook), key, at(t.now))
	return n > 0, err
}

// Record writes what attempts came to: for each the delivery's new state, the
// attempt, the endpoint's health, and the release of the next delivery in the
// conversation. Nothing is written for one whose lease is not the sender's
// any more. All are one commit.
func (s *Store) Record(ctx context.Context, outcomes []*hub.Outcome) (recorded []hub.Recorded, err error) {
	recorded = make([]hub.Recorded, len(outcomes))
	err = s.write(ctx, func(t *tx) error {
		if err := t.recordAll(outcomes, recorded); err != nil {
			return err
		}
		fault.Point(fault.OutcomeApplied)
		return nil
	})
	return recorded, err
}

func (t *tx) recordAll(outcomes []*hub.Outcome, recorded []hub.Recorded) (err error) {
	if t.bulk != nil {
		return t.recordBulk(outcomes, recorded)
	}
	for i, o := range outcomes {
		if recorded[i], err = t.record(o); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) record(o *hub.Outcome) (r hub.Recorded, err error) {
	a := &o.Attempt
	var finished any
	if o.Status.Final() {
		finished = t.nowText
	}
	n, err := t.exec(`UPDATE nchat_webhook_deliveries SET status = $3, attempts = $4, tries = $5, scheduled_for = $6,
			lease_node = NULL, lease_epoch = lease_epoch + 1, last_status = $7, last_error = $8, updated_at = $9, finished_at = $10
		WHERE id = $1 AND lease_epoch = $2 AND lease_node IS NOT NULL`,
		string(o.DeliveryID), o.Epoch, string(o.Status), a.Number, o.Tries, at(o.DueAt),
		orNil(a.ResponseStatus), orNull(a.Error), t.nowText, finished)
	if err != nil {
		return r, err
	}
	if n == 0 {
		return hub.Recorded{Stale: true}, nil
	}
	t.moved(o.WebhookID, hub.DeliveryActive, o.Status)
	if err := t.insertAttempt(a); err != nil {
		return r, err
	}
	if err := t.setMark(o.WebhookID, o.Node, o.Mark); err != nil {
		return r, err
	}
	if o.Status.Final() {
		if r.Released, err = t.release(o.WebhookID, o.OrderKey); err != nil {
			return r, err
		}
	}
	if o.Health == nil {
		return r, nil
	}
	if err := t.setHealth([]*hub.Outcome{o}); err != nil {
		return r, err
	}
	return r, t.setNotice(o)
}

func (t *tx) insertAttempt(a *hub.Attempt) error {
	return t.later(`INSERT INTO nchat_webhook_attempts (delivery_id, number, started_at, duration_us, request_headers,
			response_status, response_headers, response_body, truncated, remote_addr, error, result, reason, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		string(a.DeliveryID), a.Number, at(a.StartedAt).text(), a.Duration.Microseconds(), orNull(string(a.RequestHeaders)),
		orNil(a.ResponseStatus), orNull(string(a.ResponseHeaders)), orNilBytes(a.ResponseBody), a.Truncated, orNull(a.RemoteAddr),
		orNull(a.Error), a.Result, a.Reason, at(a.DueAt))
}

func orNil(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func orNilBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Lanes returns the lanes that have a due time, with the earliest of each. It
// walks the index from lane to lane, so it costs by lanes, not by deliveries.
func (s *Store) Lanes(ctx context.Context) ([]hub.LaneDue, error) {
	return list(ctx, s.readers, scanLaneDue, `WITH RECURSIVE lane (id) AS (
			SELECT (SELECT webhook_id FROM nchat_webhook_deliveries WHERE scheduled_for IS NOT NULL ORDER BY webhook_id LIMIT 1)
			UNION ALL
			SELECT (SELECT webhook_id FROM nchat_webhook_deliveries WHERE scheduled_for IS NOT NULL AND webhook_id > lane.id
					ORDER BY webhook_id LIMIT 1)
				FROM lane WHERE lane.id IS NOT NULL)
		SELECT id, (SELECT min(scheduled_for) FROM nchat_webhook_deliveries WHERE scheduled_for IS NOT NULL AND webhook_id = lane.id)
			FROM lane WHERE id IS NOT NULL`)
}

func scanLaneDue(row scanner) (l hub.LaneDue, err error) {
	var due Time
	err = row.Scan(&l.WebhookID, &due)
	l.DueAt = due.Time
	return l, err
}

const deliveryColumns = `d.id, d.webhook_id, d.event_id, d.event, d.status, d.order_key, d.attempts, d.tries, d.scheduled_for,
	d.lease_epoch, d.lease_seq, d.lease_node, coalesce(d.last_status, 0), d.last_error, d.created_at, d.updated_at, d.finished_at`

// deliveryDest returns the destinations of deliveryColumns, and a function
// that completes d after the scan.
func deliveryDest(d *hub.Delivery) (dest []any, done func()) {
	var due, created, updated, finished Time
	dest = []any{
		&d.ID, &d.WebhookID, &d.EventID, &d.EventType, &d.Status, orEmpty(&d.OrderKey), &d.Attempts, &d.Tries, &due,
		&d.Epoch, &d.LeaseSeq, orEmpty(&d.LeasedTo), &d.LastStatus, orEmpty(&d.LastError), &created, &updated, &finished,
	}
	done = func() {
		d.DueAt, d.CreatedAt, d.UpdatedAt, d.FinishedAt = due.Time, created.Time, updated.Time, finished.Time
	}
	return dest, done
}

func scanDelivery(row scanner) (d hub.Delivery, err error) {
	dest, done := deliveryDest(&d)
	err = row.Scan(dest...)
	done()
	return d, err
}

func scanJob(row scanner) (j hub.Job, err error) {
	j.Event = &hub.Event{}
	var data string
	var created Time
	dest, done := deliveryDest(&j.Delivery)
	err = row.Scan(append(dest, &data, &created, asJSON(&j.Event.Origin), asJSON(&j.Event.TriggeredBy))...)
	done()
	j.Event.ID, j.Event.Type = j.Delivery.EventID, j.Delivery.EventType
	j.Event.Data, j.Event.Time = []byte(data), created.Time
	return j, err
}

// portionBytes is about how much event data is taken into memory at once, by a
// claim or a check: it ends with the event that reaches it, so that there is
// always at least one.
const portionBytes = 8 << 20

// laneShare is what a lane may take of it when so many are asked for, and the
// rest of the event that reaches it.
func laneShare(lanes int) int { return portionBytes / max(1, lanes) }

// Claim leases due deliveries to node: of each lane asked for, the longest
// due first, at most the quota, and of all no more than about portionBytes. next
// says when each of these lanes is due after this; a lane without more work is
// absent. After an error nothing is leased.
func (s *Store) Claim(ctx context.Context, node string, quotas []hub.Quota) (jobs []hub.Job, next []hub.LaneDue, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		if t.bulk != nil {
			jobs, next, err = t.claimBulk(node, quotas)
			return err
		}
		jobs, next = nil, nil
		left := portionBytes
		for _, q := range quotas {
			claimed, err := t.claim(node, q, min(laneShare(len(quotas)), left))
			if err != nil {
				return err
			}
			jobs = append(jobs, claimed...)
			for i := range claimed {
				left -= len(claimed[i].Event.Data)
			}
			due, err := list(ctx, t, scanLaneDue, `SELECT webhook_id, scheduled_for FROM nchat_webhook_deliveries
				WHERE webhook_id = $1 AND scheduled_for IS NOT NULL ORDER BY scheduled_for LIMIT 1`, string(q.WebhookID))
			if err != nil {
				return err
			}
			next = append(next, due...)
		}
		return nil
	})
	if err != nil { // what was found was leased, and is not any more
		return nil, nil, err
	}
	return jobs, next, nil
}

// errEnough ends a query whose further rows are not wanted.
var errEnough = errors.New("enough")

// claim leases due deliveries of one lane, until their events take share bytes.
func (t *tx) claim(node string, q hub.Quota, share int) (jobs []hub.Job, err error) {
	if share <= 0 {
		return nil, nil
	}
	err = each(context.Background(), t, func(row scanner) error {
		j, err := scanJob(row)
		if err != nil {
			return err
		}
		jobs = append(jobs, j)
		if share -= len(j.Event.Data); share <= 0 {
			return errEnough
		}
		return nil
	}, `SELECT `+deliveryColumns+`, e.data, e.created_at, e.origin, e.triggered_by
		FROM nchat_webhook_deliveries d JOIN nchat_events e ON e.id = d.event_id
		WHERE d.webhook_id = $1 AND d.scheduled_for <= $2
		ORDER BY d.scheduled_for, d.id LIMIT $3`, string(q.WebhookID), at(t.now), q.Max)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	for i := range jobs {
		d := &jobs[i].Delivery
		d.LeaseSeq = q.After + int64(i) + 1
		_, err := t.exec(`UPDATE nchat_webhook_deliveries SET status = 'active', scheduled_for = NULL, lease_node = $2,
				lease_epoch = lease_epoch + 1, lease_seq = $4, updated_at = $3 WHERE id = $1`, string(d.ID), node, t.nowText, d.LeaseSeq)
		if err != nil {
			return nil, err
		}
		t.moved(d.WebhookID, d.Status, hub.DeliveryActive)
		d.Status, d.LeasedTo, d.DueAt = hub.DeliveryActive, node, time.Time{}
		d.Epoch++
	}
	if len(jobs) == 0 {
		return nil, nil
	}
	return jobs, t.setMark(q.WebhookID, node, min(q.Ahead, q.After+int64(len(jobs))))
}

// SetMark raises the mark of a lane: up to which of its leases node may have
// sent.
func (s *Store) SetMark(ctx context.Context, webhook hub.WebhookID, node string, mark int64) error {
	return s.write(ctx, func(t *tx) error { return t.setMark(webhook, node, mark) })
}

// setMark raises the mark of a lane: up to which of its leases node may have
// sent. 0 leaves it.
func (t *tx) setMark(webhook hub.WebhookID, node string, mark int64) error {
	if mark == 0 {
		return nil
	}
	if t.bulk != nil {
		t.bulk.raiseMark(webhook, node, mark)
		t.changed++ // perhaps nothing; it only decides whether to roll back
		return nil
	}
	return t.later(`UPDATE nchat_webhook_lanes SET mark = $3 WHERE webhook_id = $1 AND node = $2 AND mark < $3`,
		string(webhook), node, mark)
}

// unknownReason is what the log says of an attempt whose outcome was lost.
const unknownReason = "the hub stopped before the outcome was recorded; the request may or may not have been sent"

// voidBatch is the number of leases voided in one commit, voidBatchBulk where
// rows are changed many at a time.
const (
	voidBatch     = 500
	voidBatchBulk = 2500
)

// VoidLeases makes due everything that processes which are gone held in memory,
// and logs an attempt of unknown outcome for what they may have sent. It returns
// how many leases there were. On the embedded database every lease is such a
// one, so it is called before the first claim only.
func (s *Store) VoidLeases(ctx context.Context) (total int, err error) {
	for {
		var n, limit int
		err := s.write(ctx, func(t *tx) (err error) {
			if limit = voidBatch; t.bulk != nil {
				limit = voidBatchBulk
			}
			n, err = t.voidLeases(limit)
			return err
		})
		total += n
		if err != nil || n < limit {
			return total, err
		}
	}
}

// heldLease is a leased delivery, with the mark of the lane: up to which lease its
// holder may have sent.
type heldLease struct {
	hub.Delivery
	mark int64
}

func (l *heldLease) maybeSent() bool { return l.LeaseSeq <= l.mark }

// unknown is the attempt of unknown outcome that a lease comes to which may have
// been used.
func (l *heldLease) unknown(now time.Time) *hub.Attempt {
	return &hub.Attempt{
		DeliveryID: l.ID, Number: l.Attempts + 1, StartedAt: l.UpdatedAt, Result: hub.ResultUnknown, Reason: unknownReason, DueAt: now,
	}
}

func scanLease(row scanner) (l heldLease, err error) {
	dest, done := deliveryDest(&l.Delivery)
	err = row.Scan(append(dest, &l.mark)...)
	done()
	return l, err
}

func (t *tx) voidLeases(limit int) (int, error) {
	held, err := list(context.Background(), t, scanLease, `SELECT `+deliveryColumns+`, coalesce(l.mark, 0)
		FROM nchat_webhook_deliveries d LEFT JOIN nchat_webhook_lanes l ON l.webhook_id = d.webhook_id AND l.node = d.lease_node
		WHERE d.lease_node IS NOT NULL AND d.lease_node NOT IN (SELECT id FROM nchat_nodes) ORDER BY d.id LIMIT $1`, limit)
	if err != nil {
		return 0, err
	}
	if t.bulk != nil {
		return len(held), t.voidBulk(held)
	}
	for i := range held {
		if err := t.voidLease(&held[i]); err != nil {
			return 0, err
		}
	}
	return len(held), nil
}

// mark returns up to which lease of a lane a node may have sent.
func (t *tx) mark(webhook hub.WebhookID, node string) (mark int64, err error) {
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&mark) },
		`SELECT mark FROM nchat_webhook_lanes WHERE webhook_id = $1 AND node = $2`, string(webhook), node)
	return mark, err
}

// voidLease makes a leased delivery due, with an attempt of unknown outcome
// when it may have been sent.
func (t *tx) voidLease(l *heldLease) error {
	attempts := l.Attempts
	if l.maybeSent() {
		attempts++
		if err := t.insertAttempt(l.unknown(t.now)); err != nil {
			return err
		}
	}
	t.moved(l.WebhookID, hub.DeliveryActive, hub.DeliveryPending)
	return t.later(`UPDATE nchat_webhook_deliveries SET status = 'pending', attempts = $3, scheduled_for = $2,
			lease_node = NULL, lease_epoch = lease_epoch + 1, updated_at = $2 WHERE id = $1`, string(l.ID), at(t.now), attempts)
}

// Unlease gives leases back without an attempt, at shutdown: the deliveries
// are due at once. Held asks for the state held instead, for lanes that are
// paused or disabled.
func (s *Store) Unlease(ctx context.Context, jobs []hub.Job, held bool) error {
	return s.write(ctx, func(t *tx) error {
		status, due := hub.DeliveryPending, at(t.now)
		if held {
			status, due = hub.DeliveryHeld, Time{}
		}
		if t.bulk != nil {
			return t.unleaseBulk(jobs, status, due)
		}
		for i := range jobs {
			d := &jobs[i].Delivery
			n, err := t.exec(`UPDATE nchat_webhook_deliveries SET status = $3, scheduled_for = $4, lease_node = NULL,
					lease_epoch = lease_epoch + 1, updated_at = $5 WHERE id = $1 AND lease_epoch = $2 AND lease_node IS NOT NULL`,
				string(d.ID), d.Epoch, string(status), due, at(t.now))
			if err != nil {
				return err
			}
			if n > 0 {
				t.moved(d.WebhookID, hub.DeliveryActive, status)
			}
		}
		return nil
	})
}
