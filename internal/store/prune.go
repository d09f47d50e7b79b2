package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// Prune removes at most limit of the oldest events whose deliveries are all
// finished, with their deliveries and attempts: always as a whole, so that
// what remains still agrees. after is where the last batch ended (0 at
// first); the position to go on from is returned. The newest event is kept,
// because it carries the number that the next one follows.
func (s *Store) Prune(ctx context.Context, r hub.Retention, after int64, limit int) (p hub.Pruned, position int64, err error) {
	err = s.write(ctx, func(t *tx) error {
		p, position = hub.Pruned{}, after
		events, err := list(ctx, t, scanEvent, `SELECT `+eventColumns+` FROM nchat_events e
			WHERE seq > $1 AND seq < (SELECT max(seq) FROM nchat_events) ORDER BY seq LIMIT $2`, after, limit)
		if err != nil {
			return err
		}
		for _, e := range events {
			wrong := e.Time.After(t.now) // made while the clock was ahead; it says nothing about the next
			if !wrong && !e.Time.Before(r.FinishedBefore) {
				return nil // younger ones follow
			}
			position = e.Seq
			if wrong {
				continue
			}
			if err := t.pruneEvent(e, r, &p); err != nil {
				return err
			}
		}
		p.More = len(events) == limit
		return nil
	})
	return p, position, err
}

func (t *tx) pruneEvent(e *hub.Event, r hub.Retention, p *hub.Pruned) error {
	low, high := hub.DeliveryRange(e.ID)
	deliveries, err := list(context.Background(), t, scanDelivery, `SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d
		WHERE d.id >= $1 AND d.id <= $2 AND d.event_id = $3`, string(low), string(high), string(e.ID))
	if err != nil {
		return err
	}
	for i := range deliveries {
		d := &deliveries[i]
		if !d.Status.Final() || !d.FinishedAt.Before(r.FinishedBefore) ||
			d.Status == hub.DeliveryFailed && !d.FinishedAt.Before(r.FailedBefore) {
			return nil
		}
	}
	for i := range deliveries {
		d := &deliveries[i]
		n, err := t.exec(`DELETE FROM nchat_webhook_attempts WHERE delivery_id = $1`, string(d.ID))
		if err != nil {
			return err
		}
		p.Attempts += int(n)
		if _, err := t.exec(`DELETE FROM nchat_webhook_deliveries WHERE id = $1`, string(d.ID)); err != nil {
			return err
		}
		t.moved(d.WebhookID, d.Status, "")
	}
	p.Deliveries += len(deliveries)
	p.Events++
	_, err = t.exec(`DELETE FROM nchat_events WHERE seq = $1`, e.Seq)
	return err
}

// OldestAge returns when the oldest event that is still kept happened; zero:
// there is none.
func (s *Store) OldestAge(ctx context.Context) (oldest time.Time, err error) {
	var first Time
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&first) },
		`SELECT created_at FROM nchat_events ORDER BY seq LIMIT 1`)
	return first.Time, err
}

// Vacuum returns at most pages free pages to the file system.
func (s *Store) Vacuum(ctx context.Context, pages int) error {
	return s.maintain(ctx, "PRAGMA incremental_vacuum("+itoa(pages)+")")
}
