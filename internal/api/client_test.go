package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

// client returns the Go client, acting as the named caller.
func (r *rig) client(as string) *client.Client {
	r.t.Helper()
	c, err := client.New(r.url, r.tokens[as], client.WithHTTPClient(r.http))
	must(r.t, err)
	return c
}

// got requires that a call of the client succeeded.
func got[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// same requires that what the client decoded is all that the API said: what it
// encodes again has every field that came.
func same(t *testing.T, r *rig, path string, decoded any) {
	t.Helper()
	var said, kept map[string]any
	r.call("owner", http.MethodGet, path, nil).want(http.StatusOK, &said)
	b, err := json.Marshal(decoded)
	must(t, err)
	must(t, json.Unmarshal(b, &kept))
	if lost := missing("", said, kept); lost != "" {
		t.Errorf("%s: the client does not know %s", path, lost)
	}
}

// missing returns the place of a value that is in a and not, or differently, in b.
func missing(place string, a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		object, _ := b.(map[string]any)
		for name, value := range a {
			if lost := missing(place+"."+name, value, object[name]); lost != "" {
				return lost
			}
		}
		return ""
	case []any:
		array, _ := b.([]any)
		for i, value := range a {
			if i >= len(array) {
				return place
			}
			if lost := missing(place+"[]", value, array[i]); lost != "" {
				return lost
			}
		}
		return ""
	}
	if a != b {
		return place
	}
	return ""
}

// TestClient drives the API with the Go client: each of its calls once.
func TestClient(t *testing.T) {
	r := newRig(t)
	ctx, c := t.Context(), r.client("owner")

	ch := got[client.Channel](t)(c.CreateChannel(ctx, client.NewChannel{Name: "team", Topic: "work"}))
	ch = got[client.Channel](t)(c.UpdateChannel(ctx, ch.ID, client.ChannelChange{Topic: client.Null[string](), Description: client.Set("us")}))
	same(t, r, "/api/channels/"+ch.ID, ch)
	if all := got[[]client.Channel](t)(client.Collect(c.Channels(ctx))); len(all) != 3 {
		t.Errorf("%d channels", len(all))
	}
	writer := string(r.users["writer"].ID)
	m := got[client.Member](t)(c.SetMember(ctx, ch.ID, writer, "admin"))
	if m.Role != "admin" || m.User.Username != "writer" || len(got[[]client.Member](t)(client.Collect(c.Members(ctx, ch.ID)))) != 2 {
		t.Errorf("%+v", m)
	}
	must(t, c.RemoveMember(ctx, ch.ID, writer))
	if _, err := c.Member(ctx, ch.ID, writer); !isCode(err, client.CodeNotFound) {
		t.Error(err)
	}

	file := got[client.Attachment](t)(c.Upload(ctx, "a.txt", strings.NewReader("hello")))
	msg := got[client.Message](t)(c.PostMessage(ctx, ch.ID, client.NewMessage{Content: "Hello world", FileIDs: []string{file.ID}, Key: "once"}))
	again := got[client.Message](t)(c.PostMessage(ctx, ch.ID, client.NewMessage{Content: "Hello world", FileIDs: []string{file.ID}, Key: "once"}))
	if msg.ID != again.ID || len(msg.Attachments) != 1 {
		t.Errorf("%+v", again)
	}
	content := got[io.ReadCloser](t)(c.Download(ctx, file.ID))
	if b, err := io.ReadAll(content); err != nil || string(b) != "hello" || content.Close() != nil {
		t.Errorf("%q, %v", b, err)
	}
	reply := got[client.Message](t)(c.PostMessage(ctx, ch.ID, client.NewMessage{Content: "reply", ThreadID: msg.ID, Embeds: []client.Embed{{Title: "x"}}}))
	if all := got[[]client.Message](t)(client.Collect(c.Replies(ctx, msg.ID))); len(all) != 1 || all[0].ID != reply.ID {
		t.Errorf("%+v", all)
	}
	must(t, c.PinMessage(ctx, msg.ID))
	must(t, c.React(ctx, msg.ID, "👍"))
	if all := got[[]client.Message](t)(client.Collect(c.Messages(ctx, ch.ID, client.MessageQuery{Pinned: true}))); len(all) != 1 || all[0].Reactions[0].Count != 1 {
		t.Errorf("%+v", all)
	}
	msg = got[client.Message](t)(c.EditMessage(ctx, msg.ID, client.MessageChange{Content: client.Set("Hello all")}))
	msg = got[client.Message](t)(c.Message(ctx, msg.ID))
	same(t, r, "/api/messages/"+msg.ID, msg)
	if all := got[[]client.Revision](t)(client.Collect(c.Revisions(ctx, msg.ID))); len(all) != 1 || all[0].Content != "Hello world" || all[0].Number != 1 {
		t.Errorf("%+v", all)
	}
	must(t, c.UnpinMessage(ctx, msg.ID))
	must(t, c.Unreact(ctx, msg.ID, "👍"))
	if hits := got[[]client.Hit](t)(client.Collect(c.Search(ctx, "hello al"))); len(hits) != 1 || len(hits[0].Marks) != 2 {
		t.Errorf("%+v", hits)
	}
	must(t, c.DeleteFile(ctx, file.ID))
	must(t, c.DeleteMessage(ctx, msg.ID))

	u := got[client.User](t)(c.CreateUser(ctx, client.NewUser{Username: "ada", Email: "ada@example.com"}))
	u = got[client.User](t)(c.UpdateUser(ctx, u.ID, client.UserChange{DisplayName: client.Set("Ada"), Role: client.Set("admin")}))
	same(t, r, "/api/users/"+u.ID, got[client.User](t)(c.User(ctx, u.ID)))
	if all := got[[]client.User](t)(client.Collect(c.Users(ctx))); len(all) != 7 {
		t.Errorf("%d users", len(all))
	}
	must(t, c.DeleteChannel(ctx, ch.ID))
}

