package console

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"strconv"

	"github.com/a-h/templ"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// Control carries out what is asked for; [control.Service] documents the methods.
type Control interface {
	Channels(ctx context.Context, a hub.Actor, cursor string, limit int) ([]hub.Channel, string, error)
	Channel(ctx context.Context, a hub.Actor, id hub.ChannelID) (hub.Channel, error)
	Messages(ctx context.Context, a hub.Actor, q control.MessageQuery) ([]hub.Message, bool, error)
	Message(ctx context.Context, a hub.Actor, id hub.MessageID) (hub.Message, error)
	Thread(ctx context.Context, a hub.Actor, id hub.MessageID, q control.MessageQuery) (hub.Message, []hub.Message, bool, error)
	Post(ctx context.Context, a hub.Actor, id hub.ChannelID, d control.Draft) (hub.Message, error)
	LastEvent(ctx context.Context, a hub.Actor) (int64, error)

	Incomings(ctx context.Context, a hub.Actor) ([]hub.IncomingWebhook, error)
	Incoming(ctx context.Context, a hub.Actor, id hub.IncomingID) (hub.IncomingWebhook, error)
	UpdateIncoming(ctx context.Context, a hub.Actor, id hub.IncomingID, ifMatch string, c control.IncomingChange) (hub.IncomingWebhook, error)
	Dialects(ctx context.Context, a hub.Actor) ([]hub.Dialect, error)
	Calls(ctx context.Context, a hub.Actor, id hub.IncomingID, before hub.CallID, limit int) ([]hub.Call, bool, error)
	Call(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID) (control.CallDetail, error)
	ReplayCall(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID) (hub.Call, error)
	PreviewCall(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID, c control.ReadingChange) (hub.Reading, error)
}

var _ Control = (*control.Service)(nil)

// Auth knows who is asking, and signs browsers in and out.
type Auth interface {
	Actor(r *http.Request) (hub.Actor, error)
	SignIn(w http.ResponseWriter, r *http.Request, code string) (hub.Actor, error)
	SignOut(w http.ResponseWriter, r *http.Request) error
}

// Console answers the requests of browsers. Its fields must be set before
// Mount and not changed afterwards; it is then safe for concurrent use.
type Console struct {
	Control Control
	Auth    Auth
}

// Mount registers the pages on the mux.
func (c *Console) Mount(mux *http.ServeMux) {
	mux.Handle("GET /{$}", c.page(c.home))
	mux.Handle("GET /channels/{id}", c.page(c.channel))
	mux.Handle("GET /channels/{id}/threads/{root}", c.page(c.thread))
	mux.Handle("POST /channels/{id}/messages", c.page(c.post))

	mux.Handle("GET /incoming-webhooks", c.management(c.webhooks))
	mux.Handle("GET /incoming-webhooks/{id}", c.management(c.webhook))
	mux.Handle("GET /incoming-webhooks/{id}/calls/{call}", c.management(c.call))
	mux.Handle("POST /incoming-webhooks/{id}/calls/{call}/replay", c.management(c.replay))
	mux.Handle("POST /incoming-webhooks/{id}/calls/{call}/mapping", c.management(c.mapping))

	// The answer to a form has the form's address, which people reload and keep.
	mux.HandleFunc("GET /channels/{id}/messages", toParent)
	mux.HandleFunc("GET /incoming-webhooks/{id}/calls/{call}/replay", toParent)
	mux.HandleFunc("GET /incoming-webhooks/{id}/calls/{call}/mapping", toParent)
	mux.HandleFunc("GET /logout", toParent)

	mux.Handle("GET /fragments/messages/{id}", c.fragment(c.messageFragment))
	mux.Handle("GET /fragments/channels/{id}/messages", c.fragment(c.listFragment))
	mux.Handle("POST /fragments/channels/{id}/messages", c.fragment(c.postFragment))

	mux.HandleFunc("GET /login", c.loginForm)
	mux.HandleFunc("POST /login", c.login)
	mux.HandleFunc("POST /logout", c.logout)
	mux.HandleFunc("GET /static/{file}", assets.serve)
}

// handler answers one request of a caller who is known.
type handler func(w http.ResponseWriter, r *http.Request, a hub.Actor) error

// page lets signed-in callers through and shows errors as pages.
func (c *Console) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.identified(w, r, h); err != nil {
			showProblem(w, r, err)
		}
	})
}

// management is page for what only administrators may do.
func (c *Console) management(h handler) http.Handler {
	return c.page(func(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
		err := h(w, r, a)
		if hub.CodeOf(err) == hub.Forbidden {
			return hub.Wrap(hub.Forbidden, err, textNotManaging)
		}
		return err
	})
}

// toParent leads to the page that a path is below.
func toParent(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, path.Dir(r.URL.EscapedPath()), http.StatusSeeOther)
}

// fragment is page for requests of the script, which understands problem+json.
func (c *Console) fragment(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.identified(w, r, h); err != nil {
			server.WriteProblem(w, r, err)
		}
	})
}

func (c *Console) identified(w http.ResponseWriter, r *http.Request, h handler) error {
	actor, err := c.Auth.Actor(r)
	if err != nil {
		return err
	}
	ctx := control.WithTrace(r.Context(), server.TraceID(r.Context()))
	return h(w, r.WithContext(ctx), actor)
}

// write answers with a page or a fragment, whole or not at all.
func write(w http.ResponseWriter, r *http.Request, status int, t templ.Component) error {
	var body bytes.Buffer
	if err := t.Render(r.Context(), &body); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client has gone; nobody is left to tell
	return nil
}
