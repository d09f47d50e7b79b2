package api

import (
	"context"
	"net/http"

	"github.com/nself-chat/hub"
)

// QueueStats are nself-chat's figures of the queue, and ours.
type QueueStats struct {
	Total            int64   `json:"total" minimum:"0" doc:"All but canceled."`
	Pending          int64   `json:"pending" minimum:"0" doc:"Due."`
	Active           int64   `json:"active" minimum:"0" doc:"Being sent."`
	Completed        int64   `json:"completed" minimum:"0" doc:"Succeeded."`
	Failed           int64   `json:"failed" minimum:"0" doc:"Given up."`
	Delayed          int64   `json:"delayed" minimum:"0" doc:"Retrying, due later, or held."`
	OldestDueSeconds float64 `json:"oldestDueSeconds" minimum:"0" doc:"Age of the delivery that has been due the longest."`
	Lanes            []Lane  `json:"lanes" doc:"One for each outgoing webhook."`
}

// Lane are the figures of one outgoing webhook.
type Lane struct {
	WebhookID   hub.WebhookID                `json:"webhookId"`
	State       hub.WebhookState             `json:"state" enum:"active,paused,disabled" doc:"Of the webhook."`
	BreakerOpen bool                         `json:"breakerOpen" doc:"Only one probe at a time is sent."`
	Failures    int                          `json:"failures" minimum:"0" doc:"Failed attempts since the last success."`
	Deliveries  map[hub.DeliveryStatus]int64 `json:"deliveries" doc:"How many are in each state."`
}

func wireQueue(s hub.QueueStats) QueueStats {
	out := QueueStats{
		Total: s.Total, Pending: s.Pending, Active: s.Active, Completed: s.Completed, Failed: s.Failed, Delayed: s.Delayed,
		OldestDueSeconds: s.OldestDue.Seconds(), Lanes: make([]Lane, len(s.Lanes)),
	}
	for i, l := range s.Lanes {
		if l.Counts == nil {
			l.Counts = map[hub.DeliveryStatus]int64{}
		}
		out.Lanes[i] = Lane{l.WebhookID, l.State, l.Health.Open, l.Health.Failures, l.Counts}
	}
	return out
}

type noInput struct{}

func (a *API) queueRoutes() {
	stats := func(ctx context.Context, who hub.Actor, _ *noInput) (QueueStats, error) {
		return wired(wireQueue)(a.Control.QueueStats(ctx, who))
	}
	register(a, operation{
		method: http.MethodGet, path: "/api/queue/stats", id: "queueStats", tag: "queue", summary: "Figures of the delivery queue",
	}, stats)
	register(a, operation{
		method: http.MethodGet, path: "/api/admin/webhooks/queue/stats", id: "adminQueueStats", tag: "queue",
		summary: "The same under nself-chat's address",
	}, stats)
	register(a, operation{
		method: http.MethodPost, path: "/api/queue/pause", id: "pauseQueue", tag: "queue", summary: "Stop sending",
		doc: "Events are still taken and deliveries made.",
	}, func(ctx context.Context, who hub.Actor, _ *noInput) (nothing, error) {
		return nothing{}, a.Control.PauseQueue(ctx, who)
	})
	register(a, operation{
		method: http.MethodPost, path: "/api/queue/resume", id: "resumeQueue", tag: "queue", summary: "Send again",
	}, func(ctx context.Context, who hub.Actor, _ *noInput) (nothing, error) {
		return nothing{}, a.Control.ResumeQueue(ctx, who)
	})
}
