package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Delivery is a delivery as it is shown.
type Delivery struct {
	ID         hub.DeliveryID     `json:"id" doc:"Receivers see it as webhook-id and X-Webhook-ID."`
	WebhookID  hub.WebhookID      `json:"webhookId"`
	EventID    hub.EventID        `json:"eventId"`
	Event      string             `json:"event" doc:"Name of the event."`
	Status     hub.DeliveryStatus `json:"status" enum:"pending,active,retrying,held,success,failed,canceled" doc:"held: its webhook is paused; failed: given up after all attempts."`
	Attempts   int                `json:"attempts" minimum:"0" doc:"How many began."`
	DueAt      time.Time          `json:"scheduledFor,omitzero" doc:"When the next attempt may begin, or the last one might."`
	LastStatus int                `json:"lastStatus,omitempty" doc:"HTTP status of the last attempt; absent: no answer, or no attempt."`
	LastError  string             `json:"lastError,omitempty" doc:"Why the last attempt failed."`
	OrderKey   string             `json:"orderKey,omitempty" doc:"Deliveries with the same key are sent in order."`
	CreatedAt  time.Time          `json:"createdAt"`
	UpdatedAt  time.Time          `json:"updatedAt"`
	FinishedAt time.Time          `json:"finishedAt,omitzero" doc:"Absent: it is not finished."`
}

func wireDelivery(d hub.Delivery) Delivery {
	return Delivery{
		ID: d.ID, WebhookID: d.WebhookID, EventID: d.EventID, Event: d.EventType, Status: d.Status, Attempts: d.Attempts,
		DueAt: d.DueAt, LastStatus: d.LastStatus, LastError: d.LastError, OrderKey: d.OrderKey,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, FinishedAt: d.FinishedAt,
	}
}

// Attempt is one try of a delivery.
type Attempt struct {
	Number          int             `json:"number" minimum:"1" doc:"From 1; goes on over retries by hand."`
	StartedAt       time.Time       `json:"startedAt"`
	Duration        float64         `json:"duration" doc:"Milliseconds."`
	RequestHeaders  json.RawMessage `json:"requestHeaders,omitempty" limits:"type=object" doc:"As sent; values of the owner's headers masked."`
	ResponseStatus  int             `json:"responseStatus,omitempty" doc:"HTTP status; absent: there was no answer."`
	ResponseHeaders json.RawMessage `json:"responseHeaders,omitempty" limits:"type=object" doc:"Of the answer."`
	ResponseBody    string          `json:"responseBody,omitempty" doc:"At most 16 KiB; bytes that are not UTF-8 are replaced."`
	Truncated       bool            `json:"truncated,omitempty" doc:"The answer was longer."`
	RemoteAddr      string          `json:"remoteAddr,omitempty" doc:"Where it was sent."`
	Error           string          `json:"error,omitempty" doc:"What failed, when there was no answer."`
	Result          string          `json:"result" doc:"success, unknown, or the kind of failure."`
	Reason          string          `json:"reason" doc:"What was decided, in words."`
	DueAt           time.Time       `json:"scheduledFor,omitzero" doc:"When the next attempt was due by that decision."`
}

func wireAttempt(t hub.Attempt) Attempt {
	return Attempt{
		Number: t.Number, StartedAt: t.StartedAt, Duration: float64(t.Duration.Microseconds()) / 1000,
		RequestHeaders: t.RequestHeaders, ResponseStatus: t.ResponseStatus, ResponseHeaders: t.ResponseHeaders,
		ResponseBody: printable(t.ResponseBody), Truncated: t.Truncated, RemoteAddr: t.RemoteAddr, Error: t.Error,
		Result: t.Result, Reason: t.Reason, DueAt: t.DueAt,
	}
}

// printable returns bytes as text that JSON can carry.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}

// DeliveryDetail is a delivery with its attempts and its request.
type DeliveryDetail struct {
	Delivery
	Request *SentRequest `json:"request,omitempty" doc:"Absent when the event was trimmed."`
	Log     []Attempt    `json:"log" doc:"The attempts, oldest first."`
}

// SentRequest is the request of a delivery.
type SentRequest struct {
	Headers map[string][]string `json:"headers" doc:"Of the next attempt, without the signatures; values of the owner's headers masked."`
	Body    string              `json:"body" doc:"Byte for byte as sent."`
}

func wireDetail(d control.DeliveryDetail) DeliveryDetail {
	out := DeliveryDetail{Delivery: wireDelivery(d.Delivery), Log: make([]Attempt, len(d.Attempts))}
	if d.Body != nil {
		out.Request = &SentRequest{Headers: d.Header, Body: string(d.Body)}
	}
	for i := range d.Attempts {
		out.Log[i] = wireAttempt(d.Attempts[i])
	}
	return out
}

type deliveryInput struct {
	ID hub.DeliveryID `path:"id"`
}

type listDeliveriesInput struct {
	Paging
	WebhookID hub.WebhookID      `query:"webhookId" maxLength:"36" doc:"Only those of this webhook."`
	Status    hub.DeliveryStatus `query:"status" enum:"pending,active,retrying,held,success,failed,canceled" doc:"Only those in this state."`
	Event     string             `query:"event" maxLength:"128" doc:"Event name or pattern: message.*"`
	Since     time.Time          `query:"since" doc:"Event time, included."`
	Until     time.Time          `query:"until" doc:"Event time, excluded."`
}

func (a *API) deliveryRoutes() {
	const one = "/api/deliveries/{id}"
	register(a, operation{
		method: http.MethodGet, path: "/api/deliveries", id: "listDeliveries", tag: "deliveries", summary: "List deliveries, newest first",
		doc: "A page of one event, or of those pending, can hold fewer than limit and not be the last: nextCursor says.",
	}, func(ctx context.Context, who hub.Actor, in *listDeliveriesInput) (page[Delivery], error) {
		before, err := idCursor[hub.DeliveryID]("delivery", in.Cursor)
		if err != nil {
			return page[Delivery]{}, err
		}
		items, next, err := a.Control.Deliveries(ctx, who, hub.DeliveryQuery{
			WebhookID: in.WebhookID, Status: in.Status, Event: in.Event, Since: in.Since, Until: in.Until, Before: before, Limit: in.Limit,
		})
		if err != nil {
			return page[Delivery]{}, err
		}
		return pageOf(items, wireDelivery, encodeCursor("delivery", string(next))), nil
	})
	register(a, operation{
		method: http.MethodGet, path: one, id: "getDelivery", tag: "deliveries", summary: "Show a delivery with its attempts",
	}, func(ctx context.Context, who hub.Actor, in *deliveryInput) (DeliveryDetail, error) {
		return wired(wireDetail)(a.Control.Delivery(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPost, path: one + "/retry", id: "retryDelivery", tag: "deliveries", summary: "Send a delivery again",
		conflict: "It is being sent right now, or its webhook is deleted or disabled.",
		doc:      "It keeps its id and continues its count of attempts.", status: http.StatusAccepted,
	}, func(ctx context.Context, who hub.Actor, in *deliveryInput) (Delivery, error) {
		return wired(wireDelivery)(a.Control.RetryDelivery(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPost, path: one + "/cancel", id: "cancelDelivery", tag: "deliveries", summary: "Give a delivery up",
		conflict: "It is finished, or being sent right now.",
	}, func(ctx context.Context, who hub.Actor, in *deliveryInput) (Delivery, error) {
		return wired(wireDelivery)(a.Control.CancelDelivery(ctx, who, in.ID))
	})
}
