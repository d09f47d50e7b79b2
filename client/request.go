package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is one call.
type request struct {
	method string
	path   string // with its parameters escaped
	query  url.Values
	body   any // encoded as JSON; nil: none
	key    string
	ifTag  string
	hop    int
}

// CallOption changes one call.
type CallOption func(*request)

// IdempotencyKey makes a call with this key instead of a random one: for 24
// hours a call with the same key and content gets the answer of the first,
// also from a program that was started again in between. The same key with
// other content is refused with [CodeConflict].
func IdempotencyKey(key string) CallOption { return func(r *request) { r.key = key } }

// IfMatch makes a change, or a deletion, only when its object still has this
// version, the Version of what was read before, or for a message its Revision in
// digits; otherwise the refusal has the Status 412.
func IfMatch(version string) CallOption {
	if version != "*" && !strings.HasPrefix(version, `"`) {
		version = `"` + version + `"`
	}
	return func(r *request) { r.ifTag = version }
}

// get is a read of path.
func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

// post is a POST that is carried out once, also when it is repeated.
func post(path string, body any, options ...CallOption) request {
	return request{method: http.MethodPost, path: path, body: body, key: rand.Text()}.with(options)
}

// patch is a change.
func patch(path string, body any, options ...CallOption) request {
	return request{method: http.MethodPatch, path: path, body: body}.with(options)
}

// remove is a DELETE.
func remove(path string, options ...CallOption) request {
	return request{method: http.MethodDelete, path: path}.with(options)
}

func (r request) with(options []CallOption) request {
	for _, o := range options {
		o(&r)
	}
	return r
}

// call makes a call and decodes the answer. An answer that breaks off counts as
// none: the call is made again, if it may be.
func call[T any](ctx context.Context, c *Client, r request) (out T, err error) {
	err = c.send(ctx, r, func(res *http.Response) (err error) {
		out, err = decode[T](res)
		return err
	})
	return out, err
}

// decode reads an answer and closes it.
func decode[T any](res *http.Response) (T, error) {
	defer discard(res)
	var out, none T
	b, err := io.ReadAll(res.Body)
	whole := err == nil
	if whole {
		err = json.NewDecoder(bytes.NewReader(b)).Decode(&out)
		whole = !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF)
	}
	if err == nil {
		return out, nil
	}
	err = fmt.Errorf("hub: read the answer of %s %s: %w", res.Request.Method, res.Request.URL.Path, err)
	if whole {
		err = misread{err}
	}
	return none, err
}

// misread is an answer that came whole and is not what was asked for: it would
// come again.
type misread struct{ error }

// Unwrap returns what is wrong with it.
func (m misread) Unwrap() error { return m.error }

// discard ends an answer so that its connection is used again.
func discard(res *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxProblem))
	_ = res.Body.Close()
}

// encode is json.Marshal that leaves <, > and & as they are: the data of
// events is delivered as it was written.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("hub: encode the request: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// do makes a call whose answer says nothing.
func (c *Client) do(ctx context.Context, r request) error {
	return c.send(ctx, r, func(res *http.Response) error {
		discard(res)
		return nil
	})
}

// send makes a call, again if need be, and gives a success to take, which closes
// its body. What take fails to read is a call without an answer.
func (c *Client) send(ctx context.Context, r request, take func(*http.Response) error) error {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = encode(r.body); err != nil {
			return err
		}
	}
	return c.repeat(ctx, r, func() error {
		var content io.Reader
		if r.body != nil {
			content = bytes.NewReader(body)
		}
		req, err := c.newRequest(ctx, r, content)
		if err != nil {
			return err
		}
		if content != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := c.exchange(req) //nolint:bodyclose // take does
		if err != nil {
			return err
		}
		return take(res)
	})
}

func (c *Client) newRequest(ctx context.Context, r request, content io.Reader) (*http.Request, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, content)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	h := req.Header
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	h.Set("User-Agent", c.agent)
	if r.key != "" {
		h.Set("Idempotency-Key", r.key)
	}
	if r.ifTag != "" {
		h.Set("If-Match", r.ifTag)
	}
	if r.hop > 0 {
		h.Set("X-Hub-Hop", fmt.Sprint(r.hop))
	}
	return req, nil
}

// exchange returns a success, or the refusal as an error.
func (c *Client) exchange(req *http.Request) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	if res.StatusCode >= http.StatusOK && res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer discard(res)
	return nil, refusalOf(res)
}

// escape makes an id or a name a part of a path.
func escape(part string) string { return url.PathEscape(part) }
