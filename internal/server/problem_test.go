package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
)

func TestWriteProblem(t *testing.T) {
	tests := map[string]struct {
		err    error
		want   string
		header map[string]string
		logged string // a part of the log; "": nothing is logged
	}{
		"fields": {
			err: fmt.Errorf("wrapped: %w", &hub.Error{Code: hub.Invalid, Detail: "Wrong.", Fields: []hub.FieldError{{Field: "events[0]", Detail: "Is <empty>."}}}),
			want: `{"type":"about:blank","title":"Bad Request","status":400,"detail":"Wrong.","code":"invalid",` +
				`"errors":[{"field":"events[0]","detail":"Is <empty>."}]}`,
		},
		"rate limit": {
			err:    &hub.Error{Code: hub.RateLimited, Detail: "Slow down.", RetryAfter: 1200 * time.Millisecond},
			want:   `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Slow down.","code":"rate_limited","errors":[]}`,
			header: map[string]string{"Retry-After": "2"},
		},
		"unauthorized": {
			err:    hub.Errorf(hub.Unauthorized, "Who are you?"),
			want:   `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Who are you?","code":"unauthorized","errors":[]}`,
			header: map[string]string{"WWW-Authenticate": `Bearer realm="hub"`},
		},
		"over the limit of a body": {
			err:  fmt.Errorf("decode: %w", &http.MaxBytesError{Limit: 10}),
			want: `{"type":"about:blank","title":"Request Entity Too Large","status":413,"detail":"The request's body is too large.","code":"too_large","errors":[]}`,
		},
		"a cause is not shown": {
			err:    hub.Wrap(hub.Unavailable, errors.New("dial 10.1.2.3"), "The database cannot be read."),
			want:   `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The database cannot be read.","code":"unavailable","errors":[]}`,
			header: map[string]string{"Retry-After": "1"},
			logged: "dial 10.1.2.3",
		},
		"unknown": {
			err: errors.New("password hunter2 is wrong"),
			want: `{"type":"about:blank","title":"Internal Server Error","status":500,` +
				`"detail":"Something failed inside the hub; the reason is in its log under request id req-7.","code":"internal","errors":[]}`,
			logged: "hunter2",
		},
		"internal by name": {
			err: hub.Errorf(hub.Internal, "row 17 is broken"),
			want: `{"type":"about:blank","title":"Internal Server Error","status":500,` +
				`"detail":"Something failed inside the hub; the reason is in its log under request id req-7.","code":"internal","errors":[]}`,
			logged: "row 17 is broken",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			s.Mux().HandleFunc("POST /api/webhooks/incoming/{token}", func(w http.ResponseWriter, r *http.Request) {
				WriteProblem(w, r, test.err)
			})
			r := httptest.NewRequest(http.MethodPost, "/api/webhooks/incoming/sesame", nil)
			r.Header.Set("X-Request-Id", "req-7")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if diff := cmp.Diff(test.want+"\n", w.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code {
				t.Errorf("status %d, body %d, %v", w.Code, p.Status, err)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %s", got)
			}
			for k, v := range test.header {
				if got := w.Header().Get(k); got != v {
					t.Errorf("%s: %q, want %q", k, got, v)
				}
			}
			switch {
			case test.logged == "" && log.Len() > 0:
				t.Errorf("logged %s", log.String())
			case test.logged != "" && (strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), test.logged)):
				t.Errorf("logged %q, want one line with %q", log.String(), test.logged)
			}
			if strings.Contains(log.String(), "sesame") {
				t.Errorf("a token is in the log: %s", log.String())
			}
		})
	}
}