// forgetful is a network that carries requests out and loses each first answer.
type forgetful struct {
	http.RoundTripper
	lost map[string]bool
}

func (f *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := f.RoundTripper.RoundTrip(r)
	if key := r.Method + " " + r.URL.Path; err == nil && !f.lost[key] {
		f.lost[key] = true
		return nil, errors.Join(errors.New("the answer was lost"), res.Body.Close())
	}
	return res, err
}

// TestClientRepeats: what is repeated because its answer was lost takes effect
// once.
func TestClientRepeats(t *testing.T) {
	r := newRig(t)
	network := &forgetful{r.http.Transport, make(map[string]bool)}
	c, err := client.New(r.url, r.tokens["owner"], client.WithHTTPClient(&http.Client{Transport: network}))
	must(t, err)
	ctx := t.Context()
	ch := got[client.Channel](t)(c.CreateChannel(ctx, client.NewChannel{Name: "team"}))
	if all := got[[]client.Channel](t)(client.Collect(c.Channels(ctx))); len(all) != 3 {
		t.Errorf("%d channels", len(all))
	}
	file := got[client.Attachment](t)(c.Upload(ctx, "a.txt", strings.NewReader("hello")))
	msg := got[client.Message](t)(c.PostMessage(ctx, ch.ID, client.NewMessage{Content: "x", FileIDs: []string{file.ID}, Key: "once"}))
	if all := got[[]client.Message](t)(client.Collect(c.Messages(ctx, ch.ID, client.MessageQuery{}))); len(all) != 1 || all[0].ID != msg.ID {
		t.Errorf("%+v", all)
	}
	var uploads int
	for e, err := range c.EventLog(ctx, "file.uploaded") {
		must(t, err)
		uploads++
		if !bytes.Contains(e.Data, []byte(file.ID)) {
			t.Errorf("another file: %s", e.Data)
		}
	}
	if uploads != 1 {
		t.Errorf("%d files were uploaded", uploads)
	}
	must(t, c.DeleteChannel(ctx, ch.ID))
	if len(network.lost) < 7 {
		t.Errorf("lost were only the answers to %v", network.lost)
	}
}

func isCode(err error, code string) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && e.Code == code && e.RequestID != ""
}

