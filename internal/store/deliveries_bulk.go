package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// The engine's statements on Postgres: the same changes as in deliveries.go,
// each for many rows at once. Rows are found by their ids, one by one: a
// range of ids would tempt the planner to walk through all between.

// claimQuery finds due deliveries: of each lane until its events take $5 bytes,
// of all until they take $6. Sizes are known without reading the data.
const claimQuery = `SELECT ` + deliveryColumns + `, d.data, d.event_created_at, d.origin, d.triggered_by
	FROM (SELECT d.*, sum(d.size) OVER (ORDER BY d.place, d.scheduled_for, d.id ROWS UNBOUNDED PRECEDING) - d.size AS before
		FROM (SELECT q.place, x.*, e.data, e.created_at AS event_created_at, e.origin, e.triggered_by, octet_length(e.data) AS size,
				sum(octet_length(e.data)) OVER (PARTITION BY q.place ORDER BY x.scheduled_for, x.id ROWS UNBOUNDED PRECEDING)
					- octet_length(e.data) AS lane_before
			FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS q (webhook_id, most, place)
			JOIN nchat_webhook_lanes l ON l.webhook_id = q.webhook_id AND l.node = $3
			CROSS JOIN LATERAL (SELECT * FROM nchat_webhook_deliveries x
				WHERE x.webhook_id = q.webhook_id AND x.scheduled_for <= $4
				ORDER BY x.scheduled_for, x.id LIMIT q.most FOR UPDATE SKIP LOCKED) x
			JOIN nchat_events e ON e.id = x.event_id) d
		WHERE d.lane_before < $5) d
	WHERE d.before < $6
	ORDER BY d.place, d.scheduled_for, d.id`

// claimBulk leases due deliveries of all the lanes asked for that node serves.
func (t *tx) claimBulk(node string, quotas []hub.Quota) (jobs []hub.Job, next []hub.LaneDue, err error) {
	ctx := context.Background()
	lanes := uuidArray(quotas, func(q hub.Quota) hub.WebhookID { return q.WebhookID })
	jobs, err = list(ctx, t, scanJob, claimQuery,
		lanes, integerArray(quotas, func(q hub.Quota) int { return q.Max }), node, t.now, laneShare(len(quotas)), portionBytes)
	if err != nil {
		return nil, nil, err
	}
	if err := t.lease(node, quotas, jobs); err != nil {
		return nil, nil, err
	}
	next, err = list(ctx, t, scanLaneDue, `SELECT q.webhook_id, d.scheduled_for FROM unnest($1::uuid[]) AS q (webhook_id)
		CROSS JOIN LATERAL (SELECT scheduled_for FROM nchat_webhook_deliveries
			WHERE webhook_id = q.webhook_id AND scheduled_for IS NOT NULL ORDER BY scheduled_for LIMIT 1) d`, lanes)
	return jobs, next, err
}

// lease marks claimed jobs as node's, numbered in their lanes.
func (t *tx) lease(node string, quotas []hub.Quota, jobs []hub.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	last := make(map[hub.WebhookID]int64, len(quotas))
	for _, q := range quotas {
		last[q.WebhookID] = q.After
	}
	for i := range jobs {
		d := &jobs[i].Delivery
		last[d.WebhookID]++
		t.moved(d.WebhookID, d.Status, hub.DeliveryActive)
		d.LeaseSeq, d.Status, d.LeasedTo, d.DueAt = last[d.WebhookID], hub.DeliveryActive, node, time.Time{}
		d.Epoch++
	}
	ids := uuidArray(jobs, func(j hub.Job) hub.DeliveryID { return j.Delivery.ID })
	err := t.later(`UPDATE nchat_webhook_deliveries d SET status = 'active', scheduled_for = NULL, lease_node = $3,
			lease_epoch = lease_epoch + 1, lease_seq = u.seq, updated_at = $4
		FROM unnest($1::uuid[], $2::bigint[]) AS u (id, seq) WHERE d.id = u.id`,
		ids, bigintArray(jobs, func(j hub.Job) int64 { return j.Delivery.LeaseSeq }), node, t.now)
	if err != nil {
		return err
	}
	for _, q := range quotas {
		if last[q.WebhookID] == q.After {
			continue
		}
		if err := t.setMark(q.WebhookID, node, min(q.Ahead, last[q.WebhookID])); err != nil {
			return err
		}
	}
	return nil
}

