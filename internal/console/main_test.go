package console

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// messageID returns ids that sort by n.
func messageID(n int) hub.MessageID {
	return hub.MessageID(fmt.Sprintf("019c18f0-0000-7000-8000-%012d", n))
}

// chat is a Control in memory.
type chat struct {
	mu       sync.Mutex
	channels []hub.Channel
	messages []hub.Message // oldest first
	posted   []control.Draft
	refuse   error // answers what changes something
	fail     error // answers everything
	last     int64
	asked    []string // methods, in order

	webhooks []hub.IncomingWebhook
	calls    []hub.Call // newest first
	changed  []control.IncomingChange
	versions []string // that the changes were made on
	tried    []control.ReadingChange
	reading  hub.Reading // answers PreviewCall
}

func (c *chat) ask(method string) error {
	c.asked = append(c.asked, method)
	return c.fail
}

func (c *chat) Channels(_ context.Context, _ hub.Actor, cursor string, limit int) ([]hub.Channel, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var page []hub.Channel
	for _, ch := range c.channels {
		if ch.Name > cursor && len(page) < limit {
			page = append(page, ch)
		}
	}
	next := ""
	if len(page) > 0 && page[len(page)-1].Name != c.channels[len(c.channels)-1].Name {
		next = page[len(page)-1].Name
	}
	return page, next, c.ask("Channels")
}

func (c *chat) Channel(_ context.Context, _ hub.Actor, id hub.ChannelID) (hub.Channel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ask("Channel"); err != nil {
		return hub.Channel{}, err
	}
	for _, ch := range c.channels {
		if ch.ID == id {
			return ch, nil
		}
	}
	return hub.Channel{}, hub.Errorf(hub.NotFound, "There is no such channel.")
}

func (c *chat) Messages(_ context.Context, _ hub.Actor, q control.MessageQuery) ([]hub.Message, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.page(q)
}

func (c *chat) page(q control.MessageQuery) ([]hub.Message, bool, error) {
	if err := c.ask("Messages"); err != nil {
		return nil, false, err
	}
	var page []hub.Message
	if q.After != "" { // the next ones, newest first
		for _, m := range c.messages {
			if m.ChannelID == q.ChannelID && m.ThreadID == q.Thread && m.ID > q.After {
				page = append(page, m)
			}
		}
		more := len(page) > q.Limit
		page = page[:min(len(page), q.Limit)]
		slices.Reverse(page)
		return page, more, nil
	}
	for _, m := range slices.Backward(c.messages) {
		switch {
		case m.ChannelID != q.ChannelID, q.TopLevel && m.ThreadID != "", m.ThreadID != q.Thread && q.Thread != "":
		case q.Before != "" && m.ID >= q.Before:
		case len(page) == q.Limit:
			return page, true, nil
		default:
			page = append(page, m)
		}
	}
	return page, false, nil
}

func (c *chat) Message(_ context.Context, _ hub.Actor, id hub.MessageID) (hub.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.message(id)
}

func (c *chat) message(id hub.MessageID) (hub.Message, error) {
	if err := c.ask("Message"); err != nil {
		return hub.Message{}, err
	}
	for _, m := range c.messages {
		if m.ID == id {
			return m, nil
		}
	}
	return hub.Message{}, hub.Errorf(hub.NotFound, "There is no such message.")
}

func (c *chat) Thread(_ context.Context, _ hub.Actor, id hub.MessageID, q control.MessageQuery) (
	root hub.Message, replies []hub.Message, more bool, err error,
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if root, err = c.message(id); err != nil {
		return root, nil, false, err
	}
	q.ChannelID, q.Thread = root.ChannelID, root.ID
	replies, more, err = c.page(q)
	return root, replies, more, err
}

func (c *chat) Post(_ context.Context, a hub.Actor, id hub.ChannelID, d control.Draft) (hub.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ask("Post"); err != nil {
		return hub.Message{}, err
	}
	if c.refuse != nil {
		return hub.Message{}, c.refuse
	}
	m := hub.Message{
		ID: messageID(1000 + len(c.messages)), ChannelID: id, ThreadID: d.ThreadID, Content: d.Content,
		Author: hub.Author{ID: a.UserID, Kind: hub.UserHuman, Username: a.Username}, CreatedAt: noon, Revision: 1,
	}
	c.posted, c.messages = append(c.posted, d), append(c.messages, m)
	c.last++
	return m, nil
}

func (c *chat) LastEvent(context.Context, hub.Actor) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.ask("LastEvent")
}

// manage is ask for what only administrators may do.
func (c *chat) manage(a hub.Actor, method string) error {
	if err := c.ask(method); err != nil {
		return err
	}
	if !a.Can(hub.ScopeAdmin) || a.Role == hub.RoleGuest {
		return hub.Errorf(hub.Forbidden, "You need the scope admin to manage webhooks and their deliveries.")
	}
	return nil
}

func (c *chat) Incomings(_ context.Context, a hub.Actor) ([]hub.IncomingWebhook, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.webhooks, c.manage(a, "Incomings")
}

