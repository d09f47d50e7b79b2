package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange is one request as the server saw it.
type exchange struct {
	Method, Path, Query, Key, Tag, Auth, Body string
}

// hub answers requests one after the other with the given handlers and keeps
// what it saw.
type hub struct {
	t        *testing.T
	mu       sync.Mutex
	seen     []exchange
	handlers []http.HandlerFunc
	client   *Client
	pauses   []time.Duration
}

func newHub(t *testing.T, handlers ...http.HandlerFunc) *hub {
	t.Helper()
	h := &hub{t: t, handlers: handlers}
	server := httptest.NewServer(h)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	c, err := New(server.URL+"/", "hub_token", WithHTTPClient(&http.Client{Transport: transport}), WithUserAgent("test"))
	if err != nil {
		t.Fatal(err)
	}
	c.random = func() float64 { return 0 }
	c.sleep = func(ctx context.Context, d time.Duration) error {
		h.pauses = append(h.pauses, d)
		return ctx.Err()
	}
	h.client = c
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.seen = append(h.seen, exchange{
		r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Idempotency-Key"), r.Header.Get("If-Match"),
		r.Header.Get("Authorization"), string(body),
	})
	if len(h.handlers) == 0 {
		h.t.Errorf("unexpected %s %s", r.Method, r.URL)
		h.mu.Unlock()
		return
	}
	next := h.handlers[0]
	h.handlers = h.handlers[1:]
	h.mu.Unlock()
	next(w, r)
}

// requests returns what was seen.
func (h *hub) requests() []exchange {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen
}

