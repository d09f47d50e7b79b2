package chat

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
)

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestPost(t *testing.T) {
	w := open(t)
	origin := hub.Origin{Kind: hub.OriginIncoming, ID: w.IDs.New(), Hop: 1}
	m := must(w.Post(t.Context(), Post{
		ChannelID: w.d.General,
		Author:    hub.Author{ID: w.hook.ID, Username: "CI", AvatarURL: "https://example.org/ci.png"},
		Content:   "Build **passed**", Type: hub.MessageBot, Origin: origin, Trace: "trace1",
		Embeds: []hub.Embed{{Title: "Build", URL: "https://example.org/1", Color: "#00ff00"}},
	}))(t)
	same(t, "the message as read", must(w.Message(t.Context(), m.ID))(t), m)
	wantAuthor := hub.Author{
		ID: w.hook.ID, Kind: hub.UserWebhook, Username: "CI", DisplayName: "CI",
		AvatarURL: "https://example.org/ci.png",
	}
	same(t, "author", m.Author, wantAuthor)

	e := w.router.last(t, hub.EventMessageCreated)
	stored := must(w.db.Event(t.Context(), e.ID))(t)
	by := hub.TriggeredBy{UserID: w.hook.ID, Username: "CI"}
	if stored.OrderKey != "m:"+string(m.ID) || !e.FirstOfKey || stored.ChannelPrivate || stored.ChannelID != w.d.General ||
		stored.Trace != "trace1" || stored.Origin != origin || *stored.TriggeredBy != by ||
		!stored.Time.Equal(noon) {
		t.Errorf("event: %+v, triggered by %+v", stored, stored.TriggeredBy)
	}
	var data any
	if err := json.Unmarshal(stored.Data, &data); err != nil {
		t.Fatal(err)
	}
	user := map[string]any{
		"id": string(w.hook.ID), "username": "CI", "displayName": "CI", "kind": "webhook", "avatarUrl": "https://example.org/ci.png",
	}
	same(t, "data", data, any(map[string]any{
		"message": map[string]any{
			"id": string(m.ID), "channelId": string(w.d.General), "userId": string(w.hook.ID), "content": "Build **passed**", "type": "bot",
			"embeds":    []any{map[string]any{"title": "Build", "url": "https://example.org/1", "color": "#00ff00"}},
			"createdAt": "2026-02-01T12:00:00Z", "revision": 1.0,
		},
		"channel": map[string]any{
			"id": string(w.d.General), "name": "general", "type": "public", "description": "For everything and everybody",
		},
		"user": user, "messageId": string(m.ID), "channelId": string(w.d.General), "content": "Build **passed**",
		"author": map[string]any{"id": string(w.hook.ID), "username": "CI"},
	}))
}

func TestPostChecksContent(t *testing.T) {
	w := open(t)
	post := func(p Post) (hub.Message, error) {
		p.ChannelID, p.Author = w.d.General, hub.Author{ID: w.ann.ID}
		return w.Post(t.Context(), p)
	}
	for name, p := range map[string]Post{
		"empty":           {},
		"white space":     {Content: " \n\t "},
		"too long":        {Content: strings.Repeat("ä", 16001)},
		"invalid UTF-8":   {Content: "a\xff"},
		"empty embed":     {Embeds: []hub.Embed{{Color: "#ffffff", URL: "javascript:alert(1)"}}},
		"too many embeds": {Embeds: make([]hub.Embed, 51), Content: "x"},
		"large embeds":    {Embeds: []hub.Embed{{Title: strings.Repeat("x", 64<<10)}}, Content: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := post(p)
			wantCode(t, err, hub.Invalid)
			if e, ok := errors.AsType[*hub.Error](err); ok && len(e.Fields) != 1 {
				t.Errorf("fields %v, want one", e.Fields)
			}
		})
	}
	if m := must(post(Post{Content: strings.Repeat("ä", 16000)}))(t); len(m.Content) != 32000 {
		t.Errorf("a message of the full length has %d bytes", len(m.Content))
	}
	if m := must(post(Post{Content: "a\x00b"}))(t); m.Content != "a\uFFFDb" {
		t.Errorf("NUL became %q", m.Content)
	}
	m := must(post(Post{Embeds: []hub.Embed{{
		Title: "t\xff", URL: "javascript:alert(1)", ImageURL: "//example.org/x", ThumbURL: "https://example.org/t.png", Color: "red",
		AuthorURL: "javascript:alert(1)", AuthorIcon: "data:image/png,", FooterIcon: "//example.org/x",
		Fields: []hub.EmbedField{{}, {Name: "n", Value: "v"}},
	}}}))(t)
	same(t, "embeds", m.Embeds, []hub.Embed{{
		Title: "t\uFFFD", ThumbURL: "https://example.org/t.png", Fields: []hub.EmbedField{{Name: "n", Value: "v"}},
	}})
}

