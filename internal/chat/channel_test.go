package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/store"
)

func TestChannelNames(t *testing.T) {
	w := open(t)
	for name, valid := range map[string]bool{
		"ops": true, "ops-2_b": true, "général": true, "開発": true, "हिन्दी": true, strings.Repeat("ä", 80): true,
		"": false, "Ops": false, "a b": false, "a/b": false, "a#": false, "É": false, strings.Repeat("a", 81): false,
		"a\x00": false, "a\xff": false,
		"general": false, // taken
	} {
		_, err := w.CreateChannel(t.Context(), NewChannel{Name: name}, Cause{})
		if (err == nil) != valid {
			t.Errorf("%q: %v", name, err)
		}
		if code := hub.CodeOf(err); err != nil && code != hub.Invalid && code != hub.Conflict {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, n := range map[string]NewChannel{
		"type":        {Name: "a", Type: "direct"},
		"topic":       {Name: "a", Topic: strings.Repeat("x", 501)},
		"description": {Name: "a", Description: "\xff"},
	} {
		_, err := w.CreateChannel(t.Context(), n, Cause{})
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCreateChannel(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops", Type: hub.ChannelPrivate, Topic: "now"}, Cause{By: w.ann.ID}))(t)
	same(t, "as read", must(w.Channel(ctx, ch.ID))(t), ch)
	same(t, "by name", must(w.ChannelByName(ctx, "ops"))(t), ch)
	events := w.router.stored
	if len(events) != 2 || events[0].Type != hub.EventChannelCreated || events[1].Type != hub.EventUserJoined {
		t.Fatalf("events: %v", w.router.types())
	}
	for _, e := range events {
		if e.OrderKey != "c:"+string(ch.ID) || !e.ChannelPrivate || e.ChannelID != ch.ID || e.FirstOfKey != (e == events[0]) {
			t.Errorf("event %+v", e)
		}
	}
	created, joined := decode[hub.ChannelData](t, events[0].Data), decode[hub.UserData](t, events[1].Data)
	if created.Channel.Topic != "now" || created.User.ID != w.ann.ID || joined.User.ID != w.ann.ID || joined.Channel.Name != "ops" {
		t.Errorf("data: %+v, %+v", created, joined)
	}
	if is := must(w.IsMember(ctx, ch.ID, w.ann.ID))(t); !is {
		t.Error("the creator is no member")
	}
	w.router.types()
	must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "x"}))(t)
	if e := w.router.last(t, hub.EventMessageCreated); !e.ChannelPrivate {
		t.Error("a message in a private channel is told as public")
	}
}

func TestUpdateChannel(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops"}, Cause{By: w.ann.ID}))(t)
	w.router.types()
	update := func(c ChannelChange) (hub.Channel, error) { return w.UpdateChannel(ctx, ch.ID, c, Cause{By: w.bob.ID}) }
	steps := []struct {
		name   string
		change ChannelChange
		want   []string
	}{
		{"nothing", ChannelChange{Name: ptr("ops"), Archived: ptr(false)}, nil},
		{"topic", ChannelChange{Topic: ptr("t")}, []string{hub.EventChannelUpdated}},
		{"topic back", ChannelChange{Topic: ptr("")}, []string{hub.EventChannelUpdated}},
		{"name and archive", ChannelChange{Name: ptr("old"), Archived: ptr(true)}, []string{
			hub.EventChannelUpdated,
			hub.EventChannelArchived,
		}},
		{"archived already", ChannelChange{Archived: ptr(true)}, nil},
		{"back", ChannelChange{Archived: ptr(false)}, []string{hub.EventChannelUpdated}},
		{"archive", ChannelChange{Archived: ptr(true)}, []string{hub.EventChannelArchived}},
		{"back, renamed", ChannelChange{Archived: ptr(false), Name: ptr("ops")}, []string{hub.EventChannelUpdated}},
	}
	for _, s := range steps {
		got, err := update(s.change)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		same(t, s.name, must(w.Channel(ctx, ch.ID))(t), got)
		if got.IsArchived == got.ArchivedAt.IsZero() {
			t.Errorf("%s: archived %v at %v", s.name, got.IsArchived, got.ArchivedAt)
		}
		wantTypes(t, w.router, s.want...)
	}
	_, err := update(ChannelChange{Name: ptr("general")})
	wantCode(t, err, hub.Conflict)
	_, err = update(ChannelChange{Name: ptr("No Name")})
	wantCode(t, err, hub.Invalid)
	_, err = w.UpdateChannel(ctx, hub.ChannelID(w.IDs.New()), ChannelChange{Topic: ptr("x")}, Cause{})
	wantCode(t, err, hub.NotFound)
	for _, id := range []hub.ChannelID{w.d.General, w.d.Notices} {
		_, err = w.UpdateChannel(ctx, id, ChannelChange{Archived: ptr(true)}, Cause{})
		wantCode(t, err, hub.Conflict)
	}
	// The next message is told with the new name, not the one in memory.
	must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "x"}))(t)
	must(update(ChannelChange{Name: ptr("renamed")}))(t)
	must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "x"}))(t)
	if d := decode[hub.MessageData](t, w.router.last(t, hub.EventMessageCreated).Data); d.Channel.Name != "renamed" {
		t.Errorf("told with the name %q", d.Channel.Name)
	}

	other := &Service{Store: w.db, Router: w.router, IDs: w.IDs, Now: w.Now, Log: w.Log}
	w.Store = &meddler{Store: w.db, before: func() {
		must(other.UpdateChannel(ctx, ch.ID, ChannelChange{Topic: ptr("theirs")}, Cause{}))(t)
	}}
	if got := must(update(ChannelChange{Description: ptr("ours")}))(t); got.Topic != "theirs" || got.Description != "ours" {
		t.Errorf("after others: %+v", got)
	}

	// What is checked is what is changed, also when somebody was faster.
	read := must(w.Channel(ctx, ch.ID))(t)
	w.Store = &meddler{Store: w.db, before: func() {
		must(other.UpdateChannel(ctx, ch.ID, ChannelChange{Topic: ptr("theirs again")}, Cause{}))(t)
	}}
	_, err = update(ChannelChange{Description: ptr("lost"), Check: func(found *hub.Channel) error {
		if !found.UpdatedAt.Equal(read.UpdatedAt) {
			return errDisk
		}
		return nil
	}})
	if got := must(w.Channel(ctx, ch.ID))(t); !errors.Is(err, errDisk) || got.Description != "ours" {
		t.Errorf("changed on what it was not: %+v, %v", got, err)
	}
}

