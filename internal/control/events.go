package control

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// eventStore keeps the event log.
type eventStore interface {
	Publish(ctx context.Context, once *hub.Idempotency, routings ...hub.Routing) error
	Event(ctx context.Context, id hub.EventID) (*hub.Event, error)
	EventsAfter(ctx context.Context, seq int64, limit int) ([]*hub.Event, error)
	EventsBefore(ctx context.Context, seq int64, pattern string, limit int) (page []*hub.Event, next int64, err error)
	EventsOfKey(ctx context.Context, key string, limit int) ([]*hub.Event, error)
	LastEvent(ctx context.Context) (int64, error)
}

// Publication is an event that a caller asks to be sent.
type Publication struct {
	Event string
	// Data is a JSON value; it is stored and delivered byte for byte. The
	// caller must not change it afterwards.
	Data        json.RawMessage
	TriggeredBy *hub.TriggeredBy // nil: the actor
	// Hop is the number of hubs that it has passed through.
	Hop int
	// Key asks that it be published once; RequestHash identifies the content.
	// Both are empty otherwise.
	Key, RequestHash string
}

// Published is what came of a Publication.
type Published struct {
	EventID    hub.EventID `json:"eventId"`
	Deliveries int         `json:"deliveries"` // how many webhooks it matched
	// Repeated: it was published before under the same key; nothing was done.
	Repeated bool `json:"-"`
}

// Publish stores an event and the deliveries that it makes, in one commit.
// When it returns without error they are durable.
func (s *Service) Publish(ctx context.Context, a hub.Actor, p Publication) (Published, error) {
	if err := allow(a, sendEvents); err != nil {
		return Published{}, err
	}
	if err := checkPublication(&p); err != nil {
		return Published{}, err
	}
	if err := s.intake(); err != nil {
		return Published{}, err
	}
	e := s.event(ctx, a, hub.CanonicalEvent(p.Event), p.Data)
	e.Origin.Hop = p.Hop
	if p.TriggeredBy != nil {
		e.TriggeredBy = p.TriggeredBy
	}
	var out Published
	err := s.publish(ctx, e, func(deliveries int) *hub.Idempotency {
		out = Published{EventID: e.ID, Deliveries: deliveries}
		return once(a, p.Key, p.RequestHash, out)
	})
	if repeated, ok := errors.AsType[*hub.RepeatedError](err); ok {
		return published(repeated.Result)
	}
	if err != nil {
		return Published{}, err
	}
	if p.TriggeredBy != nil {
		// The event log names who the caller says it was; here is who that caller is.
		s.audit(ctx, a, "event.publish", string(e.ID), nil, map[string]any{"event": e.Type, "triggeredBy": p.TriggeredBy})
	}
	return out, nil
}

// publish routes an event and stores it, with the key that keyOf returns for the
// number of its deliveries. It does so again when the event was routed by
// subscriptions that another process had changed.
func (s *Service) publish(ctx context.Context, e *hub.Event, keyOf func(deliveries int) *hub.Idempotency) (err error) {
	for range hub.MaxRoutes {
		r := s.Router.Route(e)
		err = s.Store.Publish(ctx, keyOf(len(r.Deliveries)), r)
		s.Router.Settle(err == nil, r)
		if !errors.Is(err, hub.ErrOutdated) {
			break
		}
		if err := s.Router.CatchUp(ctx, e.Revision); err != nil {
			return err
		}
	}
	return err
}

// event returns a new event of the actor that began here.
func (s *Service) event(ctx context.Context, a hub.Actor, kind string, data json.RawMessage) *hub.Event {
	return &hub.Event{
		ID: hub.EventID(s.IDs.New()), Type: kind, Time: s.Now().UTC().Truncate(time.Microsecond), Data: data,
		Origin: hub.Origin{Kind: hub.OriginHub}, Trace: traceOf(ctx),
		TriggeredBy: &hub.TriggeredBy{UserID: a.UserID, Username: a.Username},
	}
}

