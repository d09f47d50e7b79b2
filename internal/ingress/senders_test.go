package ingress

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// messages returns what stands in the channel at top level, the newest first.
func (w *realWorld) messages(t *testing.T) []hub.Message {
	t.Helper()
	all, err := w.db.ChannelMessages(t.Context(), w.channel, "", "", true, 20)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (w *realWorld) ok(t *testing.T, path, body string, header ...string) string {
	t.Helper()
	rec := w.do(t, "POST", path, body, header...)
	if rec.Code/100 != 2 {
		t.Fatalf("POST %s answered %d %s", path, rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func alert(status string) string {
	return fmt.Sprintf(`{"version":"4","groupKey":"{}:{alertname=\"Down\"}","status":%q,"receiver":"hub","groupLabels":{"alertname":"Down"},
		"commonLabels":{"alertname":"Down","severity":"critical"},"commonAnnotations":{"summary":"The shop is down"},"externalURL":"http://am.example",
		"alerts":[{"status":%[1]q,"labels":{"alertname":"Down","instance":"shop-1"},"annotations":{"summary":"The shop is down"},
		"startsAt":"2026-02-01T12:00:00Z","endsAt":"2026-02-01T12:05:00Z","generatorURL":"http://p.example","fingerprint":"f1"}]}`, status)
}

// TestFiringBecomesResolved: an alert is one message, with its history in the thread.
func TestFiringBecomesResolved(t *testing.T) {
	w := newRealWorld(t)
	w.ok(t, token, alert("firing"))
	w.ok(t, token, alert("firing")) // repeated, as Alertmanager does
	w.ok(t, token, alert("resolved"))
	all := w.messages(t)
	if len(all) != 1 || all[0].Revision != 2 || all[0].ReplyCount != 1 {
		t.Fatalf("in the channel: %+v", all)
	}
	now := fmt.Sprintf("%s %+v", all[0].Content, all[0].Embeds)
	if !strings.Contains(now, "RESOLVED") || strings.Contains(now, "FIRING") || !strings.Contains(now, "The shop is down") {
		t.Errorf("the message says %s", now)
	}
	thread, err := w.db.ThreadMessages(t.Context(), all[0].ID, "", "", 10)
	if err != nil || len(thread) != 1 || !strings.Contains(fmt.Sprintf("%s %+v", thread[0].Content, thread[0].Embeds), "FIRING") {
		t.Errorf("in the thread: %+v, %v", thread, err)
	}
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 10)
	if err != nil || len(calls) != 3 || calls[0].Dialect != "alertmanager" || calls[0].RecognisedBy == "" || calls[0].MessageID != all[0].ID {
		t.Errorf("logged: %+v, %v", calls, err)
	}
	one, err := w.db.Call(t.Context(), calls[0].ID)
	if err != nil || !strings.HasPrefix(one.Answer, `{"success":true`) || len(one.Body) == 0 {
		t.Errorf("logged: %+v, %v", one, err)
	}
}

// TestKeysOfTheCall: any sender can name what a post is about, or its thread.
func TestKeysOfTheCall(t *testing.T) {
	w := newRealWorld(t)
	w.ok(t, token+"?key=deploy", `{"text":"Deploy begins"}`)
	w.ok(t, token+"?key=deploy", `{"text":"Deploy is done"}`)
	w.ok(t, token+"?thread=release-7", "first")
	w.ok(t, token+"?thread=release-7", "second")
	w.ok(t, token, `{"text":"a","thread_ts":"1700.1"}`)
	w.ok(t, token, `{"text":"b","thread_ts":"1700.1"}`)
	all := w.messages(t)
	if len(all) != 3 || all[0].Content != "a" || all[1].Content != "first" || all[2].Content != "Deploy is done" {
		t.Fatalf("in the channel: %+v", all)
	}
	for _, m := range all {
		if m.ReplyCount != 1 {
			t.Errorf("%q has %d replies, want 1", m.Content, m.ReplyCount)
		}
	}
}

// TestOwnersReading: the owner's templates read what nobody knows.
func TestOwnersReading(t *testing.T) {
	w := newRealWorld(t)
	read := func(fieldMap, keyTemplate string) {
		t.Helper()
		_, err := w.db.UpdateIncomingWebhook(t.Context(), w.hook.ID, func(h *hub.IncomingWebhook) error {
			h.FieldMap, h.KeyTemplate = fieldMap, keyTemplate
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.in.Invalidate()
	}
	body := func(state string) string {
		return `{"machine":{"id":7,"label":"Press 7"},"state":"` + state + `","internal":{"token":"hunter2hunter2","noise":[1,2,3]}}`
	}
	read(`{"title":"/machine/label","text":"State: {/state}","color":"/state"}`, "machine {/machine/id}")
	w.ok(t, token, body("running"))
	w.ok(t, token, body("failed"))
	all := w.messages(t)
	if len(all) != 1 || all[0].ReplyCount != 1 || len(all[0].Embeds) != 1 || all[0].Embeds[0].Title != "Press 7" ||
		all[0].Embeds[0].Description != "State: failed" || len(all[0].Embeds[0].Fields) != 0 {
		t.Fatalf("in the channel: %+v", all)
	}
	// After the mapping changed, what came before can be posted again.
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	read(`{"title":"{/machine/label} is {/state}"}`, "")
	again, err := w.in.Replay(t.Context(), calls[0].ID)
	if err != nil || again.RecognisedBy != "the webhook's field mapping" {
		t.Fatalf("replayed: %+v, %v", again, err)
	}
	if all := w.messages(t); len(all) != 2 || all[0].Embeds[0].Title != "Press 7 is failed" {
		t.Errorf("in the channel: %+v", all)
	}
}

// TestDiscordsClient takes the steps of a client of Discord's.
func TestDiscordsClient(t *testing.T) {
	w := newRealWorld(t)
	const base = "/api/v10/webhooks/incoming/" + token
	var hook struct{ ID, Name, Token string }
	if err := json.Unmarshal(w.do(t, "GET", base, "").Body.Bytes(), &hook); err != nil || hook.Token != token || hook.ID != dialect.Decimal(string(w.hook.ID)) {
		t.Errorf("the hook is %+v, %v", hook, err)
	}
	form := "--X\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n" +
		`{"content":"**hi**","embeds":[{"title":"t","color":16711680}],"attachments":[{"id":0,"filename":"a.txt"}]}` +
		"\r\n--X\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.txt\"\r\n\r\nthe file\r\n--X--\r\n"
	var posted struct {
		ID, Content string
		Attachments []struct{ Filename string }
	}
	rec := w.do(t, "POST", base+"?wait=true", form, "Content-Type", "multipart/form-data; boundary=X")
	if err := json.Unmarshal(rec.Body.Bytes(), &posted); err != nil || rec.Code != 200 || len(posted.Attachments) != 1 {
		t.Fatalf("answered %d %s, %v", rec.Code, rec.Body, err)
	}
	if rec := w.do(t, "POST", base, `{"content":"no waiting"}`); rec.Code != http.StatusNoContent || rec.Body.Len() != 0 {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
	message := base + "/messages/" + posted.ID
	if rec := w.do(t, "PATCH", message, `{"content":"edited"}`); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"edited"`) {
		t.Errorf("PATCH answered %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, "GET", message, ""); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"edited"`) {
		t.Errorf("GET answered %d %s", rec.Code, rec.Body)
	}
	m := w.messages(t)[1]
	if m.Content != "edited" || len(m.Embeds) != 1 || len(m.Files) != 1 || m.Files[0].Filename != "a.txt" {
		t.Errorf("the message is %+v", m)
	}
	if rec := w.do(t, "DELETE", message, ""); rec.Code != http.StatusNoContent {
		t.Errorf("DELETE answered %d %s", rec.Code, rec.Body)
	}
	for path, code := range map[string]int{
		"/api/v10/webhooks/incoming/wrong": 404, "/api/x/webhooks/incoming/" + token: 404, base + "/messages/1234567890": 404,
	} {
		if rec := w.do(t, "GET", path, ""); rec.Code != code {
			t.Errorf("GET %s answered %d %s, want %d", path, rec.Code, rec.Body, code)
		}
	}
	// As in the guide's example, and as it should not be.
	w.ok(t, "/api/webhooks/discord?token="+token, `{"content":"by parameter"}`)
	w.ok(t, "/api/webhooks/discord", `{"content":"by header"}`, "Authorization", "Bearer "+token)
	if rec := w.do(t, "POST", "/api/webhooks/discord", `{"content":"x"}`); rec.Code != http.StatusUnauthorized ||
		!strings.Contains(rec.Body.String(), "/api/webhooks/incoming/") {
		t.Errorf("without a token it answered %d %s", rec.Code, rec.Body)
	}
}

// TestSlacksClient posts as Slack's own clients do.
func TestSlacksClient(t *testing.T) {
	w := newRealWorld(t)
	if got := w.ok(t, "/services/T1/B1/"+token, `payload={"text":"from a form"}`); got != "ok" {
		t.Errorf("answered %q", got)
	}
	if got := w.ok(t, "/hooks/"+token, `{"text":"from Mattermost's senders"}`); got != "ok" {
		t.Errorf("answered %q", got)
	}
	if rec := w.do(t, "POST", token+"/slack/auth.test", ""); !strings.Contains(rec.Body.String(), `"unknown_method"`) {
		t.Errorf("answered %s", rec.Body)
	}
	var first struct {
		OK bool
		TS string
	}
	call := func(body string) {
		t.Helper()
		if err := json.Unmarshal([]byte(w.ok(t, token+"/slack/chat.postMessage", body, "Content-Type", "application/x-www-form-urlencoded")), &first); err != nil || !first.OK {
			t.Fatalf("answered %+v, %v", first, err)
		}
	}
	call("channel=C1&text=question")
	root := first.TS
	call("channel=C1&text=answer&thread_ts=" + root)
	all := w.messages(t)
	if len(all) != 3 || all[0].Content != "question" || all[0].ReplyCount != 1 {
		t.Errorf("in the channel: %+v", all)
	}
	if rec := w.do(t, "POST", "nobody/slack/chat.postMessage", "text=x"); !strings.Contains(rec.Body.String(), `"ok":false`) {
		t.Errorf("answered %s", rec.Body)
	}
}
