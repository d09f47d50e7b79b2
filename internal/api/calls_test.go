package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

// send posts a body to an incoming webhook and returns the path of its log.
func (r *rig) send(w IncomingWebhookMade, suffix, body string, status int, headers ...string) (log string) {
	r.t.Helper()
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+w.Token+suffix, body, headers...).want(status, nil)
	return incomings + "/" + string(w.ID) + "/log"
}

// newest returns the path of the newest call in a log.
func (r *rig) newest(log string) string {
	r.t.Helper()
	var l listing
	r.call("owner", http.MethodGet, log+"?limit=1", nil).want(http.StatusOK, &l)
	id, _ := l.Items[0]["id"].(string)
	return log + "/" + id
}

func TestCallLog(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(nil)
	log := ""
	for _, text := range []string{"one", "two", "three"} {
		log = r.send(made, "?key=k", `{"text": "`+text+`"}`, http.StatusOK)
	}
	ids := r.everything("owner", log, "2")
	if len(ids) != 3 {
		t.Fatalf("calls %v", ids)
	}
	// All were about the same: one message, which says what came last. The log tells
	// what each made of it.
	for i, text := range []string{"three", "two", "one"} {
		var c CallDetail
		r.call("owner", http.MethodGet, log+"/"+ids[i], nil).want(http.StatusOK, &c)
		if c.Rendered == nil || c.Rendered.Content != text || c.Rendered.Revision != 3-i || c.Message == nil || c.Message.Content != "three" {
			t.Errorf("%s: %+v, %+v", text, c.Rendered, c.Message)
		}
	}
	var c CallDetail
	r.call("owner", http.MethodGet, log+"/"+ids[0], nil).want(http.StatusOK, &c)
	if c.Verdict != "accepted" || c.Status != http.StatusOK || c.Dialect != "slack" || c.RecognisedBy != "text" || c.Query != "key=k" ||
		c.Headers["Content-Type"] != "application/json" || c.Body != `{"text": "three"}` || c.Answer != "ok" || c.MessageID == "" {
		t.Errorf("%+v", c)
	}
	if c.Message == nil || c.Message.ID != c.MessageID || c.Message.Content != "three" {
		t.Errorf("%+v", c.Message)
	}
	var l struct{ Items []map[string]any }
	r.call("owner", http.MethodGet, log, nil).want(http.StatusOK, &l)
	if first := l.Items[0]; first["recognisedBy"] != "text" || first["body"] != nil || first["headers"] != nil || first["message"] != nil {
		t.Errorf("%+v", first)
	}
	// Another webhook's call is not this one's.
	other := r.makeIncoming(nil)
	for _, path := range []string{"", "/replay", "/preview"} {
		method := http.MethodPost
		if path == "" {
			method = http.MethodGet
		}
		r.call("owner", method, incomings+"/"+string(other.ID)+"/log/"+ids[0]+path, nil).refused(http.StatusNotFound, hub.NotFound)
	}
}

// TestCallWithoutMessage: what is gone is not shown.
func TestCallWithoutMessage(t *testing.T) {
	r := newRig(t)
	var ch Channel
	r.call("owner", http.MethodPost, "/api/channels", `{"name": "brief"}`).want(http.StatusCreated, &ch)
	call := r.newest(r.send(r.makeIncoming(map[string]any{"targetChannelId": ch.ID}), "", "hi", http.StatusOK, "Content-Type: text/plain"))
	var c CallDetail
	r.call("owner", http.MethodGet, call, nil).want(http.StatusOK, &c)
	if c.Message == nil || c.Message.Content != "hi" {
		t.Errorf("%+v", c)
	}
	r.call("owner", http.MethodDelete, "/api/messages/"+string(c.MessageID), nil).want(http.StatusNoContent, nil)
	r.call("owner", http.MethodGet, call, nil).want(http.StatusOK, &c)
	if c.Message == nil || !c.Message.IsDeleted || c.Message.Content != "" {
		t.Errorf("%+v", c.Message)
	}
	var text map[string]any
	r.call("owner", http.MethodGet, call, nil).want(http.StatusOK, &text)
	if text["rendered"] != nil {
		t.Errorf("of a deleted message: %v", text["rendered"])
	}
	r.call("owner", http.MethodDelete, "/api/channels/"+string(ch.ID), nil).want(http.StatusNoContent, nil)
	r.call("owner", http.MethodGet, call, nil).want(http.StatusOK, &c)
	if c.Message != nil || c.Body != "hi" {
		t.Errorf("%+v", c)
	}
}

