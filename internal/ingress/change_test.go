package ingress

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

const foreign = hub.MessageID("0190b3c8-7c4e-7a12-8000-000000000001")

// posted posts a message and returns its id.
func (w *world) posted() hub.MessageID {
	w.t.Helper()
	rec := w.do("POST", token, `{"content":"before"}`)
	var answer struct{ MessageID hub.MessageID }
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || answer.MessageID == "" {
		w.t.Fatalf("answer %s: %v", rec.Body, err)
	}
	return answer.MessageID
}

func TestEdit(t *testing.T) {
	text := func(s string) *string { return &s }
	embeds := func(e ...hub.Embed) *[]hub.Embed { return &e }
	for name, test := range map[string]struct {
		body string
		want chat.Edit
	}{
		"content":         {`{"content":"after"}`, chat.Edit{Content: text("after")}},
		"text":            {`{"text":"<!here> after"}`, chat.Edit{Content: text("@here after")}},
		"plain text":      {`after`, chat.Edit{Content: text("after")}},
		"embeds":          {`{"embeds":[{"title":"t"}]}`, chat.Edit{Embeds: embeds(hub.Embed{Title: "t"})}},
		"without embeds":  {`{"content":"after","embeds":[]}`, chat.Edit{Content: text("after"), Embeds: embeds()}},
		"no more embeds":  {`{"embeds":[]}`, chat.Edit{Embeds: embeds()}},
		"both":            {`{"content":"a","embeds":[{"title":"t"}],"username":"x"}`, chat.Edit{Content: text("a"), Embeds: embeds(hub.Embed{Title: "t"})}},
		"clipped content": {`{"content":"` + strings.Repeat("a", 20_000) + `"}`, chat.Edit{Content: text(clipContent(strings.Repeat("a", 20_000)))}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.posted()
			rec := w.do("PATCH", token+"/messages/"+string(id), test.body, "X-Hub-Hop", "1")
			want := `{"success":true,"message":"Message updated successfully","messageId":"` + string(id) + `","channelId":"channel",`
			if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Body.String(), want) {
				t.Fatalf("answered %d %s", rec.Code, rec.Body)
			}
			normal := func(e chat.Edit) chat.Edit {
				if e.Embeds != nil && len(*e.Embeds) == 0 {
					e.Embeds = embeds()
				}
				return e
			}
			if diff := cmp.Diff(normal(test.want), normal(w.chat.edits[0])); diff != "" {
				t.Errorf("edit (-want +got):\n%s", diff)
			}
			origin := hub.Origin{Kind: hub.OriginIncoming, ID: "hook", Hop: 1}
			if c := w.chat.causes[0]; c.By != "user" || c.Origin != origin || c.Trace == "" {
				t.Errorf("cause %+v", c)
			}
			if calls := w.journal(); len(calls) != 1 || calls[0].Verdict != "edited" || calls[0].MessageID != id || calls[0].Body != nil {
				t.Errorf("logged %+v", calls)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	id := w.posted()
	rec := w.do("DELETE", token+"/messages/"+string(id), "")
	if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Body.String(), `{"success":true,"message":"Message deleted successfully","messageId":"`+string(id)) {
		t.Fatalf("answered %d %s", rec.Code, rec.Body)
	}
	if diff := cmp.Diff([]hub.MessageID{id}, w.chat.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if got := w.verdicts(); got != "deleted" {
		t.Errorf("logged as %s", got)
	}
}

// TestOnlyItsOwnMessages: other messages do not exist for a webhook.
func TestOnlyItsOwnMessages(t *testing.T) {
	w := newWorld(t)
	var answers []string
	for _, m := range []hub.Message{
		{}, // none
		{ID: foreign, Origin: hub.Origin{Kind: hub.OriginHub}},
		{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "other"}},
		{ID: foreign, Origin: hub.Origin{Kind: hub.OriginLink, ID: "hook"}},
	} {
		w.chat.messages = map[hub.MessageID]hub.Message{m.ID: m}
		for _, method := range []string{"PATCH", "DELETE"} {
			rec := w.do(method, token+"/messages/"+string(foreign), `{"content":"x"}`)
			if rec.Code != http.StatusNotFound {
				t.Errorf("%s of %+v answered %d", method, m.Origin, rec.Code)
			}
			answers = append(answers, rec.Body.String())
		}
	}
	answers = append(answers, w.do("DELETE", token+"/messages/../../etc", "").Body.String())
	for _, a := range answers[:len(answers)-1] {
		if a != answers[0] {
			t.Errorf("answers differ: %s and %s", a, answers[0])
		}
	}
	if len(w.chat.edits)+len(w.chat.deleted) != 0 {
		t.Error("something was changed")
	}
}

func TestChangesAreAdmittedLikePosts(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { signed(h, githubKey); h.RateLimit = 2 })
	path := token + "/messages/" + string(foreign)
	w.chat.messages[foreign] = hub.Message{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
	for _, test := range []struct {
		method, path, body string
		header             []string
		want               int
	}{
		{"PATCH", "nobody/messages/" + string(foreign), githubBody, nil, 404},
		{"PATCH", path, githubBody, []string{"X-Hub-Hop", "6"}, 508},
		{"PATCH", path, githubBody, nil, 401},
		{"PATCH", path, githubBody, []string{"X-Webhook-Signature", githubSignature}, 200},
		{"DELETE", path, githubBody, []string{"X-Webhook-Signature", githubSignature}, 429},
	} {
		rec := w.do(test.method, test.path, test.body, test.header...)
		if rec.Code != test.want || test.want != 200 && rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %v answered %d %s, want %d", test.method, test.header, rec.Code, rec.Body, test.want)
		}
	}
	if len(w.chat.edits) != 1 || len(w.chat.deleted) != 0 {
		t.Errorf("%d edits, %d deleted", len(w.chat.edits), len(w.chat.deleted))
	}
}

func TestEditRefuses(t *testing.T) {
	w := newWorld(t)
	id := w.posted()
	for _, body := range []string{``, `{`, `{"username":"x"}`, `{"content":{}}`, `{"foo":1}`, `{"content":"\u0000"}`} {
		if rec := w.do("PATCH", token+"/messages/"+string(id), body); rec.Code != http.StatusBadRequest {
			t.Errorf("%q answered %d %s", body, rec.Code, rec.Body)
		}
	}
	w.chat.err, w.store.channel.IsArchived = hub.Errorf(hub.Conflict, "A."), true
	for _, method := range []string{"PATCH", "DELETE"} {
		if rec := w.do(method, token+"/messages/"+string(id), `x`); rec.Code != http.StatusConflict {
			t.Errorf("%s in an archived channel answered %d", method, rec.Code)
		}
	}
}
