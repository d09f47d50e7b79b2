package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

func messageTests() []noun {
	return []noun{
		{"messages are kept as they are", testMessageRoundTrip},
		{"a message takes its place or leaves nothing", testPostRefused},
		{"a key posts once", testPostOnce},
		{"the call is logged with its message", testPostCall},
		{"a notice is marked with its message", testPostNotice},
		{"messages come in pages", testMessagePages},
		{"edits keep revisions and follow each other", testEdit},
		{"deleted messages are empty", testDelete},
		{"scrubbed messages leave no text", testScrub},
		{"pins", testPins},
	}
}

// full is a message with everything.
func (f *fixture) full(c *hub.Channel, u *hub.User) *hub.Message {
	m := f.draft(c, u, "**Build** failed")
	m.Type = hub.MessageBot
	m.Embeds = []hub.Embed{{Title: "Build", Color: "#ff0000", Fields: []hub.EmbedField{{Name: "branch", Value: "main", Inline: true}}}}
	m.Origin = hub.Origin{Kind: hub.OriginIncoming, ID: f.ids.New(), Hop: 2}
	m.Author = hub.Author{ID: u.ID, Kind: u.Kind, Username: "CI", DisplayName: "CI server", AvatarURL: "https://example.org/ci.png"}
	m.Files = []hub.Attachment{{
		ID: hub.FileID(f.ids.New()), MessageID: m.ID, UserID: u.ID, Filename: "log.txt", MimeType: "text/plain", Size: 12,
		URL: "https://example.org/log.txt", CreatedAt: m.CreatedAt,
	}}
	return m
}

func testMessageRoundTrip(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	plain := f.post(f.draft(c, ann, "Grüße, 世界 👋🏽\n\x01"))
	same(f, "a plain message", f.message(plain.ID), *plain)

	hook := f.user("hook")
	next := *hook
	next.Kind, next.UpdatedAt = hub.UserWebhook, f.tick()
	f.stored(f.UpdateUser(ctx, hook, &next))
	full := f.post(f.full(c, &next))
	same(f, "a webhook's message keeps its look", f.message(full.ID), *full)

	renamed := *ann
	renamed.DisplayName, renamed.UpdatedAt = "Ann Other", f.tick()
	f.stored(f.UpdateUser(ctx, ann, &renamed))
	if got := f.message(plain.ID).Author.DisplayName; got != "Ann Other" {
		t.Errorf("a person shows as %q, want the present name", got)
	}
	_, err := f.Message(ctx, hub.MessageID(f.ids.New()))
	f.code(err, hub.NotFound)
}

func testPostRefused(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	archived := *c
	archived.IsArchived, archived.ArchivedAt, archived.UpdatedAt = true, f.tick(), f.now
	f.stored(f.UpdateChannel(ctx, c, &archived))
	refuse := func(m *hub.Message, want hub.Code) {
		t.Helper()
		event := f.event(m, "{}")
		_, err := f.PostMessage(ctx, m, -1, m.Content, nil, nil, nil, event)
		f.code(err, want)
		_, err = f.Message(ctx, m.ID)
		f.code(err, hub.NotFound)
		if f.happened(event) {
			t.Error("a refused message left its event")
		}
	}
	refuse(f.draft(c, ann, "x"), hub.Conflict)
	refuse(f.draft(&hub.Channel{ID: hub.ChannelID(f.ids.New())}, ann, "x"), hub.NotFound)
	if got, err := f.Channel(ctx, c.ID); err != nil || got.MessageCount != 0 {
		t.Errorf("%d messages counted, %v", got.MessageCount, err)
	}

	open := f.channel("dev", hub.ChannelPublic, ann.ID)
	answer := f.draft(open, ann, "x")
	answer.ThreadID = hub.MessageID(f.ids.New())
	refuse(answer, hub.NotFound)
	lost := f.draft(open, ann, "x")
	lost.Files = []hub.Attachment{{ID: hub.FileID(f.ids.New()), UserID: ann.ID, Hash: strings.Repeat("a", 64)}}
	refuse(lost, hub.NotFound)
}

