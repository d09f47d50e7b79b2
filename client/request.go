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
	"time"
)

// request is one call.
type request struct {
	method string
	path   string // with its parameters escaped
	query  url.Values
	body   any // encoded as JSON; nil: none
	key    string
	ifTag  string
}

// get is a read of path.
func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

// post is a POST that is carried out once, also when it is repeated.
func post(path string, body any) request {
	return request{method: http.MethodPost, path: path, body: body, key: rand.Text()}
}

// repeatable reports whether a call may be made again when it is not known
// whether it took effect.
func (r request) repeatable() bool {
	switch r.method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.key != ""
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
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("hub: read the answer of %s %s: %w", res.Request.Method, res.Request.URL.Path, err)
	}
	return out, nil
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
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxProblem)) // so that the connection is used again
	return res.Body.Close()
}

// send makes a call, again if need be, and returns a success, whose body the
// caller closes.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = encode(r.body); err != nil {
			return nil, err
		}
	}
	for try := 0; ; try++ {
		res, err := c.once(ctx, r, body)
		if err == nil {
			return res, nil
		}
		pause, again := c.again(r, try, err)
		if !again || ctx.Err() != nil {
			return nil, err
		}
		if c.sleep(ctx, pause) != nil {
			return nil, err
		}
	}
}

// again decides whether to repeat a call that failed, and after which pause.
func (c *Client) again(r request, try int, err error) (time.Duration, bool) {
	if try >= c.retries || !r.repeatable() {
		return 0, false
	}
	pause := 200 * time.Millisecond << try
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		return pause, true // the connection failed
	}
	return max(pause, refusal.RetryAfter), refusal.Temporary() && refusal.RetryAfter <= maxWait
}

func (c *Client) once(ctx context.Context, r request, body []byte) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := c.newRequest(ctx, r, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
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
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", c.agent)
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if r.ifTag != "" {
		req.Header.Set("If-Match", r.ifTag)
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
	defer res.Body.Close()
	return nil, refusalOf(res)
}

// sleeper waits for d or until ctx is done.
type sleeper func(ctx context.Context, d time.Duration) error

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// escape makes an id or a name a part of a path.
func escape(part string) string { return url.PathEscape(part) }
