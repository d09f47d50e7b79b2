package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// caller makes calls that must succeed, and remembers which operations of the
// API they were.
type caller struct {
	*process
	all    []operation
	called map[string]bool
}

// ok makes a JSON call and decodes its answer into out unless that is nil.
func (c *caller) ok(method, path string, in, out any) {
	c.t.Helper()
	status, err := c.call(method, path, in, out)
	if err != nil {
		c.t.Errorf("%v", err)
		return
	}
	c.note(method, path, status)
}

func (c *caller) note(method, path string, status int) {
	c.t.Helper()
	o, known := operationOf(c.all, method, path)
	if !known {
		c.t.Errorf("%s %s is not described in /openapi.json", method, path)
	}
	if status < 300 {
		c.called[o.String()] = true
	}
}

// TestEveryCall makes each call of the API once, the way an operator would,
// and compares what it made with what the API says there is.
func TestEveryCall(t *testing.T) { onBoth(t, testEveryCall) }

func testEveryCall(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	c := &caller{process: p, all: p.describedOperations(), called: make(map[string]bool)}
	channelID, userID := chatCalls(t, c)
	fileCalls(t, c, channelID)
	incomingCalls(t, c, channelID)
	outgoingCalls(t, c, receiver)
	eventCalls(t, c)
	accessCalls(t, c)
	c.ok("DELETE", "/api/channels/"+channelID, nil, nil)
	c.ok("PATCH", "/api/users/"+userID, map[string]any{"status": "inactive"}, nil)
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

func chatCalls(t *testing.T, c *caller) (channelID, userID string) {
	var team struct {
		ID, Name, Topic, Type string
		IsArchived            bool
	}
	c.ok("POST", "/api/channels", map[string]any{"name": "team", "topic": "work", "type": "private"}, &team)
	c.ok("PATCH", "/api/channels/"+team.ID, map[string]any{"topic": "more work", "name": "the-team"}, nil)
	c.ok("GET", "/api/channels/"+team.ID, nil, &team)
	if team.Name != "the-team" || team.Topic != "more work" || team.Type != "private" {
		t.Errorf("the channel: %+v", team)
	}
	var channels page[channel]
	c.ok("GET", "/api/channels?limit=2", nil, &channels)
	first := channels.Items
	c.ok("GET", "/api/channels?limit=2&cursor="+url.QueryEscape(channels.NextCursor), nil, &channels)
	if len(first) != 2 || len(channels.Items) != 1 || channels.NextCursor == "-" {
		t.Errorf("two pages of three channels: %v, %v", first, channels)
	}

	var ada struct{ ID, Username, DisplayName, Email, Role string }
	c.ok("POST", "/api/users", map[string]any{"username": "ada", "displayName": "Ada", "email": "ada@example.com"}, &ada)
	c.ok("PATCH", "/api/users/"+ada.ID, map[string]any{"displayName": "Ada L."}, nil)
	c.ok("GET", "/api/users/"+ada.ID, nil, &ada)
	if ada.DisplayName != "Ada L." || ada.Username != "ada" || ada.Role != "member" {
		t.Errorf("the user: %+v", ada)
	}
	var users page[struct{ ID string }]
	c.ok("GET", "/api/users", nil, &users)
	if len(users.Items) < 2 {
		t.Errorf("the users: %+v", users)
	}

	member := "/api/channels/" + team.ID + "/members/" + ada.ID
	c.ok("PUT", member, map[string]any{"role": "admin"}, nil)
	var m struct{ UserID, Role string }
	c.ok("GET", member, nil, &m)
	if m.UserID != ada.ID || m.Role != "admin" {
		t.Errorf("the membership: %+v", m)
	}
	var members page[struct{ UserID string }]
	c.ok("GET", "/api/channels/"+team.ID+"/members", nil, &members)
	c.ok("DELETE", member, nil, nil)
	if len(members.Items) != 2 {
		t.Errorf("the members: %+v", members)
	}
	messageCalls(t, c, team.ID)
	return team.ID, ada.ID
}

func messageCalls(t *testing.T, c *caller, channelID string) {
	list := "/api/channels/" + channelID + "/messages"
	var root, reply message
	c.ok("POST", list, map[string]any{
		"content": "The **quick** brown fox", "embeds": []any{map[string]any{"title": "A card", "description": "with text"}},
	}, &root)
	c.ok("POST", list, map[string]any{"content": "jumps", "threadId": root.ID}, &reply)
	one := "/api/messages/" + root.ID
	c.ok("PATCH", one, map[string]any{"content": "The quick red fox"}, nil)
	c.ok("PUT", one+"/pin", nil, nil)
	c.ok("PUT", one+"/reactions/"+url.PathEscape("👍"), nil, nil)
	c.ok("GET", one, nil, &root)
	if root.Content != "The quick red fox" || root.Revision != 2 || !root.IsPinned || len(root.Reactions) != 1 || root.Reactions[0].Emoji != "👍" ||
		root.Reactions[0].Count != 1 || len(root.Embeds) != 1 || root.Embeds[0].Title != "A card" || root.EditedAt.IsZero() {
		t.Errorf("the message: %+v", root)
	}
	c.ok("DELETE", one+"/reactions/"+url.PathEscape("👍"), nil, nil)
	c.ok("DELETE", one+"/pin", nil, nil)
	var before page[message]
	c.ok("GET", one+"/revisions", nil, &before)
	if len(before.Items) != 1 || before.Items[0].Content != "The **quick** brown fox" {
		t.Errorf("the revisions: %+v", before)
	}
	var thread struct {
		Root  message
		Items []message
	}
	c.ok("GET", one+"/thread", nil, &thread)
	if thread.Root.ID != root.ID || len(thread.Items) != 1 || thread.Items[0].ID != reply.ID || thread.Items[0].ThreadID != root.ID {
		t.Errorf("the thread: %+v", thread)
	}
	var found page[struct {
		Message message
		Snippet string
	}]
	c.ok("GET", "/api/search?q=red+qui", nil, &found)
	if len(found.Items) != 1 || found.Items[0].Message.ID != root.ID {
		t.Errorf("the search: %+v", found)
	}
	var all page[message]
	c.ok("GET", list+"?before="+reply.ID, nil, &all)
	if len(all.Items) != 1 || all.Items[0].ID != root.ID {
		t.Errorf("the messages before the reply: %+v", all)
	}
	c.ok("DELETE", "/api/messages/"+reply.ID, nil, nil)
}

func fileCalls(t *testing.T, c *caller, channelID string) {
	upload := func(name, content string) attachment {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(part, content)
		w.Close()
		a, err := c.do("POST", "/api/files", http.Header{"Content-Type": {w.FormDataContentType()}}, &form)
		if err != nil || a.Status != http.StatusCreated {
			t.Fatalf("upload: %v %d %s", err, a.Status, a.Body)
		}
		c.note("POST", "/api/files", a.Status)
		var f attachment
		if err := json.Unmarshal(a.Body, &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	const page = "<html><script>alert(1)</script>"
	f := upload("../../evil.html", page)
	if strings.ContainsAny(f.Filename, "/\\") || f.Size != int64(len(page)) {
		t.Errorf("the uploaded file: %+v", f)
	}
	var m message
	c.ok("POST", "/api/channels/"+channelID+"/messages", map[string]any{"fileIds": []string{f.ID}}, &m)
	if len(m.Attachments) != 1 || m.Attachments[0].ID != f.ID {
		t.Errorf("the message with a file: %+v", m)
	}
	a, err := c.do("GET", "/api/files/"+f.ID, nil, nil)
	if err != nil || string(a.Body) != page {
		t.Fatalf("download: %v %d %s", err, a.Status, a.Body)
	}
	c.note("GET", "/api/files/"+f.ID, a.Status)
	if h := a.Header; !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox; default-src 'none'") {
		t.Errorf("an uploaded page can act as one of the hub's: %v", h)
	}
	c.ok("DELETE", "/api/files/"+f.ID, nil, nil)
}

func incomingCalls(t *testing.T, c *caller, channelID string) {
	const base = "/api/incoming-webhooks"
	var in hook
	c.ok("POST", base, map[string]any{"name": "In", "targetChannelId": channelID}, &in)
	one := base + "/" + in.ID
	var shown map[string]any
	c.ok("GET", one, nil, &shown)
	if shown["token"] != nil || shown["url"] != nil || shown["name"] != "In" {
		t.Errorf("the incoming webhook: %v", shown)
	}
	c.ok("PATCH", one, map[string]any{"name": "In 2", "username": "bot", "allowIps": []string{"127.0.0.1"}, "rateLimit": 100}, &shown)
	if shown["name"] != "In 2" || shown["username"] != "bot" || shown["rateLimit"] != 100.0 {
		t.Errorf("after the change: %v", shown)
	}
	var all page[hook]
	c.ok("GET", base, nil, &all)
	if len(all.Items) != 1 {
		t.Errorf("the incoming webhooks: %+v", all)
	}
	c.ok("POST", one+"/rotate", map[string]any{"overlapHours": 2}, &in)

	path := incomingPath(in.Token)
	receive := func(method, path, body string) answer {
		a, err := c.do(method, path, anonymous(), strings.NewReader(body))
		if err != nil || a.Status > 299 {
			t.Errorf("%s %s: %v %d %s", method, path, err, a.Status, a.Body)
		}
		place, _, _ := strings.Cut(path, "?")
		c.note(method, place, a.Status)
		return a
	}
	receive("GET", path, "")
	receive("GET", path+"/slack", "")
	receive("GET", path+"/discord", "")
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

	var calls page[call]
	c.ok("GET", one+"/log", nil, &calls)
	if len(calls.Items) == 0 {
		t.Fatal("the log is empty")
	}
	for _, logged := range calls.Items {
		if logged.MessageID == ok.MessageID && logged.Verdict == "accepted" {
			c.ok("GET", one+"/log/"+logged.ID, nil, nil)
			c.ok("POST", one+"/log/"+logged.ID+"/preview", map[string]any{"keyTemplate": "{/content}"}, nil)
			c.ok("POST", one+"/log/"+logged.ID+"/replay", nil, nil)
			c.ok("GET", "/api/inbox/"+logged.ID, nil, nil)
			break
		}
	}
	c.ok("GET", "/api/inbox", nil, nil)
	c.ok("GET", base+"/dialects", nil, nil)
	c.ok("DELETE", one, nil, nil)
}

// productCalls makes the calls that clients of other products make by themselves.
func productCalls(t *testing.T, receive func(method, path, body string) answer, token string) {
	path, client := incomingPath(token), "/api/v10/webhooks/incoming/"+token
	receive("POST", "/services/T1/B1/"+token, `{"text":"hello"}`)
	receive("POST", "/hooks/"+token, `{"text":"hello"}`)
	receive("POST", "/hooks/any/"+token, `{"text":"hello"}`)
	receive("POST", path+"/slack/chat.postMessage", `{"text":"hello"}`)
	receive("POST", "/api/webhooks/discord?token="+token, `{"content":"hello"}`)
	receive("GET", client, "")
	for _, base := range []string{client, path + "/discord"} {
		var made struct{ ID string }
		if err := json.Unmarshal(receive("POST", base+"?wait=true", `{"content":"hello"}`).Body, &made); err != nil {
			t.Error(err)
		}
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			receive(method, base+"/messages/"+made.ID, map[string]string{"PATCH": `{"content":"changed"}`}[method])
		}
	}
}

func outgoingCalls(t *testing.T, c *caller, receiver *sink) {
	const base = "/api/outgoing-webhooks"
	var out hook
	c.ok("POST", base, map[string]any{"name": "Out", "url": receiver.url("/all"), "events": []string{"ordered"}, "retryDelay": 60_000}, &out)
	one := base + "/" + out.ID
	var shown map[string]any
	c.ok("GET", one, nil, &shown)
	if shown["secret"] != nil || shown["timeout"] != 30000.0 || shown["maxRetries"] != 3.0 || shown["retryDelay"] != 60000.0 ||
		shown["concurrency"] != 10.0 || shown["ordering"] != "conversation" || shown["signing"] != "nchat" {
		t.Errorf("the outgoing webhook: %v", shown)
	}
	c.ok("PATCH", one, map[string]any{"name": "Out 2", "retryDelay": nil, "maxRetries": 0}, &shown)
	if shown["name"] != "Out 2" || shown["retryDelay"] != 5000.0 || shown["maxRetries"] != 0.0 {
		t.Errorf("after the change: %v", shown)
	}
	var all page[hook]
	c.ok("GET", base, nil, &all)
	if len(all.Items) != 1 {
		t.Errorf("the outgoing webhooks: %+v", all)
	}
	c.ok("POST", one+"/rotate-secret", map[string]any{"overlapHours": 0.5}, nil)
	c.ok("POST", one+"/test", nil, nil)
	receiver.await("/all", 1)
	receiver.answers("/all", 500)
	c.publish("ordered", 1)
	c.awaitStatuses(out.ID, "failed", 1)

	var deliveries page[delivery]
	c.ok("GET", "/api/deliveries?status=failed&event=order*&webhookId="+out.ID+"&since="+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339),
		nil, &deliveries)
	if len(deliveries.Items) != 1 {
		t.Fatalf("the failed deliveries: %+v", deliveries)
	}
	d := "/api/deliveries/" + deliveries.Items[0].ID
	c.ok("GET", d, nil, nil)
	receiver.answers("/all", 204)
	c.ok("POST", d+"/retry", nil, nil)
	c.awaitStatuses(out.ID, "success", 2)
	c.ok("POST", one+"/pause", nil, nil)
	c.publish("ordered", 2)
	c.awaitStatuses(out.ID, "held", 1)
	c.ok("POST", "/api/deliveries/"+c.deliveries(out.ID, "held")[0].ID+"/cancel", nil, nil)
	c.ok("POST", one+"/resume", map[string]any{"held": "deliver"}, nil)
	c.ok("POST", one+"/replay", map[string]any{"status": "canceled", "ratePerMinute": 600}, nil)
	c.awaitStatuses(out.ID, "success", 3)
	for _, path := range []string{"/api/queue/stats", "/api/admin/webhooks/queue/stats"} {
		c.ok("GET", path, nil, nil)
	}
	c.ok("POST", "/api/queue/pause", nil, nil)
	c.ok("POST", "/api/queue/resume", nil, nil)
	c.ok("DELETE", one, nil, nil)
}

