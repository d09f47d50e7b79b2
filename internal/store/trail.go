package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// EventsOfKey returns at most limit events with that order key, oldest first: what
// was told of one thing.
func (s *Store) EventsOfKey(ctx context.Context, key string, limit int) ([]*hub.Event, error) {
	return list(ctx, s.readers, scanEvent,
		`SELECT `+eventColumns+` FROM nchat_events e WHERE order_key = $1 ORDER BY seq LIMIT $2`, key, limit)
}

// DeliveriesOf returns at most limit deliveries of an event. They are found by the
// time in their ids, which is the event's.
func (s *Store) DeliveriesOf(ctx context.Context, event hub.EventID, limit int) ([]hub.Delivery, error) {
	low, high := hub.DeliveryRange(event)
	return list(ctx, s.readers, scanDelivery, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d
		WHERE d.id >= $1 AND d.id <= $2 AND d.event_id = $3 ORDER BY d.id LIMIT $4`, string(low), string(high), string(event), limit)
}