// recordBulk is Record.
func (t *tx) recordBulk(outcomes []*hub.Outcome, recorded []hub.Recorded) error {
	stale, err := t.endLeases(outcomes)
	if err != nil {
		return err
	}
	var attempts []*hub.Attempt
	marks := make(map[hub.WebhookID]*hub.Outcome)
	healths := make(map[hub.WebhookID]*hub.Outcome)
	var notices []*hub.Outcome
	var freed []*hub.Outcome // their conversations go on
	for i, o := range outcomes {
		recorded[i] = hub.Recorded{Stale: stale[o.DeliveryID]}
		if recorded[i].Stale {
			continue
		}
		t.moved(o.WebhookID, hub.DeliveryActive, o.Status)
		attempts = append(attempts, &o.Attempt)
		if m := marks[o.WebhookID]; m == nil || m.Mark < o.Mark {
			marks[o.WebhookID] = o
		}
		if o.Status.Final() && o.OrderKey != "" {
			freed = append(freed, o)
		}
		if o.Health != nil {
			healths[o.WebhookID] = o
			notices = append(notices, o)
		}
	}
	if err := t.setHealth(slices.Collect(maps.Values(healths))); err != nil {
		return err
	}
	for _, o := range notices {
		if err := t.setNotice(o); err != nil {
			return err
		}
	}
	if err := t.insertAttempts(attempts); err != nil {
		return err
	}
	for _, o := range marks {
		if err := t.setMark(o.WebhookID, o.Node, o.Mark); err != nil {
			return err
		}
	}
	return t.releaseAll(freed, outcomes, recorded)
}

// endLeasesUpdate writes the new states of deliveries that are still leased to the
// sender. (Active is what is leased, by a CHECK of the table; "lease_node IS NOT NULL" would offer the planner
// the index of the leased ones, and it walked through all of them for each statement
// when its statistics came from a moment that knew none.)
const endLeasesUpdate = `UPDATE nchat_webhook_deliveries d SET status = u.status, attempts = u.attempts, tries = u.tries, scheduled_for = u.due,
		lease_node = NULL, lease_epoch = d.lease_epoch + 1, last_status = u.last_status, last_error = u.last_error,
		updated_at = $10, finished_at = CASE WHEN u.final THEN $10::timestamptz END
	FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::integer[], $5::integer[], $6::timestamptz[], $7::integer[],
		$8::text[], $9::bool[]) AS u (id, epoch, status, attempts, tries, due, last_status, last_error, final)
	WHERE d.id = u.id AND d.lease_epoch = u.epoch AND d.status = 'active'
	RETURNING d.id`

// endLeases writes the deliveries' new states, and returns which were not leased
// to the sender any more. That hardly ever happens, so only the careful wait for
// the answer; for the others the statement fails unless all were.
func (t *tx) endLeases(outcomes []*hub.Outcome) (stale map[hub.DeliveryID]bool, err error) {
	args := []any{
		uuidArray(outcomes, func(o *hub.Outcome) hub.DeliveryID { return o.DeliveryID }),
		bigintArray(outcomes, func(o *hub.Outcome) int64 { return o.Epoch }),
		textArray(outcomes, func(o *hub.Outcome) hub.DeliveryStatus { return o.Status }),
		integerArray(outcomes, func(o *hub.Outcome) int { return o.Attempt.Number }),
		integerArray(outcomes, func(o *hub.Outcome) int { return o.Tries }),
		timeArray(outcomes, func(o *hub.Outcome) time.Time { return o.DueAt }),
		integerArrayOrNull(outcomes, func(o *hub.Outcome) int { return o.Attempt.ResponseStatus }),
		textArrayOrNull(outcomes, func(o *hub.Outcome) string { return o.Attempt.Error }),
		boolArray(outcomes, func(o *hub.Outcome) bool { return o.Status.Final() }),
		t.now,
	}
	if !t.careful {
		return nil, t.aside(`WITH written AS (`+endLeasesUpdate+`) SELECT 1 / (count(*) = $11)::integer FROM written`, append(args, len(outcomes))...)
	}
	stale = make(map[hub.DeliveryID]bool)
	for _, o := range outcomes {
		stale[o.DeliveryID] = true
	}
	err = each(context.Background(), t, func(row scanner) error {
		var id hub.DeliveryID
		err := row.Scan(&id)
		delete(stale, id)
		t.changed++
		return err
	}, endLeasesUpdate, args...)
	return stale, err
}

