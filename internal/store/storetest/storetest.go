// Package storetest is the suite that every database under package store must
// pass. It knows the exported methods only, so that it runs on any of them.
//
// Each file holds the promises of one noun. What is true of one database alone
// (the writer, locks, query plans) is tested beside its code.
package storetest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/store"
)

// noun is one part of the suite.
type noun struct {
	name string
	test func(*testing.T, *fixture)
}

// nouns is the suite. A new noun adds its part here.
func nouns() []noun {
	return slices.Concat(
		userTests(), channelTests(), memberTests(), messageTests(), threadTests(), reactionTests(), fileTests(),
		searchTests(), defaultTests(),
	)
}

// Run holds the database that open returns against the suite. open is called
// once for each part; it returns an empty, migrated store and sees to closing it.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for _, n := range nouns() {
		t.Run(n.name, func(t *testing.T) {
			f := &fixture{Store: open(t), t: t}
			f.now = f.Now()
			f.ids.Now = func() time.Time { return f.now }
			n.test(t, f)
		})
	}
}

// fixture is a store with a clock, and ways to fill it.
type fixture struct {
	*store.Store
	t   *testing.T
	now time.Time
	ids hub.IDs
}

// tick moves the clock by a second and returns it.
func (f *fixture) tick() time.Time {
	f.now = f.now.Add(time.Second)
	return f.now
}

func (f *fixture) user(name string) *hub.User {
	f.t.Helper()
	id := f.ids.New()
	u := &hub.User{
		ID: hub.UserID(id), Kind: hub.UserHuman, Username: name, DisplayName: "The " + name, Email: id + "@users.invalid",
		Role: hub.RoleMember, Status: "active", CreatedAt: f.tick(), UpdatedAt: f.now,
	}
	if err := f.CreateUser(f.t.Context(), u); err != nil {
		f.t.Fatal(err)
	}
	return u
}

func (f *fixture) channel(name string, kind hub.ChannelType, by hub.UserID) *hub.Channel {
	f.t.Helper()
	c := &hub.Channel{
		ID: hub.ChannelID(f.ids.New()), Name: name, Type: kind, Topic: "about " + name, Description: "where " + name + " is",
		CreatedBy: by, CreatedAt: f.tick(), UpdatedAt: f.now,
	}
	if err := f.CreateChannel(f.t.Context(), c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// draft is a message about to be posted.
func (f *fixture) draft(c *hub.Channel, u *hub.User, text string) *hub.Message {
	return &hub.Message{
		ID: hub.MessageID(f.ids.New()), ChannelID: c.ID, Content: text, Type: hub.MessageText, Revision: 1, CreatedAt: f.tick(),
		Author: hub.Author{ID: u.ID, Kind: u.Kind, Username: u.Username, DisplayName: u.DisplayName, AvatarURL: u.AvatarURL},
		Origin: hub.Origin{Kind: hub.OriginHub},
	}
}

func (f *fixture) post(m *hub.Message) *hub.Message {
	f.t.Helper()
	f.stored(f.PostMessage(f.t.Context(), m, 0, m.Content, nil, nil, nil))
	return m
}

// event makes the routing of an event about m without deliveries.
func (f *fixture) event(m *hub.Message, data string) hub.Routing {
	return hub.Routing{Event: &hub.Event{
		ID: hub.EventID(f.ids.New()), Type: hub.EventMessageUpdated, Time: f.now, Data: json.RawMessage(data),
		Origin: hub.Origin{Kind: hub.OriginHub}, ChannelID: m.ChannelID, OrderKey: hub.MessageOrderKey(m.ID),
	}}
}

// happened reports whether the event is in the log.
func (f *fixture) happened(r hub.Routing) bool {
	f.t.Helper()
	_, err := f.Event(f.t.Context(), r.Event.ID)
	if hub.CodeOf(err) == hub.NotFound {
		return false
	}
	f.noError(err)
	return true
}

func (f *fixture) noError(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) code(err error, want hub.Code) {
	f.t.Helper()
	if got := hub.CodeOf(err); got != want {
		f.t.Fatalf("error %v with code %q, want %q", err, got, want)
	}
}

// stored and unchanged check what a conditional change returns.
func (f *fixture) stored(ok bool, err error) {
	f.t.Helper()
	if !ok || err != nil {
		f.t.Fatalf("nothing was stored: %v", err)
	}
}

func (f *fixture) unchanged(ok bool, err error) {
	f.t.Helper()
	if ok || err != nil {
		f.t.Fatalf("stored: %v, %v; want that nothing changes", ok, err)
	}
}

// same fails the test when got is not want; nil and empty are the same.
func same[T any](f *fixture, what string, got, want T) {
	f.t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// messageIDs are the ids of a page.
func messageIDs(page []hub.Message) []hub.MessageID {
	ids := make([]hub.MessageID, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	return ids
}

// message reads a message back.
func (f *fixture) message(id hub.MessageID) hub.Message {
	f.t.Helper()
	m, err := f.Message(f.t.Context(), id)
	f.noError(err)
	return m
}

// blank takes the text out of an event.
func blank(json.RawMessage) (json.RawMessage, error) {
	return json.RawMessage(`{"scrubbed":true}`), nil
}