func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// broken cuts the connection.
func broken(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutOff cuts the connection in the middle of an answer.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"id":"c`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestNew(t *testing.T) {
	for _, bad := range []string{"", "hub.example", "ftp://hub.example", "http://", "https://%zz"} {
		if _, err := New(bad, "t"); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	c, err := New("https://hub.example/below/", "t", WithRetries(-1))
	if err != nil || c.base != "https://hub.example/below" || c.retries != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRefusal(t *testing.T) {
	h := newHub(t,
		answer(400, `{"type":"about:blank","title":"Bad Request","status":400,"detail":"Wrong.","code":"invalid","errors":[{"field":"name","detail":"is required"}]}`, "X-Request-Id: r1"),
		answer(502, "<html>Bad Gateway</html>"), answer(500, `{"code":"internal","detail":"Inside."}`))
	h.client.retries = 0
	_, err := h.client.CreateChannel(t.Context(), NewChannel{})
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	want := &Error{Status: 400, Code: CodeInvalid, Title: "Bad Request", Detail: "Wrong.", Fields: []FieldError{{"name", "is required"}}, RequestID: "r1"}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if got := e.Error(); got != "hub: 400 invalid: Wrong.; name: is required" {
		t.Error(got)
	}
	if _, err := h.client.Channel(t.Context(), "x"); err == nil || err.Error() != "hub: 502: Bad Gateway" {
		t.Error(err)
	}
	if _, err := h.client.Channel(t.Context(), "x"); err == nil || strings.Contains(err.Error(), "hub_token") {
		t.Error(err)
	}
}

func TestRetries(t *testing.T) {
	const busy, fine = `{"code":"unavailable","detail":"Busy."}`, `{"id":"c1"}`
	const conflict = `{"code":"conflict","detail":"The first request has not finished."}`
	isC1 := func(c Channel, err error) error {
		if err == nil && c.ID != "c1" {
			return fmt.Errorf("got the channel %q", c.ID)
		}
		return err
	}
	for name, c := range map[string]struct {
		handlers []http.HandlerFunc
		do       func(*Client) error
		calls    int
		pauses   []time.Duration
		fails    bool
	}{
		"read after a break": {
			[]http.HandlerFunc{broken, answer(503, busy), answer(200, fine)},
			func(c *Client) error { _, err := c.Channel(t.Context(), "x"); return err }, 3,
			[]time.Duration{200 * time.Millisecond, 400 * time.Millisecond},
			false,
		},
		"asked to wait": {
			[]http.HandlerFunc{answer(429, busy, "Retry-After: 7"), answer(200, fine)},
			func(c *Client) error { _, err := c.Channel(t.Context(), "x"); return err }, 2,
			[]time.Duration{7 * time.Second},
			false,
		},
		"asked to wait too long": {
			[]http.HandlerFunc{answer(429, busy, "Retry-After: 3600")},
			func(c *Client) error { _, err := c.Channel(t.Context(), "x"); return err }, 1, nil, true,
		},
		"gives up": {
			[]http.HandlerFunc{answer(503, busy), answer(503, busy), answer(503, busy), answer(503, busy)},
			func(c *Client) error { _, err := c.Channel(t.Context(), "x"); return err }, 4,
			[]time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond},
			true,
		},
		"creation": {
			[]http.HandlerFunc{broken, answer(201, fine)},
			func(c *Client) error { _, err := c.CreateChannel(t.Context(), NewChannel{Name: "x"}); return err }, 2,
			[]time.Duration{200 * time.Millisecond},
			false,
		},
		"change": {
			[]http.HandlerFunc{broken},
			func(c *Client) error { _, err := c.UpdateChannel(t.Context(), "x", ChannelChange{}); return err }, 1, nil, true,
		},
		"event without key": {
			[]http.HandlerFunc{answer(503, busy)},
			func(c *Client) error { _, err := c.Publish(t.Context(), Publication{Event: "a"}); return err }, 1, nil, true,
		},
		"event with key": {
			[]http.HandlerFunc{answer(503, busy), answer(202, `{"eventId":"e","deliveries":2}`)},
			func(c *Client) error { _, err := c.Publish(t.Context(), Publication{Event: "a", Key: "k"}); return err }, 2,
			[]time.Duration{200 * time.Millisecond},
			false,
		},
		"change that was not begun": {
			[]http.HandlerFunc{answer(429, busy, "Retry-After: 1"), answer(200, fine)},
			func(c *Client) error { _, err := c.UpdateChannel(t.Context(), "x", ChannelChange{}); return err }, 2,
			[]time.Duration{time.Second},
			false,
		},
		"deletion that had taken effect": {
			[]http.HandlerFunc{broken, answer(404, `{"code":"not_found"}`)},
			func(c *Client) error { return c.DeleteChannel(t.Context(), "x") }, 2,
			[]time.Duration{200 * time.Millisecond},
			false,
		},
		"deletion that took effect behind a gateway": {
			[]http.HandlerFunc{answer(504, "no answer"), answer(404, `{"code":"not_found"}`)},
			func(c *Client) error { return c.DeleteChannel(t.Context(), "x") }, 2,
			[]time.Duration{200 * time.Millisecond},
			false,
		},
		"deletion of nothing": {
			[]http.HandlerFunc{answer(503, busy), answer(404, `{"code":"not_found"}`)},
			func(c *Client) error { return c.DeleteChannel(t.Context(), "x") }, 2,
			[]time.Duration{200 * time.Millisecond},
			true,
		},
		"creation whose answer breaks off": {
			[]http.HandlerFunc{cutOff, answer(201, fine)},
			func(c *Client) error { return isC1(c.CreateChannel(t.Context(), NewChannel{Name: "x"})) }, 2,
			[]time.Duration{200 * time.Millisecond},
			false,
		},
		"read whose answer ends too early": {
			[]http.HandlerFunc{answer(200, `{"id":"c`), answer(200, ""), answer(200, fine)},
			func(c *Client) error { return isC1(c.Channel(t.Context(), "x")) }, 3,
			[]time.Duration{200 * time.Millisecond, 400 * time.Millisecond},
			false,
		},
		"change whose answer breaks off": {
			[]http.HandlerFunc{cutOff},
			func(c *Client) error { _, err := c.UpdateChannel(t.Context(), "x", ChannelChange{}); return err }, 1, nil, true,
		},
		"an answer that is another's": {
			[]http.HandlerFunc{answer(200, "<html>Welcome</html>")},
			func(c *Client) error { _, err := c.Channel(t.Context(), "x"); return err }, 1, nil, true,
		},
		"creation that still runs": {
			[]http.HandlerFunc{broken, answer(409, conflict, "Retry-After: 1"), answer(201, fine)},
			func(c *Client) error { return isC1(c.CreateChannel(t.Context(), NewChannel{Name: "x"})) }, 3,
			[]time.Duration{200 * time.Millisecond, time.Second},
			false,
		},
		"conflict": {
			[]http.HandlerFunc{broken, answer(409, conflict)},
			func(c *Client) error { _, err := c.CreateChannel(t.Context(), NewChannel{Name: "x"}); return err }, 2,
			[]time.Duration{200 * time.Millisecond},
			true,
		},
		"creation that may have taken effect": {
			[]http.HandlerFunc{answer(500, `{"code":"internal","detail":"It is not known."}`)},
			func(c *Client) error { _, err := c.CreateChannel(t.Context(), NewChannel{Name: "x"}); return err }, 1, nil, true,
		},
		"refusal": {
			[]http.HandlerFunc{answer(404, `{"code":"not_found"}`)},
			func(c *Client) error { return c.DeleteChannel(t.Context(), "x") }, 1, nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, c.handlers...)
			if err := c.do(h.client); (err != nil) != c.fails {
				t.Error(err)
			}
			if len(h.requests()) != c.calls || !slices.Equal(h.pauses, c.pauses) {
				t.Errorf("%d calls, pauses %v", len(h.requests()), h.pauses)
			}
			for _, e := range h.requests()[1:] { // the same request each time, its key too
				if e != h.requests()[0] {
					t.Errorf("%+v after %+v", e, h.requests()[0])
				}
			}
			if h.requests()[0].Auth != "Bearer hub_token" || h.requests()[0].Method == http.MethodPost && name != "event without key" && h.requests()[0].Key == "" {
				t.Errorf("%+v", h.requests()[0])
			}
		})
	}
}

func TestRetryEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if _, err := h.client.Channel(ctx, "x"); err == nil {
		t.Fatal("no error")
	}
	if len(h.requests()) != 1 {
		t.Errorf("%d calls", len(h.requests()))
	}
}

// TestRetriesAreSpread: pauses differ between clients, and none is shorter than
// was asked for.
func TestRetriesAreSpread(t *testing.T) {
	h := newHub(t, answer(429, `{"code":"rate_limited"}`, "Retry-After: 8"), answer(200, `{}`))
	h.client.random = func() float64 { return 0.5 }
	if _, err := h.client.Channel(t.Context(), "x"); err != nil || !slices.Equal(h.pauses, []time.Duration{9 * time.Second}) {
		t.Errorf("%v, pauses %v", err, h.pauses)
	}
}

// TestRetryWithinDeadline: nobody waits for a repetition that cannot be made.
func TestRetryWithinDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	h := newHub(t, answer(429, `{"code":"rate_limited"}`, "Retry-After: 30"))
	if _, err := h.client.Channel(ctx, "x"); CodeOf(err) != CodeRateLimited || len(h.pauses) != 0 {
		t.Errorf("%v, pauses %v", err, h.pauses)
	}
}

// TestRetryAfterDate: Retry-After may be a date.
func TestRetryAfterDate(t *testing.T) {
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Sun, 01 Feb 2026 12:01:30 GMT": 90 * time.Second, "Sun, 01 Feb 2026 11:00:00 GMT": 0, "7": 7 * time.Second, "-1": 0, "": 0, "soon": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestRedirect: a base URL that leads elsewhere is told, not followed.
func TestRedirect(t *testing.T) {
	h := newHub(t, answer(301, "", "Location: https://hub.example/api/channels"))
	h.client.http.CheckRedirect = stay
	_, err := h.client.CreateChannel(t.Context(), NewChannel{Name: "x"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusMovedPermanently || !strings.Contains(e.Detail, "https://hub.example/") {
		t.Error(err)
	}
}

func TestPages(t *testing.T) {
	h := newHub(t, answer(200, `{"items":[{"id":"a"},{"id":"b"}],"nextCursor":"n 1"}`), answer(200, `{"items":[{"id":"c"}],"nextCursor":"n2"}`),
		answer(403, `{"code":"forbidden","detail":"No."}`))
	got, err := Collect(h.client.Deliveries(t.Context(), DeliveryQuery{Status: "failed", Since: time.Unix(0, 0)}))
	if len(got) != 3 || got[2].ID != "c" {
		t.Errorf("%+v", got)
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeForbidden {
		t.Errorf("%v", err)
	}
	if q := h.requests()[1].Query; q != "cursor=n+1&limit=100&since=1970-01-01T00%3A00%3A00Z&status=failed" {
		t.Errorf("query %s", q)
	}
	// Breaking off reads no further page.
	h = newHub(t, answer(200, `{"items":[{"id":"a"},{"id":"b"}],"nextCursor":"n"}`))
	for d, err := range h.client.Deliveries(t.Context(), DeliveryQuery{}) {
		if d.ID != "a" || err != nil {
			t.Errorf("%+v, %v", d, err)
		}
		break
	}
}

// TestPlaces: a cursor is where a list goes on, also after a limit.
func TestPlaces(t *testing.T) {
	h := newHub(t, answer(200, `{"items":[{"id":"a"},{"id":"b"}],"nextCursor":"n1"}`), answer(200, `{"items":[{"id":"c"}],"nextCursor":"n2"}`),
		answer(200, `{"items":[{"id":"d"},{"id":"e"}],"nextCursor":"n3"}`), answer(200, `{"items":[{"id":"d"},{"id":"e"}]}`))
	place := "n0"
	list := h.client.Users(t.Context(), WithLimit(3), WithPageSize(2), WithCursor(&place))
	if got, err := Collect(list); err != nil || len(got) != 3 || got[2].ID != "c" || place != "n2" {
		t.Errorf("%+v, %v, then %q", got, err, place)
	}
	for u, err := range list { // goes on, and breaks off within a page
		if err != nil || u.ID != "d" || place != "n2" {
			t.Errorf("%+v, %v at %q", u, err, place)
		}
		break
	}
	if got, err := Collect(list); err != nil || len(got) != 2 || place != "" {
		t.Errorf("%+v, %v, then %q", got, err, place)
	}
	var queries []string
	for _, e := range h.requests() {
		queries = append(queries, e.Query)
	}
	if want := []string{"cursor=n0&limit=2", "cursor=n1&limit=1", "cursor=n2&limit=2", "cursor=n2&limit=2"}; !slices.Equal(queries, want) {
		t.Errorf("%v", queries)
	}
}

func TestVersions(t *testing.T) {
	h := newHub(t, answer(200, `{"id":"c1","version":"v1"}`), answer(412, `{"code":"conflict","detail":"Changed."}`), answer(201, `{}`))
	ch, err := h.client.Channel(t.Context(), "c1")
	if err != nil || ch.Version != "v1" {
		t.Fatalf("%+v, %v", ch, err)
	}
	_, err = h.client.UpdateChannel(t.Context(), "c1", ChannelChange{Topic: Set("x")}, IfMatch(ch.Version))
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusPreconditionFailed || CodeOf(err) != CodeConflict {
		t.Error(err)
	}
	if _, err := h.client.CreateChannel(t.Context(), NewChannel{Name: "x"}, IdempotencyKey("mine")); err != nil {
		t.Error(err)
	}
	if all := h.requests(); all[1].Tag != `"v1"` || all[2].Key != "mine" {
		t.Errorf("%+v", all)
	}
}

func TestField(t *testing.T) {
	var f IncomingWebhookFields
	const text = `{"name":"x","enabled":false,"rateLimit":null,"fieldMap":{"title":"/a"}}`
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(f); err != nil || string(b) != text {
		t.Errorf("%s, %v", b, err)
	}
	if err := json.Unmarshal([]byte(`{"name":1}`), &f); err == nil {
		t.Error("a number is taken for a name")
	}
}

func TestBodies(t *testing.T) {
	h := newHub(t, answer(200, `{}`), answer(202, `{}`), answer(204, ``))
	_, err := h.client.UpdateOutgoingWebhook(t.Context(), "a/b c", OutgoingWebhookFields{
		Name: Set("x"), MaxRetries: Null[int](), Events: Set([]string{"*"}), Filter: Set[any](map[string]any{"field": "a", "exists": true}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.client.Publish(t.Context(), Publication{Event: "a.b", Data: json.RawMessage(`{"b":"<&>","a":1.0}`)}); err != nil {
		t.Fatal(err)
	}
	if err := h.client.React(t.Context(), "m", "👍/x"); err != nil {
		t.Fatal(err)
	}
	if e := h.requests()[0]; e.Path != "/api/outgoing-webhooks/a%2Fb%20c" || e.Body != `{"name":"x","events":["*"],"filter":{"exists":true,"field":"a"},"maxRetries":null}` {
		t.Errorf("%+v", e)
	}
	if got := h.requests()[1].Body; got != `{"event":"a.b","data":{"b":"<&>","a":1.0}}` {
		t.Error(got)
	}
	if got := h.requests()[2].Path; got != "/api/messages/m/reactions/%F0%9F%91%8D%2Fx" {
		t.Error(got)
	}
}

func TestUpload(t *testing.T) {
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"f1","size":5}`) },
		answer(413, `{"code":"too_large"}`), broken)
	content := strings.NewReader("not this, hello")
	if _, err := content.Seek(10, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	f, err := h.client.Upload(t.Context(), "a.txt", content)
	if err != nil || f.ID != "f1" || !strings.Contains(h.requests()[0].Body, `name="file"; filename="a.txt"`) || !strings.Contains(h.requests()[0].Body, "\r\n\r\nhello\r\n") {
		t.Errorf("%+v, %v, %s", f, err, h.requests()[0].Body)
	}
	if _, err := h.client.Upload(t.Context(), "a.txt", strings.NewReader("hello")); CodeOf(err) != CodeTooLarge {
		t.Error(err)
	}
	if _, err := h.client.Upload(t.Context(), "a.txt", io.MultiReader(strings.NewReader("x"), failing{})); !errors.Is(err, errFailing) {
		t.Error(err)
	}
}

// TestUploadAgain: what can be read again is sent again, whole and under the
// same key; what cannot is not.
func TestUploadAgain(t *testing.T) {
	h := newHub(t, broken, answer(503, `{"code":"unavailable"}`), answer(201, `{"id":"f1"}`), broken)
	large := strings.Repeat("0123456789", 100_000)
	if f, err := h.client.Upload(t.Context(), "a.bin", strings.NewReader(large)); err != nil || f.ID != "f1" {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, e := range h.requests() {
		if !strings.Contains(e.Body, "\r\n\r\n"+large+"\r\n") || e.Key == "" || e != h.requests()[0] {
			t.Errorf("%d bytes with the key %q", len(e.Body), e.Key)
		}
	}
	if _, err := h.client.Upload(t.Context(), "a.bin", io.MultiReader(strings.NewReader(large)), IdempotencyKey("k")); err == nil {
		t.Error("no error")
	}
	if all := h.requests(); len(all) != 4 || all[3].Key != "k" {
		t.Errorf("%d requests", len(all))
	}
}

// TestUploadOfAGrowingFile: what is written to a file after the upload began is
// not a part of it.
func TestUploadOfAGrowingFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	h := newHub(t, answer(201, `{"id":"f1"}`))
	grows := roundTripper(func(r *http.Request) (*http.Response, error) {
		if _, err := f.WriteAt([]byte(" world"), 5); err != nil {
			t.Error(err)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	h.client.http = &http.Client{Transport: grows}
	defer http.DefaultClient.CloseIdleConnections()
	if _, err := h.client.Upload(t.Context(), "log", f); err != nil {
		t.Fatal(err)
	}
	if body := h.requests()[0].Body; !strings.Contains(body, "\r\n\r\nhello\r\n") {
		t.Error(body)
	}
}

// TestUploadIsOver: nobody reads the content after the call, even if the
// transport still has it in hand.
func TestUploadIsOver(t *testing.T) {
	var kept io.ReadCloser
	early := roundTripper(func(r *http.Request) (*http.Response, error) {
		kept = r.Body
		return &http.Response{StatusCode: http.StatusRequestEntityTooLarge, Body: http.NoBody, Request: r}, nil
	})
	c, err := New("http://hub.example", "t", WithHTTPClient(&http.Client{Transport: early}))
	if err != nil {
		t.Fatal(err)
	}
	content := strings.NewReader("hello")
	if _, err := c.Upload(t.Context(), "a.bin", content); err == nil {
		t.Error("no error")
	}
	if b, err := io.ReadAll(kept); err == nil || strings.Contains(string(b), "hello") || content.Len() != len("hello") {
		t.Errorf("read %q, %v afterwards", b, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDownload(t *testing.T) {
	h := newHub(t, answer(200, "content", "Content-Type: text/plain", `Content-Disposition: attachment; filename="a b.txt"`, "Content-Length: 7"),
		answer(200, "cont", "Content-Length: 7"))
	f, err := h.client.Download(t.Context(), "f1")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "content" || f.Filename != "a b.txt" || f.MimeType != "text/plain" || f.Size != 7 {
		t.Errorf("%q, %v, %+v", b, err, f)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if f, err = h.client.Download(t.Context(), "f1"); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off after %q: %v", b, err)
	}
}

type failing struct{}

var errFailing = errors.New("cannot be read")

func (failing) Read([]byte) (int, error) { return 0, errFailing }

func sse(events ...string) http.HandlerFunc {
	return answer(200, "retry: 2000\n\n: hello\n\n"+strings.Join(events, ""), "Content-Type: text/event-stream")
}

func sseEvent(seq int) string {
	return fmt.Sprintf("id: %d\nevent: a.b\ndata: {\"seq\":%d,\"id\":\"e%d\",\"event\":\"a.b\"}\n\n", seq, seq, seq)
}

// TestEvents: a stream goes on where it stopped, also after an event that was
// cut in the middle.
func TestEvents(t *testing.T) {
	h := newHub(t, sse(sseEvent(6), sseEvent(7), "id: 8\ndata: {\"seq\":8,"), answer(502, "<html>"), answer(503, `{"code":"unavailable"}`, "Retry-After: 9"),
		sse(sseEvent(8)), answer(401, `{"code":"unauthorized","detail":"Gone."}`))
	var got []int64
	var end error
	for e, err := range h.client.Events(t.Context(), 5) {
		if err != nil {
			end = err
			break
		}
		got = append(got, e.Seq)
	}
	if !slices.Equal(got, []int64{6, 7, 8}) {
		t.Errorf("%v", got)
	}
	if e, ok := errors.AsType[*Error](end); !ok || e.Code != CodeUnauthorized {
		t.Errorf("ended with %v", end)
	}
	want := []time.Duration{2 * time.Second, 4 * time.Second, 9 * time.Second, 2 * time.Second}
	if !slices.Equal(h.pauses, want) {
		t.Errorf("pauses %v", h.pauses)
	}
}

// TestEventsFromNow: a stream that broke before its first event goes on where
// it began, and does not leave out what happened meanwhile.
func TestEventsFromNow(t *testing.T) {
	connections := 0
	h := newHub(t, answer(200, "id: 41\nretry: 2000\n\n", "Content-Type: text/event-stream"), func(w http.ResponseWriter, r *http.Request) {
		connections++
		if got := r.Header.Get("Last-Event-ID"); got != "41" {
			t.Errorf("comes back to %q", got)
		}
		sse(sseEvent(42))(w, r)
	})
	for e, err := range h.client.Events(t.Context(), Now) {
		if err != nil || e.Seq != 42 {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
	if connections != 1 {
		t.Errorf("%d connections after the first", connections)
	}
}

func TestEventsBreakOff(t *testing.T) {
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") != "" || r.Header.Get("Accept") != "text/event-stream" {
			t.Errorf("headers %v", r.Header)
		}
		sse(sseEvent(1))(w, r)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the client ends it
	})
	for e, err := range h.client.Events(t.Context(), Now) {
		if err != nil || e.ID != "e1" {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
}

// TestEventsThatAreNone: what can never be read ends a stream, instead of being
// asked for over and over.
func TestEventsThatAreNone(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a page":     answer(200, "<html>", "Content-Type: text/html"),
		"not JSON":   sse("data: {\"seq\":\n\n"),
		"a long one": sse("data: \"" + strings.Repeat("x", maxLine) + "\"\n\n"),
	} {
		h := newHub(t, handler)
		var errs []error
		for _, err := range h.client.Events(t.Context(), Now) {
			errs = append(errs, err)
		}
		if len(errs) != 1 || errs[0] == nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestEventsOfAPattern(t *testing.T) {
	h := newHub(t, sse(sseEvent(1)))
	for range h.client.Events(t.Context(), Now, WithPattern("a.*")) {
		break
	}
	if q := h.requests()[0].Query; q != "event=a.%2A" {
		t.Error(q)
	}
}

// FuzzStream: whatever a server sends, reading ends, and the place to go on
// from is that of the last event, unless a lone id says otherwise.
func FuzzStream(f *testing.F) {
	f.Add(sseEvent(1) + sseEvent(2))
	f.Add("data: {\"seq\":3,\ndata: \"id\":\"x\"}\n\n")
	f.Add("data:\n\ndata\n\n:x\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := &stream{after: -1}
		last := int64(-1)
		_, err := s.read(strings.NewReader(text), func(e Event, _ error) bool { last = e.Seq; return true })
		if s.after != last && !strings.Contains(text, "id:") {
			t.Fatalf("at %d after %d: %v", s.after, last, err)
		}
	})
}