func testPostOnce(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	key := func(m *hub.Message, hash string) *hub.Idempotency {
		return &hub.Idempotency{TokenID: "token", Key: "k1", RequestHash: hash, Result: string(m.ID)}
	}
	first, second := f.draft(c, ann, "x"), f.draft(c, ann, "x")
	if id, err := f.PostedBefore(ctx, key(first, "h1")); err != nil || id != "" {
		t.Errorf("posted before the first time: %q, %v", id, err)
	}
	f.stored(f.PostMessage(ctx, first, 0, "x", nil, key(first, "h1"), nil, f.event(first, "{}")))
	event := f.event(second, "{}")
	_, err := f.PostMessage(ctx, second, 0, "x", nil, key(second, "h1"), nil, event)
	repeated, ok := errors.AsType[*hub.RepeatedError](err)
	if !ok || repeated.Result != string(first.ID) || f.happened(event) {
		t.Errorf("a repetition: %v", err)
	}
	if id, err := f.PostedBefore(ctx, key(second, "h1")); err != nil || id != first.ID {
		t.Errorf("posted before: %q, %v", id, err)
	}
	if id, err := f.PostedBefore(ctx, key(second, "h2")); err != nil || id != "" {
		t.Errorf("another request with the key: %q, %v", id, err)
	}
	_, err = f.PostMessage(ctx, second, 0, "x", nil, key(second, "h2"), nil)
	f.code(err, hub.Conflict)
}

func testPostCall(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	m := f.draft(c, ann, "x")
	call := &hub.Call{
		ID: hub.CallID(f.ids.New()), IncomingID: hub.IncomingID(f.ids.New()), Verdict: "accepted", Status: 200, MessageID: m.ID,
		Body: []byte("x"), BodySize: 1, CreatedAt: f.now,
	}
	f.stored(f.PostMessage(ctx, m, 0, "x", nil, nil, call))
	got, err := f.Call(ctx, call.ID)
	f.noError(err)
	same(f, "call", got, *call)

	nowhere := f.draft(&hub.Channel{ID: hub.ChannelID(f.ids.New())}, ann, "x")
	call.ID, call.MessageID = hub.CallID(f.ids.New()), nowhere.ID
	_, err = f.PostMessage(ctx, nowhere, 0, "x", nil, nil, call)
	f.code(err, hub.NotFound)
	_, err = f.Call(ctx, call.ID)
	f.code(err, hub.NotFound)
}

func testPostNotice(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("notices", hub.ChannelPrivate, ann.ID)
	var revision int64
	webhook := func() *hub.OutgoingWebhook {
		t.Helper()
		w := &hub.OutgoingWebhook{
			ID: hub.WebhookID(f.ids.New()), Name: "w", URL: "https://example.org", State: hub.WebhookActive, Events: []string{"*"},
			Policy: hub.DefaultPolicy(), Notice: hub.NoticeBreaker, CreatedAt: f.now, UpdatedAt: f.now,
		}
		var err error
		revision, err = f.CreateOutgoingWebhook(ctx, w)
		f.noError(err)
		return w
	}
	about := func(n hub.Notice, webhooks ...*hub.OutgoingWebhook) (refs []hub.NoticeRef) {
		for _, w := range webhooks {
			refs = append(refs, hub.NoticeRef{WebhookID: w.ID, Notice: n})
		}
		return refs
	}
	w := webhook()
	waiting := func() int {
		t.Helper()
		webhooks, err := f.WebhooksWithNotice(ctx)
		f.noError(err)
		return len(webhooks)
	}
	f.noError(f.PostNotice(ctx, f.draft(c, ann, "x"), "x", nil))
	f.code(f.PostNotice(ctx, f.draft(c, ann, "x"), "x", about(hub.NoticeGone, w)), hub.Conflict)
	if waiting() != 1 {
		t.Error("another notice than the posted one was marked")
	}
	m := f.draft(c, ann, "the breaker is open")
	event := f.event(m, "{}")
	event.Event.Revision = revision
	f.noError(f.PostNotice(ctx, m, "x", about(hub.NoticeBreaker, w), event))
	if waiting() != 0 || !f.happened(event) || f.message(m.ID).Content != m.Content {
		t.Error("the notice was not posted, told of and marked")
	}
	f.code(f.PostNotice(ctx, f.draft(c, ann, "again"), "x", about(hub.NoticeBreaker, w)), hub.Conflict)

	// Of several all are marked, or none.
	two, three := webhook(), webhook()
	f.code(f.PostNotice(ctx, f.draft(c, ann, "one of them was told"), "x", about(hub.NoticeBreaker, two, w, three)), hub.Conflict)
	if waiting() != 2 {
		t.Error("what was not told was marked")
	}
	f.noError(f.PostNotice(ctx, f.draft(c, ann, "both"), "x", about(hub.NoticeBreaker, two, three)))
	if waiting() != 0 {
		t.Error("what was told was not marked")
	}
}