func TestPostIntoMissingChannels(t *testing.T) {
	w := open(t)
	author := hub.Author{ID: w.ann.ID}
	ch := must(w.CreateChannel(t.Context(), NewChannel{Name: "ops"}, Cause{By: w.ann.ID}))(t)
	post := func(id hub.ChannelID) error {
		_, err := w.Post(t.Context(), Post{ChannelID: id, Author: author, Content: "x"})
		return err
	}
	wantCode(t, post(hub.ChannelID(w.IDs.New())), hub.NotFound)
	_, err := w.Post(t.Context(), Post{ChannelID: ch.ID, Author: hub.Author{ID: hub.UserID(w.IDs.New())}, Content: "x"})
	wantCode(t, err, hub.NotFound)
	if err := post(ch.ID); err != nil {
		t.Fatal(err)
	}
	// Somebody else's changes, which this process has not heard of.
	now := must(w.db.Channel(t.Context(), ch.ID))(t)
	next := now
	next.IsArchived, next.UpdatedAt = true, after(now.UpdatedAt, noon)
	if ok, err := w.db.UpdateChannel(t.Context(), &now, &next); !ok || err != nil {
		t.Fatal(ok, err)
	}
	wantCode(t, post(ch.ID), hub.Conflict)
	must(w.UpdateChannel(t.Context(), ch.ID, ChannelChange{Archived: ptr(false)}, Cause{}))(t)
	if err := post(ch.ID); err != nil {
		t.Errorf("after it was taken back: %v", err)
	}
	must(w.UpdateChannel(t.Context(), ch.ID, ChannelChange{Archived: ptr(true)}, Cause{}))(t)
	wantCode(t, post(ch.ID), hub.Conflict)
	must(w.UpdateChannel(t.Context(), ch.ID, ChannelChange{Archived: ptr(false)}, Cause{}))(t)
	if err := w.db.DeleteChannel(t.Context(), ch.ID, nil); err != nil {
		t.Fatal(err)
	}
	wantCode(t, post(ch.ID), hub.NotFound)
}

func TestAuthorLook(t *testing.T) {
	w := open(t)
	post := func(a hub.Author) hub.Author {
		t.Helper()
		m := must(w.Post(t.Context(), Post{ChannelID: w.d.General, Author: a, Content: "x"}))(t)
		same(t, "author as read", must(w.Message(t.Context(), m.ID))(t).Author, m.Author)
		return m.Author
	}
	ann := hub.Author{ID: w.ann.ID, Kind: hub.UserHuman, Username: "ann", DisplayName: "Ann Other"}
	same(t, "a person", post(hub.Author{ID: w.ann.ID, Username: "boss", DisplayName: "The Boss", Kind: hub.UserBot}), ann)
	hook := hub.Author{ID: w.hook.ID, Kind: hub.UserWebhook, Username: "build-server", DisplayName: "Build server"}
	same(t, "a webhook", post(hub.Author{ID: w.hook.ID}), hook)
	look := hook
	look.Username, look.DisplayName = "gnp.exe", "gnp.exe"
	same(t, "a name that would be reordered, an avatar that is none",
		post(hub.Author{ID: w.hook.ID, Username: "\u202egnp.exe\n", AvatarURL: ":robot:"}), look)
	look = hook
	look.DisplayName = strings.Repeat("x", 100)
	same(t, "a long name", post(hub.Author{ID: w.hook.ID, DisplayName: strings.Repeat("x", 300)}), look)
	must(w.UpdateUser(t.Context(), w.ann.ID, UserChange{DisplayName: ptr("Ann Again")}, Cause{}))(t)
	ann.DisplayName = "Ann Again"
	same(t, "a person after a change of name", post(hub.Author{ID: w.ann.ID}), ann)
}

