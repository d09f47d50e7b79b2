package ingress

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/secret"
	"github.com/nself-chat/hub/internal/store"
)

var (
	_ Store = (*store.Store)(nil)
	_ Chat  = (*chat.Service)(nil)
)

// router delivers every event to no webhook and remembers what was committed.
type router struct {
	mu     sync.Mutex
	events []*hub.Event
}

func (r *router) Route(e *hub.Event) hub.Routing { return hub.Routing{Event: e} }

func (*router) CatchUp(context.Context, int64) error { return nil }

func (r *router) Settle(committed bool, routings ...hub.Routing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, routing := range routings {
		if committed {
			r.events = append(r.events, routing.Event)
		}
	}
}

// realWorld is an Ingress on the real chat and a real database.
type realWorld struct {
	db      *store.Store
	chat    *chat.Service
	router  *router
	in      *Ingress
	mux     *http.ServeMux
	channel hub.ChannelID
	hook    hub.IncomingWebhook
}

func newRealWorld(t testing.TB) *realWorld {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "hub.db"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &realWorld{db: db, router: &router{}, mux: http.NewServeMux()}
	ids := &hub.IDs{}
	w.chat = &chat.Service{
		Store: db, Router: w.router, IDs: ids, Now: time.Now, Log: log, Blobs: &chat.Blobs{Dir: t.TempDir()},
	}
	d, err := w.chat.EnsureDefaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, err := w.chat.CreateUser(t.Context(), chat.NewUser{Kind: hub.UserWebhook, DisplayName: "Builds"}, chat.Cause{})
	if err != nil {
		t.Fatal(err)
	}
	w.channel = d.General
	w.hook = hub.IncomingWebhook{
		ID: hub.IncomingID(ids.New()), Name: "Builds", ChannelID: d.General, UserID: user.ID, Enabled: true,
		TokenHash: secret.Hash(token), RateLimit: -1, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	if err := db.CreateIncomingWebhook(t.Context(), &w.hook, nil); err != nil {
		t.Fatal(err)
	}
	w.in = New(Options{
		Store: db, Chat: w.chat, IDs: ids, Now: time.Now, Log: log,
		OpenSecret: func(*hub.IncomingWebhook) (secret.String, error) { return secret.New(standardSecret), nil },
	})
	w.in.Mount(w.mux)
	return w
}

func (w *realWorld) do(t testing.TB, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/api/webhooks/incoming/" + path
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec
}

type answer struct {
	Success              bool
	Message              string
	MessageID, ChannelID string
	Timestamp            time.Time
	Duration             *float64
}

func read(t testing.TB, body []byte) (a answer) {
	t.Helper()
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("answer %s: %v", body, err)
	}
	return a
}

// TestGuidesCurl runs the guide's command, with nothing changed but the host
// and the token.
func TestGuidesCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("curl is needed: the guide's command is what is tested")
	}
	w := newRealWorld(t)
	srv := httptest.NewServer(w.mux)
	defer srv.Close()
	out, err := exec.CommandContext(t.Context(), curl, "-sS", "-X", "POST", srv.URL+"/api/webhooks/incoming/"+token,
		"-H", "Content-Type: application/json", "-d", guideBody).Output()
	if err != nil {
		t.Fatal(err)
	}
	a := read(t, out)
	if !a.Success || a.Message != "Message posted successfully" || a.ChannelID != string(w.channel) || a.Duration == nil {
		t.Errorf("answered %s", out)
	}
	m, err := w.chat.Message(t.Context(), hub.MessageID(a.MessageID))
	if err != nil {
		t.Fatal(err)
	}
	if m.Content != "Hello from external service!" || m.Author.DisplayName != "External Bot" ||
		m.Author.AvatarURL != "https://example.com/icon.png" || m.Author.Kind != hub.UserWebhook || m.ChannelID != w.channel {
		t.Errorf("posted %+v", m)
	}
	if d := m.CreatedAt.Sub(a.Timestamp); d < 0 || d >= time.Millisecond {
		t.Errorf("the answer says %v, the message is of %v", a.Timestamp, m.CreatedAt)
	}
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 10)
	if err != nil || len(calls) != 1 || calls[0].MessageID != m.ID || calls[0].Verdict != "accepted" || calls[0].RemoteIP != "127.0.0.1" {
		t.Errorf("logged %+v, error %v", calls, err)
	}
	e := w.router.events[len(w.router.events)-1]
	if e.Type != hub.EventMessageCreated || e.Origin != (hub.Origin{Kind: hub.OriginIncoming, ID: string(w.hook.ID)}) || e.Trace == "" {
		t.Errorf("event %+v", e)
	}
}

