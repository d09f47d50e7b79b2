package chat

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the tests' clocks start.
var noon = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that moves when it is told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// recorder is a Router that delivers every event to no webhook, or to one, and
// remembers what was settled.
type recorder struct {
	webhook hub.WebhookID // "": none

	mu      sync.Mutex
	routed  int
	open    map[hub.EventID]bool // routed and not settled yet
	stored  []*hub.Event
	refused []*hub.Event
	doubly  int // settled twice, or never routed
}

func (r *recorder) Route(e *hub.Event) hub.Routing {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = make(map[hub.EventID]bool)
	}
	r.routed++
	r.open[e.ID] = true
	e.Revision = 1
	routing := hub.Routing{Event: e}
	if r.webhook != "" && !e.Quiet {
		d := hub.Delivery{
			ID: hub.DeliveryIDFor(e.ID, r.webhook), WebhookID: r.webhook, EventID: e.ID, EventType: e.Type,
			Status: hub.DeliveryPending, OrderKey: e.OrderKey, DueAt: e.Time,
		}
		routing.Deliveries = []hub.RoutedDelivery{{Delivery: d}}
	}
	return routing
}

func (*recorder) CatchUp(context.Context, int64) error { return nil }

func (r *recorder) Settle(committed bool, routings ...hub.Routing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, routing := range routings {
		if !r.open[routing.Event.ID] {
			r.doubly++
		}
		delete(r.open, routing.Event.ID)
		if committed {
			r.stored = append(r.stored, routing.Event)
		} else {
			r.refused = append(r.refused, routing.Event)
		}
	}
}

// check fails the test unless everything routed was settled exactly once.
func (r *recorder) check(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doubly != 0 || len(r.open) != 0 || r.routed != len(r.stored)+len(r.refused) {
		t.Errorf("of %d routed events %d were stored and %d refused; %d not settled, %d settled wrongly",
			r.routed, len(r.stored), len(r.refused), len(r.open), r.doubly)
	}
}

// types returns the types of the events stored so far, and forgets them.
func (r *recorder) types() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.stored {
		out = append(out, e.Type)
	}
	r.routed -= len(r.stored)
	r.stored = nil
	return out
}

// last returns the event stored last, and forgets all.
func (r *recorder) last(t *testing.T, kind string) *hub.Event {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.stored) == 0 {
		t.Fatalf("no event was stored, want %s", kind)
	}
	e := r.stored[len(r.stored)-1]
	r.routed -= len(r.stored)
	r.stored = nil
	if e.Type != kind {
		t.Fatalf("the last event is %s, want %s", e.Type, kind)
	}
	return e
}

// world is a chat on a real database, with its defaults and a few users.
type world struct {
	*Service
	t      testing.TB
	db     *store.Store
	router *recorder
	clock  *clock
	dir    string
	d      Defaults
	ann    hub.User // human
	bob    hub.User // human
	hook   hub.User // webhook
}

// open makes a world. What the defaults did is not in router.
func open(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, router: &recorder{}, clock: &clock{at: noon}, dir: t.TempDir()}
	db, err := store.Open(t.Context(), store.Options{
		Path: filepath.Join(w.dir, "hub.db"), Synchronous: "NORMAL", Now: w.clock.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	t.Cleanup(func() {
		w.router.check(t)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.Service = &Service{
		Store: db, Router: w.router, Blobs: &Blobs{Dir: filepath.Join(w.dir, "files")}, IDs: &hub.IDs{Now: w.clock.now}, Now: w.clock.now,
		Log: slog.New(slog.DiscardHandler),
	}
	w.d = must(w.EnsureDefaults(t.Context()))(t)
	w.ann = must(w.CreateUser(t.Context(), NewUser{Username: "ann", DisplayName: "Ann Other", Email: "ann@example.org"}, Cause{}))(t)
	w.bob = must(w.CreateUser(t.Context(), NewUser{Username: "bob"}, Cause{}))(t)
	w.hook = must(w.CreateUser(t.Context(), NewUser{Kind: hub.UserWebhook, DisplayName: "Build server"}, Cause{}))(t)
	w.router.types()
	return w
}

// must fails the test when there is an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// post posts text of ann's in the default channel.
func (w *world) post(text string) hub.Message {
	w.t.Helper()
	return must(w.Post(w.t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: text}))(w.t)
}

// save uploads a file.
func (w *world) save(filename string, content io.Reader, by Cause) (hub.Attachment, error) {
	a, _, err := w.Save(w.t.Context(), Upload{Filename: filename, Content: content}, by)
	return a, err
}

func (w *world) reply(to hub.MessageID, text string) hub.Message {
	w.t.Helper()
	return must(w.Post(w.t.Context(), Post{
		ChannelID: w.d.General, ThreadID: to, Author: hub.Author{ID: w.bob.ID}, Content: text,
	}))(w.t)
}

// events returns all logged events, oldest first.
func (w *world) events() []*hub.Event {
	w.t.Helper()
	return must(w.db.EventsAfter(w.t.Context(), 0, 1<<20))(w.t)
}

func wantTypes(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	if got := r.types(); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func wantCode(t *testing.T, err error, want hub.Code) {
	t.Helper()
	if got := hub.CodeOf(err); got != want {
		t.Errorf("error %v with code %q, want %q", err, got, want)
	}
}

func decode[T any](t testing.TB, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// blobs returns the paths of all files in the files folder.
func (w *world) blobs() []string {
	w.t.Helper()
	var out []string
	for _, pattern := range []string{"files/*/*", "files/.incoming-*"} {
		out = append(out, must(filepath.Glob(filepath.Join(w.dir, pattern)))(w.t)...)
	}
	return out
}

func ptr[T any](v T) *T { return &v }