func TestClientWebhooks(t *testing.T) {
	r := newRig(t)
	ctx, c := t.Context(), r.client("owner")

	in := got[client.IncomingWebhook](t)(c.CreateIncomingWebhook(ctx, client.IncomingWebhookFields{
		Name: client.Set("CI"), TargetChannelID: client.Set(string(r.defaults.General)), RateLimit: client.Set(5), ExpiresAt: client.Set(time.Now().AddDate(1, 0, 0)),
	}))
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+in.Token, `{"text": "built"}`).want(http.StatusOK, nil)
	r.call("", http.MethodPost, "/api/webhooks/incoming/"+in.Token+"/slack", `{"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}]},
		{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}}]}]}`).want(http.StatusOK, nil)
	in = got[client.IncomingWebhook](t)(c.UpdateIncomingWebhook(ctx, in.ID, client.IncomingWebhookFields{
		RateLimit: client.Null[int](), AllowIPs: client.Set([]string{"127.0.0.1"}), KeyTemplate: client.Set("/id"),
		FieldMap: client.Set(client.FieldMap{Text: "/a"}),
	}))
	same(t, r, "/api/incoming-webhooks/"+in.ID, got[client.IncomingWebhook](t)(c.IncomingWebhook(ctx, in.ID)))
	if next := got[client.IncomingWebhook](t)(c.RotateIncomingWebhook(ctx, in.ID, time.Hour)); next.Token == "" || next.URL == "" || next.PreviousTokenUntil.IsZero() {
		t.Errorf("%+v", next)
	}
	calls := got[[]client.Call](t)(client.Collect(c.Calls(ctx, in.ID)))
	if len(calls) != 2 {
		t.Fatalf("%+v", calls)
	}
	rich := got[client.Call](t)(c.Call(ctx, in.ID, calls[0].ID))
	if same(t, r, "/api/incoming-webhooks/"+in.ID+"/log/"+rich.ID, rich); rich.Message == nil || rich.Message.Document == nil || rich.Answer != "ok" {
		t.Errorf("%+v", rich)
	}
	if reading := got[client.Reading](t)(c.PreviewCall(ctx, in.ID, rich.ID, client.ReadingFields{})); len(reading.Losses) == 0 || reading.Document == nil {
		t.Errorf("%+v", reading)
	}
	calls = calls[1:]
	reading := got[client.Reading](t)(c.PreviewCall(ctx, in.ID, calls[0].ID, client.ReadingFields{KeyTemplate: client.Set("k {/text}")}))
	if reading.Key != "template:k built" || reading.Content != "built" || reading.Username == "" || reading.Dialect != "slack" {
		t.Errorf("%+v", reading)
	}
	if all := got[[]client.Dialect](t)(client.Collect(c.Dialects(ctx))); len(all) < 20 || all[0].Title != "nself-chat" {
		t.Errorf("%+v", all)
	}
	if n := got[client.Call](t)(c.ReplayCall(ctx, in.ID, calls[0].ID)); n.MessageID == "" || n.ID == calls[0].ID {
		t.Errorf("%+v", n)
	}
	if all := got[[]client.IncomingWebhook](t)(client.Collect(c.IncomingWebhooks(ctx))); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	must(t, c.DeleteIncomingWebhook(ctx, in.ID))

	out := got[client.OutgoingWebhook](t)(c.CreateOutgoingWebhook(ctx, client.OutgoingWebhookFields{
		Name: client.Set("sink"), URL: client.Set("https://good.example/"), Events: client.Set([]string{"a.*"}),
		Filter: client.Set[any](map[string]any{"field": "n", "exists": true}), Headers: client.Set(map[string]string{"X-A": "b"}),
	}))
	if out.Secret == "" {
		t.Errorf("%+v", out)
	}
	out = got[client.OutgoingWebhook](t)(c.UpdateOutgoingWebhook(ctx, out.ID, client.OutgoingWebhookFields{Filter: client.Null[any](), RetrySchedule: client.Set("days")}))
	same(t, r, "/api/outgoing-webhooks/"+out.ID, got[client.OutgoingWebhook](t)(c.OutgoingWebhook(ctx, out.ID)))
	if s := got[client.RotatedSecret](t)(c.RotateSecret(ctx, out.ID, 0)); s.Secret == out.Secret {
		t.Errorf("%+v", s)
	}
	if got[client.OutgoingWebhook](t)(c.PauseOutgoingWebhook(ctx, out.ID)).State != "paused" ||
		got[client.OutgoingWebhook](t)(c.ResumeOutgoingWebhook(ctx, out.ID, true)).State != "active" {
		t.Error("pause and resume")
	}
	sent := got[client.TestSent](t)(c.TestOutgoingWebhook(ctx, out.ID))
	var d DeliveryDetail
	r.finished(hub.DeliveryID(sent.DeliveryID), &d)
	same(t, r, "/api/deliveries/"+sent.DeliveryID, got[client.Delivery](t)(c.Delivery(ctx, sent.DeliveryID)))
	if n := got[int](t)(c.ReplayOutgoingWebhook(ctx, out.ID, client.Replay{Status: "success", DryRun: true})); n != 1 {
		t.Errorf("%d to replay", n)
	}
	got[client.Delivery](t)(c.RetryDelivery(ctx, sent.DeliveryID))
	r.finished(hub.DeliveryID(sent.DeliveryID), &d)
	if all := got[[]client.Delivery](t)(client.Collect(c.Deliveries(ctx, client.DeliveryQuery{WebhookID: out.ID, Event: "webhook.*"}))); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	if all := got[[]client.OutgoingWebhook](t)(client.Collect(c.OutgoingWebhooks(ctx))); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	must(t, c.PauseQueue(ctx))
	p := got[client.Published](t)(c.Publish(ctx, client.Publication{Event: "a.b", Data: 1}))
	if all := got[[]client.Delivery](t)(client.Collect(c.Deliveries(ctx, client.DeliveryQuery{Event: "a.b"}))); len(all) != 1 || all[0].EventID != p.EventID {
		t.Errorf("%+v", all)
	}
	must(t, c.ResumeQueue(ctx))
	if s := got[client.QueueStats](t)(c.QueueStats(ctx)); s.Total != 2 || len(s.Lanes) != 1 {
		t.Errorf("%+v", s)
	}
	if _, err := c.CancelDelivery(ctx, sent.DeliveryID); !isCode(err, client.CodeConflict) {
		t.Error(err)
	}
	must(t, c.DeleteOutgoingWebhook(ctx, out.ID))
	if _, err := c.CreateOutgoingWebhook(ctx, client.OutgoingWebhookFields{}); !isCode(err, client.CodeInvalid) {
		t.Error(err)
	}
}

