package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// api is the Go client of the hub, with the token of p. It repeats nothing by
// itself, so that tests see what each call comes to.
func (p *process) api() *api.Client {
	p.t.Helper()
	c, err := api.New(p.url, p.token, api.WithHTTPClient(p.http()), api.WithRetries(0))
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// ok fails the test on an error.
func (p *process) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v\n%s", err, tail(p.log.String()))
	}
}

// answered is what a call came to.
type answered[T any] struct {
	value T
	err   error
}

// result takes what a call of the client returns: result(p.api().Users(…)).must(p).
func result[T any](value T, err error) answered[T] { return answered[T]{value, err} }

// must returns the value, and fails the test on an error.
func (a answered[T]) must(p *process) T {
	p.t.Helper()
	p.ok(a.err)
	return a.value
}

// all reads a list to its end.
func all[T any](p *process, list iter.Seq2[T, error]) []T {
	p.t.Helper()
	return result(api.Collect(list)).must(p)
}

// newestPage is as much of a list as is looked at where the newest count.
var newestPage = []api.ListOption{api.WithLimit(50), api.WithPageSize(50)}

// statusOf is the status of the answer to a call that came to err: 200 for
// none, 0 when there was no answer.
func statusOf(err error) int {
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		return refusal.Status
	}
	if err != nil {
		return 0
	}
	return http.StatusOK
}

// fieldsOf is a T with these fields by their names in JSON, which T must know.
func fieldsOf[T any](t *testing.T, fields map[string]any) (out T) {
	t.Helper()
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("fields of a %T: %v", out, err)
	}
	return out
}

// transcript is a transport that writes down every answer.
type transcript struct{ to io.Writer }

// RoundTrip implements http.RoundTripper.
func (t transcript) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := client.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Fprintf(t.to, "%d %v\n%s\n", resp.StatusCode, resp.Header, text)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, err
}
