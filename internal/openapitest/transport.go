package openapitest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Transport checks what passes through it against the description that the
// servers it watches give of themselves. It changes nothing: what it finds is
// kept until it is asked for.
type Transport struct {
	Base http.RoundTripper

	mu      sync.Mutex
	doc     *Document
	watched map[string]bool
	found   map[string][]error // by origin
	checked int
}

// Watch begins to check requests to an origin, such as http://127.0.0.1:8000.
func (t *Transport) Watch(origin string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watched == nil {
		t.watched, t.found = make(map[string]bool), make(map[string][]error)
	}
	t.watched[origin] = true
}

// Found returns what contradicted the description of an origin since it was
// asked last, each once.
func (t *Transport) Found(origin string) []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.found[origin]
	delete(t.found, origin)
	return found
}

// Checked is how many answers were checked.
func (t *Transport) Checked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.checked
}

// CloseIdleConnections serves http.Client.CloseIdleConnections.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x := &exchange{t: t, r: r, origin: r.URL.Scheme + "://" + r.URL.Host}
	if doc := t.document(x.origin); doc != nil {
		x.doc = doc
		if r.Body != nil && r.GetBody == nil {
			sent := *r
			sent.Body = &tee{ReadCloser: r.Body, into: &x.sent}
			r = &sent
		}
	}
	resp, err := t.Base.RoundTrip(r)
	if err != nil || x.doc == nil {
		return resp, err
	}
	x.resp = resp
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		x.check(nil) // it has no end
		return resp, nil
	}
	resp.Body = &tee{ReadCloser: resp.Body, into: &x.got, end: func() { x.check(x.got.Bytes()) }}
	return resp, nil
}

// document returns the description of a watched origin; nil when it is not
// watched, or cannot be asked now. One is enough: all are the same program.
func (t *Transport) document(origin string) *Document {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.watched[origin] || t.doc != nil {
		if !t.watched[origin] {
			return nil
		}
		return t.doc
	}
	r, err := http.NewRequest(http.MethodGet, origin+"/openapi.json", http.NoBody)
	if err != nil {
		return nil
	}
	resp, err := t.Base.RoundTrip(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	doc, err := parseOnce(string(text))
	if err != nil {
		t.found[origin] = []error{err}
		return nil
	}
	t.doc = doc
	return doc
}

// parsed are the documents that were read, by their text: few, and each is used
// by many tests.
var parsed sync.Map

func parseOnce(text string) (*Document, error) {
	once, _ := parsed.LoadOrStore(text, sync.OnceValues(func() (*Document, error) { return Parse([]byte(text)) }))
	return once.(func() (*Document, error))() //nolint:errcheck // stored above
}

// exchange is one request with its answer.
type exchange struct {
	t      *Transport
	doc    *Document
	r      *http.Request
	resp   *http.Response
	origin string

	sent, got body
}

// check compares; got is nil for an answer without an end.
func (x *exchange) check(got []byte) {
	err := x.doc.CheckAnswer(x.r.Method, x.r.URL, x.resp.StatusCode, x.resp.Header, got)
	if err == nil && x.resp.StatusCode < 300 {
		err = x.doc.CheckRequest(x.r.Method, x.r.URL, x.r.Header, x.request())
	}
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	x.t.checked++
	if err == nil {
		return
	}
	for _, known := range x.t.found[x.origin] {
		if known.Error() == err.Error() {
			return
		}
	}
	x.t.found[x.origin] = append(x.t.found[x.origin], fmt.Errorf("the description and the hub differ: %w", err))
}

// request returns the body that was sent.
func (x *exchange) request() []byte {
	if x.r.GetBody == nil {
		return x.sent.Bytes()
	}
	again, err := x.r.GetBody()
	if err != nil {
		return nil
	}
	defer again.Close()
	b, err := io.ReadAll(again)
	if err != nil {
		return nil
	}
	return b
}

// body collects what passes, while others may look.
type body struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Bytes returns what has passed.
func (b *body) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte{}, b.b.Bytes()...)
}

func (b *body) write(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Write(p)
}

// tee copies what is read; end is called once when all was.
type tee struct {
	io.ReadCloser
	into *body
	end  func()
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.into.write(p[:n])
	if err == io.EOF && t.end != nil { //nolint:errorlint // io.Reader's
		t.end()
		t.end = nil
	}
	return n, err
}