func eventCalls(t *testing.T, c *caller) {
	var made struct{ EventID string }
	c.ok("POST", "/api/events", map[string]any{"event": "some.thing", "data": map[string]any{"n": 1}}, &made)
	var e struct {
		ID, Event string
		Seq       int64
		Data      struct{ N int }
	}
	c.ok("GET", "/api/events/"+made.EventID, nil, &e)
	if e.ID != made.EventID || e.Event != "some.thing" || e.Data.N != 1 {
		t.Errorf("the event: %+v", e)
	}
	var all page[struct{ ID string }]
	c.ok("GET", "/api/events?event=some.*", nil, &all)
	if len(all.Items) != 1 || all.Items[0].ID != made.EventID {
		t.Errorf("the events: %+v", all)
	}

	// The stream goes on from where the reader was, and with what happens.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", c.url+"/api/events/stream?event=some.*", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Last-Event-ID", fmt.Sprint(e.Seq-1))
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	c.note("GET", "/api/events/stream", resp.StatusCode)
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the stream is %q", kind)
	}
	var events []string
	lines(resp.Body, func(line string) bool {
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			events = append(events, name)
			if len(events) == 1 {
				c.publish("not.this", 1)
				c.publish("some.more", 1)
			}
		}
		return len(events) < 2
	})
	if strings.Join(events, " ") != "some.thing some.more" {
		t.Errorf("the stream brought %v", events)
	}
}

