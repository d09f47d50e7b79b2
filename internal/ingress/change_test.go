package ingress

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
		"clipped content": {`{"content":"` + strings.Repeat("a", 20_000) + `"}`, chat.Edit{Content: text(clipContent(strings.Repeat("a", 20_000), maxContent))}},
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
				if e.Document != nil {
					cards := embedsOf(&chat.Post{Document: *e.Document})
					e.Embeds, e.Document = &cards, nil
				}
				if e.Embeds != nil && len(*e.Embeds) == 0 {
					e.Embeds = embeds()
				}
				return e
			}
			if diff := cmp.Diff(normal(test.want), normal(w.chat.edits[0])); diff != "" {
				t.Errorf("edit (-want +got):\n%s", diff)
			}
			origin := hub.Origin{Kind: hub.OriginIncoming, ID: "hook", Hop: 1}
			if c := w.chat.causes[0]; c.By != "user" || c.Origin != origin || c.Trace != string(c.Call.ID) || c.Once != nil {
				t.Errorf("cause %+v", c)
			}
			w.logsWithTheChange("edited", id, int64(len(test.body)))
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
	w.logsWithTheChange("deleted", id, 0)
}

// logsWithTheChange checks that the last change was given its call to log, and
// that nobody else logs it.
func (w *world) logsWithTheChange(verdict string, id hub.MessageID, size int64) {
	w.t.Helper()
	want := &hub.Call{
		IncomingID: "hook", Verdict: verdict, Dialect: "nself-chat", RemoteIP: "192.0.2.1", Status: 200, BodySize: size,
		MessageID: id, CreatedAt: noon,
	}
	got := w.chat.causes[len(w.chat.causes)-1].Call
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(hub.Call{}, "ID")); diff != "" {
		w.t.Errorf("the call to log (-want +got):\n%s", diff)
	}
	if waiting := w.journal(); len(waiting) != 0 {
		w.t.Errorf("logged again: %+v", waiting)
	}
	w.in.journal.flush(w.t.Context())
	if u := w.uses(); u.CallCount != 2 || u.RefusedCount != 0 { // it and the post
		w.t.Errorf("counted %+v", u)
	}
}

