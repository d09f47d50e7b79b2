package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequestIDs(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	tests := map[string]struct {
		header      map[string]string
		wantRequest string // "": one made here
		wantTrace   string
	}{
		"none":           {nil, "", ""},
		"both":           {map[string]string{"X-Request-Id": "abc.D_1:2-3", "Traceparent": "00-" + trace + "-00f067aa0ba902b7-01"}, "abc.D_1:2-3", trace},
		"request only":   {map[string]string{"X-Request-Id": "abc"}, "abc", ""},
		"longest":        {map[string]string{"X-Request-Id": strings.Repeat("a", 128)}, strings.Repeat("a", 128), ""},
		"too long":       {map[string]string{"X-Request-Id": strings.Repeat("a", 129)}, "", ""},
		"line break":     {map[string]string{"X-Request-Id": "a\r\nSet-Cookie: x"}, "", ""},
		"space":          {map[string]string{"X-Request-Id": "a b"}, "", ""},
		"later version":  {map[string]string{"Traceparent": "cc-" + trace + "-00f067aa0ba902b7-01-what-comes"}, "", trace},
		"version ff":     {map[string]string{"Traceparent": "ff-" + trace + "-00f067aa0ba902b7-01"}, "", ""},
		"too much in 00": {map[string]string{"Traceparent": "00-" + trace + "-00f067aa0ba902b7-01-x"}, "", ""},
		"upper case":     {map[string]string{"Traceparent": "00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01"}, "", ""},
		"trace of zeros": {map[string]string{"Traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}, "", ""},
		"parent zeros":   {map[string]string{"Traceparent": "00-" + trace + "-0000000000000000-01"}, "", ""},
		"cut off":        {map[string]string{"Traceparent": "00-" + trace + "-00f067"}, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, Options{})
			var request, gotTrace string
			s.Mux().HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
				request, gotTrace = RequestID(r.Context()), TraceID(r.Context())
			})
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for k, v := range test.header {
				r.Header[k] = []string{v}
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Header().Get("X-Request-Id"); got != request {
				t.Errorf("answered %q, the handler saw %q", got, request)
			}
			if test.wantRequest == "" && (len(request) != requestIDLen || !isLowerHex(request)) ||
				test.wantRequest != "" && request != test.wantRequest {
				t.Errorf("request id %q, want %q", request, test.wantRequest)
			}
			if test.wantTrace == "" && (len(gotTrace) != traceIDLen || !isLowerHex(gotTrace) || gotTrace == trace) ||
				test.wantTrace != "" && gotTrace != test.wantTrace {
				t.Errorf("trace id %q, want %q", gotTrace, test.wantTrace)
			}
		})
	}
}

func TestIDsOutsideARequest(t *testing.T) {
	if id, trace := RequestID(context.Background()), TraceID(context.Background()); id != "" || trace != "" {
		t.Errorf("%q, %q", id, trace)
	}
}

// FuzzTraceparent holds what is accepted to the form that is passed on.
func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")
	f.Fuzz(func(t *testing.T, s string) {
		trace := traceOf(s)
		if trace == "" {
			return
		}
		if len(trace) != traceIDLen || !isLowerHex(trace) || strings.Trim(trace, "0") == "" || s[3:35] != trace {
			t.Errorf("%q gives %q", s, trace)
		}
	})
}