func TestPlainTextByCurl(t *testing.T) {
	w := newRealWorld(t)
	srv := httptest.NewServer(w.mux)
	defer srv.Close()
	for _, test := range []struct {
		args    []string
		content string
	}{
		{[]string{"-d", "Deploy of a&b is 100% done"}, "Deploy of a&b is 100% done"},
		{[]string{"-d", "text=Hi there", "-d", "username=CI"}, "Hi there"},
		{[]string{"--data-urlencode", "text=a&b = c"}, "a&b = c"},
		{[]string{"-F", "content=from a form"}, "from a form"},
		{[]string{"--data-urlencode", `payload={"text":"from a payload"}`}, "from a payload"},
		{[]string{"-H", "Content-Type:", "-d", `{"text":"without a label"}`}, "without a label"},
		{[]string{"-H", "Transfer-Encoding: chunked", "-d", `{"text":"in chunks"}`}, "in chunks"},
	} {
		args := append([]string{"-sS", "-f", srv.URL + "/api/webhooks/incoming/" + token}, test.args...)
		if out, err := exec.CommandContext(t.Context(), "curl", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", test.args, err, out)
		}
		all, err := w.db.ChannelMessages(t.Context(), w.channel, "", "", false, 1)
		if err != nil || all[0].Content != test.content {
			t.Errorf("%v posted %q, want %q; error %v", test.args, all[0].Content, test.content, err)
		}
	}
}

// TestRedelivery: what GitHub delivers again under the number it had is posted once.
func TestRedelivery(t *testing.T) {
	w := newRealWorld(t)
	var answers []string
	for _, number := range []string{"72d3162e-cc78-11e3-81ab-4c9367dc0958", "72d3162e-cc78-11e3-81ab-4c9367dc0958", "83e4273f-cc78-11e3-81ab-4c9367dc0958"} {
		rec := w.do(t, "POST", token, `{"zen":"Keep it logically awesome.","hook_id":1}`, "X-GitHub-Event", "ping", "X-GitHub-Delivery", number)
		if rec.Code != http.StatusOK {
			t.Fatalf("answered %d %s", rec.Code, rec.Body)
		}
		answers = append(answers, rec.Body.String())
	}
	w.in.journal.flush(t.Context())
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 10)
	if err != nil || len(calls) != 3 || calls[0].Verdict != "accepted" || calls[1].Verdict != "repeated" || calls[2].Verdict != "accepted" || calls[0].MessageID == calls[2].MessageID {
		t.Errorf("logged %+v, error %v; answers %v", calls, err, answers)
	}
}

func TestIdempotencyOnTheRealChat(t *testing.T) {
	w := newRealWorld(t)
	const body = `{"content":"once"}`
	first := w.do(t, "POST", token, body, "Idempotency-Key", "k")
	again := w.do(t, "POST", token, body, "Idempotency-Key", "k")
	a, b := read(t, first.Body.Bytes()), read(t, again.Body.Bytes())
	a.Duration, b.Duration = nil, nil
	if first.Code != 200 || again.Code != 200 || a != b {
		t.Errorf("answered %d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if rec := w.do(t, "POST", token, `{"content":"twice"}`, "Idempotency-Key", "k"); rec.Code != http.StatusConflict {
		t.Errorf("another body under the key answered %d %s", rec.Code, rec.Body)
	}
	w.in.journal.flush(t.Context())
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 10)
	if err != nil || len(calls) != 3 || calls[0].Verdict != "conflict" || calls[1].Verdict != "repeated" || calls[2].Verdict != "accepted" {
		t.Errorf("logged %+v, error %v", calls, err)
	}
	if h, err := w.db.IncomingWebhook(t.Context(), w.hook.ID); err != nil || h.CallCount != 3 || h.RefusedCount != 1 {
		t.Errorf("counted %d calls, %d refused, error %v", h.CallCount, h.RefusedCount, err)
	}
	if calls[1].MessageID != calls[2].MessageID {
		t.Error("the repetition names another message")
	}
}

