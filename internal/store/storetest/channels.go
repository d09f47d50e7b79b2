package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func channelTests() []noun {
	return []noun{
		{"channels are kept as they are", testChannelRoundTrip},
		{"channel names are unique", testChannelUnique},
		{"channels change only from what was read", testChannelStale},
		{"viewers see their channels", testVisibleChannels},
		{"deleted channels are cleared in batches", testDeleteChannel},
	}
}

func testChannelRoundTrip(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPrivate, ann.ID)
	c.MemberCount = 1
	got, err := f.Channel(ctx, c.ID)
	f.noError(err)
	same(f, "by id", got, *c)
	got, err = f.ChannelByName(ctx, "ops")
	f.noError(err)
	same(f, "by name", got, *c)
	_, err = f.Channel(ctx, hub.ChannelID(f.ids.New()))
	f.code(err, hub.NotFound)

	m := f.post(f.draft(c, ann, "hello"))
	got, err = f.Channel(ctx, c.ID)
	f.noError(err)
	if got.MessageCount != 1 || !got.LastMessageAt.Equal(m.CreatedAt) {
		t.Errorf("counters after a post: %d messages, the last at %v", got.MessageCount, got.LastMessageAt)
	}
}

func testChannelUnique(t *testing.T, f *fixture) {
	ctx := t.Context()
	ops, dev := f.channel("ops", hub.ChannelPublic, ""), f.channel("dev", hub.ChannelPublic, "")
	twin := *ops
	twin.ID = hub.ChannelID(f.ids.New())
	f.code(f.CreateChannel(ctx, &twin), hub.Conflict)
	next := *dev
	next.Name, next.UpdatedAt = "ops", f.tick()
	_, err := f.UpdateChannel(ctx, dev, &next)
	f.code(err, hub.Conflict)
}

func testChannelStale(t *testing.T, f *fixture) {
	ctx := t.Context()
	read := f.channel("ops", hub.ChannelPublic, "")
	first, second := *read, *read
	first.Name, first.Topic, first.Description = "operations", "", "new"
	first.IsArchived, first.ArchivedAt, first.UpdatedAt = true, f.tick(), f.now
	second.Topic, second.UpdatedAt = "lost", f.tick()
	f.stored(f.UpdateChannel(ctx, read, &first))
	f.unchanged(f.UpdateChannel(ctx, read, &second))
	got, err := f.Channel(ctx, read.ID)
	f.noError(err)
	same(f, "channel", got, first)
	back := first
	back.IsArchived, back.ArchivedAt, back.UpdatedAt = false, time.Time{}, f.tick()
	f.stored(f.UpdateChannel(ctx, &first, &back))
	got, err = f.Channel(ctx, read.ID)
	f.noError(err)
	same(f, "channel, no longer archived", got, back)
}

func testVisibleChannels(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	public, hidden := f.channel("public", hub.ChannelPublic, ann.ID), f.channel("hidden", hub.ChannelPrivate, ann.ID)
	list := func(viewer hub.UserID, all bool, only ...hub.ChannelID) string {
		t.Helper()
		channels, err := f.Channels(ctx, viewer, all, only, "", 10)
		f.noError(err)
		names := ""
		for _, c := range channels {
			names += c.Name + " "
		}
		return names
	}
	for name, got := range map[string]struct{ got, want string }{
		"a member":                  {list(ann.ID, false), "hidden public "},
		"no member":                 {list(bob.ID, false), "public "},
		"a guest":                   {list("", false), "public "},
		"everything":                {list("", true), "hidden public "},
		"a member, one channel":     {list(ann.ID, false, hidden.ID), "hidden "},
		"no member, hidden channel": {list(bob.ID, false, hidden.ID), ""},
		"everything, two channels":  {list("", true, hidden.ID, public.ID), "hidden public "},
		"everything, one channel":   {list("", true, public.ID), "public "},
	} {
		if got.got != got.want {
			t.Errorf("%s: %q, want %q", name, got.got, got.want)
		}
	}
	page, err := f.Channels(ctx, "", true, nil, "hidden", 10)
	if err != nil || len(page) != 1 || page[0].ID != public.ID {
		t.Errorf("the next page: %v, %v", page, err)
	}
}

func testDeleteChannel(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c, other := f.channel("ops", hub.ChannelPublic, ann.ID), f.channel("dev", hub.ChannelPublic, ann.ID)
	kept := f.post(f.draft(other, ann, "kept words"))
	var posted []*hub.Message
	for i := range 5 {
		posted = append(posted, f.post(f.draft(c, ann, "lost words "+strconv.Itoa(i))))
	}
	event := f.event(posted[0], "{}")
	f.noError(f.DeleteChannel(ctx, c.ID, nil, event))
	if !f.happened(event) {
		t.Error("the event is not in the log")
	}
	_, err := f.Channel(ctx, c.ID)
	f.code(err, hub.NotFound)
	f.code(f.DeleteChannel(ctx, c.ID, nil), hub.NotFound)
	_, err = f.Message(ctx, posted[0].ID)
	f.code(err, hub.NotFound)
	if members, err := f.Members(ctx, c.ID, "", 10); err != nil || len(members) != 0 {
		t.Errorf("members are left: %v, %v", members, err)
	}
	if clearing, err := f.ClearingChannels(ctx); err != nil || len(clearing) != 1 || clearing[0] != c.ID {
		t.Errorf("channels to be cleared: %v, %v", clearing, err)
	}
	last, err := f.ClearChannel(ctx, c.ID, "", 3, nil)
	f.noError(err)
	if last != posted[2].ID {
		t.Errorf("the first batch ended with %s, want %s", last, posted[2].ID)
	}
	last, err = f.ClearChannel(ctx, c.ID, last, 3, nil)
	f.noError(err)
	if clearing, err := f.ClearingChannels(ctx); err != nil || last != "" || len(clearing) != 0 {
		t.Errorf("after the last batch: %q, %v, %v", last, clearing, err)
	}
	found, err := f.Search(ctx, []string{"words"}, true, "", true, nil, "", 10)
	f.noError(err)
	same(f, "what search finds", messageIDs(found), []hub.MessageID{kept.ID})
	// A channel of the same name is a new one.
	f.channel("ops", hub.ChannelPublic, ann.ID)
}