func TestClientAccess(t *testing.T) {
	r := newRig(t)
	ctx, c := t.Context(), r.client("owner")
	k := got[client.Token](t)(c.CreateToken(ctx, client.NewToken{Name: "x", Scope: "read"}))
	if k.Token == "" || len(got[[]client.Token](t)(client.Collect(c.Tokens(ctx)))) != 7 {
		t.Errorf("%+v", k)
	}
	must(t, c.DeleteToken(ctx, k.ID))
	if all := got[[]client.Session](t)(client.Collect(c.Sessions(ctx, ""))); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	if n := got[int](t)(c.DeleteSessions(ctx, string(r.users["writer"].ID))); n != 0 {
		t.Errorf("%d ended", n)
	}
	if err := c.DeleteSession(ctx, "none"); !isCode(err, client.CodeNotFound) {
		t.Error(err)
	}
	if all := got[[]client.AuditEntry](t)(client.Collect(c.AuditLog(ctx, client.AuditQuery{}))); len(all) < 10 || all[0].Action != "session.delete_all" {
		t.Errorf("%d entries", len(all))
	}
}

func TestClientEvents(t *testing.T) {
	r := newRig(t)
	ctx, c := t.Context(), r.client("owner")
	var want []string
	for i := range 3 {
		data := json.RawMessage(`{"n":` + string(rune('0'+i)) + `,"x":"<&>"}`)
		p := got[client.Published](t)(c.Publish(ctx, client.Publication{Event: "a.b", Data: data, TriggeredBy: &client.TriggeredBy{UserID: "1", Username: "u"}}))
		want = append(want, p.EventID)
		e := got[client.Event](t)(c.Event(ctx, p.EventID))
		if !bytes.Equal(e.Data, data) || e.TriggeredBy.Username != "u" {
			t.Errorf("%+v", e)
		}
		same(t, r, "/api/events/"+p.EventID, e)
	}
	var streamed, logged []string
	for e, err := range c.Events(ctx, 0) {
		must(t, err)
		if e.Event == "a.b" {
			if streamed = append(streamed, e.ID); len(streamed) == len(want) {
				break
			}
		}
	}
	for e, err := range c.EventLog(ctx, "a.*") {
		must(t, err)
		logged = append([]string{e.ID}, logged...)
	}
	if cmp.Diff(want, streamed) != "" || cmp.Diff(want, logged) != "" {
		t.Errorf("streamed %v, logged %v, want %v", streamed, logged, want)
	}
}
