package ingress

import (
	"context"
	"errors"
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
		if failed := c.admitRead(r.Context()); failed != nil {
			c.refuse(failed)
			return
		}
		c.noteRead("")
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
		m, failed := c.ownToRead(r.Context())
		if failed != nil {
			c.refuse(failed)
			return
		}
		c.noteRead(m.ID)
		respond(w, dialect.Answer{Status: http.StatusOK, ContentType: "application/json", Body: c.dialect.Message(&m)})
	}
}

// admitRead admits a call that reads. A signature covers neither method nor path, so
// the signed id is used up, or it would be good for a deletion.
func (c *call) admitRead(ctx context.Context) *dialect.Failure {
	if failed := c.admit(ctx); failed != nil {
		return failed
	}
	once := c.onceSigned()
	if once == nil {
		return nil
	}
	err := c.in.Store.LogCall(ctx, once, nil)
	if _, ok := errors.AsType[*hub.RepeatedError](err); ok || hub.CodeOf(err) == hub.Conflict {
		return &dialect.Failure{Verdict: dialect.Conflict, Detail: usedID}
	}
	if err != nil {
		return c.failure(err)
	}
	return nil
}

// ownToRead admits the call and returns the message it names, as own does, unless it
// is deleted.
func (c *call) ownToRead(ctx context.Context) (hub.Message, *dialect.Failure) {
	if failed := c.admitRead(ctx); failed != nil {
		return hub.Message{}, failed
	}
	m, failed := c.named(ctx)
	if failed == nil && m.IsDeleted {
		return m, &dialect.Failure{Verdict: dialect.NotFound, Detail: noMessage}
	}
	return m, failed
}

// wasRead is the verdict on a call that read what there is: of the webhook, or of a
// message.
const wasRead dialect.Verdict = "read"

// noteRead counts and logs a call that read.
func (c *call) noteRead(of hub.MessageID) {
	row := c.logRow(wasRead, "", http.StatusOK)
	row.MessageID = of
	c.in.journal.note(entry{call: row}, false)
}
