package client

import (
	"context"
)

// QueueStats are the figures of the delivery queue.
type QueueStats struct {
	Total            int64   `json:"total"`
	Pending          int64   `json:"pending"`
	Active           int64   `json:"active"`
	Completed        int64   `json:"completed"`
	Failed           int64   `json:"failed"`
	Delayed          int64   `json:"delayed"`
	OldestDueSeconds float64 `json:"oldestDueSeconds"`
	Lanes            []Lane  `json:"lanes"`
}

// Lane are the figures of one outgoing webhook.
type Lane struct {
	WebhookID   string           `json:"webhookId"`
	State       string           `json:"state"`
	BreakerOpen bool             `json:"breakerOpen"`
	Failures    int              `json:"failures"`
	Deliveries  map[string]int64 `json:"deliveries"` // by status
}

// QueueStats returns the figures of the delivery queue.
func (c *Client) QueueStats(ctx context.Context) (QueueStats, error) {
	return call[QueueStats](ctx, c, get("/api/queue/stats", nil))
}

// PauseQueue stops all sending.
func (c *Client) PauseQueue(ctx context.Context, options ...CallOption) error {
	return c.do(ctx, post("/api/queue/pause", nil, options...))
}

// ResumeQueue sends again.
func (c *Client) ResumeQueue(ctx context.Context, options ...CallOption) error {
	return c.do(ctx, post("/api/queue/resume", nil, options...))
}