func TestReplay(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(nil)
	log := r.send(made, "", `{"host": "db-1"}`, http.StatusOK)
	r.call("owner", http.MethodPatch, incomings+"/"+string(made.ID), `{"fieldMap": {"text": "{/host} is down"}}`).want(http.StatusOK, nil)
	var c Call
	r.call("owner", http.MethodPost, r.newest(log)+"/replay", nil).want(http.StatusAccepted, &c)
	var m Message
	r.call("owner", http.MethodGet, "/api/messages/"+string(c.MessageID), nil).want(http.StatusOK, &m)
	if m.Content != "db-1 is down" || c.RecognisedBy != "the webhook's field mapping" || c.Body != `{"host": "db-1"}` {
		t.Errorf("%+v, %+v", c, m)
	}
	r.call("writer", http.MethodPost, r.newest(log)+"/replay", nil).refused(http.StatusForbidden, hub.Forbidden)
}

// TestReading: a webhook's own reading is kept, used, audited and reset.
func TestReading(t *testing.T) {
	r := newRig(t)
	fields := FieldMap{
		Title: "{/host}: {/what/name}", Text: "/detail", Color: "/state", Link: "/url", Key: "/host", Image: "/picture", Author: "/by", Thread: "/where",
	}
	made := r.makeIncoming(map[string]any{"keyTemplate": "/id", "fieldMap": fields})
	one := incomings + "/" + string(made.ID)
	var got IncomingWebhook
	r.call("owner", http.MethodGet, one, nil).want(http.StatusOK, &got)
	if got.KeyTemplate != "/id" || got.FieldMap == nil || *got.FieldMap != fields {
		t.Errorf("%+v", got)
	}
	var l struct{ Items []IncomingWebhook }
	r.call("owner", http.MethodGet, incomings, nil).want(http.StatusOK, &l)
	if diff := cmp.Diff([]IncomingWebhook{got}, l.Items); diff != "" {
		t.Error(diff)
	}
	log := r.send(made, "", `{"id": 1, "host": "db-1", "what": {"name": "Disk full"}, "state": "firing", "by": "ops"}`, http.StatusOK)
	r.send(made, "", `{"id": 1, "host": "db-1", "what": {"name": "Disk full"}, "state": "resolved"}`, http.StatusOK)
	var c CallDetail
	r.call("owner", http.MethodGet, r.newest(log), nil).want(http.StatusOK, &c)
	if c.Message == nil || c.Message.Revision != 2 || len(c.Message.Embeds) != 1 || c.Message.Embeds[0].Title != "db-1: Disk full" || c.Message.ReplyCount != 1 {
		t.Errorf("%+v", c.Message)
	}

	// What is not named stays; an empty map is none, and so is null.
	r.call("owner", http.MethodPatch, one, `{"fieldMap": {"text": "/a"}}`).want(http.StatusOK, &got)
	if got.KeyTemplate != "/id" || *got.FieldMap != (FieldMap{Text: "/a"}) {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPatch, one, `{"keyTemplate": null, "fieldMap": {}}`).want(http.StatusOK, &got)
	if got.KeyTemplate != "" || got.FieldMap != nil {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPatch, one, `{"fieldMap": {"text": "/a"}}`).want(http.StatusOK, nil)
	answer := r.call("owner", http.MethodPatch, one, `{"fieldMap": null}`).want(http.StatusOK, &got)
	if got.FieldMap != nil || strings.Contains(string(answer.body), "fieldMap") {
		t.Errorf("%s", answer.body)
	}
	r.call("owner", http.MethodPatch, one, `{"keyTemplate": "{/a}}", "fieldMap": {"color": "{"}}`).
		refused(http.StatusBadRequest, hub.Invalid, "keyTemplate", "fieldMap.color")

	var audit struct{ Items []AuditEntry }
	r.call("owner", http.MethodGet, "/api/audit-log?limit=4", nil).want(http.StatusOK, &audit)
	var before, after struct {
		KeyTemplate string   `json:"keyTemplate"`
		FieldMap    FieldMap `json:"fieldMap"`
	}
	must(t, json.Unmarshal(audit.Items[3].Before, &before))
	must(t, json.Unmarshal(audit.Items[3].After, &after))
	if before.KeyTemplate != "/id" || before.FieldMap != fields || after.FieldMap != (FieldMap{Text: "/a"}) {
		t.Errorf("%s, then %s", audit.Items[3].Before, audit.Items[3].After)
	}
}

