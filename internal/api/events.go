package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// EventPublish is the body of POST /api/events.
type EventPublish struct {
	Event          string          `json:"event" limits:"minLength=1,maxLength=128" doc:"Name: letters, digits, '_', '-' and '.'." example:"order.created"`
	Data           json.RawMessage `json:"data" doc:"Any JSON value; delivered byte for byte."`
	TriggeredBy    *Trigger        `json:"triggeredBy,omitempty" doc:"Who caused it; otherwise the caller."`
	IdempotencyKey string          `json:"idempotencyKey,omitempty" limits:"maxLength=255" doc:"The same as the header Idempotency-Key."`
}

// Trigger names who caused an event, in the sender's words.
type Trigger struct {
	UserID   string `json:"userId,omitempty" limits:"maxLength=100" doc:"Any text that identifies the user."`
	Username string `json:"username,omitempty" limits:"maxLength=100" doc:"The user's name."`
}

func (t *Trigger) hub() *hub.TriggeredBy {
	if t == nil {
		return nil
	}
	return &hub.TriggeredBy{UserID: hub.UserID(t.UserID), Username: t.Username}
}

// Published is what came of an event that was sent.
type Published struct {
	EventID    hub.EventID `json:"eventId"`
	Deliveries int         `json:"deliveries" minimum:"0" doc:"How many webhooks it goes to."`
}

// Event is an event as it is shown.
type Event struct {
	ID          hub.EventID      `json:"id"`
	Seq         int64            `json:"seq" minimum:"1" doc:"Orders the event log."`
	Event       string           `json:"event" doc:"Name of the event."`
	Timestamp   time.Time        `json:"timestamp" doc:"When it happened."`
	ChannelID   hub.ChannelID    `json:"channelId,omitempty" doc:"Absent: it is not of a channel."`
	TriggeredBy *hub.TriggeredBy `json:"triggeredBy,omitempty" doc:"Absent: the hub."`
	Origin      hub.Origin       `json:"origin" doc:"Where it came from."`
	TraceID     string           `json:"traceId,omitempty" doc:"The same for all that one request caused."`
	Data        json.RawMessage  `json:"data" doc:"Any JSON value, as it was sent."`
}

func wireEvent(e *hub.Event) Event {
	return Event{
		ID: e.ID, Seq: e.Seq, Event: e.Type, Timestamp: e.Time, ChannelID: e.ChannelID, TriggeredBy: e.TriggeredBy,
		Origin: e.Origin, TraceID: e.Trace, Data: e.Data,
	}
}

type listEventsInput struct {
	Paging
	Event string `query:"event" maxLength:"128" doc:"Event name or pattern, such as message.*"`
}

type eventInput struct {
	ID hub.EventID `path:"id"`
}

func (a *API) eventRoutes() {
	a.raw(operation{
		method: http.MethodPost, path: "/api/events", id: "publishEvent", tag: "events", summary: "Send an event", inCommit: true, status: http.StatusAccepted,
		answers: jsonType[0], also: []int{http.StatusLoopDetected},
		doc: "Stores an event and the deliveries it makes. When the answer comes, both are on disk.",
	}, a.publishEvent, func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: hopHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(0.0)},
			Description: "Number of hubs the event has passed through; above 5 it is refused with 508.",
		})
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: a.schema(reflect.TypeFor[EventPublish]())},
		}}
		op.Responses = a.success(operation{method: http.MethodPost, status: http.StatusAccepted}, reflect.TypeFor[Published]())
	})
	register(a, operation{
		method: http.MethodGet, path: "/api/events", id: "listEvents", tag: "events", summary: "List events, newest first",
	}, func(ctx context.Context, who hub.Actor, in *listEventsInput) (page[Event], error) {
		key, err := decodeCursor("event", in.Cursor)
		if err != nil {
			return page[Event]{}, err
		}
		before := int64(0)
		if key != "" {
			n, ok := control.ParseSeq(key)
			if !ok || n == 0 {
				return page[Event]{}, badCursor()
			}
			before = n
		}
		events, next, err := a.Control.Events(ctx, who, before, in.Event, in.Limit)
		if err != nil {
			return page[Event]{}, err
		}
		cursor := ""
		if next > 0 {
			cursor = encodeCursor("event", strconv.FormatInt(next, 10))
		}
		return pageOf(events, wireEvent, cursor), nil
	})
	register(a, operation{
		method: http.MethodGet, path: "/api/events/{id}", id: "getEvent", tag: "events", summary: "Show an event",
	}, func(ctx context.Context, who hub.Actor, in *eventInput) (Event, error) {
		e, err := a.Control.Event(ctx, who, in.ID)
		if err != nil {
			return Event{}, err
		}
		return wireEvent(e), nil
	})
}

const hopHeader = "X-Hub-Hop"

// publishEvent is the hot route: one read, one decode, one commit.
func (a *API) publishEvent(w http.ResponseWriter, r *http.Request) error {
	if err := checkType(r); err != nil {
		return err
	}
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return err
	}
	e, err := decodeEvent(body)
	if err != nil {
		return err
	}
	hop, err := hopOf(r)
	if err != nil {
		return err
	}
	p := control.Publication{
		Event: e.Event, Data: e.Data, TriggeredBy: e.TriggeredBy.hub(), Hop: hop,
	}
	if p.Key, err = keyOf(r, e.IdempotencyKey); err != nil {
		return err
	}
	if p.Key != "" {
		p.RequestHash = requestHash(r, body)
	}
	out, err := a.Control.Publish(r.Context(), actorOf(r.Context()), p)
	if err != nil {
		return keyTells(p.Key, err)
	}
	if out.Repeated {
		w.Header().Set(repeatedHeader, "true")
	}
	b := make([]byte, 0, 96)
	b = append(b, `{"eventId":"`...)
	b = append(b, out.EventID...)
	b = append(b, `","deliveries":`...)
	b = strconv.AppendInt(b, int64(out.Deliveries), 10)
	writeBytes(w, http.StatusAccepted, append(b, "}\n"...))
	return nil
}

// decodeEvent reads the body of POST /api/events.
func decodeEvent(body []byte) (e EventPublish, err error) {
	if len(body) == 0 {
		return e, hub.Errorf(hub.Invalid, "The request needs a JSON body.")
	}
	if err := checkText(body); err != nil {
		return e, err
	}
	if err := decodeStrict(body, &e); err != nil {
		return e, jsonError(err)
	}
	return e, nil
}

// keyOf returns the Idempotency-Key, which may stand in the header or the body.
func keyOf(r *http.Request, inBody string) (string, error) {
	key := r.Header.Get(keyHeader)
	switch {
	case key == "":
		return inBody, nil
	case inBody != "" && inBody != key:
		var errs hub.FieldErrors
		errs.Add("idempotencyKey", "differs from the header Idempotency-Key")
		return "", errs.Err()
	}
	return key, nil
}

// hopOf returns the number of hubs that a request says it passed through.
func hopOf(r *http.Request) (int, error) {
	text := r.Header.Get(hopHeader)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		var errs hub.FieldErrors
		errs.Add(hopHeader, "must be a number")
		return 0, errs.Err()
	}
	return n, nil
}
