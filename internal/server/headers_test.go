package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCrossOrigin(t *testing.T) {
	tests := map[string]struct {
		method string
		header map[string]string
		want   int
	}{
		"another site, with cookie":      {"POST", map[string]string{"Cookie": "hub_session=x", "Sec-Fetch-Site": "cross-site"}, 403},
		"a sibling site, with cookie":    {"POST", map[string]string{"Cookie": "hub_session=x", "Sec-Fetch-Site": "same-site"}, 403},
		"an old browser, another origin": {"POST", map[string]string{"Cookie": "hub_session=x", "Origin": "https://evil.example"}, 403},
		"our own page":                   {"POST", map[string]string{"Cookie": "hub_session=x", "Sec-Fetch-Site": "same-origin"}, 200},
		"our own page, old browser":      {"POST", map[string]string{"Cookie": "hub_session=x", "Origin": "http://example.com"}, 200},
		"our public address":             {"POST", map[string]string{"Cookie": "hub_session=x", "Origin": "https://hub.example.org"}, 200},
		"not a browser":                  {"POST", map[string]string{"Cookie": "hub_session=x"}, 200},
		"reading":                        {"GET", map[string]string{"Cookie": "hub_session=x", "Sec-Fetch-Site": "cross-site"}, 200},
		"no cookie: a webhook's sender":  {"POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://status.example"}, 200},
		"a token of its own":             {"POST", map[string]string{"Cookie": "hub_session=x", "Sec-Fetch-Site": "cross-site", "Authorization": "bearer t"}, 200},
		"browsers send Basic by itself":  {"POST", map[string]string{"Cookie": "hub_session=x", "Sec-Fetch-Site": "cross-site", "Authorization": "Basic eDp4"}, 403},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, Options{BaseURL: "https://hub.example.org/chat"})
			reached := false
			s.Mux().HandleFunc("/api/channels", func(w http.ResponseWriter, r *http.Request) { reached = true })
			r := httptest.NewRequest(test.method, "/api/channels", nil)
			for k, v := range test.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != test.want || reached != (test.want == 200) {
				t.Errorf("got %d (handler reached: %t), want %d", w.Code, reached, test.want)
			}
		})
	}
}

// Signing in sets a cookie, so it must not be forced from outside either.
func TestCheckOriginAlways(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if err := CheckOrigin(r); err != nil {
		t.Errorf("without cookies: %v", err)
	}
	if err := CheckOriginAlways(r); err == nil {
		t.Error("a forced sign-in was let through")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if err := CheckOriginAlways(r); err != nil {
		t.Errorf("our own form: %v", err)
	}
}

func TestBaseURLIsChecked(t *testing.T) {
	for _, base := range []string{"hub.example.org", "ftp:// ", "https://a b"} {
		if _, err := New(Options{BaseURL: base, Log: quiet()}); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
}