func checkPublication(p *Publication) error {
	if p.Hop > hub.MaxHop {
		return hub.Errorf(hub.LoopDetected, "The event has passed through more than %d hubs; there is a loop.", hub.MaxHop)
	}
	var errs hub.FieldErrors
	if !hub.ValidEventName(p.Event) {
		errs.Add("event", "must be 1 to 128 letters, digits, '_', '-' and '.', such as order.created")
	}
	switch {
	case len(p.Data) == 0:
		errs.Add("data", "is required; it may be any JSON value")
	case !utf8.Valid(p.Data): // RFC 8259 §8.1
		errs.Add("data", "must be UTF-8")
	}
	if t := p.TriggeredBy; t != nil && (utf8.RuneCountInString(t.Username) > 100 || len(t.UserID) > 100) {
		errs.Add("triggeredBy", "names of at most 100 characters")
	}
	checkKey(&errs, p.Key)
	return errs.Err()
}

// maxKey is the length of an Idempotency-Key.
const maxKey = 255

func checkKey(errs *hub.FieldErrors, key string) {
	if len(key) > maxKey {
		errs.Add("idempotencyKey", "at most %d characters", maxKey)
	}
	if !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		errs.Add("idempotencyKey", "must be text without control characters")
	}
}

// once returns the idempotency of an actor's request, nil without a key.
func once(a hub.Actor, key, hash string, result any) *hub.Idempotency {
	if key == "" {
		return nil
	}
	b, _ := json.Marshal(result) // structs of strings and numbers
	return &hub.Idempotency{TokenID: KeyOwner(a), Key: key, RequestHash: hash, Result: string(b)}
}

// KeyOwner is whose Idempotency-Keys an actor's are: each token has its own,
// and so has each user who is signed in.
func KeyOwner(a hub.Actor) hub.TokenID {
	if a.TokenID != "" {
		return a.TokenID
	}
	return hub.TokenID("user:" + a.UserID)
}

func published(result string) (Published, error) {
	out := Published{Repeated: true}
	if err := json.Unmarshal([]byte(result), &out); err != nil {
		return Published{}, hub.Wrap(hub.Internal, err, "The earlier answer cannot be read.")
	}
	return out, nil
}

// Events returns at most limit events below the number before (0: from the
// newest), newest first, that the actor may see. next is the number to go on
// with, 0 when there are no more.
func (s *Service) Events(ctx context.Context, a hub.Actor, before int64, pattern string, limit int) (
	visible []*hub.Event, next int64, err error,
) {
	if err := allow(a, readEvents); err != nil {
		return nil, 0, err
	}
	if pattern != "" && !hub.ValidEventPattern(pattern) {
		var errs hub.FieldErrors
		errs.Add("event", "must be an event name or pattern")
		return nil, 0, errs.Err()
	}
	look := s.eyes(a)
	var read budget
	for range maxLooks {
		n := read.chunk(limit)
		batch, next, err := s.Store.EventsBefore(ctx, before, pattern, n)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range batch {
			if len(visible) == limit {
				return visible, before, nil
			}
			before = e.Seq
			ok, err := look.see(ctx, e)
			if err != nil {
				return nil, 0, err
			}
			if ok {
				visible = append(visible, e)
			}
		}
		if next == 0 {
			return visible, 0, nil
		}
		before = next
		if len(batch) < n || read.spent(batch) { // the pattern is rare, or the events are large
			break
		}
	}
	return visible, before, nil
}

// maxLooks bounds the batches that one call reads for an actor who sees few
// of the events; the list then goes on from where it stopped.
const maxLooks = 20

// budget bounds the memory that one reading of the log takes: events may have
// 10 MiB each. It reads few at first and more when they turn out small.
type budget struct {
	size  int
	bytes int
}

// Figures of a budget.
const (
	firstChunk = 16
	maxBytes   = 4 << 20
)

// chunk is how many events to read next, at most limit.
func (b *budget) chunk(limit int) int {
	if b.size == 0 {
		b.size = firstChunk
	} else {
		b.size *= 4
	}
	b.size = min(b.size, limit)
	return b.size
}

// spent counts a batch and reports whether to stop reading.
func (b *budget) spent(batch []*hub.Event) bool {
	for _, e := range batch {
		b.bytes += len(e.Data)
	}
	return b.bytes >= maxBytes
}

// Event returns one event, if the actor may see it.
func (s *Service) Event(ctx context.Context, a hub.Actor, id hub.EventID) (*hub.Event, error) {
	if err := allow(a, readEvents); err != nil {
		return nil, err
	}
	e, err := s.Store.Event(ctx, id)
	if err != nil {
		return nil, err
	}
	ok, err := s.eyes(a).see(ctx, e)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, hub.Errorf(hub.NotFound, "There is no such event.")
	}
	return e, nil
}

