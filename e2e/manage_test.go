package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// caller makes calls of all kinds, and remembers which operations of the API
// were answered with success.
type caller struct {
	*process
	all    []operation
	called map[string]bool
}

// described are the paths that /openapi.json has to know.
var described = regexp.MustCompile(`^/(api|hooks|services)/`)

// RoundTrip implements http.RoundTripper.
func (c *caller) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := client.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	o, known := operationOf(c.all, r.Method, r.URL.EscapedPath())
	if !known && described.MatchString(r.URL.Path) {
		c.t.Errorf("%s %s is not described in /openapi.json", r.Method, r.URL.Path)
	}
	if known && resp.StatusCode < 300 {
		c.called[o.String()] = true
	}
	return resp, nil
}

// TestEveryCall makes each call of the API once, the way an operator would,
// and compares what it made with what the API says there is.
func TestEveryCall(t *testing.T) { onBoth(t, testEveryCall) }

func testEveryCall(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	c := &caller{process: p, all: p.describedOperations(), called: make(map[string]bool)}
	p.transport = c
	channelID, userID := chatCalls(t, p)
	fileCalls(t, p, channelID)
	incomingCalls(t, p, channelID)
	outgoingCalls(t, p, receiver)
	eventCalls(t, p)
	accessCalls(t, p)
	p.ok(p.api().DeleteChannel(t.Context(), channelID))
	_, err := p.api().UpdateUser(t.Context(), userID, api.UserChange{Status: api.Set("inactive")})
	p.ok(err)
	for _, o := range c.all {
		if !c.called[o.String()] {
			t.Errorf("%s was not called with success", o)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/docs"} {
		if a, err := p.do("GET", path, anonymous(), nil); err != nil || a.Status != http.StatusOK || len(a.Body) == 0 {
			t.Errorf("%s: %v %d", path, err, a.Status)
		}
	}
	p.drained(patience)
	p.stop()
	p.verify()
}

func chatCalls(t *testing.T, p *process) (channelID, userID string) {
	ctx, c := t.Context(), p.api()
	team := result(c.CreateChannel(ctx, api.NewChannel{Name: "team", Topic: "work", Type: "private"})).must(p)
	_, err := c.UpdateChannel(ctx, team.ID, api.ChannelChange{Topic: api.Set("more work"), Name: api.Set("the-team")})
	p.ok(err)
	team = result(c.Channel(ctx, team.ID)).must(p)
	if team.Name != "the-team" || team.Topic != "more work" || team.Type != "private" {
		t.Errorf("the channel: %+v", team)
	}
	before := team.Version
	team = result(c.UpdateChannel(ctx, team.ID, api.ChannelChange{Topic: api.Set("work")}, api.IfMatch(before))).must(p)
	if _, err := c.UpdateChannel(ctx, team.ID, api.ChannelChange{Topic: api.Set("late")}, api.IfMatch(before)); statusOf(err) != http.StatusPreconditionFailed {
		t.Errorf("a change of the version before: %v", err)
	}
	place := ""
	first := all(p, c.Channels(ctx, api.WithLimit(2), api.WithCursor(&place)))
	rest := all(p, c.Channels(ctx, api.WithCursor(&place)))
	if len(first) != 2 || len(rest) != 1 || place != "" {
		t.Errorf("two pages of three channels: %v, %v", first, rest)
	}

	ada := result(c.CreateUser(ctx, api.NewUser{Username: "ada", DisplayName: "Ada", Email: "ada@example.com"})).must(p)
	_, err = c.UpdateUser(ctx, ada.ID, api.UserChange{DisplayName: api.Set("Ada L.")})
	p.ok(err)
	ada = result(c.User(ctx, ada.ID)).must(p)
	if ada.DisplayName != "Ada L." || ada.Username != "ada" || ada.Role != "member" {
		t.Errorf("the user: %+v", ada)
	}
	if users := all(p, c.Users(ctx)); len(users) < 2 {
		t.Errorf("the users: %+v", users)
	}

	_, err = c.SetMember(ctx, team.ID, ada.ID, "admin")
	p.ok(err)
	if m := result(c.Member(ctx, team.ID, ada.ID)).must(p); m.UserID != ada.ID || m.Role != "admin" {
		t.Errorf("the membership: %+v", m)
	}
	if members := all(p, c.Members(ctx, team.ID)); len(members) != 2 {
		t.Errorf("the members: %+v", members)
	}
	p.ok(c.RemoveMember(ctx, team.ID, ada.ID))
	messageCalls(t, p, team.ID)
	return team.ID, ada.ID
}

func messageCalls(t *testing.T, p *process, channelID string) {
	ctx, c := t.Context(), p.api()
	root := result(c.PostMessage(ctx, channelID, api.NewMessage{
		Content: "The **quick** brown fox", Embeds: []api.Embed{{Title: "A card", Description: "with text"}},
	})).must(p)
	reply := result(c.PostMessage(ctx, channelID, api.NewMessage{Content: "jumps", ThreadID: root.ID})).must(p)
	p.edit(root.ID, "The quick red fox")
	p.ok(c.PinMessage(ctx, root.ID))
	p.ok(c.React(ctx, root.ID, "👍"))
	root = result(c.Message(ctx, root.ID)).must(p)
	if root.Content != "The quick red fox" || root.Revision != 2 || !root.IsPinned || len(root.Reactions) != 1 || root.Reactions[0].Emoji != "👍" ||
		root.Reactions[0].Count != 1 || len(root.Embeds) != 1 || root.Embeds[0].Title != "A card" || root.EditedAt.IsZero() {
		t.Errorf("the message: %+v", root)
	}
	p.ok(c.Unreact(ctx, root.ID, "👍"))
	p.ok(c.UnpinMessage(ctx, root.ID))
	if before := all(p, c.Revisions(ctx, root.ID)); len(before) != 1 || before[0].Content != "The **quick** brown fox" {
		t.Errorf("the revisions: %+v", before)
	}
	thread := result(c.Thread(ctx, root.ID)).must(p)
	if thread.Root.ID != root.ID || len(thread.Replies) != 1 || thread.Replies[0].ID != reply.ID || thread.Replies[0].ThreadID != root.ID {
		t.Errorf("the thread: %+v", thread)
	}
	if found := all(p, c.Search(ctx, "red qui")); len(found) != 1 || found[0].Message.ID != root.ID {
		t.Errorf("the search: %+v", found)
	}
	if before := all(p, c.Messages(ctx, channelID, api.MessageQuery{Before: reply.ID})); len(before) != 1 || before[0].ID != root.ID {
		t.Errorf("the messages before the reply: %+v", before)
	}
	p.ok(c.DeleteMessage(ctx, reply.ID))
}

func fileCalls(t *testing.T, p *process, channelID string) {
	ctx, c := t.Context(), p.api()
	const page = "<html><script>alert(1)</script>"
	f := result(c.Upload(ctx, "../../evil.html", strings.NewReader(page))).must(p)
	if strings.ContainsAny(f.Filename, "/\\") || f.Size != int64(len(page)) {
		t.Errorf("the uploaded file: %+v", f)
	}
	m := result(c.PostMessage(ctx, channelID, api.NewMessage{FileIDs: []string{f.ID}})).must(p)
	if len(m.Attachments) != 1 || m.Attachments[0].ID != f.ID {
		t.Errorf("the message with a file: %+v", m)
	}
	if got := p.fetch(f); got != page {
		t.Fatalf("download: %s", got)
	}
	a, err := p.do("GET", "/api/files/"+f.ID, nil, nil)
	if h := a.Header; err != nil || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
		t.Errorf("an uploaded page can act as one of the hub's: %v %v", err, h)
	}
	p.ok(c.DeleteFile(ctx, f.ID))
}