func TestDeleteChannel(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops"}, Cause{By: w.ann.ID}))(t)
	var last hub.Message
	for i := range clearBatch + 3 {
		last = must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: fmt.Sprint("lost ", i)}))(t)
	}
	w.router.types()
	if err := w.DeleteChannel(ctx, ch.ID, nil, Cause{By: w.ann.ID}); err != nil {
		t.Fatal(err)
	}
	e := w.router.last(t, hub.EventChannelDeleted)
	if d := decode[hub.ChannelData](t, e.Data); d.Channel.Name != "ops" || e.OrderKey != "c:"+string(ch.ID) {
		t.Errorf("event %s: %+v", e.OrderKey, d)
	}
	_, err := w.Message(ctx, last.ID)
	wantCode(t, err, hub.NotFound)
	_, _, err = w.Messages(ctx, MessageQuery{ChannelID: ch.ID})
	wantCode(t, err, hub.NotFound)
	_, err = w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "x"})
	wantCode(t, err, hub.NotFound)
	_, err = w.Edit(ctx, last.ID, Edit{Content: ptr("x")}, Cause{})
	wantCode(t, err, hub.NotFound)
	if left := strings.Count(w.dump(), "lost "); left == 0 {
		t.Error("messages of a deleted channel are deleted, not scrubbed")
	}
	// It is answered before the messages are deleted, of which there may be many.
	w.dumpMessages(t, ch.ID, 0)
	wantCode(t, w.DeleteChannel(ctx, ch.ID, nil, Cause{}), hub.NotFound)
	for _, id := range []hub.ChannelID{w.d.General, w.d.Notices} {
		wantCode(t, w.DeleteChannel(ctx, id, nil, Cause{}), hub.Conflict)
	}
}

// clearings tells of each batch that is cleared.
type clearings struct {
	Store
	batch func(limit int, last hub.MessageID) error
}

func (c clearings) ClearChannel(ctx context.Context, id hub.ChannelID, after hub.MessageID, limit int, scrub store.ScrubFunc) (
	hub.MessageID, error,
) {
	last, err := c.Store.ClearChannel(ctx, id, after, limit, scrub)
	if err != nil {
		return last, err
	}
	return last, c.batch(limit, last)
}

// fill makes a channel with messages.
func (w *world) fill(name string, n int) hub.Channel {
	w.t.Helper()
	ch := must(w.CreateChannel(w.t.Context(), NewChannel{Name: name}, Cause{By: w.ann.ID}))(w.t)
	for i := range n {
		must(w.Post(w.t.Context(), Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: fmt.Sprint("lost ", i)}))(w.t)
	}
	w.router.types()
	return ch
}

