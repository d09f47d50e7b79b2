package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// Authenticator finds out who is asking.
type Authenticator interface {
	// Actor returns the caller, or an Unauthorized error.
	Actor(r *http.Request) (hub.Actor, error)
}

// Options are what the API needs.
type Options struct {
	Control *control.Service
	Auth    Authenticator
	Log     *slog.Logger
	// Version is the hub's, for the description.
	Version string
	// Wake returns a channel that is closed when the event log has grown since
	// the call; see [control.Bell].
	Wake func() <-chan struct{}
	// Stopping is closed when the hub begins to stop: streams end. nil: never.
	Stopping <-chan struct{}
	// Heartbeat is the time between signs of life on a stream; 0: 15 s.
	Heartbeat time.Duration
	// MaxFile is the size of an uploaded file in bytes; 0: 25 MiB.
	MaxFile int64
}

// maxBody caps JSON bodies.
const maxBody = 10 << 20

// API is the mounted API. It is safe for concurrent use.
type API struct {
	Options
	huma     huma.API
	mux      *http.ServeMux
	patterns []string                         // of the routes registered here
	inCommit map[string]bool                  // patterns that handle Idempotency-Key themselves
	mayAsk   map[string]func(hub.Actor) error // by pattern; nil: anybody
	answers  map[string]string                // media types by pattern; "": any
	bodies   *bodyRoom
	describe func() []byte
	streams  openStreams
}

// Mount registers all routes on the mux.
func Mount(mux *http.ServeMux, o Options) *API {
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.MaxFile == 0 {
		o.MaxFile = 25 << 20
	}
	useProblems()
	a := &API{
		Options: o, mux: mux, inCommit: make(map[string]bool), mayAsk: make(map[string]func(hub.Actor) error),
		answers: make(map[string]string),
		bodies:  newBodyRoom(maxBodies, maxShare),
	}
	a.huma = humago.New(guarded{a}, a.config())
	a.channelRoutes()
	a.memberRoutes()
	a.messageRoutes()
	a.userRoutes()
	a.fileRoutes()
	a.searchRoutes()
	a.incomingRoutes()
	a.outgoingRoutes()
	a.deliveryRoutes()
	a.eventRoutes()
	a.streamRoutes()
	a.queueRoutes()
	a.tokenRoutes()
	a.sessionRoutes()
	a.auditRoutes()
	a.describeReceive()
	a.documentRoutes()
	a.describeRefusals()
	a.describeLimits()
	a.describe = sync.OnceValue(a.description)
	return a
}

// Patterns returns the patterns of the routes registered by Mount.
func (a *API) Patterns() []string { return a.patterns }

// guarded is the mux as huma sees it: every handler gets the guard.
type guarded struct{ a *API }

// HandleFunc implements humago.Mux.
func (g guarded) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	g.a.route(pattern, g.a.withBody(h))
}

// ServeHTTP implements humago.Mux.
func (g guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.a.mux.ServeHTTP(w, r) }

// route registers a handler for callers who are known.
func (a *API) route(pattern string, h http.HandlerFunc) {
	a.patterns = append(a.patterns, pattern)
	if !a.inCommit[pattern] {
		h = a.idempotent(h)
	}
	a.mux.HandleFunc(pattern, a.authenticated(a.mayAsk[pattern], a.accepted(a.answers[pattern], h)))
}

// accepted refuses who excludes answers of that media type, before h is called.
func (a *API) accepted(media string, h http.HandlerFunc) http.HandlerFunc {
	if media == "" {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if err := server.CheckAccept(r, media); err != nil {
			server.WriteProblem(w, r, err)
			return
		}
		h(w, r)
	}
}

type actorKey struct{}

// authenticated finds out who is asking, and whether they may at all, before h
// is called.
func (a *API) authenticated(may func(hub.Actor) error, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		actor, err := a.Auth.Actor(r)
		if err == nil && may != nil {
			err = may(actor)
		}
		if err != nil {
			server.WriteProblem(w, r, err)
			return
		}
		ctx := control.WithTrace(r.Context(), server.TraceID(r.Context()))
		ctx, release := a.withHolder(ctx, actor)
		defer release()
		h(w, r.WithContext(context.WithValue(ctx, actorKey{}, actor)))
	}
}

// actorOf returns who is asking; only for requests that passed authenticated.
func actorOf(ctx context.Context) hub.Actor {
	actor, _ := ctx.Value(actorKey{}).(hub.Actor)
	return actor
}