// TestRepeatedChange: what was carried out before is answered as then.
func TestRepeatedChange(t *testing.T) {
	for method, done := range map[string]string{"PATCH": "updated", "DELETE": "deleted"} {
		w := newWorld(t)
		id := w.posted()
		w.chat.err = &hub.RepeatedError{Result: string(id)}
		rec := w.do(method, token+"/messages/"+string(id), "x")
		want := `{"success":true,"message":"Message ` + done + ` successfully","messageId":"` + string(id) + `","channelId":"channel",`
		if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Body.String(), want) {
			t.Errorf("%s answered %d %s", method, rec.Code, rec.Body)
		}
		if calls := w.journal(); len(calls) != 1 || calls[0].Verdict != "repeated" || calls[0].MessageID != id {
			t.Errorf("%s logged %+v", method, calls)
		}
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
	good := signedHeader("msg 1", githubBody, githubKey, noon)
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
		{"PATCH", path, githubBody, good, 200},
		{"DELETE", path, githubBody, good, 429},
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

// TestChangesNeedASignedID: a signature of the body alone, which of an empty
// one is always the same, changes nothing; and the refusal says what would.
func TestChangesNeedASignedID(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { signed(h, githubKey) })
	w.chat.messages[foreign] = hub.Message{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
	path := token + "/messages/" + string(foreign)
	for _, method := range []string{"PATCH", "DELETE"} {
		for _, scheme := range []string{"X-Webhook-Signature", "X-Hub-Signature-256"} {
			rec := w.do(method, path, githubBody, scheme, githubSignature)
			if rec.Code != http.StatusUnauthorized {
				t.Errorf("%s with %s answered %d", method, scheme, rec.Code)
			}
			for _, word := range []string{"webhook-id", "webhook-timestamp", "webhook-signature: v1,"} {
				if !strings.Contains(rec.Body.String(), word) {
					t.Errorf("%s does not say %s: %s", method, word, rec.Body)
				}
			}
		}
		if got := w.verdicts(); got != "bad_signature bad_signature" {
			t.Errorf("logged as %s", got)
		}
	}
	if len(w.chat.edits)+len(w.chat.deleted) != 0 {
		t.Error("something was changed")
	}
	for i, method := range []string{"PATCH", "DELETE"} {
		if rec := w.doSigned(method, path, map[string]string{"PATCH": "x"}[method], "msg "+method, githubKey); rec.Code != http.StatusOK {
			t.Errorf("%s answered %d %s", method, rec.Code, rec.Body)
		}
		if once := w.chat.causes[i].Once; once == nil || !strings.HasPrefix(once.Key, "id:") || once.Result != string(foreign) {
			t.Errorf("%s asks for %+v", method, once)
		}
	}
}

// TestWhatASignedIDIsGoodFor: one call, told by method, message and body.
func TestWhatASignedIDIsGoodFor(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { signed(h, githubKey) })
	const other = hub.MessageID("0190b3c8-7c4e-7a12-8000-000000000002")
	for _, id := range []hub.MessageID{foreign, other} {
		w.chat.messages[id] = hub.Message{ID: id, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
	}
	w.doSigned("POST", token, "x", "msg", githubKey)
	w.doSigned("PATCH", token+"/messages/"+string(foreign), "x", "msg", githubKey)
	w.doSigned("PATCH", token+"/messages/"+string(foreign), "y", "msg", githubKey)
	w.doSigned("PATCH", token+"/messages/"+string(other), "x", "msg", githubKey)
	w.doSigned("DELETE", token+"/messages/"+string(foreign), "", "msg", githubKey)
	w.doSigned("DELETE", token+"/messages/"+string(other), "", "msg", githubKey)
	asked := []*hub.Idempotency{w.chat.posts[0].Once}
	for _, c := range w.chat.causes {
		asked = append(asked, c.Once)
	}
	hashes := make(map[string]bool)
	for _, o := range asked {
		if o.Key != asked[0].Key || o.TokenID != asked[0].TokenID {
			t.Errorf("remembered under %q and %q", o.Key, asked[0].Key)
		}
		hashes[o.RequestHash] = true
	}
	if len(asked) != 6 || len(hashes) != 6 {
		t.Errorf("%d different calls are told apart as %d", len(asked), len(hashes))
	}
}

// TestSignedDeletionWithBody: what was signed for a post deletes nothing.
func TestSignedDeletionWithBody(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { signed(h, githubKey) })
	w.chat.messages[foreign] = hub.Message{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
	rec := w.doSigned("DELETE", token+"/messages/"+string(foreign), "x", "msg", githubKey)
	if rec.Code != http.StatusBadRequest || len(w.chat.deleted) != 0 {
		t.Errorf("answered %d %s, deleted %v", rec.Code, rec.Body, w.chat.deleted)
	}
}

// TestSignedReadsUseTheirID: whoever records a signed GET can neither repeat it nor
// make a deletion of it.
func TestSignedReadsUseTheirID(t *testing.T) {
	w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { signed(h, githubKey) })
	w.chat.messages[foreign] = hub.Message{ID: foreign, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}}
	message := "/discord/messages/" + string(foreign)
	for i, test := range []struct {
		path   string
		status int
	}{{"/discord", 200}, {message, 200}, {"/discord/messages/1", 404}} {
		id := "msg " + strconv.Itoa(i)
		if rec := w.doSigned("GET", token+test.path, "", id, githubKey); rec.Code != test.status {
			t.Errorf("GET %s answered %d %s", test.path, rec.Code, rec.Body)
		}
		key := (&call{signedID: id, hook: &hook{}, r: httptest.NewRequest("GET", "/", nil)}).onceSigned().Key
		if w.store.used[key] == "" {
			t.Errorf("the id of GET %s is not used up", test.path)
		}
		for _, path := range []string{test.path, message, "/discord"} {
			if rec := w.doSigned("GET", token+path, "", id, githubKey); rec.Code != http.StatusConflict || !strings.Contains(rec.Body.String(), "webhook-id") {
				t.Errorf("GET %s after %s answered %d %s", path, test.path, rec.Code, rec.Body)
			}
		}
	}
	w.store.used = nil
	if w.do("GET", token+"/discord", ""); len(w.store.used) != 0 {
		t.Error("a call without a signed id was remembered")
	}
}

// TestReadsAreLogged: they are calls of the webhook as any other; a deleted message is
// not there to be read.
func TestReadsAreLogged(t *testing.T) {
	w := newWorld(t)
	own := hub.Origin{Kind: hub.OriginIncoming, ID: "hook"}
	const gone = hub.MessageID("0190b3c8-7c4e-7a12-8000-000000000002")
	w.chat.messages[foreign] = hub.Message{ID: foreign, Origin: own, Content: "x"}
	w.chat.messages[gone] = hub.Message{ID: gone, Origin: own, IsDeleted: true}
	for path, status := range map[string]int{"": 200, "/messages/" + string(foreign): 200, "/messages/" + string(gone): 404} {
		rec := w.do("GET", token+"/discord"+path, "")
		if rec.Code != status {
			t.Errorf("%s answered %d %s", path, rec.Code, rec.Body)
		}
		calls := w.journal()
		want := map[int]string{200: "read", 404: "not_found"}[status]
		if len(calls) != 1 || calls[0].Verdict != want || calls[0].Status != status || calls[0].Body != nil {
			t.Errorf("%s is logged as %+v", path, calls)
		}
		if path == "/messages/"+string(foreign) && calls[0].MessageID != foreign {
			t.Errorf("the log does not say which message was read: %+v", calls)
		}
	}
	w.in.journal.flush(t.Context())
	if u := w.uses(); u.CallCount != 3 || u.RefusedCount != 1 || u.LastUsedAt.IsZero() {
		t.Errorf("counted %+v", u)
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