func incomingCalls(t *testing.T, p *process, channelID string) {
	ctx, c := t.Context(), p.api()
	in := p.incoming(map[string]any{"name": "In", "targetChannelId": channelID})
	if shown := result(c.IncomingWebhook(ctx, in.ID)).must(p); shown.Token != "" || shown.URL != "" || shown.Name != "In" {
		t.Errorf("the incoming webhook: %+v", shown)
	}
	changed := result(c.UpdateIncomingWebhook(ctx, in.ID, api.IncomingWebhookFields{
		Name: api.Set("In 2"), Username: api.Set("bot"), AllowIPs: api.Set([]string{"127.0.0.1"}), RateLimit: api.Set(100),
	})).must(p)
	if changed.Name != "In 2" || changed.Username != "bot" || changed.RateLimit == nil || *changed.RateLimit != 100 {
		t.Errorf("after the change: %+v", changed)
	}
	if hooks := all(p, c.IncomingWebhooks(ctx)); len(hooks) != 1 {
		t.Errorf("the incoming webhooks: %+v", hooks)
	}
	in = p.rotate(in, 2*time.Hour)

	path := incomingPath(in.Token)
	receive := func(method, path, body string) answer {
		a, err := p.do(method, path, anonymous(), strings.NewReader(body))
		if err != nil || a.Status > 299 {
			t.Errorf("%s %s: %v %d %s", method, path, err, a.Status, a.Body)
		}
		return a
	}
	receive("GET", path, "")
	receive("GET", path+"/slack", "")
	receive("POST", path+"/slack", `{"text":"hello"}`)
	receive("PUT", path, `{"content":"put"}`)
	receive("PUT", path+"/slack", `{"text":"put"}`)
	var ok posted
	if err := json.Unmarshal(receive("POST", path, `{"content":"hello"}`).Body, &ok); err != nil {
		t.Error(err)
	}
	receive("PATCH", path+"/messages/"+ok.MessageID, `{"content":"changed"}`)
	receive("DELETE", path+"/messages/"+ok.MessageID, "")
	productCalls(t, receive, in.Token)

	calls := p.callsOf(in.ID)
	if len(calls) == 0 {
		t.Fatal("the log is empty")
	}
	for _, logged := range calls {
		if logged.MessageID == ok.MessageID && logged.Verdict == "accepted" {
			_, err := c.Call(ctx, in.ID, logged.ID)
			p.ok(err)
			_, err = c.PreviewCall(ctx, in.ID, logged.ID, api.ReadingFields{KeyTemplate: api.Set("{/content}")})
			p.ok(err)
			_, err = c.ReplayCall(ctx, in.ID, logged.ID)
			p.ok(err)
			trace := result(c.InboxCall(ctx, logged.ID)).must(p)
			if len(trace.Events) == 0 || trace.Events[0].Event != "message.created" {
				t.Errorf("what came of the call: %+v", trace)
			}
			_, err = c.ReplayInbox(ctx, logged.ID)
			p.ok(err)
			break
		}
	}
	if inbox := all(p, c.Inbox(ctx)); len(inbox) <= len(calls) {
		t.Errorf("%d calls are in the inbox, %d in the log of the webhook", len(inbox), len(calls))
	}
	if dialects := all(p, c.Dialects(ctx)); len(dialects) == 0 {
		t.Error("there are no dialects")
	}
	p.ok(c.DeleteIncomingWebhook(ctx, in.ID))
}

