package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrPayload is wrapped by the errors of [Parse] and [Event.Decode]: the body
// is not what this package understands.
var ErrPayload = errors.New("webhook: not an event of nself-chat hub")

// Event is the envelope every request carries.
type Event struct {
	// ID identifies the delivery: the same in every attempt and replay.
	ID string `json:"id"`
	// Event is the type, such as "message.created".
	Event string `json:"event"`
	// WebhookID identifies the outgoing webhook it was sent for.
	WebhookID string `json:"webhookId"`
	// Timestamp is when it happened.
	Timestamp time.Time `json:"timestamp"`
	// Version of the envelope and the data. Within 1.x things are only added.
	Version string `json:"version"`
	// Data depends on the type; see Decode.
	Data json.RawMessage `json:"data"`
	// TriggeredBy is who caused it; nil when nobody in particular did.
	TriggeredBy *Actor `json:"triggeredBy,omitempty"`

	// Attempt counts the attempts at this delivery from 1, and Hop the hubs
	// that the event has passed. They stand in the headers of the request: Parse
	// leaves them 0, Verifier.Event and Handler set them.
	Attempt int `json:"-"`
	Hop     int `json:"-"`
}

// Actor is the user who caused an event.
type Actor struct {
	UserID   string `json:"userId"`
	Username string `json:"username"`
}

// Parse decodes the envelope of a request's body. Fields it does not know are
// ignored. It does not verify anything. The error wraps [ErrPayload] and
// repeats nothing of the body.
func Parse(body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("%w: no JSON object with the fields of the envelope", ErrPayload)
	}
	switch {
	case e.ID == "":
		return Event{}, fmt.Errorf("%w: id is missing", ErrPayload)
	case e.Event == "":
		return Event{}, fmt.Errorf("%w: event is missing", ErrPayload)
	case e.Timestamp.IsZero():
		return Event{}, fmt.Errorf("%w: timestamp is missing", ErrPayload)
	case e.Version != "1" && !strings.HasPrefix(e.Version, "1."):
		return Event{}, fmt.Errorf("%w: its version is not 1.x", ErrPayload)
	}
	return e, nil
}

// Typed returns the data of the event in the type that belongs to its name: a
// *[MessageData] for message.*, *[ChannelData] for channel.*, *[UserData] for
// user.*, *[ThreadData] for thread.*, *[FileData] for file.*, *[TestData] for
// webhook.test, *[StateData] for webhook.failing and webhook.disabled. Of
// events that this package does not know, sent through the API or made by a
// newer hub, it returns the [json.RawMessage]. The error wraps [ErrPayload].
func (e Event) Typed() (any, error) {
	data := dataOf(e.Event)
	if data == nil {
		return e.Data, nil
	}
	if err := e.Decode(data); err != nil {
		return nil, err
	}
	return data, nil
}

// Decode stores the data of the event in what into points to: one of the types
// that [Event.Typed] returns, or a type of your own for events sent through the
// API. Fields that it does not have are ignored. The error wraps [ErrPayload].
func (e Event) Decode(into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("%w: data of %q does not fit %T", ErrPayload, e.Event, into)
	}
	return nil
}
