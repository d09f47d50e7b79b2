package control

import (
	"context"
	"net/http"

	"github.com/nself-chat/hub"
)

// deliveryStore reads deliveries.
type deliveryStore interface {
	Deliveries(ctx context.Context, q hub.DeliveryQuery) (page []hub.Delivery, next hub.DeliveryID, err error)
	Delivery(ctx context.Context, id hub.DeliveryID) (hub.Delivery, error)
	DeliveriesOf(ctx context.Context, event hub.EventID, limit int) ([]hub.Delivery, error)
	Attempts(ctx context.Context, id hub.DeliveryID) ([]hub.Attempt, error)
}

// DeliveryDetail is a delivery with everything that is known of it.
type DeliveryDetail struct {
	hub.Delivery
	Attempts []hub.Attempt
	// Header and Body are the request as it is sent, the owner's headers
	// masked. Body is nil when the event's data was trimmed.
	Header http.Header
	Body   []byte
}

// Deliveries returns the deliveries that q selects, newest first, and where the
// next page begins, "" when there is none. A page can hold fewer than q.Limit and
// not be the last.
func (s *Service) Deliveries(ctx context.Context, a hub.Actor, q hub.DeliveryQuery) ([]hub.Delivery, hub.DeliveryID, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, "", err
	}
	var errs hub.FieldErrors
	if q.Event != "" && !hub.ValidEventPattern(q.Event) {
		errs.Add("event", "must be an event name or pattern")
	}
	if q.WebhookID != "" && !hub.ValidID(string(q.WebhookID)) {
		errs.Add("webhookId", "must be the id of an outgoing webhook")
	}
	if err := errs.Err(); err != nil {
		return nil, "", err
	}
	return s.Store.Deliveries(ctx, q)
}

// firstOf cuts a list that was read with one more than limit.
func firstOf[T any](all []T, limit int) (items []T, more bool) {
	if len(all) > limit {
		return all[:limit], true
	}
	return all, false
}

// Delivery returns a delivery with its attempts and its request.
func (s *Service) Delivery(ctx context.Context, a hub.Actor, id hub.DeliveryID) (DeliveryDetail, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return DeliveryDetail{}, err
	}
	d, err := s.Store.Delivery(ctx, id)
	if err != nil {
		return DeliveryDetail{}, err
	}
	out := DeliveryDetail{Delivery: d}
	if out.Attempts, err = s.Store.Attempts(ctx, id); err != nil {
		return DeliveryDetail{}, err
	}
	out.Header, out.Body, err = s.Engine.Request(ctx, d)
	if hub.CodeOf(err) == hub.NotFound { // the event was trimmed, or the webhook deleted
		err = nil
	}
	return out, err
}

// RetryDelivery begins a new series of tries for a delivery, whatever its state.
func (s *Service) RetryDelivery(ctx context.Context, a hub.Actor, id hub.DeliveryID) (hub.Delivery, error) {
	return s.moveDelivery(ctx, a, id, "delivery.retry", func(ctx context.Context, id hub.DeliveryID) error {
		if err := s.intake(); err != nil {
			return err
		}
		return s.Engine.Retry(ctx, id)
	})
}

// CancelDelivery gives an unfinished delivery up.
func (s *Service) CancelDelivery(ctx context.Context, a hub.Actor, id hub.DeliveryID) (hub.Delivery, error) {
	return s.moveDelivery(ctx, a, id, "delivery.cancel", s.Engine.Cancel)
}

func (s *Service) moveDelivery(
	ctx context.Context, a hub.Actor, id hub.DeliveryID, what string, move func(context.Context, hub.DeliveryID) error,
) (hub.Delivery, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.Delivery{}, err
	}
	before, err := s.Store.Delivery(ctx, id)
	if err != nil && hub.CodeOf(err) != hub.NotFound { // move says that, after what else it has to say
		return hub.Delivery{}, err
	}
	if err := move(ctx, id); err != nil {
		return hub.Delivery{}, err
	}
	after, err := s.Store.Delivery(ctx, id)
	if err != nil {
		after = hub.Delivery{ID: id, Status: "unknown"} // it was moved all the same
	}
	s.audit(ctx, a, what, string(id), deliveryFacts(&before), deliveryFacts(&after))
	return after, err
}

// deliveryFacts is what the audit log keeps of a delivery.
func deliveryFacts(d *hub.Delivery) map[string]any {
	return map[string]any{"status": d.Status, "attempts": d.Attempts}
}