func TestMassMentions(t *testing.T) {
	for text, want := range map[string]string{
		"@channel hi":             "@\u200bchannel hi",
		"hi @HERE.":               "hi @\u200bHERE.",
		"@everyone":               "@\u200beveryone",
		"(@all)@all":              "(@\u200ball)@\u200ball",
		"me@all.example":          "me@all.example",
		"@allison @hereabouts":    "@allison @hereabouts",
		"@here_not @all1 @channé": "@here_not @all1 @channé",
		"@@here @":                "@@\u200bhere @",
		"no mention":              "no mention",
	} {
		if got := defuse(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		if again := defuse(want); again != want {
			t.Errorf("%q became %q the second time", want, again)
		}
	}
	w := open(t)
	p := Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Content: "@here",
		Embeds: []hub.Embed{{Title: "@here", Description: "@here", Fields: []hub.EmbedField{{Name: "@here", Value: "@here"}}}},
	}
	m := must(w.Post(t.Context(), p))(t)
	if b := must(json.Marshal(m))(t); strings.Contains(string(b), `@here`) {
		t.Errorf("a mention of everybody is left: %s", b)
	}
	p.AllowMentions = true
	m = must(w.Post(t.Context(), p))(t)
	if m.Content != "@here" || m.Embeds[0].Title != "@here" {
		t.Errorf("an allowed mention was changed: %+v", m)
	}
}

func TestPostFiles(t *testing.T) {
	w := open(t)
	save := func(by hub.UserID, text string) hub.Attachment {
		t.Helper()
		return must(w.save("a.txt", strings.NewReader(text), Cause{By: by}))(t)
	}
	one, two, theirs := save(w.ann.ID, "one"), save(w.ann.ID, "two"), save(w.bob.ID, "three")
	w.router.types()
	post := func(remote []hub.Attachment, ids ...hub.FileID) (hub.Message, error) {
		return w.Post(t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, FileIDs: ids, Remote: remote})
	}
	for name, ids := range map[string][]hub.FileID{
		"another's": {theirs.ID}, "unknown": {hub.FileID(w.IDs.New())}, "twice": {one.ID, one.ID},
	} {
		_, err := post(nil, ids...)
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := post([]hub.Attachment{{URL: "ftp://example.org/x"}})
	wantCode(t, err, hub.Invalid)
	_, err = post(make([]hub.Attachment, 21))
	wantCode(t, err, hub.Invalid)

	m := must(post([]hub.Attachment{{URL: "https://example.org/dir/photo.png?x=/y", Size: -5}}, two.ID, one.ID))(t)
	if len(m.Files) != 3 || m.Files[0].ID != two.ID || m.Files[1].ID != one.ID {
		t.Fatalf("files: %+v", m.Files)
	}
	remote := m.Files[2]
	if remote.Filename != "photo.png" || remote.MimeType != "application/octet-stream" || remote.Size != 0 || remote.Hash != "" {
		t.Errorf("the remote file: %+v", remote)
	}
	same(t, "as read", len(must(w.Message(t.Context(), m.ID))(t).Files), 3)
	data := decode[hub.MessageData](t, w.router.last(t, hub.EventMessageCreated).Data)
	if len(data.Message.Attachments) != 3 || data.Message.Attachments[2].URL != remote.URL || data.Message.Attachments[0].Size != 3 {
		t.Errorf("attachments of the event: %+v", data.Message.Attachments)
	}
	_, err = post(nil, one.ID)
	wantCode(t, err, hub.Invalid)
	_, err = w.Open(t.Context(), remote.ID)
	wantCode(t, err, hub.Conflict)
}