// The messages of a deleted channel go in small commits, while the chat runs;
// a stop interrupts that and the next start goes on.
func TestDeletedChannelIsCleared(t *testing.T) {
	w := open(t)
	w.ScrubDeleted = true
	ch := w.fill("ops", 2*clearBatch+3)
	var batches []int
	run := func(batch func(hub.MessageID, context.CancelFunc)) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w.Store = clearings{w.db, func(limit int, last hub.MessageID) error {
			batches = append(batches, limit)
			batch(last, cancel)
			return nil
		}}
		first := len(batches) == 0
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		if first {
			if err := w.DeleteChannel(t.Context(), ch.ID, nil, Cause{By: w.ann.ID}); err != nil {
				t.Error(err)
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	run(func(_ hub.MessageID, stop context.CancelFunc) { stop() })
	wantTypes(t, w.router, hub.EventChannelDeleted)
	must(w.EnsureDefaults(t.Context()))(t) // as at a start, which does not wait for it
	if n := strings.Count(w.dump(), "lost "); n == 0 {
		t.Error("a stop, or the start, waited for the end")
	}
	run(func(last hub.MessageID, stop context.CancelFunc) {
		if last == "" {
			stop()
		}
	})
	if want := []int{clearBatch, clearBatch, clearBatch, clearBatch}; !slices.Equal(batches, want) {
		t.Errorf("batches %v, want %v", batches, want)
	}
	w.dumpMessages(t, ch.ID, 1)
	if strings.Contains(w.dump(), "lost ") {
		t.Error("text is left")
	}
	if left := must(w.db.ClearingChannels(t.Context()))(t); len(left) != 0 {
		t.Errorf("still to be cleared: %v", left)
	}
}

// One channel that cannot be cleared does not keep the others.
func TestClearingFails(t *testing.T) {
	w := open(t)
	for _, name := range []string{"one", "two"} {
		if err := w.DeleteChannel(t.Context(), w.fill(name, 1).ID, nil, Cause{}); err != nil {
			t.Fatal(err)
		}
	}
	w.router.types()
	n := 0
	w.Store = clearings{w.db, func(int, hub.MessageID) error { n++; return errDisk }}
	if err := w.clearChannels(t.Context()); !errors.Is(err, errDisk) || n != 2 {
		t.Errorf("%d channels were tried, %v", n, err)
	}
}

// dumpMessages fails unless all messages of the channel have that is_deleted.
func (w *world) dumpMessages(t *testing.T, id hub.ChannelID, deleted int) {
	t.Helper()
	db := w.rawDB()
	defer db.Close()
	w.query(db, `SELECT count(*), sum(is_deleted) FROM nchat_messages WHERE channel_id = '`+string(id)+`'`, func(row []any) {
		if n, ok := row[0].(int64); !ok || n == 0 || row[1] != n*int64(deleted) {
			t.Errorf("%v of %v messages are deleted", row[1], row[0])
		}
	})
}

func TestMembers(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops", Type: hub.ChannelPrivate}, Cause{By: w.ann.ID}))(t)
	w.router.types()
	by := Cause{By: w.ann.ID}
	m := must(w.AddMember(ctx, ch.ID, w.bob.ID, "", nil, by))(t)
	e := w.router.last(t, hub.EventUserJoined)
	d := decode[hub.UserData](t, e.Data)
	if d.User.ID != w.bob.ID || d.Channel.ID != ch.ID || !e.ChannelPrivate || e.OrderKey != "c:"+string(ch.ID) ||
		e.TriggeredBy.UserID != w.ann.ID {
		t.Errorf("event %+v: %+v", e, d)
	}
	if m.Role != hub.RoleMember || m.User.Username != "bob" || !m.JoinedAt.Equal(noon) {
		t.Errorf("member %+v", m)
	}
	must(w.AddMember(ctx, ch.ID, w.bob.ID, hub.RoleAdmin, nil, by))(t)
	wantTypes(t, w.router)
	page, next, err := w.Members(ctx, ch.ID, "", 1)
	if err != nil || len(page) != 1 || next == "" {
		t.Fatalf("first page: %v, %q, %v", page, next, err)
	}
	page, next, err = w.Members(ctx, ch.ID, next, 1)
	if err != nil || len(page) != 1 || next != "" || page[0].Role != hub.RoleAdmin {
		t.Fatalf("second page: %v, %q, %v", page, next, err)
	}
	if err := w.RemoveMember(ctx, ch.ID, w.bob.ID, nil, by); err != nil {
		t.Fatal(err)
	}
	wantTypes(t, w.router, hub.EventUserLeft)
	if err := w.RemoveMember(ctx, ch.ID, w.bob.ID, nil, by); err != nil {
		t.Fatal(err)
	}
	wantTypes(t, w.router)
	_, err = w.AddMember(ctx, ch.ID, hub.UserID(w.IDs.New()), "", nil, by)
	wantCode(t, err, hub.NotFound)
	_, err = w.AddMember(ctx, hub.ChannelID(w.IDs.New()), w.bob.ID, "", nil, by)
	wantCode(t, err, hub.NotFound)
	_, err = w.AddMember(ctx, ch.ID, w.bob.ID, "emperor", nil, by)
	wantCode(t, err, hub.Invalid)
	_, _, err = w.Members(ctx, hub.ChannelID(w.IDs.New()), "", 0)
	wantCode(t, err, hub.NotFound)
}
