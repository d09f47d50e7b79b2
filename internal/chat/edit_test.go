package chat

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

func TestEdit(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	m := must(w.Post(ctx, Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "first", Embeds: []hub.Embed{{Title: "card"}},
	}))(t)
	w.router.types()
	by := Cause{By: w.bob.ID, Trace: "trace2"}
	w.clock.advance(1e9)

	for name, e := range map[string]Edit{
		"nothing": {}, "the same text": {Content: ptr("first")}, "the same embeds": {Embeds: &[]hub.Embed{{Title: "card"}}},
	} {
		got := must(w.Edit(ctx, m.ID, e, by))(t)
		same(t, name, got, m)
		wantTypes(t, w.router)
	}

	edited := must(w.Edit(ctx, m.ID, Edit{Content: ptr("second @here")}, by))(t)
	e := w.router.last(t, hub.EventMessageUpdated)
	data := decode[hub.MessageData](t, e.Data)
	if data.Prior.Content != "first" || data.Content != "second @\u200bhere" || data.Message.Revision != 2 ||
		data.Actor.ID != w.bob.ID ||
		data.User.ID != w.ann.ID || data.Message.EditedAt == nil || len(data.Message.Embeds) != 1 ||
		e.OrderKey != "m:"+string(m.ID) || e.FirstOfKey || e.TriggeredBy.Username != "bob" || e.Trace != "trace2" {
		t.Errorf("event %+v: %s", e, e.Data)
	}
	same(t, "as read", must(w.Message(ctx, m.ID))(t), edited)

	edited = must(w.Edit(ctx, m.ID, Edit{Embeds: &[]hub.Embed{}}, Cause{By: w.ann.ID}))(t)
	if edited.Revision != 3 || len(edited.Embeds) != 0 || edited.Content != "second @\u200bhere" {
		t.Errorf("without embeds: %+v", edited)
	}
	if data := decode[hub.MessageData](t, w.router.last(t, hub.EventMessageUpdated).Data); data.Actor != nil {
		t.Errorf("the author's own edit names an actor: %+v", data.Actor)
	}
	revisions := revisionsOf(w, m.ID)
	if len(revisions) != 2 || revisions[0].Content != "first" || revisions[1].Number != 2 || revisions[0].EditedBy != w.bob.ID {
		t.Errorf("revisions: %+v", revisions)
	}

	for name, e := range map[string]Edit{
		"empty": {Content: ptr(" ")}, "too long": {Content: ptr(strings.Repeat("x", 16001))}, "invalid UTF-8": {Content: ptr("\xff")},
	} {
		_, err := w.Edit(ctx, m.ID, e, by)
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.Edit(ctx, hub.MessageID(w.IDs.New()), Edit{Content: ptr("x")}, by)
	wantCode(t, err, hub.NotFound)
	page, more, err := w.Revisions(ctx, m.ID, 0, 1)
	if err != nil || !more || len(page) != 1 || page[0].Number != 1 {
		t.Errorf("the first page of revisions: %+v, %v, %v", page, more, err)
	}
	page, more, err = w.Revisions(ctx, m.ID, 1, 1)
	if err != nil || more || len(page) != 1 || page[0].Number != 2 {
		t.Errorf("the second page of revisions: %+v, %v, %v", page, more, err)
	}
}

// revisionsOf returns all revisions of a message.
func revisionsOf(w *world, id hub.MessageID) []hub.Revision {
	w.t.Helper()
	revisions, more, err := w.Revisions(w.t.Context(), id, 0, maxPage)
	if err != nil || more {
		w.t.Fatal(more, err)
	}
	return revisions
}

func TestEditAfterOthers(t *testing.T) {
	w := open(t)
	m := w.post("first")
	other := &Service{Store: w.db, Router: w.router, IDs: w.IDs, Now: w.Now, Log: w.Log}
	w.Store = &meddler{Store: w.db, before: func() {
		if _, err := other.Edit(t.Context(), m.ID, Edit{Content: ptr("theirs")}, Cause{}); err != nil {
			t.Error(err)
		}
	}}
	got := must(w.Edit(t.Context(), m.ID, Edit{Content: ptr("ours")}, Cause{}))(t)
	if got.Revision != 3 || got.Content != "ours" {
		t.Errorf("%+v", got)
	}
	if data := decode[hub.MessageData](t, w.router.last(t, hub.EventMessageUpdated).Data); data.Prior.Content != "theirs" {
		t.Errorf("the event says it was %q before", data.Prior.Content)
	}
	w.Store = &meddler{Store: w.db, before: func() {
		if err := other.Pin(t.Context(), m.ID, Cause{}); err != nil {
			t.Error(err)
		}
	}}
	if err := w.Pin(t.Context(), m.ID, Cause{}); err != nil {
		t.Error(err)
	}
	wantTypes(t, w.router, hub.EventMessagePinned)
}

