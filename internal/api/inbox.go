package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// TracedCall is a call with all that came of it.
type TracedCall struct {
	CallDetail
	Events []TracedEvent `json:"events" doc:"What was told of the message so far, oldest first; at most 50."`
}

// TracedEvent is an event of a message, and where it was sent.
type TracedEvent struct {
	ID         hub.EventID      `json:"id"`
	Event      string           `json:"event"`
	Timestamp  time.Time        `json:"timestamp" doc:"When it happened."`
	TraceID    string           `json:"traceId,omitempty" doc:"The same for all that one request caused."`
	Deliveries []TracedDelivery `json:"deliveries" doc:"At most 100."`
}

// TracedDelivery is a delivery of an event.
type TracedDelivery struct {
	ID        hub.DeliveryID     `json:"id"`
	WebhookID hub.WebhookID      `json:"webhookId"`
	Status    hub.DeliveryStatus `json:"status" enum:"pending,active,retrying,held,success,failed,canceled" doc:"As in the list of deliveries."`
}

func wireTrace(t control.Trace) TracedCall {
	out := TracedCall{CallDetail: wireCallDetail(t.CallDetail), Events: make([]TracedEvent, len(t.Steps))}
	for i, s := range t.Steps {
		e := TracedEvent{
			ID: s.Event.ID, Event: s.Event.Type, Timestamp: s.Event.Time, TraceID: s.Event.Trace,
			Deliveries: make([]TracedDelivery, len(s.Deliveries)),
		}
		for j := range s.Deliveries {
			d := &s.Deliveries[j]
			e.Deliveries[j] = TracedDelivery{d.ID, d.WebhookID, d.Status}
		}
		out.Events[i] = e
	}
	return out
}

type inboxCallInput struct {
	ID hub.CallID `path:"id"`
}

func (a *API) inboxRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/inbox", id: "listInbox", tag: "incoming webhooks", summary: "List all calls, newest first",
		doc: "Those of all incoming webhooks, deleted ones too, and of tokens that are nobody's.",
	}, func(ctx context.Context, who hub.Actor, in *listIncomingInput) (page[Call], error) {
		before, err := idCursor[hub.CallID]("inbox", in.Cursor)
		if err != nil {
			return page[Call]{}, err
		}
		calls, more, err := a.Control.Inbox(ctx, who, before, in.Limit)
		if err != nil {
			return page[Call]{}, err
		}
		return pageOf(calls, wireCall, nextOf("inbox", calls, more, func(c hub.Call) string { return string(c.ID) })), nil
	})
	register(a, operation{
		method: http.MethodGet, path: "/api/inbox/{id}", id: "getInboxCall", tag: "incoming webhooks",
		summary: "Show any call with its body and what came of it", doc: "Its message, what was told of it, and to which webhooks.",
	}, func(ctx context.Context, who hub.Actor, in *inboxCallInput) (TracedCall, error) {
		return wired(wireTrace)(a.Control.InboxCall(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPost, path: "/api/inbox/{id}/replay", id: "replayInboxCall", tag: "incoming webhooks", summary: "Post any call again",
		conflict: notReplayed + " Or the token was nobody's.", also: []int{http.StatusLoopDetected},
		doc: "It is read as its webhook is set now.", status: http.StatusAccepted,
	}, func(ctx context.Context, who hub.Actor, in *inboxCallInput) (Call, error) {
		return wired(wireCall)(a.Control.ReplayInbox(ctx, who, in.ID))
	})
}
