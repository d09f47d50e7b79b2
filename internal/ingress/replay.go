package ingress

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// Replay posts a logged call again, as if it had just come in, through the
// webhook it came to and into that webhook's present channel; the webhook need
// not be enabled. It returns the new call.
//
// What was masked in the log is posted masked. Errors: NotFound (call or
// webhook), Conflict (the body was not kept, or not all of it, or the call
// changed a message instead of posting one), and what posting can refuse.
func (in *Ingress) Replay(ctx context.Context, id hub.CallID) (hub.Call, error) {
	c, err := in.reopen(ctx, id)
	if err != nil {
		return hub.Call{}, err
	}
	if in.Gate != nil {
		if err := in.Gate(); err != nil {
			return hub.Call{}, err
		}
	}
	return c.replay(ctx, id)
}

// surelyWhole is the length from which on a logged body may have been cut: masks can
// lengthen a body beyond what is kept, and then its end is missing although it was
// short enough when it came.
const surelyWhole = maxLogged - maskMargin - utf8.UTFMax

// reopen makes a call of a logged one, which the caller may read again. Its hook is
// nobody else's.
func (in *Ingress) reopen(ctx context.Context, id hub.CallID) (*call, error) {
	logged, err := in.Store.Call(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case logged.Verdict == string(dialect.Edited), logged.Verdict == string(dialect.Deleted):
		return nil, hub.Errorf(hub.Conflict, "This call changed a message; only calls that post one can be replayed.")
	case logged.IncomingID == "" || len(logged.Body) == 0:
		return nil, hub.Errorf(hub.Conflict, "The body of this call was not kept; it cannot be replayed.")
	case logged.BodySize > maxLogged, len(logged.Body) >= surelyWhole:
		return nil, hub.Errorf(hub.Conflict, "Only the beginning of this call's body was kept; it cannot be replayed.")
	}
	w, err := in.Store.IncomingWebhook(ctx, logged.IncomingID)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/?"+logged.Query, http.NoBody)
	if err != nil {
		return nil, hub.Wrap(hub.Internal, err, "The call cannot be replayed.")
	}
	if len(logged.Headers) == 0 {
		// This label lets forms be forms; what is JSON or multipart shows by itself.
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range logged.Headers {
		r.Header.Set(name, value)
	}
	h, err := in.lookup.prepare(w)
	if err != nil {
		return nil, err
	}
	c := &call{in: in, r: r, began: in.Now(), hook: h, body: logged.Body, size: logged.BodySize, admitted: true}
	if logged.RecognisedBy == bySuffix {
		c.to.forced = dialects.ByName(logged.Dialect)
		c.dialect, c.why = c.to.forced, bySuffix
	}
	return c, nil
}

func (c *call) replay(ctx context.Context, of hub.CallID) (hub.Call, error) {
	p, failed := c.understand()
	if failed != nil {
		return hub.Call{}, asError(failed)
	}
	row := c.logRow(dialect.Accepted, "Replay of call "+string(of)+".", http.StatusOK)
	row.Body = c.body // masked when it was logged
	m, failed := c.deliver(ctx, p, row, nil)
	if failed != nil {
		return hub.Call{}, asError(failed)
	}
	row.MessageID = m.ID
	return row, nil
}

// asError is a failure as the API tells it.
func asError(f *dialect.Failure) error {
	return &hub.Error{Code: f.Code(), Detail: f.Detail, Fields: f.Fields, RetryAfter: f.RetryAfter}
}