// productCalls makes the calls that clients of other products make by themselves.
func productCalls(t *testing.T, receive func(method, path, body string) answer, token string) {
	path, own := incomingPath(token), "/api/v10/webhooks/incoming/"+token
	receive("POST", "/services/T1/B1/"+token, `{"text":"hello"}`)
	receive("POST", "/hooks/"+token, `{"text":"hello"}`)
	receive("POST", "/hooks/any/"+token, `{"text":"hello"}`)
	receive("POST", path+"/slack/chat.postMessage", `{"text":"hello"}`)
	receive("POST", "/api/webhooks/discord?token="+token, `{"content":"hello"}`)
	for _, base := range []string{own, path + "/discord"} {
		receive("GET", base, "")
		var made struct{ ID string }
		if err := json.Unmarshal(receive("POST", base+"?wait=true", `{"content":"hello"}`).Body, &made); err != nil {
			t.Error(err)
		}
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			receive(method, base+"/messages/"+made.ID, map[string]string{"PATCH": `{"content":"changed"}`}[method])
		}
	}
}

func outgoingCalls(t *testing.T, p *process, receiver *sink) {
	ctx, c := t.Context(), p.api()
	out := p.outgoing(map[string]any{"name": "Out", "url": receiver.url("/all"), "events": []string{"ordered"}, "retryDelay": 60_000})
	shown := result(c.OutgoingWebhook(ctx, out.ID)).must(p)
	if shown.Secret != "" || shown.Timeout != 30000 || shown.MaxRetries != 3 || shown.RetryDelay != 60000 || shown.Concurrency != 10 ||
		shown.Ordering != "conversation" || shown.Signing != "nchat" {
		t.Errorf("the outgoing webhook: %+v", shown)
	}
	shown = result(c.UpdateOutgoingWebhook(ctx, out.ID, api.OutgoingWebhookFields{
		Name: api.Set("Out 2"), RetryDelay: api.Null[int64](), MaxRetries: api.Set(0),
	})).must(p)
	if shown.Name != "Out 2" || shown.RetryDelay != 5000 || shown.MaxRetries != 0 {
		t.Errorf("after the change: %+v", shown)
	}
	if hooks := all(p, c.OutgoingWebhooks(ctx)); len(hooks) != 1 {
		t.Errorf("the outgoing webhooks: %+v", hooks)
	}
	p.rotateSecret(out, 30*time.Minute)
	_, err := c.TestOutgoingWebhook(ctx, out.ID)
	p.ok(err)
	receiver.await("/all", 1)
	receiver.answers("/all", 500)
	p.publish("ordered", 1)
	p.awaitStatuses(out.ID, "failed", 1)

	failed := all(p, c.Deliveries(ctx, api.DeliveryQuery{
		WebhookID: out.ID, Status: "failed", Event: "order*", Since: time.Now().Add(-time.Hour),
	}))
	if len(failed) != 1 {
		t.Fatalf("the failed deliveries: %+v", failed)
	}
	p.delivery(failed[0].ID)
	receiver.answers("/all", 204)
	_, err = c.RetryDelivery(ctx, failed[0].ID)
	p.ok(err)
	p.awaitStatuses(out.ID, "success", 2)
	p.pause(out)
	p.publish("ordered", 2)
	p.awaitStatuses(out.ID, "held", 1)
	p.cancel(p.deliveries(out.ID, "held")[0])
	p.resume(out, false)
	_, err = c.ReplayOutgoingWebhook(ctx, out.ID, api.Replay{Status: "canceled", RatePerMinute: 600})
	p.ok(err)
	p.awaitStatuses(out.ID, "success", 3)
	stats := result(c.QueueStats(ctx)).must(p)
	alias, err := p.do("GET", "/api/admin/webhooks/queue/stats", nil, nil)
	var same api.QueueStats
	if err != nil || json.Unmarshal(alias.Body, &same) != nil || same.Completed != 3 || stats.Completed != 3 {
		t.Errorf("the queue's figures: %+v; under nself-chat's address %v %s", stats, err, alias.Body)
	}
	p.ok(c.PauseQueue(ctx))
	p.ok(c.ResumeQueue(ctx))
	p.ok(c.DeleteOutgoingWebhook(ctx, out.ID))
}

