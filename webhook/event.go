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

// Decode stores the data of the event in what into points to: a *[MessageData]
// for message.*, *[ChannelData] for channel.*, *[UserData] for user.*,
// *[ThreadData] for thread.*, *[FileData] for file.*, *[TestData] for
// webhook.test, *[StateData] for webhook.failing and webhook.disabled,
// or a type of your own for events sent through the API. The error wraps
// [ErrPayload].
func (e Event) Decode(into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("%w: data of %q does not fit %T", ErrPayload, e.Event, into)
	}
	return nil
}
