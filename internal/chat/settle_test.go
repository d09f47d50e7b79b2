package chat

import (
	"context"
	"errors"
	"testing"

	"github.com/nself-chat/hub"
)

// meddler is a Store in which somebody else is quicker, once.
type meddler struct {
	Store
	before func()
}

func (m *meddler) meddle() {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
}

func (m *meddler) PostMessage(ctx context.Context, msg *hub.Message, replies int, text string, keys []hub.MessageKey,
	once *hub.Idempotency, call *hub.Call, routings ...hub.Routing,
) (bool, error) {
	m.meddle()
	return m.Store.PostMessage(ctx, msg, replies, text, keys, once, call, routings...)
}

func (m *meddler) EditMessage(ctx context.Context, msg *hub.Message, added []hub.Attachment, editor hub.UserID, text string, once *hub.Idempotency,
	call *hub.Call, routings ...hub.Routing,
) (bool, error) {
	m.meddle()
	return m.Store.EditMessage(ctx, msg, added, editor, text, once, call, routings...)
}

func (m *meddler) DeleteFile(ctx context.Context, id hub.FileID, in *hub.Message, text string, routings ...hub.Routing) (bool, error) {
	m.meddle()
	return m.Store.DeleteFile(ctx, id, in, text, routings...)
}

func (m *meddler) SetPinned(ctx context.Context, id hub.MessageID, pinned bool, routings ...hub.Routing) (bool, error) {
	m.meddle()
	return m.Store.SetPinned(ctx, id, pinned, routings...)
}

func (m *meddler) UpdateChannel(ctx context.Context, prev, next *hub.Channel, routings ...hub.Routing) (bool, error) {
	m.meddle()
	return m.Store.UpdateChannel(ctx, prev, next, routings...)
}

func (m *meddler) UpdateUser(ctx context.Context, prev, next *hub.User, routings ...hub.Routing) (bool, error) {
	m.meddle()
	return m.Store.UpdateUser(ctx, prev, next, routings...)
}

var errDisk = errors.New("the disk is gone")

// broken is a Store whose changes all fail.
type broken struct{ Store }

func (broken) PostMessage(context.Context, *hub.Message, int, string, []hub.MessageKey, *hub.Idempotency, *hub.Call, ...hub.Routing) (bool, error) {
	return false, errDisk
}

func (broken) PostNotice(context.Context, *hub.Message, string, []hub.NoticeRef, ...hub.Routing) error {
	return errDisk
}

func (broken) EditMessage(context.Context, *hub.Message, []hub.Attachment, hub.UserID, string, *hub.Idempotency, *hub.Call, ...hub.Routing) (
	bool, error,
) {
	return true, errDisk // an error counts, whatever stands beside it
}

func (broken) SetPinned(context.Context, hub.MessageID, bool, ...hub.Routing) (bool, error) {
	return false, errDisk
}

func (broken) CreateChannel(context.Context, *hub.Channel, ...hub.Routing) error { return errDisk }

func (broken) DeleteChannel(context.Context, hub.ChannelID, func(*hub.Channel) error, ...hub.Routing) error {
	return errDisk
}

func (broken) CreateUser(context.Context, *hub.User, ...hub.Routing) error { return errDisk }

func (broken) DeleteFile(context.Context, hub.FileID, *hub.Message, string, ...hub.Routing) (bool, error) {
	return true, errDisk
}

// Whatever becomes of a commit, its routings are settled once: by the check at
// the end of every test. Here all that fail are settled as not stored.
func TestFailedCommitsAreSettled(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	m := w.post("x")
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops"}, Cause{}))(t)
	file := must(w.save("a", textReader("x"), Cause{By: w.ann.ID}))(t)
	w.router.types()
	w.Store = broken{w.db}
	by := Cause{By: w.bob.ID}
	fails := map[string]func() error{
		"post": func() error {
			_, err := w.Post(ctx, Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "y"})
			return err
		},
		"reply": func() error {
			_, err := w.Post(ctx, Post{ChannelID: w.d.General, ThreadID: m.ID, Author: hub.Author{ID: w.ann.ID}, Content: "y"})
			return err
		},
		"edit": func() error {
			_, err := w.Edit(ctx, m.ID, Edit{Content: ptr("y")}, by)
			return err
		},
		"pin":    func() error { return w.Pin(ctx, m.ID, by) },
		"notice": func() error { return w.PostNotice(ctx, "y", nil) },
		"create channel": func() error {
			_, err := w.CreateChannel(ctx, NewChannel{Name: "dev"}, by)
			return err
		},
		"delete channel": func() error { return w.DeleteChannel(ctx, ch.ID, nil, by) },
		"create user": func() error {
			_, err := w.CreateUser(ctx, NewUser{Username: "eve"}, by)
			return err
		},
		"delete file": func() error { return w.DeleteFile(ctx, file.ID, by) },
	}
	events := map[string]int{"reply": 2, "create channel": 2}
	for name, fail := range fails {
		refused := len(w.router.refused)
		if err := fail(); !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := len(w.router.refused)-refused, max(events[name], 1); got != want {
			t.Errorf("%s: %d events were given back, want %d", name, got, want)
		}
	}
	wantTypes(t, w.router)
	w.Store = w.db
	if got := must(w.Message(ctx, m.ID))(t); got.Content != "x" || got.Revision != 1 {
		t.Errorf("a failed edit shows: %+v", got)
	}
	if len(w.blobs()) != 1 {
		t.Error("a failed deletion removed the content")
	}
}

// A closed database refuses, and that is settled too.
func TestClosedStoreIsSettled(t *testing.T) {
	w := open(t)
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := w.Post(t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "y"})
	if err == nil {
		t.Fatal("posted into a closed database")
	}
}

func TestGivenUpRequests(t *testing.T) {
	w := open(t)
	m := w.post("x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Post(ctx, Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "y"})
	wantCode(t, err, hub.Unavailable)
	if page, _, err := w.Messages(t.Context(), MessageQuery{ChannelID: w.d.General}); err != nil || len(page) != 1 ||
		page[0].ID != m.ID {
		t.Errorf("messages: %v, %v", page, err)
	}
}
