package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Event is a fact that happened in the hub.
type Event struct {
	ID          string       `json:"id"`
	Seq         int64        `json:"seq"`
	Event       string       `json:"event"`
	Timestamp   time.Time    `json:"timestamp"`
	ChannelID   string       `json:"channelId,omitempty"`
	TriggeredBy *TriggeredBy `json:"triggeredBy,omitempty"`
	Origin      Origin       `json:"origin"`
	TraceID     string       `json:"traceId,omitempty"`
	// Data is what webhooks deliver of it: [webhook.Event.Typed] decodes it, given
	// the name and the data.
	//
	// [webhook.Event.Typed]: https://pkg.go.dev/github.com/nself-chat/hub/webhook#Event.Typed
	Data json.RawMessage `json:"data"`
}

// TriggeredBy is the user who caused an event.
type TriggeredBy struct {
	UserID   string `json:"userId"`
	Username string `json:"username"`
}

// Origin is where an event came from.
type Origin struct {
	Kind     string `json:"kind"`
	ID       string `json:"id,omitempty"`
	External string `json:"external,omitempty"`
	Hop      int    `json:"hop,omitempty"`
}

// Publication is an event to be sent.
type Publication struct {
	Event string `json:"event"`
	// Data is encoded as JSON; a json.RawMessage without spaces between its
	// tokens is delivered byte for byte.
	Data        any          `json:"data"`
	TriggeredBy *TriggeredBy `json:"triggeredBy,omitempty"`
	// Key makes a repetition return the event sent the first time, and lets
	// the client repeat the call; "": neither.
	Key string `json:"-"`
	// Hop is the number of hubs that it comes from has passed, for an event that
	// passes on another one; a number above 5 is refused with [CodeLoopDetected].
	Hop int `json:"-"`
}

// Published is what came of a Publication.
type Published struct {
	EventID    string `json:"eventId"`
	Deliveries int    `json:"deliveries"` // how many webhooks it matched
}

// Publish sends an event. It and its deliveries are durable when this returns.
func (c *Client) Publish(ctx context.Context, p Publication) (Published, error) {
	return call[Published](ctx, c, request{method: http.MethodPost, path: "/api/events", body: p, key: p.Key, hop: p.Hop})
}

// EventLog lists events, newest first; pattern limits their types, "" is all.
func (c *Client) EventLog(ctx context.Context, pattern string, options ...ListOption) iter.Seq2[Event, error] {
	return list[Event](ctx, c, "/api/events", query("event", pattern), options)
}

// Event returns one event.
func (c *Client) Event(ctx context.Context, id string) (Event, error) {
	return call[Event](ctx, c, get("/api/events/"+escape(id), nil))
}
