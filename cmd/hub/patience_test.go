package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub/client"
)

// patient is a client of a hub that waits for an answer as long as most.
func patient(t *testing.T, most time.Duration, handler http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL, "t", client.WithHTTPClient(callsThrough(&patience{next: s.Client().Transport, most: most})))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A hub that hangs is waited for once, and the command says so.
func TestASilentHubIsGivenUp(t *testing.T) {
	for name, call := range map[string]func(context.Context, *client.Client) error{
		"list": func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Channels(ctx) {
				return err
			}
			return nil
		},
		"post": func(ctx context.Context, c *client.Client) error {
			_, err := c.PostMessage(ctx, "c", client.NewMessage{Content: "Hello!"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			over := make(chan struct{})
			c := patient(t, 50*time.Millisecond, func(http.ResponseWriter, *http.Request) {
				calls.Add(1)
				<-over
			})
			err := away(call(t.Context(), c))
			close(over)
			var said strings.Builder
			complain(&said, nil, target{from: "--url", url: "http://hub.example"}, err)
			if exitCode(err) != exitUnavailable || !strings.Contains(said.String(), "http://hub.example (from --url) does not answer") {
				t.Errorf("exit code %d: %s", exitCode(err), said.String())
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("called %d times", n)
			}
		})
	}
}

// An upload to a hub that takes nothing is given up, too.
func TestAHubThatTakesNothingIsGivenUp(t *testing.T) {
	over := make(chan struct{})
	c := patient(t, 50*time.Millisecond, func(http.ResponseWriter, *http.Request) { <-over })
	_, err := c.Upload(t.Context(), "big", bytes.NewReader(make([]byte, 64<<20)))
	close(over)
	if exitCode(away(err)) != exitUnavailable || !strings.Contains(fmt.Sprint(err), "has not answered") {
		t.Errorf("%v", err)
	}
}

// slow is a content that comes a byte at a time, until ctx is done.
type slow struct {
	ctx  context.Context
	left int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(2 * answerTime)
	s.left--
	return copy(p, "x"), s.ctx.Err()
}

// roundTrip is a function as a way to a hub.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What takes long and goes on is waited for: a slow upload, an answer that has begun, a replay.
func TestWhatGoesOnIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		upload bool
	}{"upload": {"/api/files", true}, "answer": {"/api/events/stream", false}, "replay": {"/api/outgoing-webhooks/w/replay", false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hub := roundTrip(func(r *http.Request) (*http.Response, error) {
					n := 0
					if r.Body != nil {
						text, err := io.ReadAll(r.Body)
						if err != nil {
							return nil, err
						}
						n = len(text)
					}
					httptrace.ContextClientTrace(r.Context()).WroteRequest(httptrace.WroteRequestInfo{})
					wait := answerTime / 2
					if name == "replay" {
						wait = 2 * answerTime
					}
					time.Sleep(wait)
					body := io.NopCloser(&slow{r.Context(), 2 + n})
					return &http.Response{StatusCode: http.StatusOK, Body: body}, r.Context().Err()
				})
				var content io.Reader
				if test.upload {
					content = &slow{t.Context(), 3}
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://hub.example"+test.path, content)
				if err != nil {
					t.Fatal(err)
				}
				res, err := callsThrough(&patience{next: hub, most: answerTime}).Do(r)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(res.Body)
				if want := map[bool]int{false: 2, true: 5}[test.upload]; err != nil || len(text) != want {
					t.Errorf("%d bytes, %v; want %d", len(text), err, want)
				}
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