func accessCalls(t *testing.T, c *caller) {
	var token hook
	c.ok("POST", "/api/tokens", map[string]any{"name": "reader", "scope": "read"}, &token)
	reader := *c.process
	reader.token = token.Token
	if status, err := reader.call("GET", "/api/channels", nil, nil); err != nil {
		t.Errorf("a read token reads: %d %v", status, err)
	}
	if status, _ := reader.call("POST", "/api/events", map[string]any{"event": "x", "data": 1}, nil); status != http.StatusForbidden {
		t.Errorf("a read token sends an event: %d", status)
	}
	var all page[hook]
	c.ok("GET", "/api/tokens", nil, &all)
	if len(all.Items) != 2 || all.Items[0].Token != "" {
		t.Errorf("the tokens: %+v", all)
	}
	c.ok("DELETE", "/api/tokens/"+token.ID, nil, nil)
	if status, _ := reader.call("GET", "/api/channels", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("a deleted token reads: %d", status)
	}
	if a, err := c.do("GET", "/api/channels", anonymous(), nil); err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("nobody reads: %v %d", err, a.Status)
	}

	c.signIn()
	var sessions page[hook]
	c.ok("GET", "/api/sessions", nil, &sessions)
	if len(sessions.Items) != 1 {
		t.Fatalf("the sessions: %+v", sessions)
	}
	c.ok("DELETE", "/api/sessions/"+sessions.Items[0].ID, nil, nil)
	c.ok("DELETE", "/api/sessions", nil, nil)
	var audit page[struct{ Action string }]
	c.ok("GET", "/api/audit-log?limit=5", nil, &audit)
	if len(audit.Items) != 5 || audit.NextCursor == "" {
		t.Errorf("the audit log: %+v", audit)
	}
}
