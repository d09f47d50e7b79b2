package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func TestMessages(t *testing.T) {
	r := newRig(t)
	list := "/api/channels/" + string(r.defaults.General) + "/messages"
	var m Message
	made := r.call("writer", http.MethodPost, list, map[string]any{
		"content": "**Hello**", "embeds": []any{map[string]any{"title": "Card", "color": "#ff0000"}},
	}).want(http.StatusCreated, &m)
	one := "/api/messages/" + string(m.ID)
	if m.Author.Username != "writer" || m.Revision != 1 || len(m.Embeds) != 1 || made.header.Get("Location") != one {
		t.Errorf("%+v", m)
	}
	var got Message
	r.call("guest", http.MethodGet, one, nil).want(http.StatusOK, &got)
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
	r.call("writer", http.MethodPost, list, map[string]any{"content": " "}).refused(http.StatusBadRequest, hub.Invalid, "content")
	r.call("writer", http.MethodPost, list, map[string]any{"content": "x", "threadId": "0190b3c8-7c4e-7a12-8000-00000000abcd"}).
		refused(http.StatusNotFound, hub.NotFound)

	r.call("writer", http.MethodPatch, one, `{"content": "edited", "embeds": null}`).want(http.StatusOK, &got)
	if got.Content != "edited" || got.Revision != 2 || got.EditedAt.IsZero() || len(got.Embeds) != 0 {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPatch, one, `{"content": "by another"}`).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodPatch, one, `{"content": null}`).refused(http.StatusBadRequest, hub.Invalid, "content")

	emoji := one + "/reactions/" + url.PathEscape("👍")
	r.call("writer", http.MethodPut, emoji, nil).want(http.StatusNoContent, nil)
	r.call("owner", http.MethodPut, emoji, nil).want(http.StatusNoContent, nil)
	r.call("owner", http.MethodPut, emoji, nil).want(http.StatusNoContent, nil)
	r.call("reader", http.MethodGet, one, nil).want(http.StatusOK, &got)
	if len(got.Reactions) != 1 || got.Reactions[0].Emoji != "👍" || got.Reactions[0].Count != 2 {
		t.Errorf("%+v", got.Reactions)
	}
	r.call("writer", http.MethodDelete, emoji, nil).want(http.StatusNoContent, nil)
	r.call("writer", http.MethodDelete, emoji, nil).want(http.StatusNoContent, nil)
	for action, times := range map[string]int{"reaction.add": 2, "reaction.remove": 1} { // what changed nothing is no change
		if n := len(r.everything("owner", "/api/audit-log?action="+action, "500")); n != times {
			t.Errorf("%d times %s", n, action)
		}
	}
	r.call("writer", http.MethodPut, one+"/reactions/"+url.PathEscape("two words"), nil).refused(http.StatusBadRequest, hub.Invalid, "emoji")

	r.call("writer", http.MethodPut, one+"/pin", nil).want(http.StatusNoContent, nil)
	if got := r.everything("reader", list+"?pinned=true", "5"); !slices.Equal(got, []string{string(m.ID)}) {
		t.Errorf("pinned %v", got)
	}
	r.call("writer", http.MethodDelete, one+"/pin", nil).want(http.StatusNoContent, nil)

	r.call("reader", http.MethodDelete, one, nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("writer", http.MethodDelete, one, nil).want(http.StatusNoContent, nil)
	r.call("reader", http.MethodGet, one, nil).want(http.StatusOK, &got)
	if !got.IsDeleted || got.Content != "" {
		t.Errorf("%+v", got)
	}
	// Who manages the channel may delete what others wrote.
	r.call("admin", http.MethodDelete, "/api/messages/"+string(r.post("writer", r.defaults.General, "rude").ID), nil).want(http.StatusNoContent, nil)
}