func TestThreadEditDeleteOnTheRealChat(t *testing.T) {
	w := newRealWorld(t)
	root := read(t, w.do(t, "POST", token, `{"content":"root"}`).Body.Bytes())
	reply := w.do(t, "POST", token, `{"text":"reply","threadId":"`+root.MessageID+`"}`)
	m, err := w.chat.Message(t.Context(), hub.MessageID(read(t, reply.Body.Bytes()).MessageID))
	if err != nil || string(m.ThreadID) != root.MessageID {
		t.Errorf("the reply is in thread %q, error %v", m.ThreadID, err)
	}
	if rec := w.do(t, "POST", token, `{"text":"x","threadId":"`+string(foreign)+`"}`); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"field":"threadId"`) {
		t.Errorf("an unknown thread answered %d %s", rec.Code, rec.Body)
	}
	path := token + "/messages/" + root.MessageID
	if rec := w.do(t, "PATCH", path, `{"content":"edited @everyone"}`); rec.Code != 200 {
		t.Fatalf("PATCH answered %d %s", rec.Code, rec.Body)
	}
	m, err = w.chat.Message(t.Context(), hub.MessageID(root.MessageID))
	if err != nil || m.Content != "edited @\u200beveryone" || m.Revision != 2 {
		t.Errorf("edited to %q, revision %d, error %v", m.Content, m.Revision, err)
	}
	for range 2 { // deleting it again changes nothing
		if rec := w.do(t, "DELETE", path, ""); rec.Code != 200 {
			t.Fatalf("DELETE answered %d %s", rec.Code, rec.Body)
		}
	}
	if rec := w.do(t, "PATCH", path, `{"content":"x"}`); rec.Code != 404 {
		t.Errorf("PATCH of a deleted message answered %d", rec.Code)
	}
	own, err := w.chat.Post(t.Context(), chat.Post{ChannelID: w.channel, Author: hub.Author{ID: w.hook.UserID}, Content: "not by a call"})
	if err != nil {
		t.Fatal(err)
	}
	if rec := w.do(t, "DELETE", token+"/messages/"+string(own.ID), ""); rec.Code != 404 {
		t.Errorf("deleting what the webhook did not post answered %d", rec.Code)
	}
}

func TestMassMentionsOnTheRealChat(t *testing.T) {
	for allowed, want := range map[bool]string{false: "@\u200bchannel @\u200bhere", true: "@channel @here"} {
		w := newRealWorld(t)
		_, err := w.db.UpdateIncomingWebhook(t.Context(), w.hook.ID, func(h *hub.IncomingWebhook) error { h.AllowMentions = allowed; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if rec := w.do(t, "POST", token, `{"text":"<!channel> @here","mrkdwn":true}`); rec.Body.String() != "ok" {
			t.Fatalf("answered %s", rec.Body)
		}
		all, err := w.db.ChannelMessages(t.Context(), w.channel, "", "", true, 1)
		if err != nil || len(all) != 1 || strings.ReplaceAll(all[0].Content, `\`, "") != want {
			t.Errorf("allowed %v: %+v, want %q; error %v", allowed, all, want, err)
		}
	}
}

// TestLargestEmbedsFit: whatever a call brings, what is left of it after
// clipping is taken by the chat, which makes mentions longer.
func TestLargestEmbedsFit(t *testing.T) {
	text := func(s string) string { return strings.Repeat(s, 5000/len(s)+1) }
	link := "https://a.example/?" + strings.Repeat("&", 2029)
	card := func(s string) string {
		return fmt.Sprintf(`{"title":%q,"description":%[1]q,"footer":%[1]q,"author":%[1]q`, text(s))
	}
	fields := func(s string) string {
		return `,"fields":[` + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"name":%q,"value":%[1]q},`, text(s)), 25), ",") + `]}`
	}
	links := fmt.Sprintf(`,"url":%q,"image":%[1]q,"thumbnail":%[1]q}`, link)
	for name, test := range map[string]struct {
		card  string
		times int
		want  int // cards that stay, at least
	}{
		"mentions":                       {card("@all ") + "}", 10, 5},
		"mentions without text between":  {card("@all@here.") + "}", 10, 5},
		"mentions in fields":             {card("@all ") + fields("@here\n"), 1, 1},
		"signs that are written longer":  {card("<") + "}", 10, 1},
		"one card, as long as it can be": {card("<") + links, 1, 1},
		"long mentions":                  {card("@everyone ") + links, 10, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRealWorld(t)
			body := fmt.Sprintf(`{"content":%q,"username":%q,"embeds":[%s]}`, strings.Repeat("@here ", 4000), strings.Repeat("名", 100),
				strings.TrimSuffix(strings.Repeat(test.card+",", test.times), ","))
			rec := w.do(t, "POST", token, body)
			if rec.Code != 200 {
				t.Fatalf("answered %d %s", rec.Code, rec.Body)
			}
			id := read(t, rec.Body.Bytes()).MessageID
			m, err := w.chat.Message(t.Context(), hub.MessageID(id))
			if err != nil || len(m.Embeds) < test.want {
				t.Errorf("%d cards stay, want %d; error %v", len(m.Embeds), test.want, err)
			}
			edit := w.do(t, "PATCH", token+"/messages/"+id, strings.Replace(body, `"content":"`, `"content":"edited `, 1))
			if edit.Code != 200 {
				t.Errorf("the edit answered %d %s", edit.Code, edit.Body)
			}
		})
	}
}