func (c *chat) Incoming(_ context.Context, a hub.Actor, id hub.IncomingID) (hub.IncomingWebhook, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.manage(a, "Incoming"); err != nil {
		return hub.IncomingWebhook{}, err
	}
	i := slices.IndexFunc(c.webhooks, func(w hub.IncomingWebhook) bool { return w.ID == id })
	if i < 0 {
		return hub.IncomingWebhook{}, hub.Errorf(hub.NotFound, "There is no such incoming webhook.")
	}
	return c.webhooks[i], nil
}

func (c *chat) UpdateIncoming(_ context.Context, a hub.Actor, _ hub.IncomingID, ifMatch string, change control.IncomingChange) (
	hub.IncomingWebhook, error,
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.manage(a, "UpdateIncoming"); err != nil {
		return hub.IncomingWebhook{}, err
	}
	c.changed, c.versions = append(c.changed, change), append(c.versions, ifMatch)
	return hub.IncomingWebhook{}, c.refuse
}

func (c *chat) Dialects(_ context.Context, a hub.Actor) ([]hub.Dialect, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []hub.Dialect{{Name: "nself-chat", Title: "nself-chat"}, {Name: "uptime-kuma", Title: "Uptime Kuma"}}, c.manage(a, "Dialects")
}

func (c *chat) Calls(_ context.Context, a hub.Actor, id hub.IncomingID, before hub.CallID, limit int) ([]hub.Call, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var page []hub.Call
	for _, call := range c.calls {
		switch {
		case call.IncomingID != id, before != "" && call.ID >= before:
		case len(page) == limit:
			return page, true, c.manage(a, "Calls")
		default:
			page = append(page, call)
		}
	}
	return page, false, c.manage(a, "Calls")
}

func (c *chat) Call(_ context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID) (control.CallDetail, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.manage(a, "Call"); err != nil {
		return control.CallDetail{}, err
	}
	i := slices.IndexFunc(c.calls, func(l hub.Call) bool { return l.ID == call && l.IncomingID == id })
	if i < 0 {
		return control.CallDetail{}, hub.Errorf(hub.NotFound, "There is no such call.")
	}
	d := control.CallDetail{Call: c.calls[i]}
	if m, err := c.message(d.MessageID); err == nil {
		d.Message = &m
	}
	return d, nil
}

func (c *chat) ReplayCall(_ context.Context, a hub.Actor, id hub.IncomingID, _ hub.CallID) (hub.Call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.manage(a, "ReplayCall"); err != nil {
		return hub.Call{}, err
	}
	return hub.Call{ID: "replayed", IncomingID: id}, c.refuse
}

func (c *chat) PreviewCall(_ context.Context, a hub.Actor, _ hub.IncomingID, _ hub.CallID, change control.ReadingChange) (hub.Reading, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.manage(a, "PreviewCall"); err != nil {
		return hub.Reading{}, err
	}
	c.tried = append(c.tried, change)
	return c.reading, c.refuse
}

// add appends a message to the channel "general" and returns it.
func (c *chat) add(m hub.Message) hub.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID == "" {
		m.ID = messageID(1 + len(c.messages))
	}
	if m.ChannelID == "" {
		m.ChannelID = "general"
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = noon
	}
	if m.Author.ID == "" {
		m.Author = hub.Author{ID: "ann", Kind: hub.UserHuman, Username: "ann", DisplayName: "Ann Lee"}
	}
	c.messages = append(c.messages, m)
	return m
}

// door is an Auth that knows one cookie and one code.
type door struct {
	actor   hub.Actor
	signOut error
}

func (d *door) Actor(r *http.Request) (hub.Actor, error) {
	if c, err := r.Cookie("hub_session"); err != nil || c.Value != "ann's" {
		return hub.Actor{}, hub.Errorf(hub.Unauthorized, "This needs an API token or a signed-in browser.")
	}
	return d.actor, nil
}

func (d *door) SignIn(w http.ResponseWriter, _ *http.Request, code string) (hub.Actor, error) {
	switch code {
	case "good":
		http.SetCookie(w, &http.Cookie{Name: "hub_session", Value: "ann's", Path: "/"})
		return d.actor, nil
	case "disk":
		return hub.Actor{}, fmt.Errorf("disk on fire")
	case "busy":
		return hub.Actor{}, hub.Errorf(hub.RateLimited, "Too many invalid credentials came from this address.")
	default:
		return hub.Actor{}, hub.Errorf(hub.Unauthorized, "This sign-in link does not work any more.")
	}
}

func (d *door) SignOut(w http.ResponseWriter, _ *http.Request) error {
	http.SetCookie(w, &http.Cookie{Name: "hub_session", Path: "/", MaxAge: -1})
	return d.signOut
}

// site is a console behind the hub's server.
type site struct {
	chat *chat
	door *door
	http *server.Server
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{
		chat: &chat{channels: []hub.Channel{{ID: "general", Name: "general", Type: hub.ChannelPublic, IsDefault: true, Topic: "Everything"}}},
		door: &door{actor: hub.Actor{UserID: "ann", Username: "ann", Role: hub.RoleOwner, Scope: hub.ScopeAdmin}},
	}
	var err error
	if s.http, err = server.New(server.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	c := &Console{Control: s.chat, Auth: s.door}
	c.Mount(s.http.Mux())
	s.http.HandleNotFound(c.NotFound())
	return s
}

// do sends a request with ann's cookie.
func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	r.AddCookie(&http.Cookie{Name: "hub_session", Value: "ann's"})
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	return w
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func form(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
