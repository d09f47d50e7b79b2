package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// streamBatch is the number of events read at once for a stream.
const streamBatch = 256

func (a *API) streamRoutes() {
	a.raw(operation{
		method: http.MethodGet, path: "/api/events/stream", id: "streamEvents", tag: "events", summary: "Follow events as they happen",
		answers: "text/event-stream", also: []int{http.StatusNotFound},
		doc: "Server-sent events: id is the event's number, event its type, data the event as GET /api/events shows it. " +
			"Last-Event-ID or after resumes without a gap; without either the stream begins now. A comment is sent every 15 seconds; the stream ends with the access of its reader. " +
			"A token or session may have 32 streams open.",
	}, a.streamEvents, func(op *huma.Operation) {
		op.Parameters = []*huma.Param{
			{Name: "Last-Event-ID", In: "header", Schema: seq(), Description: "The last event received."},
			{Name: "after", In: "query", Schema: seq(), Description: "The same, for clients that cannot set headers."},
			{
				Name: "event", In: "query", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(128)},
				Description: "Event name or pattern.", Example: "order.*",
			},
			{Name: "channelId", In: "query", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: ptr(36)}, Description: "Only what happens in this channel."},
		}
		op.Responses["200"] = &huma.Response{Description: "A stream", Headers: headers("X-Request-Id"), Content: map[string]*huma.MediaType{
			"text/event-stream": {
				Schema:  &huma.Schema{Type: huma.TypeString, Description: "Events with id, event and data, and comments, without an end."},
				Example: "id: 77\nevent: order.created\ndata: " + streamExample() + "\n\n",
			},
		}}
		op.Responses["429"] = a.refusal(http.StatusTooManyRequests, "32 streams are open with this token or session, or "+
			"too many invalid credentials came from this address.")
	})
}

// seq describes the number of an event.
func seq() *huma.Schema { return &huma.Schema{Type: huma.TypeInteger, Minimum: ptr(0.0)} }

func streamExample() string {
	b, err := json.Marshal(exampleEvent)
	if err != nil { // it encodes wherever events do
		return ""
	}
	return string(b)
}

// stream is one reader of the event log.
type stream struct {
	a       *API
	w       http.ResponseWriter
	flush   func() error
	who     hub.Actor
	pattern string
	channel hub.ChannelID // "": of all, and of none
	after   int64         // number of the last event looked at
	buf     bytes.Buffer
	encoder *json.Encoder
}

// streamEvents follows the event log. The order is the log's: the wake-up only
// says that there is something to read.
func (a *API) streamEvents(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &stream{a: a, w: w, flush: http.NewResponseController(w).Flush, who: actorOf(ctx), pattern: r.URL.Query().Get("event")}
	s.encoder = json.NewEncoder(&s.buf)
	s.encoder.SetEscapeHTML(false)
	if s.pattern != "" && !hub.ValidEventPattern(s.pattern) {
		return badField("event", "must be an event name or pattern")
	}
	if err := s.begin(ctx, r); err != nil {
		return err
	}
	if s.channel = hub.ChannelID(r.URL.Query().Get("channelId")); s.channel != "" {
		if _, err := a.Control.Channel(ctx, s.who, s.channel); err != nil {
			return err
		}
	}
	leave, err := a.streams.enter(s.who)
	if err != nil {
		return err
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	// The place, so that a reader whose connection breaks before the first
	// event comes back to it.
	_, _ = fmt.Fprintf(&s.buf, "id: %d\nretry: 2000\n\n", s.after)
	if s.send() != nil {
		return nil // the reader has gone
	}
	if err := s.run(ctx, r); err != nil && ctx.Err() == nil {
		a.Log.Warn("an event stream ended", "error", err)
	}
	return nil
}

func badField(field, detail string) error {
	var errs hub.FieldErrors
	errs.Add(field, "%s", detail)
	return errs.Err()
}

// begin finds out after which event the stream starts.
func (s *stream) begin(ctx context.Context, r *http.Request) error {
	last, err := s.a.Control.LastEvent(ctx, s.who) // refuses who may not read events
	if err != nil {
		return err
	}
	s.after = last
	text, name := r.Header.Get("Last-Event-ID"), "Last-Event-ID"
	if text == "" {
		text, name = r.URL.Query().Get("after"), "after"
	}
	if text == "" {
		return nil
	}
	n, ok := control.ParseSeq(text)
	if !ok {
		return badField(name, "must be the id of an event of this stream")
	}
	s.after = min(n, last) // a number from before a restored backup must not skip what comes
	return nil
}

// atOnce is a wake-up that has come already.
var atOnce = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// run writes events until the reader goes, loses its access, or the hub stops.
func (s *stream) run(ctx context.Context, r *http.Request) error {
	beat := time.NewTicker(s.a.Heartbeat)
	defer beat.Stop()
	for {
		wake := s.a.Wake() // before the reading, so that nothing is missed
		if !s.mayStill(r) {
			return nil
		}
		more, err := s.pass(ctx)
		if err != nil {
			return err
		}
		if more {
			wake = atOnce // a reader far behind is held against its access, and against the stop, all the same
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.a.Stopping:
			return nil
		default:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.a.Stopping:
			return nil
		case <-wake:
		case <-beat.C:
			_, _ = s.buf.WriteString(": still here\n\n")
			if err := s.send(); err != nil {
				return nil //nolint:nilerr // the reader has gone
			}
		}
	}
}

// mayStill asks again who is reading, and reports false when the access ended.
func (s *stream) mayStill(r *http.Request) bool {
	who, err := s.a.Auth.Actor(r)
	if err != nil {
		return false
	}
	s.who = who
	return true
}

// pass writes one batch and reports whether more may follow at once.
func (s *stream) pass(ctx context.Context) (more bool, err error) {
	events, last, more, err := s.a.Control.EventsAfter(ctx, s.who, s.after, streamBatch)
	if err != nil {
		return false, err
	}
	s.after = last
	for _, e := range events {
		if s.pattern != "" && !hub.MatchEvent(s.pattern, e.Type) || s.channel != "" && e.ChannelID != s.channel {
			continue
		}
		if err := s.put(e); err != nil {
			return false, err
		}
	}
	return more, s.send()
}

// put adds an event to the buffer. Its JSON has no line breaks, because the
// encoder compacts raw data.
func (s *stream) put(e *hub.Event) error {
	s.buf.WriteString("id: ")
	s.buf.Write(strconv.AppendInt(s.buf.AvailableBuffer(), e.Seq, 10))
	s.buf.WriteString("\nevent: ")
	s.buf.WriteString(e.Type)
	s.buf.WriteString("\ndata: ")
	if err := s.encoder.Encode(wireEvent(e)); err != nil { // ends the line
		return fmt.Errorf("encode an event: %w", err)
	}
	s.buf.WriteByte('\n')
	return nil
}

// send hands the buffer to the connection. The server gives each write its own
// deadline, so a reader that does not read is cut off.
func (s *stream) send() error {
	if s.buf.Len() == 0 {
		return nil
	}
	_, err := s.w.Write(s.buf.Bytes())
	s.buf.Reset()
	if err != nil {
		return err
	}
	return s.flush()
}