func TestChangesInArchivedChannels(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops"}, Cause{}))(t)
	m := must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "x"}))(t)
	must(w.UpdateChannel(ctx, ch.ID, ChannelChange{Archived: ptr(true)}, Cause{}))(t)
	by := Cause{By: w.ann.ID}
	_, err := w.Edit(ctx, m.ID, Edit{Content: ptr("y")}, by)
	wantCode(t, err, hub.Conflict)
	wantCode(t, w.Pin(ctx, m.ID, by), hub.Conflict)
	wantCode(t, w.React(ctx, m.ID, "👍", by), hub.Conflict)
	if err := w.Delete(ctx, m.ID, by); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestDelete(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	root := w.post("root secret")
	m := w.reply(root.ID, "reply secret")
	if err := w.React(ctx, m.ID, "👍", Cause{By: w.ann.ID}); err != nil {
		t.Fatal(err)
	}
	w.router.types()
	by := Cause{By: w.ann.ID}
	if err := w.Delete(ctx, m.ID, by); err != nil {
		t.Fatal(err)
	}
	e := w.router.last(t, hub.EventMessageDeleted)
	if strings.Contains(string(e.Data), "secret") || decode[hub.MessageData](t, e.Data).Actor.ID != w.ann.ID {
		t.Errorf("event: %s", e.Data)
	}
	got := must(w.Message(ctx, m.ID))(t)
	if !got.IsDeleted || got.Content != "" || len(got.Reactions) != 0 || got.Author.ID != w.bob.ID {
		t.Errorf("deleted: %+v", got)
	}
	if err := w.Delete(ctx, m.ID, by); err != nil {
		t.Errorf("the second time: %v", err)
	}
	wantTypes(t, w.router)
	_, err := w.Edit(ctx, m.ID, Edit{Content: ptr("x")}, by)
	wantCode(t, err, hub.NotFound)
	wantCode(t, w.Pin(ctx, m.ID, by), hub.NotFound)
	wantCode(t, w.React(ctx, m.ID, "👍", by), hub.NotFound)
	wantCode(t, w.Delete(ctx, hub.MessageID(w.IDs.New()), by), hub.NotFound)
	if got := must(w.Message(ctx, root.ID))(t).ReplyCount; got != 0 {
		t.Errorf("%d replies counted", got)
	}
	// Without the setting the text stays in the event log.
	if !strings.Contains(w.dump(), "reply secret") {
		t.Error("the event log was scrubbed without being asked")
	}
}