func TestMessagePaging(t *testing.T) {
	r := newRig(t)
	list := "/api/channels/" + string(r.defaults.General) + "/messages"
	var want []string
	for i := range 8 {
		want = append(want, string(r.post("writer", r.defaults.General, "message "+strconv.Itoa(i)).ID))
	}
	newest := slices.Clone(want)
	slices.Reverse(newest)
	for _, limit := range []string{"1", "3", "8"} {
		if diff := cmp.Diff(newest, r.everything("reader", list, limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
	if diff := cmp.Diff(newest[5:], r.everything("reader", list+"?before="+want[3], "2")); diff != "" {
		t.Errorf("before: %s", diff)
	}
	// After goes on upwards; within a page the newest is first.
	got := r.everything("reader", list+"?after="+want[2], "2")
	if diff := cmp.Diff([]string{want[4], want[3], want[6], want[5], want[7]}, got); diff != "" {
		t.Errorf("after: %s", diff)
	}
	r.call("reader", http.MethodGet, list+"?after="+want[0]+"&before="+want[1], nil).refused(http.StatusBadRequest, hub.Invalid, "after")
	r.call("reader", http.MethodGet, list+"?after="+want[0]+"&cursor="+encodeCursor(olderKind, want[1]), nil).
		refused(http.StatusBadRequest, hub.Invalid, "cursor")
}

func TestThreads(t *testing.T) {
	r := newRig(t)
	root := r.post("writer", r.defaults.General, "root")
	list := "/api/channels/" + string(r.defaults.General) + "/messages"
	var want []string
	for i := range 3 {
		var m Message
		r.call("admin", http.MethodPost, list, map[string]any{"content": "reply " + strconv.Itoa(i), "threadId": root.ID}).want(http.StatusCreated, &m)
		want = append([]string{string(m.ID)}, want...)
	}
	var got Thread
	r.call("reader", http.MethodGet, "/api/messages/"+want[1]+"/thread?limit=2", nil).want(http.StatusOK, &got)
	if got.Root.ID != root.ID || got.Root.ReplyCount != 3 || len(got.Items) != 2 || string(got.Items[0].ID) != want[0] || got.NextCursor == "" {
		t.Errorf("%+v", got)
	}
	r.call("reader", http.MethodGet, "/api/messages/"+string(root.ID)+"/thread?limit=2&cursor="+got.NextCursor, nil).want(http.StatusOK, &got)
	if diff := cmp.Diff(want, r.everything("reader", list+"?thread="+string(root.ID), "1")); diff != "" {
		t.Error(diff)
	}
}

// TestRevisions: what a message said is for all who may read it.
func TestRevisions(t *testing.T) {
	r := newRig(t)
	m := r.post("writer", r.defaults.General, "text 1")
	path := "/api/messages/" + string(m.ID)
	revisions := path + "/revisions"
	var p page[Revision]
	r.call("guest", http.MethodGet, revisions, nil).want(http.StatusOK, &p)
	if p.Items == nil || len(p.Items) != 0 || p.NextCursor != "" {
		t.Errorf("before any edit: %+v", p)
	}
	r.call("writer", http.MethodPatch, path, `{"embeds": [{"title": "card"}]}`).want(http.StatusOK, nil)
	for i := range 3 {
		r.call("writer", http.MethodPatch, path, map[string]any{"content": "text " + strconv.Itoa(i+2), "embeds": nil}).want(http.StatusOK, nil)
	}
	var got []Revision
	for cursor := ""; ; {
		r.call("guest", http.MethodGet, revisions+"?limit=3&cursor="+cursor, nil).want(http.StatusOK, &p)
		got = append(got, p.Items...)
		if cursor = p.NextCursor; cursor == "" {
			break
		}
	}
	for i, want := range []string{"text 1", "text 1", "text 2", "text 3"} {
		if len(got) != 4 || got[i].Content != want || got[i].Number != i+1 || got[i].EditedBy != r.users["writer"].ID || got[i].CreatedAt.IsZero() ||
			got[i].Embeds == nil || (len(got[i].Embeds) == 1) != (i == 1) {
			t.Fatalf("revision %d: %+v", i+1, got)
		}
	}
	r.call("guest", http.MethodGet, revisions+"?cursor="+encodeCursor("revision", "x"), nil).refused(http.StatusBadRequest, hub.Invalid, "cursor")
	r.call("", http.MethodGet, revisions, nil).refused(http.StatusUnauthorized, hub.Unauthorized)
	r.call("writer", http.MethodDelete, path, nil).want(http.StatusNoContent, nil)
	if r.call("owner", http.MethodGet, revisions, nil).want(http.StatusOK, &p); len(p.Items) != 0 {
		t.Errorf("of a deleted message: %+v", p)
	}
}

// TestEditsAreAudited: who changed what a message says is on record, without the
// texts.
func TestEditsAreAudited(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(nil)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+made.Token, `{"text": "built"}`).want(http.StatusOK, nil)
	var l struct{ Items []Message }
	r.call("owner", http.MethodGet, "/api/channels/"+string(r.defaults.General)+"/messages", nil).want(http.StatusOK, &l)
	theirs, own := l.Items[0], r.post("admin", r.defaults.General, "mine")
	for _, text := range []string{"edited", "edited"} { // the second changes nothing
		for _, m := range []Message{theirs, own} {
			r.call("admin", http.MethodPatch, "/api/messages/"+string(m.ID), map[string]any{"content": text}).want(http.StatusOK, nil)
		}
	}
	var log struct{ Items []AuditEntry }
	r.call("owner", http.MethodGet, "/api/audit-log?limit=500&action=message.update", nil).want(http.StatusOK, &log)
	if len(log.Items) != 2 {
		t.Fatalf("%+v", log.Items)
	}
	for i, m := range []Message{own, theirs} {
		e := log.Items[i]
		text := string(e.Before) + string(e.After)
		if e.Subject != string(m.ID) || e.ActorID != r.users["admin"].ID || !strings.Contains(string(e.Before), string(m.Author.ID)) ||
			!strings.Contains(string(e.Before), `"revision":1`) || !strings.Contains(string(e.After), `"revision":2`) {
			t.Errorf("%+v", e)
		}
		for _, said := range []string{"built", "mine", "edited"} {
			if strings.Contains(text, said) {
				t.Errorf("the audit log quotes the message: %s", text)
			}
		}
	}
}

func TestPostOnce(t *testing.T) {
	r := newRig(t)
	list := "/api/channels/" + string(r.defaults.General) + "/messages"
	var a, b Message
	first := r.call("writer", http.MethodPost, list, `{"content": "once"}`, "Idempotency-Key: p")
	first.want(http.StatusCreated, &a)
	again := r.call("writer", http.MethodPost, list, `{"content": "once"}`, "Idempotency-Key: p")
	again.want(http.StatusCreated, &b)
	if a.ID != b.ID {
		t.Errorf("%s, then %s", a.ID, b.ID)
	}
	if said, repeated := first.header.Get(repeatedHeader), again.header.Get(repeatedHeader); said != "" || repeated != "true" {
		t.Errorf("%s: %q, then %q", repeatedHeader, said, repeated)
	}
	r.call("writer", http.MethodPost, list, `{"content": "twice"}`, "Idempotency-Key: p").refused(http.StatusConflict, hub.Conflict)
	if n := len(r.everything("reader", list, "10")); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestSearch(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 5 {
		want = append([]string{string(r.post("writer", r.defaults.General, "The Café number "+strconv.Itoa(i)).ID)}, want...)
	}
	ids := func(limit string) (ids []string) {
		cursor := ""
		for {
			var p page[Hit]
			r.call("guest", http.MethodGet, "/api/search?q=cafe+numb&limit="+limit+"&cursor="+cursor, nil).want(http.StatusOK, &p)
			for _, h := range p.Items {
				ids = append(ids, string(h.Message.ID))
				if len(h.Marks) != 2 || h.Snippet[h.Marks[0].Start:h.Marks[0].End] != "Café" {
					t.Errorf("%+v", h)
				}
			}
			if cursor = p.NextCursor; cursor == "" {
				return ids
			}
		}
	}
	for _, limit := range []string{"2", "5"} {
		if diff := cmp.Diff(want, ids(limit)); diff != "" {
			t.Errorf("limit %s: %s", limit, diff)
		}
	}
	r.call("guest", http.MethodGet, "/api/search?q=%2B%2B", nil).refused(http.StatusBadRequest, hub.Invalid, "q")
	r.call("guest", http.MethodGet, "/api/search", nil).refused(http.StatusBadRequest, hub.Invalid, "q")
}

// TestManyEmbeds: a body with more values than anything takes is refused without any
// of them being made.
func TestManyEmbeds(t *testing.T) {
	r := newRig(t)
	list := "/api/channels/" + string(r.defaults.General) + "/messages"
	var m Message
	r.call("writer", http.MethodPost, list, map[string]any{"content": "x"}).want(http.StatusCreated, &m)
	for name, body := range map[string]string{
		"empty":  `{"content": "x", "embeds": [` + strings.Repeat("{},", 200_000) + `{}]}`,
		"fields": `{"embeds": [{"fields": [` + strings.Repeat(`{"name":"a","value":"b"},`, 100_000) + `{}]}]}`,
		"nested": `{"embeds": [` + strings.Repeat("["+strings.Repeat("[[]],", 100)+"[]],", 1000) + `[]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			allocs := testing.AllocsPerRun(1, func() {
				r.call("writer", http.MethodPost, list, body).refused(http.StatusBadRequest, hub.Invalid, "embeds")
				r.call("writer", http.MethodPatch, "/api/messages/"+string(m.ID), body).refused(http.StatusBadRequest, hub.Invalid, "embeds")
			})
			if allocs > 50_000 {
				t.Errorf("two refusals take %.0f allocations", allocs)
			}
		})
	}
}

// TestManyValues: values are counted, and what only looks like some in a text is not.
func TestManyValues(t *testing.T) {
	for body, want := range map[string]string{
		`{"a": [1, 2, 3], "b": 4}`:              "",
		`{"a": "x", "b": {"c": [1,2,3,4,5]}}`:   "b",
		`{"a\u0062":[{},{},{},{},{}]}`:          "ab",
		`[1,2,3,4,5,6,7,8]`:                     "",
		`{"a": "[[[[[[,,,,,,{{{{{{", "b": 1}`:   "",
		`{"a": "\"[[[[,,,,,,{{{{{{\\", "b": 1}`: "",
	} {
		field, many := manyValues([]byte(body), 7)
		if field != want || many != (want != "" || body[0] == '[') {
			t.Errorf("%s: %q %v", body, field, many)
		}
	}
}
