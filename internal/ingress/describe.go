package ingress

import (
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/server"
)

// describing answers GET with what the product of the address calls a webhook:
// Discord's clients look at it before they post. Who has no valid token learns
// nothing; nothing is posted.
func (in *Ingress) describing(to func(*http.Request) address) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := to(r)
		if !a.known {
			server.WriteProblem(w, r, hub.Errorf(hub.NotFound, "There is nothing at this address."))
			return
		}
		c := in.begin(w, r, a)
		defer c.end()
		if failed := c.admit(r.Context()); failed != nil {
			c.refuse(failed)
			return
		}
		url := in.BaseURL + "/api/webhooks/incoming/" + c.to.token
		respond(w, dialect.Answer{
			Status: http.StatusOK, ContentType: "application/json", Body: c.dialect.Hook(&c.hook.IncomingWebhook, c.to.token, url),
		})
	}
}

// reading answers GET of a message that this webhook posted.
func (in *Ingress) reading(to func(*http.Request) address) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := in.begin(w, r, to(r))
		defer c.end()
		m, failed := c.own(r.Context())
		if failed != nil {
			c.refuse(failed)
			return
		}
		respond(w, dialect.Answer{Status: http.StatusOK, ContentType: "application/json", Body: c.dialect.Message(&m)})
	}
}