func TestPreview(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(map[string]any{"fieldMap": map[string]any{"text": "{/host} is down"}, "username": "Watch"})
	log := r.send(made, "?thread=t", `{"host": "db-1", "n": 1}`, http.StatusOK)
	call := r.newest(log)
	preview := func(body any) (got Reading) {
		t.Helper()
		r.call("owner", http.MethodPost, call+"/preview", body).want(http.StatusOK, &got)
		return got
	}
	want := Reading{
		Dialect: "card", RecognisedBy: "the webhook's field mapping", Thread: "t", Username: "Watch", Content: "db-1 is down",
		Embeds: []hub.Embed{}, Attachments: []ReadingFile{}, Losses: []Loss{},
	}
	if diff := cmp.Diff(want, preview(nil)); diff != "" {
		t.Error(diff)
	}
	got := preview(`{"keyTemplate": "/host", "fieldMap": null}`)
	if got.Key != "template:db-1" || got.Content != "" || len(got.Embeds) != 1 || got.RecognisedBy != "any other JSON" {
		t.Errorf("%+v", got)
	}
	if got := preview(`{"fieldMap": {"text": "{/n} of {/host}"}}`); got.Content != "1 of db-1" {
		t.Errorf("%+v", got)
	}
	r.call("owner", http.MethodPatch, incomings+"/"+string(made.ID), `{"username": null}`).want(http.StatusOK, nil)
	if got := preview(`{}`); got.Username != "CI" {
		t.Errorf("%+v", got)
	}
	if n := len(r.everything("owner", log, "10")); n != 1 {
		t.Errorf("%d calls", n)
	}
	var l struct{ Items []Message }
	r.call("owner", http.MethodGet, "/api/channels/"+string(r.defaults.General)+"/messages", nil).want(http.StatusOK, &l)
	if len(l.Items) != 1 {
		t.Errorf("%d messages", len(l.Items))
	}

	r.call("owner", http.MethodPost, call+"/preview", `{"keyTemplate": "}", "fieldMap": {"title": "{"}}`).
		refused(http.StatusBadRequest, hub.Invalid, "keyTemplate", "fieldMap.title")
	r.call("owner", http.MethodPost, call+"/preview", `{"name": "x"}`).refused(http.StatusBadRequest, hub.Invalid, "name")
	r.call("writer", http.MethodPost, call+"/preview", nil).refused(http.StatusForbidden, hub.Forbidden)
	r.call("owner", http.MethodPost, log+"/0190b3c8-7c4e-7a12-8000-00000000abcd/preview", nil).refused(http.StatusNotFound, hub.NotFound)
}

// TestDocumentOfMessage: what content and embeds cannot say is a tree besides.
func TestDocumentOfMessage(t *testing.T) {
	r := newRig(t)
	made := r.makeIncoming(nil)
	log := r.send(made, "", `{"text": "plain", "username": "x"}`, http.StatusOK)
	if answer := r.call("owner", http.MethodGet, r.newest(log), nil).want(http.StatusOK, nil); strings.Contains(string(answer.body), "document") {
		t.Errorf("%s", answer.body)
	}
	r.send(made, "", `{"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "above"}}, {"type": "context", "elements":
		[{"type": "mrkdwn", "text": "small print"}]}]}`, http.StatusOK)
	var c CallDetail
	r.call("owner", http.MethodGet, r.newest(log), nil).want(http.StatusOK, &c)
	var tree struct {
		V      int
		Blocks []struct{ Type string }
	}
	must(t, json.Unmarshal(c.Message.Document.RawMessage, &tree))
	if tree.V != 1 || len(tree.Blocks) != 2 || tree.Blocks[1].Type != "context" || !strings.Contains(c.Message.Content, "small print") {
		t.Errorf("%s, %+v", c.Message.Document.RawMessage, c.Message)
	}
	// An edit by hand says all there is to say.
	var m Message
	r.call("owner", http.MethodPatch, "/api/messages/"+string(c.MessageID), `{"content": "new"}`).want(http.StatusOK, &m)
	if m.Document.RawMessage != nil || m.Content != "new" {
		t.Errorf("%+v", m)
	}
}

// TestEmbedOfMessage: the members of embeds that lead somewhere are web addresses.
func TestEmbedOfMessage(t *testing.T) {
	r := newRig(t)
	want := hub.Embed{
		Title: "t", AuthorName: "a", AuthorURL: "https://a.example/", AuthorIcon: "https://a.example/i.png", Footer: "f",
		FooterIcon: "https://a.example/f.png",
	}
	messages := "/api/channels/" + string(r.defaults.General) + "/messages"
	var m Message
	r.call("owner", http.MethodPost, messages, map[string]any{"embeds": []hub.Embed{want}}).want(http.StatusCreated, &m)
	if diff := cmp.Diff([]hub.Embed{want}, m.Embeds); diff != "" {
		t.Error(diff)
	}
	r.call("owner", http.MethodPost, messages, `{"embeds": [{"title": "t", "authorUrl": "javascript:alert(1)", "authorIconUrl": "data:,", "footerIconUrl": "//x"}]}`).
		want(http.StatusCreated, &m)
	if diff := cmp.Diff([]hub.Embed{{Title: "t"}}, m.Embeds); diff != "" {
		t.Error(diff)
	}
}

func TestDialects(t *testing.T) {
	r := newRig(t)
	var l struct{ Items []Dialect }
	r.call("owner", http.MethodGet, incomings+"/dialects", nil).want(http.StatusOK, &l)
	if len(l.Items) < 20 || l.Items[0].Name != "nself-chat" || l.Items[0].Title == "" {
		t.Errorf("%+v", l.Items)
	}
	r.call("writer", http.MethodGet, incomings+"/dialects", nil).refused(http.StatusForbidden, hub.Forbidden)
}
