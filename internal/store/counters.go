package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// counterKey names one counter of nchat_webhook_counters.
type counterKey struct {
	webhook hub.WebhookID
	status  hub.DeliveryStatus
}

// moved notes that a delivery went from one state to another; "" stands for
// not existing. The counters are written once per group.
func (t *tx) moved(webhook hub.WebhookID, from, to hub.DeliveryStatus) {
	if from == to {
		return
	}
	t.disturbed = t.disturbed || from.Final()
	if from != "" {
		t.count(counterKey{webhook, from}, -1)
	}
	if to != "" {
		t.count(counterKey{webhook, to}, 1)
	}
}

// count adds n to a counter.
func (t *tx) count(k counterKey, n int) {
	if t.counters == nil {
		t.counters = make(map[counterKey]int)
	}
	t.counters[k] += n
}

// flush writes what the values of a group have in common.
func (t *tx) flush() error {
	if err := t.settle(""); err != nil {
		return err
	}
	if t.disturbed && t.bulk != nil {
		if err := t.disturb(); err != nil {
			return err
		}
	}
	return t.writeCounters()
}

// addToCounters adds to the counter of a webhook and a state.
const addToCounters = `ON CONFLICT (webhook_id, status) DO UPDATE SET total = nchat_webhook_counters.total + excluded.total`

// writeCounters adds up what moved. (A group of a hundred deliveries to as many
// webhooks changes three hundred counters: as many statements cost Postgres more
// than all the rest of the group.)
func (t *tx) writeCounters() error {
	var changed []counterKey
	for k, n := range t.counters {
		if n != 0 {
			changed = append(changed, k)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if t.bulk != nil {
		return t.later(`INSERT INTO nchat_webhook_counters (webhook_id, status, total)
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) `+addToCounters,
			uuidArray(changed, func(k counterKey) hub.WebhookID { return k.webhook }),
			textArray(changed, func(k counterKey) hub.DeliveryStatus { return k.status }),
			bigintArray(changed, func(k counterKey) int64 { return int64(t.counters[k]) }))
	}
	for _, k := range changed {
		err := t.later(`INSERT INTO nchat_webhook_counters (webhook_id, status, total) VALUES ($1, $2, $3) `+addToCounters,
			string(k.webhook), string(k.status), t.counters[k])
		if err != nil {
			return err
		}
	}
	return nil
}

// DeliveryTotals returns how many deliveries are in each state.
func (s *Store) DeliveryTotals(ctx context.Context) (map[hub.DeliveryStatus]int64, error) {
	out := make(map[hub.DeliveryStatus]int64)
	err := each(ctx, s.readers, func(row scanner) error {
		var status hub.DeliveryStatus
		var total int64
		err := row.Scan(&status, &total)
		out[status] = total
		return err
	}, `SELECT status, CAST(sum(total) AS bigint) FROM nchat_webhook_counters GROUP BY status`)
	return out, err
}

// DeliveryCounts returns how many deliveries are in each state, by webhook.
func (s *Store) DeliveryCounts(ctx context.Context) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error) {
	return s.deliveryCounts(ctx, `SELECT webhook_id, status, total FROM nchat_webhook_counters`)
}

// DeliveryCountsOf is DeliveryCounts of the webhooks with ids from first to last.
func (s *Store) DeliveryCountsOf(ctx context.Context, first, last hub.WebhookID) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error) {
	return s.deliveryCounts(ctx, `SELECT webhook_id, status, total FROM nchat_webhook_counters WHERE webhook_id >= $1 AND webhook_id <= $2`,
		string(first), string(last))
}

func (s *Store) deliveryCounts(ctx context.Context, query string, args ...any) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error) {
	out := make(map[hub.WebhookID]map[hub.DeliveryStatus]int64)
	err := each(ctx, s.readers, func(row scanner) error {
		var webhook hub.WebhookID
		var status hub.DeliveryStatus
		var total int64
		if err := row.Scan(&webhook, &status, &total); err != nil {
			return err
		}
		if out[webhook] == nil {
			out[webhook] = make(map[hub.DeliveryStatus]int64)
		}
		out[webhook][status] = total
		return nil
	}, query, args...)
	return out, err
}
