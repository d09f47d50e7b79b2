package storetest

import (
	"testing"

	"github.com/nself-chat/hub"
)

func threadTests() []noun {
	return []noun{{"replies gather under their root", testThread}}
}

func testThread(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c, other := f.channel("ops", hub.ChannelPublic, ann.ID), f.channel("dev", hub.ChannelPublic, ann.ID)
	root := f.post(f.draft(c, ann, "root"))
	state := func(id hub.MessageID, want int) {
		t.Helper()
		r, in, replies, err := f.ThreadOf(ctx, id)
		if err != nil || r != root.ID || in != c.ID || replies != want {
			t.Errorf("thread of %s: %s, %s, %d, %v; want %d", id, r, in, replies, err, want)
		}
	}
	reply := func(m *hub.Message, known int) (bool, error) {
		m.ThreadID = root.ID
		return f.PostMessage(ctx, m, known, m.Content, nil, nil, nil, f.event(m, "{}"))
	}
	state(root.ID, -1)
	f.unchanged(reply(f.draft(c, ann, "too early"), 0))
	first := f.draft(c, ann, "first")
	f.stored(reply(first, -1))
	f.unchanged(reply(f.draft(c, ann, "not the first"), -1))
	second := f.draft(c, ann, "second")
	f.stored(reply(second, 1))
	f.unchanged(reply(f.draft(other, ann, "elsewhere"), 2))
	state(root.ID, 2)
	state(second.ID, 2)
	replies, err := f.ThreadMessages(ctx, root.ID, "", "", 10)
	f.noError(err)
	same(f, "replies", messageIDs(replies), []hub.MessageID{second.ID, first.ID})
	if got := f.message(root.ID).ReplyCount; got != 2 {
		t.Errorf("%d replies counted", got)
	}
	if got := f.message(first.ID); got.ThreadID != root.ID {
		t.Errorf("a reply is in thread %q", got.ThreadID)
	}

	f.stored(f.DeleteMessage(ctx, first.ID, nil, f.tick(), nil, nil, nil))
	if got := f.message(root.ID).ReplyCount; got != 1 {
		t.Errorf("%d replies counted after one was deleted", got)
	}
	f.stored(f.DeleteMessage(ctx, root.ID, nil, f.tick(), nil, nil, nil))
	state(second.ID, 1) // the thread goes on without its root's text
	f.stored(reply(f.draft(c, ann, "third"), 1))

	alone := f.post(f.draft(c, ann, "alone"))
	f.stored(f.DeleteMessage(ctx, alone.ID, nil, f.tick(), nil, nil, nil))
	_, _, _, err = f.ThreadOf(ctx, alone.ID)
	f.code(err, hub.NotFound)
	late := f.draft(c, ann, "late")
	late.ThreadID = alone.ID
	f.unchanged(f.PostMessage(ctx, late, -1, "x", nil, nil, nil))
}