func eventCalls(t *testing.T, p *process) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := p.api()
	made, _ := p.publish("some.thing", map[string]any{"n": 1})
	e := result(c.Event(ctx, made)).must(p)
	if e.ID != made || e.Event != "some.thing" || string(e.Data) != `{"n":1}` {
		t.Errorf("the event: %+v", e)
	}
	if events := all(p, c.EventLog(ctx, "some.*")); len(events) != 1 || events[0].ID != made {
		t.Errorf("the events: %+v", events)
	}

	// The stream goes on from where the reader was, and with what happens.
	var events []string
	for e, err := range c.Events(ctx, e.Seq-1, api.WithPattern("some.*")) {
		p.ok(err)
		if events = append(events, e.Event); len(events) == 2 {
			break
		}
		p.publish("not.this", 1)
		p.publish("some.more", 1)
	}
	if strings.Join(events, " ") != "some.thing some.more" {
		t.Errorf("the stream brought %v", events)
	}
}

func accessCalls(t *testing.T, p *process) {
	ctx, c := t.Context(), p.api()
	token := result(c.CreateToken(ctx, api.NewToken{Name: "reader", Scope: "read"})).must(p)
	reader := *p
	reader.token = token.Token
	reads := func() error {
		_, err := api.Collect(reader.api().Channels(ctx))
		return err
	}
	if err := reads(); err != nil {
		t.Errorf("a read token reads: %v", err)
	}
	if _, err := reader.api().Publish(ctx, api.Publication{Event: "x", Data: 1}); statusOf(err) != http.StatusForbidden {
		t.Errorf("a read token sends an event: %v", err)
	}
	if tokens := all(p, c.Tokens(ctx)); len(tokens) != 2 || tokens[0].Token != "" {
		t.Errorf("the tokens: %+v", tokens)
	}
	p.ok(c.DeleteToken(ctx, token.ID))
	if err := reads(); statusOf(err) != http.StatusUnauthorized {
		t.Errorf("a deleted token reads: %v", err)
	}
	if a, err := p.do("GET", "/api/channels", anonymous(), nil); err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("nobody reads: %v %d", err, a.Status)
	}

	p.signIn()
	sessions := all(p, c.Sessions(ctx, ""))
	if len(sessions) != 1 {
		t.Fatalf("the sessions: %+v", sessions)
	}
	p.ok(c.DeleteSession(ctx, sessions[0].ID))
	_, err := c.DeleteSessions(ctx, "")
	p.ok(err)
	place := ""
	if audit := all(p, c.AuditLog(ctx, api.AuditQuery{}, api.WithLimit(5), api.WithCursor(&place))); len(audit) != 5 || place == "" {
		t.Errorf("the audit log: %+v", audit)
	}
}
