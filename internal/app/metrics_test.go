package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nself-chat/hub"
)

// TestMetricsAreGuarded: programs on this machine read the figures as they
// are; who comes from elsewhere, or through a proxy, is asked who it is.
func TestMetricsAreGuarded(t *testing.T) {
	asked := 0
	var answer error
	h := guardMetrics(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("figures")) }),
		func(*http.Request) error { asked++; return answer })
	for name, c := range map[string]struct {
		from, header string
		local        bool
	}{
		"loopback":             {"127.0.0.1:5000", "", true},
		"loopback, IPv6":       {"[::1]:5000", "", true},
		"loopback, mapped":     {"[::ffff:127.0.0.1]:5000", "", true},
		"another machine":      {"192.0.2.1:5000", "", false},
		"through a proxy here": {"127.0.0.1:5000", "X-Forwarded-For", false},
		"as nginx is shown":    {"127.0.0.1:5000", "X-Real-IP", false},
		"RFC 7239":             {"127.0.0.1:5000", "Forwarded", false},
		"no address":           {"@", "", false},
	} {
		for _, answer = range []error{nil, hub.Errorf(hub.Unauthorized, "Who are you?")} {
			asked = 0
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			r.RemoteAddr = c.from
			if c.header != "" {
				r.Header.Set(c.header, "127.0.0.1")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := http.StatusOK
			if !c.local && answer != nil {
				want = http.StatusUnauthorized
			}
			if w.Code != want || (w.Body.String() == "figures") != (want == http.StatusOK) || (asked == 0) != c.local {
				t.Errorf("%s, refused with %v: %d %s, asked %d times", name, answer, w.Code, w.Body, asked)
			}
		}
	}
}
