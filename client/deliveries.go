package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Delivery is one event on its way to one outgoing webhook.
type Delivery struct {
	ID           string    `json:"id"`
	WebhookID    string    `json:"webhookId"`
	EventID      string    `json:"eventId"`
	Event        string    `json:"event"`
	Status       string    `json:"status"`
	Attempts     int       `json:"attempts"`
	ScheduledFor time.Time `json:"scheduledFor"`
	LastStatus   int       `json:"lastStatus"`
	LastError    string    `json:"lastError"`
	OrderKey     string    `json:"orderKey"`
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
	FinishedAt   time.Time `json:"finishedAt"`
	// Request and Log are set in the answer for a single delivery only.
	Request *SentRequest `json:"request"`
	Log     []Attempt    `json:"log"`
}

// SentRequest is the request of a delivery.
type SentRequest struct {
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
}

// Attempt is one try of a delivery.
type Attempt struct {
	Number          int             `json:"number"`
	StartedAt       time.Time       `json:"startedAt"`
	Duration        float64         `json:"duration"` // milliseconds
	RequestHeaders  json.RawMessage `json:"requestHeaders"`
	ResponseStatus  int             `json:"responseStatus"`
	ResponseHeaders json.RawMessage `json:"responseHeaders"`
	ResponseBody    string          `json:"responseBody"`
	Truncated       bool            `json:"truncated"`
	RemoteAddr      string          `json:"remoteAddr"`
	Error           string          `json:"error"`
	Result          string          `json:"result"`
	Reason          string          `json:"reason"`
	ScheduledFor    time.Time       `json:"scheduledFor"`
}

// DeliveryQuery selects deliveries. Empty fields do not restrict.
type DeliveryQuery struct {
	WebhookID    string
	Status       string
	Event        string // event name or pattern
	Since, Until time.Time
}

func deliveryPath(id string) string { return "/api/deliveries/" + escape(id) }

// Deliveries lists deliveries, newest first.
func (c *Client) Deliveries(ctx context.Context, q DeliveryQuery, options ...ListOption) iter.Seq2[Delivery, error] {
	return list[Delivery](ctx, c, "/api/deliveries", query("webhookId", q.WebhookID, "status", q.Status, "event", q.Event,
		"since", instant(q.Since), "until", instant(q.Until)), options)
}

// Delivery returns one delivery with its request and its attempts.
func (c *Client) Delivery(ctx context.Context, id string) (Delivery, error) {
	return call[Delivery](ctx, c, get(deliveryPath(id), nil))
}

// RetryDelivery sends a delivery again.
func (c *Client) RetryDelivery(ctx context.Context, id string, options ...CallOption) (Delivery, error) {
	return call[Delivery](ctx, c, post(deliveryPath(id)+"/retry", nil, options...))
}

// CancelDelivery gives an unfinished delivery up.
func (c *Client) CancelDelivery(ctx context.Context, id string, options ...CallOption) (Delivery, error) {
	return call[Delivery](ctx, c, post(deliveryPath(id)+"/cancel", nil, options...))
}
