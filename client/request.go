package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
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

// call makes a call and decodes the answer.
func call[T any](ctx context.Context, c *Client, r request) (T, error) {
	return decode[T](c.send(ctx, r)) //nolint:bodyclose // decode does
}

// decode reads an answer, if there is one, and closes it.
func decode[T any](res *http.Response, err error) (out T, _ error) {
	if err != nil {
		return out, err
	}
	defer discard(res)
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("hub: read the answer of %s %s: %w", res.Request.Method, res.Request.URL.Path, err)
	}
	return out, nil
}

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
	res, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	discard(res)
	return nil
}

// send makes a call, again if need be, and returns a success, whose body the
// caller closes.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	if r.body == nil {
		return c.repeat(ctx, r, func() (*http.Response, error) { return c.once(ctx, r, nil, "") })
	}
	body, err := encode(r.body)
	if err != nil {
		return nil, err
	}
	return c.repeat(ctx, r, func() (*http.Response, error) {
		return c.once(ctx, r, bytes.NewReader(body), "application/json")
	})
}

// once makes a call, with a content unless that is nil.
func (c *Client) once(ctx context.Context, r request, content io.Reader, kind string) (*http.Response, error) {
	req, err := c.newRequest(ctx, r, content)
	if err != nil {
		return nil, err
	}
	if content != nil {
		req.Header.Set("Content-Type", kind)
	}
	return c.exchange(req)
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
