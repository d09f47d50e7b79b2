package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// oldestQueries find when the oldest delivery in a state was made, each by an
// index that holds little else. Of retrying ones it looks at those of a webhook
// that are due last, which have the most tries behind them.
var oldestQueries = map[hub.DeliveryStatus]string{
	hub.DeliveryActive: `SELECT created_at FROM nchat_webhook_deliveries WHERE lease_node IS NOT NULL ORDER BY id LIMIT 1`,
	hub.DeliveryFailed: `SELECT created_at FROM nchat_webhook_deliveries WHERE status = 'failed' ORDER BY id LIMIT 1`,
	hub.DeliveryHeld: `SELECT min((SELECT d.created_at FROM nchat_webhook_deliveries d
			WHERE d.webhook_id = c.webhook_id AND d.status = 'held' ORDER BY d.id LIMIT 1))
		FROM nchat_webhook_counters c WHERE c.status = 'held' AND c.total > 0`,
	hub.DeliveryRetrying: `SELECT min((SELECT min(d.created_at) FROM (SELECT status, created_at FROM nchat_webhook_deliveries
			WHERE webhook_id = c.webhook_id AND scheduled_for IS NOT NULL ORDER BY scheduled_for DESC, id DESC LIMIT 100) d WHERE d.status = 'retrying'))
		FROM nchat_webhook_counters c WHERE c.status = 'retrying' AND c.total > 0`,
}

// OldestIn returns when the oldest delivery in each of the states retrying,
// active, held and failed was made; a state without one is absent.
func (s *Store) OldestIn(ctx context.Context) (map[hub.DeliveryStatus]time.Time, error) {
	oldest := make(map[hub.DeliveryStatus]time.Time)
	for status, query := range oldestQueries {
		var made Time
		if err := each(ctx, s.readers, func(row scanner) error { return row.Scan(&made) }, query); err != nil {
			return nil, err
		}
		if !made.IsZero() {
			oldest[status] = made.Time
		}
	}
	return oldest, nil
}