func testMessagePages(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c, other := f.channel("ops", hub.ChannelPublic, ann.ID), f.channel("dev", hub.ChannelPublic, ann.ID)
	var ids []hub.MessageID // newest first
	for range 5 {
		ids = append(ids, f.post(f.draft(c, ann, "x")).ID)
		f.post(f.draft(other, ann, "x"))
	}
	slices.Reverse(ids)
	reply := f.draft(c, ann, "x")
	reply.ThreadID = ids[4]
	f.stored(f.PostMessage(ctx, reply, -1, "x", nil, nil, nil))
	page := func(before, after hub.MessageID, topLevel bool, limit int) []hub.MessageID {
		t.Helper()
		messages, err := f.ChannelMessages(ctx, c.ID, before, after, topLevel, limit)
		f.noError(err)
		return messageIDs(messages)
	}
	same(f, "all", page("", "", false, 10), append([]hub.MessageID{reply.ID}, ids...))
	same(f, "top level", page("", "", true, 10), ids)
	same(f, "the newest", page("", "", true, 2), ids[:2])
	same(f, "older", page(ids[1], "", true, 2), ids[2:4])
	same(f, "the oldest", page(ids[3], "", true, 2), ids[4:])
	same(f, "newer", page("", ids[4], true, 2), ids[2:4])
	same(f, "between", page(ids[0], ids[3], true, 10), ids[1:3])
	same(f, "nothing newer", page("", reply.ID, false, 10), nil)

	// One page, many messages with reactions and files: each gets its own.
	f.stored(f.AddReaction(ctx, ids[0], ann.ID, "👍", f.tick()))
	full := f.post(f.full(c, ann))
	messages, err := f.ChannelMessages(ctx, c.ID, "", "", true, 10)
	f.noError(err)
	for _, m := range messages {
		if len(m.Reactions) != 0 != (m.ID == ids[0]) || len(m.Files) != 0 != (m.ID == full.ID) {
			t.Errorf("message %s has reactions %v and files %v", m.ID, m.Reactions, m.Files)
		}
	}
}

func testEdit(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	m := f.post(f.full(c, ann))
	first := *m
	edit := func(text string, revision int) (bool, error) {
		m.Content, m.Revision, m.EditedAt = text, revision, f.tick()
		return f.EditMessage(ctx, m, nil, bob.ID, text, nil, nil, f.event(m, "{}"))
	}
	f.stored(edit("second", 2))
	m.Embeds = nil
	f.stored(edit("third", 3))
	same(f, "message", f.message(m.ID).Content, "third")
	f.unchanged(edit("lost", 3))
	f.unchanged(edit("lost", 5))
	got := f.message(m.ID)
	if got.Content != "third" || got.Revision != 3 || len(got.Embeds) != 0 || got.EditedAt.IsZero() || got.Origin != first.Origin {
		t.Errorf("after the edits: %+v", got)
	}
	revisions, err := f.Revisions(ctx, m.ID, 0, 10)
	f.noError(err)
	if len(revisions) != 2 || revisions[0].Content != first.Content || revisions[0].Number != 1 ||
		revisions[1].Content != "second" || revisions[1].Number != 2 || revisions[1].EditedBy != bob.ID {
		t.Errorf("revisions: %+v", revisions)
	}
	page, err := f.Revisions(ctx, m.ID, 0, 1)
	f.noError(err)
	same(f, "the first page", page, revisions[:1])
	page, err = f.Revisions(ctx, m.ID, 1, 10)
	f.noError(err)
	same(f, "the next page", page, revisions[1:])
	var embeds []hub.Embed
	f.noError(json.Unmarshal(revisions[0].Embeds, &embeds))
	same(f, "embeds of the first revision", embeds, first.Embeds)

	m.ID = hub.MessageID(f.ids.New())
	_, err = edit("x", 2)
	f.code(err, hub.NotFound)
}

func testDelete(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	m := f.post(f.full(c, ann))
	f.stored(f.AddReaction(ctx, m.ID, ann.ID, "👍", f.tick()))
	f.stored(f.SetPinned(ctx, m.ID, true))
	at := f.tick()
	told, again := f.event(m, "{}"), f.event(m, "{}")
	f.stored(f.DeleteMessage(ctx, m.ID, nil, at, nil, nil, nil, told))
	f.unchanged(f.DeleteMessage(ctx, m.ID, nil, f.tick(), nil, nil, nil, again))
	if !f.happened(told) || f.happened(again) {
		t.Error("a deletion is told of once")
	}
	got := f.message(m.ID)
	if got.Content != "" || len(got.Embeds)+len(got.Files)+len(got.Reactions) != 0 || !got.IsDeleted || got.IsPinned ||
		!got.DeletedAt.Equal(at) {
		t.Errorf("a deleted message: %+v", got)
	}
	page, err := f.ChannelMessages(ctx, c.ID, "", "", false, 10)
	f.noError(err)
	same(f, "the deleted message in a list", page, []hub.Message{got})
	_, err = f.File(ctx, m.Files[0].ID)
	f.code(err, hub.NotFound)
	if ch, err := f.Channel(ctx, c.ID); err != nil || ch.MessageCount != 0 {
		t.Errorf("%d messages counted, %v", ch.MessageCount, err)
	}
	m.Revision, m.EditedAt = 2, f.tick()
	f.unchanged(f.EditMessage(ctx, m, nil, ann.ID, "x", nil, nil))
	f.unchanged(f.SetPinned(ctx, m.ID, true))
	f.unchanged(f.AddReaction(ctx, m.ID, ann.ID, "👎", f.now))
	_, err = f.DeleteMessage(ctx, hub.MessageID(f.ids.New()), nil, at, nil, nil, nil)
	f.code(err, hub.NotFound)
}