func TestArchivedChannelOnTheRealChat(t *testing.T) {
	w := newRealWorld(t)
	c, err := w.chat.CreateChannel(t.Context(), chat.NewChannel{Name: "old", Type: hub.ChannelPublic}, chat.Cause{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.db.UpdateIncomingWebhook(t.Context(), w.hook.ID, func(h *hub.IncomingWebhook) error { h.ChannelID = c.ID; return nil })
	if err != nil {
		t.Fatal(err)
	}
	archived := true
	if _, err := w.chat.UpdateChannel(t.Context(), c.ID, chat.ChannelChange{Archived: &archived}, chat.Cause{}); err != nil {
		t.Fatal(err)
	}
	if rec := w.do(t, "POST", token, `{"text":"x"}`); rec.Code != http.StatusGone || rec.Body.String() != "channel_is_archived" {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
}

func TestReplayOnTheRealChat(t *testing.T) {
	w := newRealWorld(t)
	w.do(t, "POST", token, `{"text":"again"}`)
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := w.in.Replay(t.Context(), calls[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := w.db.Call(t.Context(), replayed.ID)
	if err != nil || stored.MessageID != replayed.MessageID || stored.MessageID == calls[0].MessageID {
		t.Errorf("stored %+v, returned %+v, error %v", stored, replayed, err)
	}
}

// TestAcknowledgedIsStored posts from many clients at once while the journal
// runs: each answered id is a message with its call.
func TestAcknowledgedIsStored(t *testing.T) {
	w := newRealWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.in.Run(ctx) }()
	const clients, each = 8, 25
	ids := make([][]string, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				rec := w.do(t, "POST", token, fmt.Sprintf(`{"content":"%d %d"}`, c, i))
				var a answer
				if json.Unmarshal(rec.Body.Bytes(), &a) == nil && rec.Code == 200 {
					ids[c] = append(ids[c], a.MessageID)
				}
			}
		})
	}
	wg.Wait()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 2*clients*each)
	if err != nil {
		t.Fatal(err)
	}
	logged := make(map[hub.MessageID]bool)
	for _, c := range calls {
		logged[c.MessageID] = true
	}
	for c := range clients {
		if len(ids[c]) != each {
			t.Errorf("client %d: %d of %d were acknowledged", c, len(ids[c]), each)
		}
		for i, id := range ids[c] {
			m, err := w.chat.Message(t.Context(), hub.MessageID(id))
			if err != nil || m.Content != fmt.Sprintf("%d %d", c, i) || !logged[m.ID] {
				t.Errorf("client %d, post %d: %+v, logged %v, error %v", c, i, m, logged[m.ID], err)
			}
		}
	}
	h, err := w.db.IncomingWebhook(t.Context(), w.hook.ID)
	if err != nil || h.CallCount != clients*each || h.RefusedCount != 0 || h.LastUsedAt.IsZero() {
		t.Errorf("counted %d calls, %d refused, last %v, error %v", h.CallCount, h.RefusedCount, h.LastUsedAt, err)
	}
}

