package chat

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
)

// Router matches events with the outgoing webhooks in force. Package delivery
// implements it.
type Router interface {
	// Route matches the event, reserves room for its deliveries and sets
	// e.Revision.
	Route(e *hub.Event) hub.Routing
	// Settle is called exactly once for the routings of one commit; committed
	// says whether they were stored.
	Settle(committed bool, routings ...hub.Routing)
	// CatchUp takes over the subscriptions as they are now, which are not those of
	// that revision any more.
	CatchUp(ctx context.Context, since int64) error
}

// Service is the chat. Its exported fields are set before the first call and
// not changed after; its methods are safe for concurrent use.
type Service struct {
	Store  Store
	Router Router
	// Blobs is where files are kept.
	Blobs *Blobs
	IDs   *hub.IDs
	Now   func() time.Time
	Log   *slog.Logger
	// Limits bound what is accepted; zero fields have defaults.
	Limits Limits
	// ScrubDeleted: deleting a message also removes its text from the
	// database, the event log included.
	ScrubDeleted bool

	users    cache[hub.UserID, hub.User]
	channels cache[hub.ChannelID, hub.Channel]
	order    order
	defaults atomic.Pointer[Defaults]
	clearing clearing
}

// Invalidate forgets the copies of users and channels, after another process
// changed some.
func (s *Service) Invalidate() {
	s.users.forgetAll()
	s.channels.forgetAll()
}

// Limits bound what the chat accepts. A zero field stands for its default.
type Limits struct {
	// Content is the length of a message in characters; default 16,000.
	Content int
	// Embeds is the number of embeds of a message; default 50. Together they
	// have at most EmbedBytes as JSON; default 64 KiB.
	Embeds     int
	EmbedBytes int
	// Files is the number of files of a message; default 20.
	Files int
	// FileBytes is the size of a file; default 25 MiB.
	FileBytes int64
	// OrphanAge is how long an uploaded file may wait to be posted, and what a
	// crash left behind in the files folder stays; default a day.
	OrphanAge time.Duration
}

func (l Limits) content() int             { return orDefault(l.Content, 16000) }
func (l Limits) embeds() int              { return orDefault(l.Embeds, 50) }
func (l Limits) embedBytes() int          { return orDefault(l.EmbedBytes, 64<<10) }
func (l Limits) documentBytes() int       { return 4 * l.embedBytes() }
func (l Limits) files() int               { return orDefault(l.Files, 20) }
func (l Limits) fileBytes() int64         { return orDefault(l.FileBytes, 25<<20) }
func (l Limits) orphanAge() time.Duration { return orDefault(l.OrphanAge, 24*time.Hour) }

func orDefault[T int | int64 | time.Duration](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// Cause says who asked for a change, and how it came to the hub.
type Cause struct {
	// By is the user who asked; "" is the hub itself.
	By hub.UserID
	// Origin is where the request came from; the zero value is the hub's own
	// API, console and command line.
	Origin hub.Origin
	// Trace ties together what one inbound call caused.
	Trace string
	// Call is the request of an incoming webhook. Edit and Delete log it in the
	// commit of the change, or by itself when there is nothing to change.
	Call *hub.Call
	// Once makes a repetition of Edit or Delete change nothing and return a
	// hub.RepeatedError; it comes with its Result.
	Once *hub.Idempotency
}

// maxTries is how often a change is begun afresh because somebody else
// changed the same thing between its reading and its commit. Within one
// process that does not happen.
const maxTries = 8

var errBusy = hub.Errorf(hub.Unavailable, "Others are changing the same thing; try again.")

// now is the time of a change: UTC, microseconds.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// commit routes the events, lets store put them into the commit of the change
// they tell of, and settles them. store returns false when nothing was
// written. It is called again when the events were routed by subscriptions that
// another process had changed.
func (s *Service) commit(store func(routings []hub.Routing) (bool, error), events ...*hub.Event) (stored bool, err error) {
	for range hub.MaxRoutes {
		stored, err = s.tryCommit(store, events...)
		if !errors.Is(err, hub.ErrOutdated) {
			break
		}
		if err := s.Router.CatchUp(context.Background(), events[0].Revision); err != nil {
			return false, err
		}
	}
	return stored, err
}

func (s *Service) tryCommit(store func(routings []hub.Routing) (bool, error), events ...*hub.Event) (stored bool, err error) {
	routings := make([]hub.Routing, len(events))
	for i, e := range events {
		routings[i] = s.Router.Route(e)
	}
	defer func() { s.Router.Settle(stored && err == nil, routings...) }()
	return store(routings)
}

// change is what the events of one change have in common.
type change struct {
	at      time.Time
	origin  hub.Origin
	trace   string
	by      *hub.TriggeredBy
	actor   *hub.UserInfo // who asked; nil: the hub
	channel *hub.Channel  // nil: none
}

// begin looks up who asked for a change in a channel; channel may be nil.
func (s *Service) begin(ctx context.Context, c Cause, channel *hub.Channel) (change, error) {
	ch := change{at: s.now(), origin: originOf(c.Origin), trace: c.Trace, channel: channel}
	if c.By == "" {
		return ch, nil
	}
	u, err := s.User(ctx, c.By)
	if err != nil {
		return ch, err
	}
	ch.by = &hub.TriggeredBy{UserID: u.ID, Username: u.Username}
	info := userInfo(&u)
	ch.actor = &info
	return ch, nil
}

func originOf(o hub.Origin) hub.Origin {
	if o.Kind == "" {
		o.Kind = hub.OriginHub
	}
	return o
}

// event makes an event of the change. key is its order key.
func (s *Service) event(c *change, kind, key string, data any) (*hub.Event, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	e := &hub.Event{
		ID: hub.EventID(s.IDs.New()), Type: kind, Time: c.at, Data: body, Origin: c.origin, TriggeredBy: c.by,
		OrderKey: key, Trace: c.trace,
	}
	if c.channel != nil {
		e.ChannelID, e.ChannelPrivate = c.channel.ID, c.channel.Type != hub.ChannelPublic
	}
	return e, nil
}

// User returns one user. It is answered from memory.
func (s *Service) User(ctx context.Context, id hub.UserID) (hub.User, error) {
	return s.users.get(ctx, id, s.Store.User)
}

// channel returns one channel from memory. Its counters may be old.
func (s *Service) channel(ctx context.Context, id hub.ChannelID) (hub.Channel, error) {
	return s.channels.get(ctx, id, s.Store.Channel)
}