func TestStatusOfEveryCode(t *testing.T) {
	want := map[hub.Code]int{
		hub.Invalid: 400, hub.Unauthorized: 401, hub.Forbidden: 403, hub.NotFound: 404, methodNotAllowed: 405, hub.Conflict: 409,
		hub.TooLarge: 413, hub.RateLimited: 429, hub.Internal: 500, hub.Unavailable: 503, hub.StorageFull: 507, hub.LoopDetected: 508,
		"something else": 500,
	}
	for code, status := range want {
		if got := Status(code); got != status {
			t.Errorf("%s: %d, want %d", code, got, status)
		}
	}
}

// A client that went away is not a failure of the hub.
func TestGivenUpRequestIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	s.Mux().HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, fmt.Errorf("query: %w", context.Canceled))
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/", nil))
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if log.Len() == 0 {
		t.Error("a cancellation that was not the client's was not logged")
	}
}

func TestProblemAfterTheAnswerBegan(t *testing.T) {
	s := newServer(t, Options{})
	s.Mux().HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "part")
		WriteProblem(w, r, errors.New("late"))
	})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 200 || w.Body.String() != "part" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestUnmatched(t *testing.T) {
	newMux := func(page bool) *Server {
		s := newServer(t, Options{})
		s.Mux().HandleFunc("GET /api/channels", func(w http.ResponseWriter, r *http.Request) {})
		s.Mux().HandleFunc("POST /api/channels", func(w http.ResponseWriter, r *http.Request) {})
		s.Mux().HandleFunc("GET /api/missing", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
		s.Mux().HandleFunc("GET /folder/", func(w http.ResponseWriter, r *http.Request) {})
		if page {
			s.HandleNotFound(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				if w.Header().Get("Allow") != "" {
					w.WriteHeader(http.StatusMethodNotAllowed)
				} else {
					w.WriteHeader(http.StatusNotFound)
				}
				_, _ = io.WriteString(w, "<h1>nothing</h1>")
			}))
		}
		return s
	}
	tests := map[string]struct {
		method, path string
		page         bool
		status       int
		contentType  string
		body         string // a part of it
		allow        string
	}{
		"unknown under /api":        {"GET", "/api/nothing", true, 404, "application/problem+json", `"code":"not_found"`, ""},
		"/api itself":               {"GET", "/api", true, 404, "application/problem+json", `"code":"not_found"`, ""},
		"wrong method under /api":   {"DELETE", "/api/channels", true, 405, "application/problem+json", `"code":"method_not_allowed"`, "GET, HEAD, POST"},
		"wrong method of a page":    {"POST", "/folder/x", true, 405, "text/html; charset=utf-8", "<h1>nothing</h1>", "GET, HEAD"},
		"wrong method, no page":     {"POST", "/folder/x", false, 405, "application/problem+json", `"code":"method_not_allowed"`, "GET, HEAD"},
		"unknown page":              {"GET", "/nothing", true, 404, "text/html; charset=utf-8", "<h1>nothing</h1>", ""},
		"not quite /api":            {"GET", "/apiary", true, 404, "text/html; charset=utf-8", "<h1>nothing</h1>", ""},
		"unknown, without a page":   {"GET", "/nothing", false, 404, "application/problem+json", `"code":"not_found"`, ""},
		"a handler's own 404":       {"GET", "/api/missing", true, 404, "text/plain; charset=utf-8", "404 page not found", ""},
		"redirects are left alone":  {"GET", "/folder", true, 307, "text/html; charset=utf-8", "/folder/", ""},
		"path is cleaned elsewhere": {"GET", "/api//channels", true, 307, "text/html; charset=utf-8", "/api/channels", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			newMux(test.page).ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
			if w.Code != test.status || w.Header().Get("Content-Type") != test.contentType || w.Header().Get("Allow") != test.allow {
				t.Errorf("got %d %v, want %d %s", w.Code, w.Header(), test.status, test.contentType)
			}
			if !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("body %q, want a part %q", w.Body, test.body)
			}
			if test.contentType == "application/problem+json" {
				var p Problem
				if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
					t.Errorf("body %q: %v", w.Body, err)
				}
			}
		})
	}
}
