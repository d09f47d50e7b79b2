package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// conditions collects the parts of a WHERE clause with their arguments.
type conditions struct {
	parts []string
	args  []any
}

// add appends a condition; a %s in it stands for the argument's placeholder.
func (c *conditions) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, fmt.Sprintf(condition, c.last()))
}

// last is the placeholder of the argument added last.
func (c *conditions) last() string { return fmt.Sprintf("$%d", len(c.args)) }

// Deliveries returns the deliveries that q selects, newest first. Of one
// webhook it walks the index (webhook_id, id), of all the primary key; rare
// states have partial indexes of their own.
func (s *Store) Deliveries(ctx context.Context, q hub.DeliveryQuery) ([]hub.Delivery, error) {
	text, args, err := s.deliveriesQuery(q)
	if err != nil {
		return nil, err
	}
	return list(ctx, s.readers, scanDelivery, text, args...)
}

func (s *Store) deliveriesQuery(q hub.DeliveryQuery) (text string, args []any, err error) {
	low, high := lowestID, upTo(q.Before)
	if !q.Since.IsZero() {
		low = hub.FirstID(q.Since) // no delivery has this very id
	}
	if !q.Until.IsZero() {
		high = min(high, hub.FirstID(q.Until))
	}
	c, newest := conditions{parts: []string{"d.id > $1", "d.id < $2"}, args: []any{low, high}}, "d.id DESC"
	if q.WebhookID != "" {
		var between string
		between, newest, _ = within(s.onPostgres(), "d.webhook_id", "d.id")
		c = conditions{parts: []string{between}, args: []any{string(q.WebhookID), low, high}}
	}
	if err := c.addStatus(q.Status); err != nil {
		return "", nil, err
	}
	if q.Event != "" && q.Event != "*" {
		operator, pattern := s.matches(q.Event)
		_, other := s.matches(hub.AliasPattern(q.Event))
		c.args = append(c.args, pattern)
		c.add("(d.event "+operator+" "+c.last()+" OR d.event "+operator+" %s)", other)
	}
	c.args = append(c.args, q.Limit)
	return `SELECT ` + deliveryColumns + ` FROM nchat_webhook_deliveries d
		WHERE ` + strings.Join(c.parts, " AND ") + ` ORDER BY ` + newest + ` LIMIT ` + c.last(), c.args, nil
}

// addStatus restricts to one state. The state stands in the text, because a
// partial index serves only a query that names its condition.
func (c *conditions) addStatus(status hub.DeliveryStatus) error {
	if status == "" {
		return nil
	}
	if !slices.Contains(hub.DeliveryStatuses(), status) {
		return hub.Errorf(hub.Invalid, "There is no such delivery status.")
	}
	c.parts = append(c.parts, "d.status = '"+string(status)+"'")
	switch status {
	case hub.DeliveryActive:
		c.parts = append(c.parts, "d.lease_node IS NOT NULL")
	case hub.DeliveryRetrying:
		c.parts = append(c.parts, "d.scheduled_for IS NOT NULL")
	}
	return nil
}

// Delivery returns one delivery.
func (s *Store) Delivery(ctx context.Context, id hub.DeliveryID) (hub.Delivery, error) {
	return one(ctx, s.readers, "delivery", scanDelivery,
		`SELECT `+deliveryColumns+` FROM nchat_webhook_deliveries d WHERE d.id = $1`, string(id))
}

// Attempts returns the attempts of a delivery in the order they were made.
func (s *Store) Attempts(ctx context.Context, id hub.DeliveryID) ([]hub.Attempt, error) {
	return list(ctx, s.readers, scanAttempt, `SELECT delivery_id, number, started_at, duration_us, request_headers,
			coalesce(response_status, 0), response_headers, response_body, truncated, remote_addr, error, result, reason, due_at
		FROM nchat_webhook_attempts WHERE delivery_id = $1 ORDER BY number`, string(id))
}

func scanAttempt(row scanner) (a hub.Attempt, err error) {
	var started, due Time
	var micros int64
	var request, response string
	err = row.Scan(&a.DeliveryID, &a.Number, &started, &micros, orEmpty(&request), &a.ResponseStatus, orEmpty(&response),
		&a.ResponseBody, &a.Truncated, orEmpty(&a.RemoteAddr), orEmpty(&a.Error), &a.Result, &a.Reason, &due)
	a.StartedAt, a.DueAt, a.Duration = started.Time, due.Time, time.Duration(micros)*time.Microsecond
	if request != "" {
		a.RequestHeaders = []byte(request)
	}
	if response != "" {
		a.ResponseHeaders = []byte(response)
	}
	return a, err
}
