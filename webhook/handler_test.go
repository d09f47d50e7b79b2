package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testEvent = `{"id":"d1","event":"x.y","webhookId":"w1","timestamp":"2026-02-01T12:00:00Z","version":"1.0","data":{}}`

// endless is a body without end or announced length.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	return len(p), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHandler(t *testing.T) {
	tests := []struct {
		name    string
		method  string
		body    string
		change  func(*http.Request)
		fail    error
		status  int
		wait    string // Retry-After
		handled bool
	}{
		{name: "good", body: testEvent, status: http.StatusNoContent, handled: true},
		{name: "handle fails", body: testEvent, fail: errors.New("S3CR3T"), status: http.StatusInternalServerError, handled: true},
		{name: "handle wants no more", body: testEvent, fail: fmt.Errorf("S3CR3T: %w", ErrGone), status: http.StatusGone, handled: true},
		{
			name: "handle is busy", body: testEvent, fail: fmt.Errorf("S3CR3T: %w", Later(90*time.Second, nil)),
			status: http.StatusServiceUnavailable, wait: "90", handled: true,
		},
		{
			name: "handle is busy for a moment", body: testEvent, fail: Later(time.Nanosecond, errors.New("S3CR3T")),
			status: http.StatusServiceUnavailable, wait: "1", handled: true,
		},
		{name: "method", method: http.MethodGet, body: testEvent, status: http.StatusMethodNotAllowed},
		{name: "not signed", body: testEvent, change: func(r *http.Request) { r.Header = http.Header{} }, status: http.StatusUnauthorized},
		{
			name: "body signature alone", body: testEvent, change: func(r *http.Request) { r.Header.Del(HeaderSignature) },
			status: http.StatusUnauthorized,
		},
		{
			name: "bad signature", body: testEvent, change: func(r *http.Request) { r.Header.Set(HeaderID, "other") },
			status: http.StatusUnauthorized,
		},
		{
			name: "old", body: testEvent, change: func(r *http.Request) { r.Header.Set(HeaderTimestamp, "1600000000") },
			status: http.StatusUnauthorized,
		},
		{name: "no event", body: `{}`, status: http.StatusBadRequest},
		{name: "broken body", body: testEvent, change: func(r *http.Request) { r.Body = io.NopCloser(broken{}) }, status: http.StatusBadRequest},
		{name: "largest", body: testEvent + strings.Repeat(" ", MaxBody-len(testEvent)), status: http.StatusNoContent, handled: true},
		{name: "too large", body: testEvent + strings.Repeat(" ", MaxBody-len(testEvent)+1), status: http.StatusRequestEntityTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []Event
			h := Handler(testSecret, func(_ context.Context, e Event) error {
				got = append(got, e)
				return test.fail
			}, at(testTime))
			method := test.method
			if method == "" {
				method = http.MethodPost
			}
			r := httptest.NewRequest(method, "/hook", strings.NewReader(test.body))
			r.Header = signed(t, "d1", testTime, []byte(test.body), testSecret)
			if test.change != nil {
				test.change(r)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("status %d (%s), want %d", w.Code, w.Body, test.status)
			}
			if got := w.Header().Get("Retry-After"); got != test.wait {
				t.Errorf("Retry-After %q, want %q", got, test.wait)
			}
			if handled := len(got) == 1 && got[0].ID == "d1"; handled != test.handled {
				t.Errorf("handled %+v, want handled %v", got, test.handled)
			}
			if strings.Contains(w.Body.String(), "S3CR3T") {
				t.Errorf("the answer tells what the error says: %s", w.Body)
			}
		})
	}
}

// A body of unknown length is read to the limit and no further, and one that is
// announced as too large is not read at all.
func TestHandlerCapsBodies(t *testing.T) {
	h := Handler(testSecret, func(context.Context, Event) error { return nil })
	body := &endless{}
	r := httptest.NewRequest(http.MethodPost, "/hook", body)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", w.Code)
	}
	if body.read > 4*MaxBody {
		t.Errorf("%d bytes were asked for", body.read)
	}

	announced := &endless{}
	r = httptest.NewRequest(http.MethodPost, "/hook", announced)
	r.ContentLength = MaxBody + 1
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || announced.read != 0 {
		t.Errorf("announced as too large: status %d after reading %d bytes", w.Code, announced.read)
	}
}

// A secret that is missing stops the program and opens nothing.
func TestHandlerWithoutASecret(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {"whsec_"}} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, ErrSecret) {
					t.Errorf("secrets %q: %v, want a panic with ErrSecret", secrets, err)
				}
			}()
			Handler(secrets, func(context.Context, Event) error { return nil })
		}()
	}
}

// A panic is answered, so that the hub's log says more than that the connection
// broke, and is in the server's log; net/http's own way to break a connection
// still is one.
func TestHandlerPanics(t *testing.T) {
	var logged bytes.Buffer
	cause := any("at the disco")
	server := httptest.NewUnstartedServer(Handler(testSecret, func(context.Context, Event) error { panic(cause) }, at(testTime)))
	server.Config.ErrorLog = log.New(&logged, "", 0)
	server.Start()
	defer server.Close()
	post := func() (*http.Response, error) {
		r, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(testEvent))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = signed(t, "d1", testTime, []byte(testEvent), testSecret)
		return server.Client().Do(r)
	}
	response, err := post()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusInternalServerError || strings.Contains(string(text), "disco") {
		t.Errorf("answered %d %s (%v)", response.StatusCode, text, err)
	}
	if s := logged.String(); !strings.Contains(s, "at the disco") || !strings.Contains(s, "TestHandlerPanics") {
		t.Errorf("logged %q", s)
	}
	cause = http.ErrAbortHandler
	if response, err := post(); err == nil {
		_ = response.Body.Close()
		t.Errorf("the connection to be broken off is answered %d", response.StatusCode)
	}
}

// The handler sees what it was sent, over a real connection.
func TestHandlerOverHTTP(t *testing.T) {
	events := make(chan Event, 1)
	server := httptest.NewServer(Handler([]string{"other", testSecret}, func(_ context.Context, e Event) error {
		events <- e
		return nil
	}, at(testTime)))
	defer server.Close()
	r, err := http.NewRequest(http.MethodPost, server.URL, bytes.NewReader([]byte(testEvent)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = signed(t, "d1", testTime, []byte(testEvent), testSecret)
	r.Header.Set(HeaderAttempt, "3")
	r.Header.Set(HeaderHop, "1")
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d", response.StatusCode)
	}
	if e := <-events; e.ID != "d1" || e.Event != "x.y" || string(e.Data) != "{}" || e.Attempt != 3 || e.Hop != 1 {
		t.Errorf("%+v", e)
	}
}
