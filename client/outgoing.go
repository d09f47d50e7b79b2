package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// OutgoingWebhook is a subscription of one URL to event types.
type OutgoingWebhook struct {
	ID                  string            `json:"id"`
	Name                string            `json:"name"`
	URL                 string            `json:"url"`
	State               string            `json:"state"` // active, paused or disabled
	Enabled             bool              `json:"enabled"`
	Events              []string          `json:"events"`
	ChannelIDs          []string          `json:"channelIds"`
	Filter              json.RawMessage   `json:"filter"`
	Headers             map[string]string `json:"headers"` // the values are masked
	Timeout             int64             `json:"timeout"` // milliseconds
	MaxRetries          int               `json:"maxRetries"`
	RetryDelay          int64             `json:"retryDelay"` // milliseconds
	RetrySchedule       string            `json:"retrySchedule"`
	RateLimit           int               `json:"rateLimit"` // a minute; 0: no limit
	Concurrency         int               `json:"concurrency"`
	Ordering            string            `json:"ordering"`
	Signing             string            `json:"signing"`
	Health              EndpointHealth    `json:"health"`
	PreviousSecretUntil time.Time         `json:"previousSecretUntil"`
	Deliveries          map[string]int64  `json:"deliveries"` // by status
	CreatedBy           string            `json:"createdBy"`
	CreatedAt           time.Time         `json:"createdAt"`
	UpdatedAt           time.Time         `json:"updatedAt"`
	Version             string            `json:"version"` // changes with every edit; see [IfMatch]
	// Secret is set only in the answer that makes it.
	Secret string `json:"secret"`
}

// EndpointHealth is what is known of an endpoint.
type EndpointHealth struct {
	Healthy      bool      `json:"healthy"`
	Failures     int       `json:"failures"`
	FailingSince time.Time `json:"failingSince"`
	BreakerOpen  bool      `json:"breakerOpen"`
	WaitUntil    time.Time `json:"waitUntil"`
}

// OutgoingWebhookFields make or change an outgoing webhook. Name, URL and
// Events are required when making one; Secret can be given only then.
type OutgoingWebhookFields struct {
	Name          Field[string]            `json:"name,omitzero"`
	URL           Field[string]            `json:"url,omitzero"`
	Secret        Field[string]            `json:"secret,omitzero"`
	Events        Field[[]string]          `json:"events,omitzero"`
	ChannelIDs    Field[[]string]          `json:"channelIds,omitzero"`
	Filter        Field[any]               `json:"filter,omitzero"`
	Headers       Field[map[string]string] `json:"headers,omitzero"`
	Timeout       Field[int64]             `json:"timeout,omitzero"`
	MaxRetries    Field[int]               `json:"maxRetries,omitzero"`
	RetryDelay    Field[int64]             `json:"retryDelay,omitzero"`
	RetrySchedule Field[string]            `json:"retrySchedule,omitzero"`
	RateLimit     Field[int]               `json:"rateLimit,omitzero"`
	Concurrency   Field[int]               `json:"concurrency,omitzero"`
	Ordering      Field[string]            `json:"ordering,omitzero"`
	Signing       Field[string]            `json:"signing,omitzero"`
	Enabled       Field[bool]              `json:"enabled,omitzero"`
}

// RotatedSecret is a new secret.
type RotatedSecret struct {
	Secret              string    `json:"secret"`
	PreviousSecretUntil time.Time `json:"previousSecretUntil"`
}

// TestSent names the delivery of a test.
type TestSent struct {
	EventID    string `json:"eventId"`
	DeliveryID string `json:"deliveryId"`
}

// Replay selects finished deliveries of a webhook to be sent again.
type Replay struct {
	Status        string    `json:"status,omitempty"`        // success, failed or canceled; "": failed
	Since         time.Time `json:"since,omitzero"`          // event time, included
	Until         time.Time `json:"until,omitzero"`          // event time, excluded
	DryRun        bool      `json:"dryRun,omitempty"`        // only count
	RatePerMinute int       `json:"ratePerMinute,omitempty"` // 0: as fast as the webhook's limits allow
}

const outgoingsPath = "/api/outgoing-webhooks"

func outgoingPath(id string) string { return outgoingsPath + "/" + escape(id) }

// OutgoingWebhooks lists outgoing webhooks, oldest first.
func (c *Client) OutgoingWebhooks(ctx context.Context, options ...ListOption) iter.Seq2[OutgoingWebhook, error] {
	return list[OutgoingWebhook](ctx, c, outgoingsPath, nil, options)
}

// OutgoingWebhook returns one outgoing webhook.
func (c *Client) OutgoingWebhook(ctx context.Context, id string) (OutgoingWebhook, error) {
	return call[OutgoingWebhook](ctx, c, get(outgoingPath(id), nil))
}

// CreateOutgoingWebhook makes an outgoing webhook. Its Secret is in the answer
// and nowhere else.
func (c *Client) CreateOutgoingWebhook(ctx context.Context, f OutgoingWebhookFields, options ...CallOption) (OutgoingWebhook, error) {
	return call[OutgoingWebhook](ctx, c, post(outgoingsPath, f, options...))
}

// UpdateOutgoingWebhook changes an outgoing webhook.
func (c *Client) UpdateOutgoingWebhook(ctx context.Context, id string, f OutgoingWebhookFields, options ...CallOption) (OutgoingWebhook, error) {
	return call[OutgoingWebhook](ctx, c, patch(outgoingPath(id), f, options...))
}

// DeleteOutgoingWebhook ends a subscription.
func (c *Client) DeleteOutgoingWebhook(ctx context.Context, id string, options ...CallOption) error {
	return c.do(ctx, remove(outgoingPath(id), options...))
}

// RotateSecret gives an outgoing webhook a new secret; requests are signed
// with both until the overlap ends; see [DefaultOverlap].
func (c *Client) RotateSecret(ctx context.Context, id string, overlap time.Duration, options ...CallOption) (RotatedSecret, error) {
	return call[RotatedSecret](ctx, c, post(outgoingPath(id)+"/rotate-secret", overlapOf(overlap), options...))
}

// PauseOutgoingWebhook holds a webhook's deliveries.
func (c *Client) PauseOutgoingWebhook(ctx context.Context, id string, options ...CallOption) (OutgoingWebhook, error) {
	return call[OutgoingWebhook](ctx, c, post(outgoingPath(id)+"/pause", nil, options...))
}

// ResumeOutgoingWebhook sends again; what was held is sent as well, or skipped.
func (c *Client) ResumeOutgoingWebhook(ctx context.Context, id string, skipHeld bool, options ...CallOption) (OutgoingWebhook, error) {
	body := map[string]string{"held": "deliver"}
	if skipHeld {
		body["held"] = "skip"
	}
	return call[OutgoingWebhook](ctx, c, post(outgoingPath(id)+"/resume", body, options...))
}

// TestOutgoingWebhook sends the event webhook.test to one webhook.
func (c *Client) TestOutgoingWebhook(ctx context.Context, id string, options ...CallOption) (TestSent, error) {
	return call[TestSent](ctx, c, post(outgoingPath(id)+"/test", nil, options...))
}

// ReplayOutgoingWebhook sends finished deliveries again and returns how many.
func (c *Client) ReplayOutgoingWebhook(ctx context.Context, id string, r Replay, options ...CallOption) (int, error) {
	out, err := call[struct {
		Deliveries int `json:"deliveries"`
	}](ctx, c, post(outgoingPath(id)+"/replay", r, options...))
	return out.Deliveries, err
}