func TestPostOnce(t *testing.T) {
	w := open(t)
	post := func(hash string) (hub.Message, error) {
		return w.Post(t.Context(), Post{
			ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "x",
			Once: &hub.Idempotency{TokenID: "token", Key: "key", RequestHash: hash},
		})
	}
	var all sync.WaitGroup
	ids := make([]hub.MessageID, 16)
	for i := range ids {
		all.Go(func() {
			m, err := post("h1")
			if err != nil {
				t.Error(err)
			}
			ids[i] = m.ID
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("repetitions returned %s and %s", ids[0], id)
		}
	}
	page, _, err := w.Messages(t.Context(), MessageQuery{ChannelID: w.d.General})
	if err != nil || len(page) != 1 {
		t.Errorf("%d messages, %v", len(page), err)
	}
	wantTypes(t, w.router, hub.EventMessageCreated)
	_, err = post("h2")
	wantCode(t, err, hub.Conflict)

	// The answer stays the same whatever became of the channel.
	ch := must(w.CreateChannel(t.Context(), NewChannel{Name: "ops"}, Cause{}))(t)
	p := Post{
		ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "y", Once: &hub.Idempotency{
			TokenID: "token", Key: "key2",
			RequestHash: "h",
		},
	}
	first := must(w.Post(t.Context(), p))(t)
	must(w.UpdateChannel(t.Context(), ch.ID, ChannelChange{Archived: ptr(true)}, Cause{}))(t)
	if again := must(w.Post(t.Context(), p))(t); again.ID != first.ID {
		t.Errorf("a repetition returned %s, want %s", again.ID, first.ID)
	}
}

func TestPostLogsItsCall(t *testing.T) {
	w := open(t)
	call := &hub.Call{
		ID: hub.CallID(w.IDs.New()), IncomingID: hub.IncomingID(w.IDs.New()), Verdict: "accepted", Status: 200,
		CreatedAt: noon,
	}
	m := must(w.Post(t.Context(), Post{ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Content: "x", Call: call}))(t)
	if got := must(w.db.Call(t.Context(), call.ID))(t); got.MessageID != m.ID || call.MessageID != m.ID {
		t.Errorf("the call names message %q, its caller was told %q, want %q", got.MessageID, call.MessageID, m.ID)
	}
}

func TestReplies(t *testing.T) {
	w := open(t)
	root := w.post("root")
	w.router.types()
	first := w.reply(root.ID, "first")
	wantTypes(t, w.router, hub.EventMessageCreated, hub.EventThreadCreated)
	second := w.reply(first.ID, "second")
	e := w.router.last(t, hub.EventThreadUpdated)
	if first.ThreadID != root.ID || second.ThreadID != root.ID {
		t.Errorf("threads %s and %s, want %s", first.ThreadID, second.ThreadID, root.ID)
	}
	data := decode[hub.ThreadData](t, e.Data)
	thread := hub.ThreadInfo{ID: root.ID, ChannelID: w.d.General, MessageCount: 2}
	if e.OrderKey != "c:"+string(w.d.General) || data.Thread != thread ||
		data.User.ID != w.bob.ID || data.Channel.Name != "general" {
		t.Errorf("event %s: %+v", e.OrderKey, data)
	}
	gotRoot, replies, more, err := w.Thread(t.Context(), second.ID, MessageQuery{})
	if err != nil || more || gotRoot.ID != root.ID || gotRoot.ReplyCount != 2 || len(replies) != 2 || replies[0].ID != second.ID {
		t.Errorf("thread: %+v, %+v, %v", gotRoot, replies, err)
	}
	other := must(w.CreateChannel(t.Context(), NewChannel{Name: "ops"}, Cause{}))(t)
	for _, id := range []hub.MessageID{root.ID, hub.MessageID(w.IDs.New())} {
		_, err = w.Post(t.Context(), Post{ChannelID: other.ID, ThreadID: id, Author: hub.Author{ID: w.ann.ID}, Content: "x"})
		wantCode(t, err, hub.NotFound)
	}
	_, _, err = w.Messages(t.Context(), MessageQuery{ChannelID: other.ID, Thread: root.ID})
	wantCode(t, err, hub.NotFound)
}

func TestConcurrentReplies(t *testing.T) {
	w := open(t)
	w.router.webhook = hub.WebhookID(w.IDs.New())
	roots := []hub.MessageID{w.post("a").ID, w.post("b").ID}
	w.router.types()
	single := &single{Store: w.db}
	w.Store = single
	const each = 20
	var all sync.WaitGroup
	for range each {
		for _, root := range roots {
			all.Go(func() { w.reply(root, "x") })
		}
	}
	all.Wait()
	if single.crowded.Load() {
		t.Error("two replies in one channel were stored at a time")
	}
	counts := map[hub.MessageID]int{}
	last := ""
	for _, e := range w.events() {
		if e.Type != hub.EventThreadCreated && e.Type != hub.EventThreadUpdated {
			continue
		}
		thread := decode[hub.ThreadData](t, e.Data).Thread
		counts[thread.ID]++
		if thread.MessageCount != counts[thread.ID] || (thread.MessageCount == 1) != (e.Type == hub.EventThreadCreated) {
			t.Errorf("%s number %d tells of %d replies", e.Type, counts[thread.ID], thread.MessageCount)
		}
		if string(e.ID) < last {
			t.Error("the events of a channel are not identified in their order")
		}
		last = string(e.ID)
	}
	for _, root := range roots {
		if m := must(w.Message(t.Context(), root))(t); m.ReplyCount != each || counts[root] != each {
			t.Errorf("%d replies, %d events, want %d", m.ReplyCount, counts[root], each)
		}
	}
}

// single is a Store that notes when two messages are stored at a time.
type single struct {
	Store
	inside  atomic.Int32
	crowded atomic.Bool
}

func (s *single) PostMessage(ctx context.Context, msg *hub.Message, replies int, text string, keys []hub.MessageKey, once *hub.Idempotency, call *hub.Call,
	routings ...hub.Routing,
) (bool, error) {
	if s.inside.Add(1) > 1 {
		s.crowded.Store(true)
	}
	defer s.inside.Add(-1)
	return s.Store.PostMessage(ctx, msg, replies, text, keys, once, call, routings...)
}

// A reply whose thread another process changed is begun afresh.
func TestReplyAfterOthers(t *testing.T) {
	w := open(t)
	root := w.post("root")
	other := &Service{Store: w.db, Router: w.router, Blobs: w.Blobs, IDs: w.IDs, Now: w.Now, Log: w.Log}
	w.Store = &meddler{Store: w.db, before: func() {
		_, err := other.Post(t.Context(), Post{
			ChannelID: w.d.General, ThreadID: root.ID, Author: hub.Author{ID: w.ann.ID},
			Content: "theirs",
		})
		if err != nil {
			t.Error(err)
		}
	}}
	w.reply(root.ID, "ours")
	var kinds []string
	for _, e := range w.events() {
		kinds = append(kinds, e.Type)
	}
	same(t, "events", kinds[len(kinds)-4:], []string{
		hub.EventMessageCreated, hub.EventThreadCreated, hub.EventMessageCreated, hub.EventThreadUpdated,
	})
	if got := must(w.Message(t.Context(), root.ID))(t).ReplyCount; got != 2 {
		t.Errorf("%d replies", got)
	}
}
