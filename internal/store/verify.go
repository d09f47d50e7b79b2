package store

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// verifyRows is about how many deliveries are compared at a time.
const verifyRows = 20_000

// chunk is the number of events whose deliveries are compared at a time.
func (v *verifier) chunk() int { return max(1, verifyRows/(1+len(v.history))) }

// Verify holds the whole database against its invariants, as of one moment:
// events × subscriptions in force = deliveries; every unfinished delivery has
// exactly one thing it waits for; every state agrees with the attempts made;
// the counters agree with the rows. The hub may be at work meanwhile.
func (s *Store) Verify(ctx context.Context) (*hub.VerifyReport, error) {
	v := &verifier{report: &hub.VerifyReport{Problems: []string{}}, counts: make(map[counterKey]int64), now: s.Now()}
	err := s.readers.snapshot(ctx, func(q querier) error {
		v.q = q
		for _, step := range []func(context.Context) error{v.subscriptions, v.events, v.unfinished, v.stuckHeld, v.counters} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return v.report, err
}

// revision is a subscription from one revision on; nil: it ended.
type revision struct {
	number int64
	sub    *hub.Subscription
}

type verifier struct {
	q       querier
	report  *hub.VerifyReport
	history map[hub.WebhookID][]revision // in ascending order
	counts  map[counterKey]int64
	now     time.Time
}

// subscriptions reads the history of all subscriptions, and compares the
// webhooks as they are with its end.
func (v *verifier) subscriptions(ctx context.Context) error {
	v.history = make(map[hub.WebhookID][]revision)
	last := make(map[hub.WebhookID]string)
	err := each(ctx, v.q, func(row scanner) error {
		var number int64
		var id hub.WebhookID
		var text string
		if err := row.Scan(&number, &id, orEmpty(&text)); err != nil {
			return err
		}
		last[id] = text
		if text == "" {
			v.history[id] = append(v.history[id], revision{number: number})
			return nil
		}
		sub := &hub.Subscription{}
		if err := json.Unmarshal([]byte(text), sub); err != nil {
			v.report.Add("revision %d of webhook %s cannot be read", number, id)
			return nil
		}
		if sub.Filter != nil {
			if err := sub.Filter.Compile("filter"); err != nil {
				v.report.Add("revision %d of webhook %s has an invalid filter", number, id)
			}
		}
		v.history[id] = append(v.history[id], revision{number, sub})
		return nil
	}, `SELECT revision, webhook_id, subscription FROM nchat_outgoing_webhook_revisions ORDER BY revision`)
	if err != nil {
		return err
	}
	return each(ctx, v.q, func(row scanner) error {
		w, err := scanOutgoing(row)
		if err != nil {
			return err
		}
		text, known := last[w.ID]
		switch {
		case !known:
			v.report.Add("webhook %s has no revision", w.ID)
		case !w.DeletedAt.IsZero():
			if text != "" {
				v.report.Add("webhook %s is deleted, its subscription goes on", w.ID)
			}
		case !sameSubscription(text, w.Subscription()):
			v.report.Add("webhook %s differs from its last revision", w.ID)
		}
		return nil
	}, `SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks`)
}

func sameSubscription(text string, sub hub.Subscription) bool {
	var recorded hub.Subscription
	if json.Unmarshal([]byte(text), &recorded) != nil {
		return false
	}
	a, errA := json.Marshal(recorded)
	b, errB := json.Marshal(sub)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// inForce returns the webhook's subscription at a revision, nil if none.
func (v *verifier) inForce(id hub.WebhookID, at int64) *hub.Subscription {
	h := v.history[id]
	i, found := slices.BinarySearchFunc(h, at, func(r revision, at int64) int { return int(r.number - at) })
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	return h[i].sub
}

// verified is a delivery with its attempts.
type verified struct {
	hub.Delivery
	attempts []string // results, in order
	numbered bool     // their numbers are 1, 2, 3 …
}

// events walks events and deliveries side by side, in the order of their ids.
func (v *verifier) events(ctx context.Context) error {
	low := hub.DeliveryID(lowestID)
	after := hub.EventID(lowestID)
	for more := true; more; {
		upTo, again, err := v.portion(ctx, after)
		if err != nil {
			return err
		}
		more = again
		events, err := list(ctx, v.q, scanEvent,
			`SELECT `+eventColumns+` FROM nchat_events e WHERE id > $1 AND id <= $2 ORDER BY id`, string(after), string(upTo))
		if err != nil {
			return err
		}
		high := hub.DeliveryID(highestID)
		if more {
			// Deliveries up to the last event of the portion. Another event with
			// the same prefix would only be seen too late, and there is none.
			after = upTo
			_, high = hub.DeliveryRange(after)
		}
		deliveries, err := v.deliveries(ctx, low, high)
		if err != nil {
			return err
		}
		for _, e := range events {
			v.event(e, deliveries[e.ID])
			delete(deliveries, e.ID)
		}
		for event, ds := range deliveries {
			v.report.Add("%d deliveries of event %s, which does not exist", len(ds), event)
		}
		low = high
	}
	return nil
}

// portion returns the last of the events after the given one that are to be
// compared together, few enough for the memory, and whether there may be more.
func (v *verifier) portion(ctx context.Context, after hub.EventID) (last hub.EventID, more bool, err error) {
	last = after
	chunk := min(v.chunk(), 1000)
	read, bytes := 0, 0
	err = each(ctx, v.q, func(row scanner) error {
		if bytes >= portionBytes {
			more = true
			return nil
		}
		var size int
		err := row.Scan(&last, &size)
		read, bytes = read+1, bytes+size
		more = read == chunk
		return err
	}, `SELECT id, octet_length(data) FROM nchat_events WHERE id > $1 ORDER BY id LIMIT $2`, string(after), chunk)
	return last, more, err
}

// deliveries returns the deliveries with ids in (from, to], by event.
func (v *verifier) deliveries(ctx context.Context, from, to hub.DeliveryID) (map[hub.EventID]map[hub.WebhookID]*verified, error) {
	out := make(map[hub.EventID]map[hub.WebhookID]*verified)
	byID := make(map[hub.DeliveryID]*verified)
	err := each(ctx, v.q, func(row scanner) error {
		d, err := scanDelivery(row)
		if err != nil {
			return err
		}
		if out[d.EventID] == nil {
			out[d.EventID] = make(map[hub.WebhookID]*verified)
		}
		vd := &verified{Delivery: d, numbered: true}
		out[d.EventID][d.WebhookID] = vd
		byID[d.ID] = vd
		v.report.Deliveries++
		v.counts[counterKey{d.WebhookID, d.Status}]++
		return nil
	}, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d WHERE d.id > $1 AND d.id <= $2`, string(from), string(to))
	if err != nil {
		return nil, err
	}
	err = each(ctx, v.q, func(row scanner) error {
		var id hub.DeliveryID
		var number int
		var result string
		if err := row.Scan(&id, &number, &result); err != nil {
			return err
		}
		v.report.Attempts++
		d := byID[id]
		if d == nil {
			v.report.Add("attempt %d of delivery %s, which does not exist", number, id)
			return nil
		}
		d.attempts = append(d.attempts, result)
		d.numbered = d.numbered && number == len(d.attempts)
		return nil
	}, `SELECT delivery_id, number, result FROM nchat_webhook_attempts WHERE delivery_id > $1 AND delivery_id <= $2
		ORDER BY delivery_id, number`, string(from), string(to))
	return out, err
}

// event compares one event's deliveries with what its subscriptions ask for.
func (v *verifier) event(e *hub.Event, got map[hub.WebhookID]*verified) {
	v.report.Events++
	data := func() any { return hub.FilterData(e.Data) }
	scrubbed := isScrubbed(e.Data)
	for _, id := range slices.Sorted(maps.Keys(v.history)) {
		sub := v.inForce(id, e.Revision)
		d := got[id]
		wanted := sub != nil && sub.Matches(e, data)
		if scrubbed && sub != nil && sub.Filter != nil {
			wanted = d != nil // what the filter looked at is gone; the delivery is taken at its word
		}
		switch {
		case wanted && d == nil:
			v.report.Expected++
			v.report.Add("event %s (%s) has no delivery to webhook %s", e.ID, e.Type, id)
		case wanted:
			v.report.Expected++
			v.delivery(d)
		case d != nil:
			v.report.Add("delivery %s of event %s goes to webhook %s, which did not ask for it", d.ID, e.ID, id)
		}
	}
	for id, d := range got {
		if _, ok := v.history[id]; !ok {
			v.report.Add("delivery %s goes to webhook %s, which never existed", d.ID, id)
		}
	}
}

// isScrubbed reports whether an event's text was removed with its message.
func isScrubbed(data []byte) bool {
	var mark struct{ Scrubbed bool }
	return json.Unmarshal(data, &mark) == nil && mark.Scrubbed
}

// delivery checks that a delivery's state agrees with itself and with the
// attempts made.
func (v *verifier) delivery(d *verified) {
	if d.ID != hub.DeliveryIDFor(d.EventID, d.WebhookID) {
		v.report.Add("delivery %s does not have the id of its event and webhook", d.ID)
	}
	if len(d.attempts) != d.Attempts || !d.numbered {
		v.report.Add("delivery %s counts %d attempts, %d are logged", d.ID, d.Attempts, len(d.attempts))
	}
	last := ""
	if len(d.attempts) > 0 {
		last = d.attempts[len(d.attempts)-1]
	}
	switch d.Status {
	case hub.DeliverySuccess:
		if last != "success" {
			v.report.Add("delivery %s is marked success, its last attempt is not one", d.ID)
		}
	case hub.DeliveryFailed, hub.DeliveryRetrying:
		if last == "" || last == "success" {
			v.report.Add("delivery %s is %s, its last attempt did not fail", d.ID, d.Status)
		}
	case hub.DeliveryPending, hub.DeliveryActive, hub.DeliveryHeld:
		if d.Tries > 0 && last == "success" {
			v.report.Add("delivery %s is %s after an attempt that succeeded", d.ID, d.Status)
		}
	case hub.DeliveryCanceled:
	}
}

// deletedGrace is how long the deliveries of a deleted webhook may take to be
// canceled.
const deletedGrace = time.Hour

// heldGrace is how long what was held may take to become due when its webhook is
// active again: it is moved in the background, thousands in a second.
const heldGrace = 10 * time.Minute

// stuckHeld checks that nothing is held that its webhook does not hold.
func (v *verifier) stuckHeld(ctx context.Context) error {
	return each(ctx, v.q, func(row scanner) error {
		d, err := scanDelivery(row)
		if err == nil {
			v.report.Add("delivery %s is held, its webhook %s is active", d.ID, d.WebhookID)
		}
		return err
	}, `SELECT `+deliveryColumns+` FROM nchat_outgoing_webhooks w JOIN nchat_webhook_deliveries d ON d.webhook_id = w.id
		WHERE w.state = 'active' AND w.deleted_at IS NULL AND w.updated_at < $1 AND d.status = 'held' AND d.updated_at < $1
		LIMIT $2`, at(v.now.Add(-heldGrace)), hub.MaxProblems)
}

// unfinished checks that what is neither final, due, leased nor held waits
// behind an unfinished delivery of its conversation.
func (v *verifier) unfinished(ctx context.Context) error {
	err := each(ctx, v.q, func(row scanner) error {
		var id hub.WebhookID
		var total int64
		if err := row.Scan(&id, &total); err != nil {
			return err
		}
		v.report.Add("webhook %s was deleted, %d of its deliveries are unfinished", id, total)
		return nil
	}, `SELECT c.webhook_id, sum(c.total) FROM nchat_webhook_counters c JOIN nchat_outgoing_webhooks w ON w.id = c.webhook_id
		WHERE w.deleted_at < $1 AND c.status IN ('pending', 'active', 'retrying', 'held') AND c.total > 0 GROUP BY c.webhook_id`,
		at(v.now.Add(-deletedGrace)))
	if err != nil {
		return err
	}
	return each(ctx, v.q, func(row scanner) error {
		d, err := scanDelivery(row)
		if err == nil {
			v.report.Add("delivery %s is %s and waits for nothing", d.ID, d.Status)
		}
		return err
	}, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d
		WHERE d.status IN ('pending', 'active', 'retrying') AND d.scheduled_for IS NULL AND d.lease_node IS NULL
			AND (d.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM nchat_webhook_deliveries p
				WHERE p.webhook_id = d.webhook_id AND p.order_key = d.order_key AND p.id <> d.id
					AND p.status IN ('pending', 'active', 'retrying', 'held')))
		LIMIT $1`, hub.MaxProblems)
}

// counters compares the kept counters with the rows.
func (v *verifier) counters(ctx context.Context) error {
	err := each(ctx, v.q, func(row scanner) error {
		var k counterKey
		var total int64
		if err := row.Scan(&k.webhook, &k.status, &total); err != nil {
			return err
		}
		if v.counts[k] != total {
			v.report.Add("webhook %s: %d deliveries are %s, the counter says %d", k.webhook, v.counts[k], k.status, total)
		}
		delete(v.counts, k)
		return nil
	}, `SELECT webhook_id, status, total FROM nchat_webhook_counters`)
	for k, n := range v.counts {
		v.report.Add("webhook %s: %d deliveries are %s, the counter says none", k.webhook, n, k.status)
	}
	return err
}