// logged are the verdicts of the webhook's calls in the database, newest
// first. Nothing is in it that the journal holds back.
func (w *realWorld) logged(t testing.TB) (verdicts string) {
	t.Helper()
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		verdicts += c.Verdict + " "
	}
	return strings.TrimSpace(verdicts)
}

// TestChangesAreLoggedWithTheirCommit: when the answer is there, so is the row,
// though nobody writes the journal; and every change has one, however many.
func TestChangesAreLoggedWithTheirCommit(t *testing.T) {
	w := newRealWorld(t)
	id := read(t, w.do(t, "POST", token, `{"content":"0"}`).Body.Bytes()).MessageID
	path := token + "/messages/" + id
	const edits = 2 * sampled
	for i := range edits {
		if rec := w.do(t, "PATCH", path, fmt.Sprintf(`{"content":"%d"}`, i+1)); rec.Code != 200 {
			t.Fatalf("PATCH answered %d %s", rec.Code, rec.Body)
		}
	}
	w.do(t, "PATCH", path, fmt.Sprintf(`{"content":"%d"}`, edits)) // says so already
	w.do(t, "DELETE", path, "")
	w.do(t, "DELETE", path, "") // is deleted already
	if got, want := w.logged(t), "deleted deleted "+strings.Repeat("edited ", edits+1)+"accepted"; got != want {
		t.Errorf("logged %s\nwant   %s", got, want)
	}
	calls, err := w.db.Calls(t.Context(), w.hook.ID, "", 1)
	if err != nil || string(calls[0].MessageID) != id || calls[0].Status != 200 || calls[0].RemoteIP == "" {
		t.Errorf("logged %+v, error %v", calls, err)
	}
	w.in.journal.flush(t.Context())
	if h, err := w.db.IncomingWebhook(t.Context(), w.hook.ID); err != nil || h.CallCount != edits+4 || h.RefusedCount != 0 {
		t.Errorf("counted %d calls, %d refused, error %v", h.CallCount, h.RefusedCount, err)
	}
}

// overtaken is a chat in which somebody else is quicker, once.
type overtaken struct {
	Chat
	first func()
}

func (o *overtaken) Post(ctx context.Context, p chat.Post) (hub.Message, error) {
	if first := o.first; first != nil {
		o.first = nil
		first()
	}
	return o.Chat.Post(ctx, p)
}

// TestOvertakenRepetitionIsLogged: of two equal calls at once, the one that
// comes second is in the log, although it began before the message was made.
func TestOvertakenRepetitionIsLogged(t *testing.T) {
	w := newRealWorld(t)
	post := func() { w.do(t, "POST", token, `{"content":"once"}`, "Idempotency-Key", "k") }
	w.in.Chat = &overtaken{w.chat, post}
	post()
	w.in.journal.flush(t.Context())
	if got := w.logged(t); got != "repeated accepted" && got != "accepted repeated" {
		t.Errorf("logged %s", got)
	}
	if h, err := w.db.IncomingWebhook(t.Context(), w.hook.ID); err != nil || h.CallCount != 2 {
		t.Errorf("counted %d calls, error %v", h.CallCount, err)
	}
}