func TestScrub(t *testing.T) {
	w := open(t)
	w.ScrubDeleted = true
	ctx := t.Context()
	w.router.webhook = hub.WebhookID(w.IDs.New())
	file := must(w.save("plan-secret.txt", textReader("a plan"), Cause{By: w.ann.ID}))(t)
	m := must(w.Post(ctx, Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: "secret one", FileIDs: []hub.FileID{file.ID},
		Embeds: []hub.Embed{{Title: "secret card"}}, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: w.IDs.New()},
	}))(t)
	must(w.Edit(ctx, m.ID, Edit{Content: ptr("secret two")}, Cause{By: w.ann.ID}))(t)
	if err := w.React(ctx, m.ID, "👍", Cause{By: w.bob.ID}); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(ctx, m.ID, Cause{By: w.ann.ID}); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(w.dump(), "\n") {
		// The upload is an event of its own, not of the message.
		if strings.Contains(line, "secret") && !strings.Contains(line, hub.EventFileUploaded) {
			t.Errorf("text is left: %s", line)
		}
	}
	if len(w.blobs()) != 0 {
		t.Errorf("files are left: %v", w.blobs())
	}

	// What is still to be delivered is valid, and says what happened to what.
	var kinds []string
	for {
		jobs, _, err := w.db.Claim(ctx, "node", []hub.Quota{{WebhookID: w.router.webhook, Max: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) == 0 {
			break
		}
		j := jobs[0]
		kinds = append(kinds, j.Event.Type)
		if j.Event.Type != hub.EventFileUploaded {
			data := decode[hub.MessageData](t, j.Event.Data)
			if data.MessageID != m.ID || data.Message.ID != m.ID || data.Channel.Name != "general" || data.User.Username != "ann" {
				t.Errorf("%s: %s", j.Event.Type, j.Event.Data)
			}
			scrubbed := decode[struct{ Scrubbed bool }](t, j.Event.Data).Scrubbed
			if scrubbed != (j.Event.Type != hub.EventMessageDeleted) {
				t.Errorf("%s is marked as scrubbed: %v", j.Event.Type, scrubbed)
			}
		}
		w.finish(&j)
	}
	same(t, "delivered", kinds, []string{
		hub.EventFileUploaded, hub.EventMessageCreated, hub.EventMessageUpdated, hub.EventReactionAdded, hub.EventMessageDeleted,
	})
}

func TestScrubData(t *testing.T) {
	edited := noon
	data := must(json.Marshal(hub.MessageData{
		Message: hub.MessageInfo{ID: "m", Content: "secret", Embeds: []hub.Embed{{Title: "secret"}}, EditedAt: &edited, Revision: 2},
		Emoji:   "👍", Prior: &hub.PriorText{Content: "secret"}, Content: "secret", MessageID: "m",
	}))(t)
	got := string(must(scrub(data))(t))
	if strings.Contains(got, "secret") || !strings.Contains(got, `"emoji":"👍"`) || !strings.Contains(got, `"revision":2`) {
		t.Errorf("scrubbed: %s", got)
	}
	if twice := string(must(scrub(json.RawMessage(got)))(t)); twice != got {
		t.Errorf("scrubbed twice: %s", twice)
	}
	if got := string(must(scrub(json.RawMessage(`"secret"`)))(t)); strings.Contains(got, "secret") || !json.Valid([]byte(got)) {
		t.Errorf("data of another shape: %s", got)
	}
}

// finish records a delivery as delivered.
func (w *world) finish(j *hub.Job) {
	w.t.Helper()
	d := &j.Delivery
	_, err := w.db.Record(w.t.Context(), []*hub.Outcome{{
		DeliveryID: d.ID, WebhookID: d.WebhookID, Epoch: d.Epoch, OrderKey: d.OrderKey, Status: hub.DeliverySuccess, Tries: 1,
		Attempt: hub.Attempt{DeliveryID: d.ID, Number: 1, StartedAt: noon, Result: "success", Reason: "200: delivered"},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// dump returns every row of every table, one a line.
func (w *world) dump() string {
	w.t.Helper()
	db := w.rawDB()
	defer db.Close()
	var tables []string
	w.query(db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'nchat_message_search%'`, func(row []any) {
		tables = append(tables, fmt.Sprint(row[0]))
	})
	var b strings.Builder
	for _, table := range tables {
		w.query(db, `SELECT * FROM `+table, func(row []any) { fmt.Fprintf(&b, "%s: %s\n", table, row) })
	}
	return b.String()
}

// rawDB opens the database beside the store.
func (w *world) rawDB() *sql.DB {
	w.t.Helper()
	return must(sql.Open("sqlite", "file:"+filepath.Join(w.dir, "hub.db")+"?_pragma=query_only(1)"))(w.t)
}

func (w *world) query(db *sql.DB, query string, each func([]any)) {
	w.t.Helper()
	rows := must(db.QueryContext(context.Background(), query))(w.t)
	defer rows.Close()
	columns := must(rows.Columns())(w.t)
	for rows.Next() {
		row, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			w.t.Fatal(err)
		}
		each(row)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
}

func TestPinsAndReactions(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	m := w.post("x")
	w.router.types()
	by := Cause{By: w.bob.ID}
	steps := []struct {
		name string
		do   func() error
		want []string
	}{
		{"pin", func() error { return w.Pin(ctx, m.ID, by) }, []string{hub.EventMessagePinned}},
		{"pin again", func() error { return w.Pin(ctx, m.ID, by) }, nil},
		{"unpin", func() error { return w.Unpin(ctx, m.ID, by) }, []string{hub.EventMessageUnpinned}},
		{"unpin again", func() error { return w.Unpin(ctx, m.ID, by) }, nil},
		{"react", func() error { return w.React(ctx, m.ID, "👍", by) }, []string{hub.EventReactionAdded}},
		{"react again", func() error { return w.React(ctx, m.ID, "👍", by) }, nil},
		{"take off", func() error { return w.Unreact(ctx, m.ID, "👍", by) }, []string{hub.EventReactionRemoved}},
		{"take off again", func() error { return w.Unreact(ctx, m.ID, "👍", by) }, nil},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		if got := w.router.types(); !slices.Equal(got, s.want) {
			t.Errorf("%s: events %q, want %q", s.name, got, s.want)
		}
	}
	if err := w.React(ctx, m.ID, ":party_parrot:", by); err != nil {
		t.Fatal(err)
	}
	e := w.router.last(t, hub.EventReactionAdded)
	data := decode[hub.MessageData](t, e.Data)
	if data.Emoji != ":party_parrot:" || data.Actor.ID != w.bob.ID || data.User.ID != w.ann.ID || e.TriggeredBy.UserID != w.bob.ID ||
		e.OrderKey != "m:"+string(m.ID) {
		t.Errorf("event %+v: %s", e, e.Data)
	}
	for _, emoji := range []string{"", strings.Repeat("x", 51), "a b", "a\n", "\xff", "\x00"} {
		wantCode(t, w.React(ctx, m.ID, emoji, by), hub.Invalid)
	}
	wantCode(t, w.React(ctx, m.ID, "👍", Cause{}), hub.Invalid)
	if err := w.React(ctx, m.ID, strings.Repeat("x", 50), by); err != nil {
		t.Errorf("50 bytes: %v", err)
	}
}

// However changes of messages run into each other: what happens to one message
// is numbered, identified and told in the order in which it happened.
func TestOrderOfEvents(t *testing.T) {
	w := open(t)
	w.router.webhook = hub.WebhookID(w.IDs.New())
	rapid.Check(t, func(rt *rapid.T) {
		since := must(w.db.LastEvent(t.Context()))(t)
		messages := []hub.MessageID{w.post("0").ID, w.post("0").ID}
		type step struct {
			message int
			kind    string
			text    string
		}
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				rapid.IntRange(0, 1).Draw(rt, "message"),
				rapid.SampledFrom([]string{"edit", "edit", "edit", "pin", "unpin", "react", "unreact", "delete"}).Draw(rt, "kind"),
				rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "text"),
			}
		}), 1, 40).Draw(rt, "steps")
		var all sync.WaitGroup
		for _, s := range steps {
			all.Go(func() {
				if err := w.do(messages[s.message], s.kind, s.text); err != nil && hub.CodeOf(err) != hub.NotFound {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, id := range messages {
			w.checkHistory(id, since)
		}
	})
}

func (w *world) do(id hub.MessageID, kind, text string) (err error) {
	ctx, by := w.t.Context(), Cause{By: w.bob.ID}
	switch kind {
	case "edit":
		_, err = w.Edit(ctx, id, Edit{Content: &text}, by)
	case "pin":
		err = w.Pin(ctx, id, by)
	case "unpin":
		err = w.Unpin(ctx, id, by)
	case "react":
		err = w.React(ctx, id, text, by)
	case "unreact":
		err = w.Unreact(ctx, id, text, by)
	case "delete":
		err = w.Delete(ctx, id, by)
	}
	return err
}

// checkHistory replays the events of a message, all after event number since,
// and holds them against what became of it.
func (w *world) checkHistory(id hub.MessageID, since int64) {
	w.t.Helper()
	content, revision, pinned, deleted := "0", 1, false, false
	reactions := map[string]bool{}
	last := ""
	var contents []string
	for _, e := range must(w.db.EventsAfter(w.t.Context(), since, 1<<20))(w.t) {
		if e.OrderKey != hub.MessageOrderKey(id) {
			continue
		}
		data := decode[hub.MessageData](w.t, e.Data)
		if string(e.ID) <= last {
			w.t.Errorf("event %d is identified before the one before it", e.Seq)
		}
		last = string(e.ID)
		if deleted {
			w.t.Errorf("%s after the deletion", e.Type)
		}
		switch e.Type {
		case hub.EventMessageUpdated:
			contents = append(contents, content)
			if data.Prior.Content != content || data.Content == content || data.Message.Revision != revision+1 {
				w.t.Errorf("edit of %q at revision %d: from %q to %q, revision %d",
					content, revision, data.Prior.Content, data.Content, data.Message.Revision)
			}
			content, revision = data.Content, data.Message.Revision
		case hub.EventMessagePinned, hub.EventMessageUnpinned:
			if now := e.Type == hub.EventMessagePinned; now == pinned {
				w.t.Errorf("%s of one that is so already", e.Type)
			} else {
				pinned = now
			}
		case hub.EventReactionAdded, hub.EventReactionRemoved:
			if now := e.Type == hub.EventReactionAdded; now == reactions[data.Emoji] {
				w.t.Errorf("%s of one that is so already", e.Type)
			} else {
				reactions[data.Emoji] = now
			}
		case hub.EventMessageDeleted:
			deleted, content, pinned = true, "", false
		}
		if e.Type != hub.EventMessageDeleted && (data.Content != content || data.Message.Revision != revision) {
			w.t.Errorf("%s tells of %q, revision %d; it is %q, %d", e.Type, data.Content, data.Message.Revision, content, revision)
		}
	}
	m := must(w.Message(w.t.Context(), id))(w.t)
	if m.Content != content || m.Revision != revision || m.IsPinned != pinned || m.IsDeleted != deleted {
		w.t.Errorf("the message is %+v; by its events %q, revision %d, pinned %v, deleted %v", m, content, revision, pinned, deleted)
	}
	var kept []string
	for i, r := range revisionsOf(w, id) {
		kept = append(kept, r.Content)
		if r.Number != i+1 {
			w.t.Errorf("revision %d has number %d", i+1, r.Number)
		}
	}
	if !deleted && !slices.Equal(kept, contents) {
		w.t.Errorf("revisions %q, events %q", kept, contents)
	}
}
