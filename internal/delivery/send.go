package delivery

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/egress"
)

// Sender performs one exchange with a receiver. It returns when the exchange
// is over or ctx is done, within timeout in any case.
type Sender interface {
	Send(ctx context.Context, to *url.URL, header http.Header, body []byte, timeout time.Duration) hub.Response
}

// Over returns a Sender on an egress client.
func Over(c *egress.Client) Sender { return overEgress{c} }

type overEgress struct{ client *egress.Client }

// Send implements Sender.
func (s overEgress) Send(ctx context.Context, to *url.URL, header http.Header, body []byte, timeout time.Duration) hub.Response {
	r := s.client.Do(ctx, &egress.Request{Method: http.MethodPost, Target: to, Header: header, Body: body, Timeout: timeout})
	resp := hub.Response{
		Status: r.Status, Header: r.Header, Body: r.Body, Truncated: r.Truncated, RemoteAddr: r.RemoteAddr,
		Duration: r.Duration, ErrorKind: string(r.Kind),
	}
	if r.Err != nil {
		resp.Error = r.Err.Error()
	}
	return resp
}
