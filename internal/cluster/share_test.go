package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// membersStore is a Store with members and nothing else.
type membersStore struct {
	Store
	nodes  []hub.Node
	fenced bool
}

func (s *membersStore) Join(_ context.Context, id, _ string) (int, error) {
	s.nodes, s.fenced = append(s.nodes, hub.Node{ID: id}), false
	return 0, nil
}

func (s *membersStore) Beat(context.Context, string) (hub.Pulse, error) {
	if s.fenced {
		return hub.Pulse{}, hub.ErrFenced
	}
	return hub.Pulse{Nodes: s.nodes}, nil
}

func (s *membersStore) Signal(context.Context, hub.Signal) error { return nil }

// shareEngine notes what it is told, and fails at some of it.
type shareEngine struct {
	Engine
	calls []string
	fail  map[string]int // how many times
}

func (e *shareEngine) note(call string) error {
	e.calls = append(e.calls, call)
	if e.fail[call] > 0 {
		e.fail[call]--
		return errors.New("no database")
	}
	return nil
}

func (e *shareEngine) Alive(time.Time)                  {}
func (e *shareEngine) Poll(context.Context) error       { return nil }
func (e *shareEngine) Reload(context.Context) error     { return nil }
func (e *shareEngine) LoadPaused(context.Context) error { return nil }
func (e *shareEngine) Rejoin(_ context.Context, node string) error {
	return e.note("rejoin as " + node)
}

func (e *shareEngine) SetShare(context.Context, []string, func(hub.WebhookID) bool) error {
	return e.note("share")
}

// TestShareIsTriedAgain: a change of members that the engine could not follow at
// once is followed with a later beat, or lanes would have no server.
func TestShareIsTriedAgain(t *testing.T) {
	store, engine, made := &membersStore{}, &shareEngine{fail: map[string]int{}}, 0
	c := New(Options{
		Store: store, Engine: engine, SetSlot: func(int) {}, Wake: func() {}, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { made++; return strconv.Itoa(made) },
	})
	if _, err := c.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := func(beats int, want string) {
		t.Helper()
		engine.calls = nil
		for range beats {
			_ = c.once(t.Context(), 1)
		}
		if got := strings.Join(engine.calls, ", "); got != want {
			t.Errorf("in %d beats the engine is told %q, want %q", beats, got, want)
		}
	}
	told(2, "")
	store.nodes = append(store.nodes, hub.Node{ID: "another"})
	engine.fail["share"] = 2
	told(5, "share, share, share")

	store.fenced = true
	engine.fail["rejoin as 2"] = 1
	told(3, "rejoin as 2, share")

	store.fenced = true
	engine.fail["share"] = 1
	told(3, "rejoin as 3, share, share")
}