// LastEvent returns the number of the newest event: where a live stream begins.
func (s *Service) LastEvent(ctx context.Context, a hub.Actor) (int64, error) {
	if err := allow(a, readEvents); err != nil {
		return 0, err
	}
	return s.Store.LastEvent(ctx)
}

// EventsAfter returns, of at most limit events that follow number after, those
// that the actor may see, oldest first. last is the number of the last one
// looked at, to go on with; more reports whether others may follow at once.
func (s *Service) EventsAfter(ctx context.Context, a hub.Actor, after int64, limit int) (
	visible []*hub.Event, last int64, more bool, err error,
) {
	if err := allow(a, readEvents); err != nil {
		return nil, after, false, err
	}
	last = after
	look := s.eyes(a)
	var read budget
	for seen := 0; seen < limit; {
		n := read.chunk(limit - seen)
		batch, err := s.eventsAfter(ctx, last, n)
		if err != nil {
			return nil, after, false, err
		}
		seen += len(batch)
		for _, e := range batch {
			last = e.Seq
			ok, err := look.see(ctx, e)
			if err != nil {
				return nil, after, false, err
			}
			if ok {
				visible = append(visible, e)
			}
		}
		if len(batch) < n {
			return visible, last, false, nil
		}
		if read.spent(batch) {
			break
		}
	}
	return visible, last, true, nil
}

// eventsAfter reads the log, together with others where that is possible.
func (s *Service) eventsAfter(ctx context.Context, seq int64, limit int) ([]*hub.Event, error) {
	if s.Bell == nil {
		return s.Store.EventsAfter(ctx, seq, limit)
	}
	return s.tail.after(ctx, s, seq, limit)
}

// eyes decide for one actor which events are visible. Answers about
// membership are kept for the life of the value: make one per request.
type eyes struct {
	s     *Service
	actor hub.Actor
	known map[hub.ChannelID]bool
	all   bool // known holds every channel of the actor's; others are none
}

// askedSingly is how many channels eyes ask about one by one; who meets more asks
// for all at once.
const askedSingly = 8

func (s *Service) eyes(a hub.Actor) *eyes { return &eyes{s: s, actor: a} }

// see reports whether the actor may see the event: those of channels as the
// channel, those of webhooks as webhooks, those of a file that is not posted as
// the file, others by everybody but guests and tokens that are restricted to
// channels.
func (y *eyes) see(ctx context.Context, e *hub.Event) (bool, error) {
	switch {
	case e.Target != "" || e.Type == hub.EventWebhookFailing || e.Type == hub.EventWebhookDisabled:
		return allow(y.actor, manageWebhooks) == nil, nil
	case e.ChannelID == "" && (e.Type == hub.EventFileUploaded || e.Type == hub.EventFileDeleted) && !privileged(y.actor):
		own := e.TriggeredBy != nil && e.TriggeredBy.UserID == y.actor.UserID
		return own && len(y.actor.Channels) == 0, nil
	case e.ChannelID == "":
		return y.actor.Role != hub.RoleGuest && len(y.actor.Channels) == 0, nil
	case !e.ChannelPrivate || privileged(y.actor):
		return y.actor.Reaches(e.ChannelID), nil
	}
	if !y.actor.Reaches(e.ChannelID) || y.actor.Role == hub.RoleGuest {
		return false, nil
	}
	if ok, known := y.known[e.ChannelID]; known || y.all {
		return ok, nil
	}
	if y.known == nil {
		y.known = make(map[hub.ChannelID]bool)
	}
	if len(y.known) < askedSingly {
		ok, err := y.s.visible(ctx, y.actor, e.ChannelID, true)
		if err != nil {
			return false, err
		}
		y.known[e.ChannelID] = ok
		return ok, nil
	}
	mine, err := y.s.Chat.ChannelsOf(ctx, y.actor.UserID)
	if err != nil {
		return false, err
	}
	y.all = true
	for _, id := range mine {
		y.known[id] = true
	}
	return y.known[e.ChannelID], nil
}

// ParseSeq reads the number of an event from text.
func ParseSeq(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}