// TestSignedIDIsGoodForOneCall: a recorded call with a webhook-id is neither
// carried out again nor taken for another message or another method.
func TestSignedIDIsGoodForOneCall(t *testing.T) {
	w := newRealWorld(t)
	_, err := w.db.UpdateIncomingWebhook(t.Context(), w.hook.ID, func(h *hub.IncomingWebhook) error { h.SealedHMAC = "sealed"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	send := func(method string, id hub.MessageID, body, signedID string) *httptest.ResponseRecorder {
		t.Helper()
		path := token
		if method == "GET" {
			path += "/discord"
		}
		if id != "" {
			path += "/messages/" + string(id)
		}
		return w.do(t, method, path, body, signedHeader(signedID, body, standardSecret, time.Now())...)
	}
	post := func(body, signedID string) hub.MessageID {
		t.Helper()
		rec := send("POST", "", body, signedID)
		if rec.Code != 200 {
			t.Fatalf("POST answered %d %s", rec.Code, rec.Body)
		}
		return hub.MessageID(read(t, rec.Body.Bytes()).MessageID)
	}
	a, b := post(`{"content":"a"}`, "post a"), post(`{"content":"b"}`, "post b")
	for _, step := range []struct {
		what, method string
		message      hub.MessageID
		body, id     string
		want         int
		contentOfB   string // "": deleted
	}{
		{"a is deleted", "DELETE", a, "", "delete a", 200, "b"},
		{"and again", "DELETE", a, "", "delete a", 200, "b"},
		{"b by the same", "DELETE", b, "", "delete a", 409, "b"},
		{"b is edited", "PATCH", b, `{"content":"b1"}`, "edit 1", 200, "b1"},
		{"and once more", "PATCH", b, `{"content":"b2"}`, "edit 2", 200, "b2"},
		{"the first edit again", "PATCH", b, `{"content":"b1"}`, "edit 1", 200, "b2"},
		{"an edit that changes nothing", "PATCH", b, `{"content":"b2"}`, "edit 3", 200, "b2"},
		{"as a post", "POST", "", `{"content":"b2"}`, "edit 3", 409, "b2"},
		{"a post as an edit", "PATCH", b, `{"content":"a"}`, "post a", 409, "b2"},
		{"an edit as a deletion", "DELETE", b, `{"content":"b1"}`, "edit 1", 400, "b2"},
		{"b is read", "GET", b, "", "read b", 200, "b2"},
		{"and again", "GET", b, "", "read b", 409, "b2"},
		{"a reading as a deletion", "DELETE", b, "", "read b", 409, "b2"},
		{"a deletion of nothing", "DELETE", a, "", "delete a again", 200, "b2"},
		{"b by the same as well", "DELETE", b, "", "delete a again", 409, "b2"},
		{"b is deleted", "DELETE", b, "", "delete b", 200, ""},
	} {
		rec := send(step.method, step.message, step.body, step.id)
		if rec.Code != step.want || step.want == 409 && !strings.Contains(rec.Body.String(), "webhook-id") {
			t.Errorf("%s: answered %d %s, want %d", step.what, rec.Code, rec.Body, step.want)
		}
		m, err := w.chat.Message(t.Context(), b)
		if err != nil || m.Content != step.contentOfB || m.IsDeleted != (step.contentOfB == "") {
			t.Errorf("%s: b says %q, deleted %v, error %v", step.what, m.Content, m.IsDeleted, err)
		}
	}
	// The refused and repeated ones are not in the commits of changes.
	if got := w.logged(t); got != "deleted deleted edited edited edited deleted accepted accepted" {
		t.Errorf("logged %s", got)
	}
}