func testScrub(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	post := func() (*hub.Message, *hub.Call, hub.Routing) {
		m := f.full(c, ann)
		call := &hub.Call{
			ID: hub.CallID(f.ids.New()), IncomingID: hub.IncomingID(m.Origin.ID), Verdict: "accepted", Status: 200, MessageID: m.ID,
			Body: []byte("confidential"), BodySize: 12, CreatedAt: f.now,
		}
		event := f.event(m, `{"content":"confidential"}`)
		f.stored(f.PostMessage(ctx, m, 0, "confidential", nil, nil, call, event))
		m.Revision, m.EditedAt = 2, f.tick()
		f.stored(f.EditMessage(ctx, m, nil, ann.ID, "confidential", nil, nil, f.event(m, `{"content":"confidential"}`)))
		return m, call, event
	}
	m, call, event := post()
	kept, keptCall, keptEvent := post()
	told := f.event(m, `{"deleted":true}`)
	f.stored(f.DeleteMessage(ctx, m.ID, nil, f.tick(), blank, nil, nil, told))

	events, err := f.EventsAfter(ctx, 0, 100)
	f.noError(err)
	for _, e := range events {
		want := `{"content":"confidential"}`
		switch {
		case e.ID == told.Event.ID:
			want = `{"deleted":true}`
		case e.OrderKey == event.Event.OrderKey:
			want = `{"scrubbed":true}`
		}
		if string(e.Data) != want {
			t.Errorf("event %s of %s: %s, want %s", e.Type, e.OrderKey, e.Data, want)
		}
	}
	if e, err := f.Event(ctx, keptEvent.Event.ID); err != nil || string(e.Data) != `{"content":"confidential"}` {
		t.Errorf("another message's event was scrubbed: %v", err)
	}
	got, err := f.Call(ctx, call.ID)
	if err != nil || len(got.Body) != 0 {
		t.Errorf("the call still has its body: %q, %v", got.Body, err)
	}
	if got, err = f.Call(ctx, keptCall.ID); err != nil || string(got.Body) != "confidential" {
		t.Errorf("another message's call was scrubbed: %v", err)
	}
	if revisions, err := f.Revisions(ctx, m.ID, 0, 10); err != nil || len(revisions) != 0 {
		t.Errorf("revisions are left: %v, %v", revisions, err)
	}
	found, err := f.Search(ctx, []string{"confidential"}, true, "", true, nil, "", 10)
	f.noError(err)
	same(f, "what search finds", messageIDs(found), []hub.MessageID{kept.ID})
}

func testPins(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	a, b := f.post(f.draft(c, ann, "a")), f.post(f.draft(c, ann, "b"))
	told, again := f.event(a, "{}"), f.event(a, "{}")
	f.stored(f.SetPinned(ctx, a.ID, true, told))
	f.unchanged(f.SetPinned(ctx, a.ID, true, again))
	f.unchanged(f.SetPinned(ctx, b.ID, false))
	if !f.happened(told) || f.happened(again) {
		t.Error("a pin is told of once")
	}
	pinned := func(before hub.MessageID) []hub.MessageID {
		t.Helper()
		page, err := f.PinnedMessages(ctx, c.ID, before, 10)
		f.noError(err)
		return messageIDs(page)
	}
	same(f, "pinned", pinned(""), []hub.MessageID{a.ID})
	f.stored(f.SetPinned(ctx, b.ID, true))
	same(f, "pinned", pinned(""), []hub.MessageID{b.ID, a.ID})
	same(f, "pinned, next page", pinned(b.ID), []hub.MessageID{a.ID})
	f.stored(f.SetPinned(ctx, a.ID, false))
	if f.message(a.ID).IsPinned || !f.message(b.ID).IsPinned {
		t.Error("pins do not show on the messages")
	}
	_, err := f.SetPinned(ctx, hub.MessageID(f.ids.New()), true)
	f.code(err, hub.NotFound)

	archived := *c
	archived.IsArchived, archived.UpdatedAt = true, f.tick()
	f.stored(f.UpdateChannel(ctx, c, &archived))
	_, err = f.SetPinned(ctx, a.ID, true)
	f.code(err, hub.Conflict)
}