// voidBulk is voidLease for many.
func (t *tx) voidBulk(held []heldLease) error {
	var unknown []*hub.Attempt
	var sent, unsent []hub.DeliveryID
	for i := range held {
		l := &held[i]
		t.moved(l.WebhookID, hub.DeliveryActive, hub.DeliveryPending)
		if !l.maybeSent() {
			unsent = append(unsent, l.ID)
			continue
		}
		sent, unknown = append(sent, l.ID), append(unknown, l.unknown(t.now))
	}
	if err := t.insertAttempts(unknown); err != nil {
		return err
	}
	for attempts, ids := range [][]hub.DeliveryID{unsent, sent} {
		if len(ids) == 0 {
			continue
		}
		// No join with the ids: whatever the planner takes the table's size for, it
		// finds the rows by them.
		err := t.later(`UPDATE nchat_webhook_deliveries SET status = 'pending', attempts = attempts + $3, scheduled_for = $2,
			lease_node = NULL, lease_epoch = lease_epoch + 1, updated_at = $2 WHERE id = ANY ($1::uuid[])`, uuidArray(ids, itself), t.now, attempts)
		if err != nil {
			return err
		}
	}
	return nil
}

// insertAttempts adds rows to the log.
func (t *tx) insertAttempts(attempts []*hub.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	return t.later(`INSERT INTO nchat_webhook_attempts (delivery_id, number, started_at, duration_us, request_headers,
			response_status, response_headers, response_body, truncated, remote_addr, error, result, reason, due_at)
		SELECT * FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::bigint[], $5::text[], $6::integer[], $7::text[],
			$8::bytea[], $9::bool[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[])`,
		uuidArray(attempts, func(a *hub.Attempt) hub.DeliveryID { return a.DeliveryID }),
		integerArray(attempts, func(a *hub.Attempt) int { return a.Number }),
		timeArray(attempts, func(a *hub.Attempt) time.Time { return a.StartedAt }),
		bigintArray(attempts, func(a *hub.Attempt) int64 { return a.Duration.Microseconds() }),
		textArrayOrNull(attempts, func(a *hub.Attempt) string { return string(a.RequestHeaders) }),
		integerArrayOrNull(attempts, func(a *hub.Attempt) int { return a.ResponseStatus }),
		textArrayOrNull(attempts, func(a *hub.Attempt) string { return string(a.ResponseHeaders) }),
		byteaArray(attempts, func(a *hub.Attempt) []byte { return a.ResponseBody }),
		boolArray(attempts, func(a *hub.Attempt) bool { return a.Truncated }),
		textArrayOrNull(attempts, func(a *hub.Attempt) string { return a.RemoteAddr }),
		textArrayOrNull(attempts, func(a *hub.Attempt) string { return a.Error }),
		textArray(attempts, func(a *hub.Attempt) string { return a.Result }),
		textArray(attempts, func(a *hub.Attempt) string { return a.Reason }),
		timeArray(attempts, func(a *hub.Attempt) time.Time { return a.DueAt }))
}

// conversation is the deliveries of a webhook that keep their order.
type conversation struct {
	webhook hub.WebhookID
	key     string
}

// releaseAll makes the heads of conversations due that wait parked, and notes
// it with the outcomes that freed them.
func (t *tx) releaseAll(freed, outcomes []*hub.Outcome, recorded []hub.Recorded) error {
	if len(freed) == 0 {
		return nil
	}
	all := make(map[conversation]bool, len(freed))
	for _, o := range freed {
		all[conversation{o.WebhookID, o.OrderKey}] = false
	}
	conversations := slices.Collect(maps.Keys(all))
	err := each(context.Background(), t, func(row scanner) error {
		var c conversation
		err := row.Scan(&c.webhook, &c.key)
		all[c] = true
		return err
	}, t.releaseHeads()+` RETURNING d.webhook_id, d.order_key`, conversationArgs(conversations, t.now)...)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		recorded[i].Released = !recorded[i].Stale && o.Status.Final() && all[conversation{o.WebhookID, o.OrderKey}]
	}
	return nil
}
