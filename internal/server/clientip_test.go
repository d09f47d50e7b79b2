package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := map[string]struct {
		remote    string
		forwarded []string
		proto     string
		want      string
		https     bool
	}{
		"direct":                    {"192.0.2.1:99", nil, "", "192.0.2.1", false},
		"forged by a client":        {"192.0.2.1:99", []string{"198.51.100.1"}, "https", "192.0.2.1", false},
		"one proxy":                 {"10.0.0.1:99", []string{"198.51.100.1"}, "https", "198.51.100.1", true},
		"IPv6 proxy":                {"[fd00::1]:99", []string{"2001:db8::7"}, "http", "2001:db8::7", false},
		"two proxies":               {"10.0.0.1:99", []string{"198.51.100.1, 10.0.0.2"}, "https", "198.51.100.1", true},
		"two header lines":          {"10.0.0.1:99", []string{"198.51.100.1", "10.0.0.2"}, "https", "198.51.100.1", true},
		"forged line before":        {"10.0.0.1:99", []string{"203.0.113.9", "198.51.100.1"}, "https", "198.51.100.1", true},
		"forged behind a proxy":     {"10.0.0.1:99", []string{"127.0.0.1, 198.51.100.1"}, "", "198.51.100.1", false},
		"forged proxy chain":        {"10.0.0.1:99", []string{"10.9.9.9, 198.51.100.1, 10.0.0.2"}, "", "198.51.100.1", false},
		"all trusted":               {"10.0.0.1:99", []string{"10.0.0.3, 10.0.0.2"}, "", "10.0.0.3", false},
		"none given":                {"10.0.0.1:99", nil, "", "10.0.0.1", false},
		"garbage":                   {"10.0.0.1:99", []string{"198.51.100.1, unknown"}, "", "10.0.0.1", false},
		"empty entry":               {"10.0.0.1:99", []string{"198.51.100.1, "}, "", "10.0.0.1", false},
		"with port":                 {"10.0.0.1:99", []string{"198.51.100.1:4711"}, "", "198.51.100.1", false},
		"IPv6 with port":            {"10.0.0.1:99", []string{"[2001:db8::7]:4711"}, "", "2001:db8::7", false},
		"IPv4 in IPv6":              {"10.0.0.1:99", []string{"::ffff:198.51.100.1"}, "", "198.51.100.1", false},
		"protocol of nearest proxy": {"10.0.0.1:99", []string{"198.51.100.1"}, "https, http", "198.51.100.1", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, Options{TrustedProxies: trusted})
			var got string
			var https bool
			s.Mux().HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { got, https = ClientIP(r), IsHTTPS(r) })
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.remote
			r.Header["X-Forwarded-For"] = test.forwarded
			if test.proto != "" {
				r.Header.Set("X-Forwarded-Proto", test.proto)
			}
			s.ServeHTTP(httptest.NewRecorder(), r)
			if got != test.want || https != test.https {
				t.Errorf("got %s %t, want %s %t", got, https, test.want, test.https)
			}
		})
	}
}

// TestIsLocal: over the address nobody is local, and over the local listener a proxy is not.
func TestIsLocal(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Addr: "127.0.0.1:0", Local: l, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Mux().HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, IsLocal(r), " ", ClientIP(r)) })
	addr, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	local := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", l.Addr().String())
	}}
	remote := &http.Transport{}
	for _, test := range []struct {
		by     *http.Transport
		header string
		want   string
	}{
		{local, "", "true local"},
		{local, "X-Forwarded-For", "false local"},
		{local, "Via", "false local"},
		{remote, "", "false 127.0.0.1"},
		{remote, "Host", "false 127.0.0.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+addr.String()+"/", nil)
		r.RequestURI, r.Host = "", "hub.local"
		if test.header != "" {
			r.Header.Set(test.header, "hub.local")
		}
		res, err := test.by.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != test.want {
			t.Errorf("%q: %q, %v; want %q", test.header, body, err, test.want)
		}
	}
	local.CloseIdleConnections()
	remote.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestClientIPOutsideTheMiddleware(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "[2001:db8::7]:99"
	if got := ClientIP(r); got != "2001:db8::7" || IsHTTPS(r) {
		t.Errorf("got %s, %t", got, IsHTTPS(r))
	}
}

// Whatever a header says, the result is the peer or one of the header's own
// addresses, and never one that stands before an untrusted one.
func FuzzForwardedFor(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.2", "10.0.0.3")
	f.Add(",,", "")
	f.Add(strings.Repeat("10.0.0.1,", 40), "::1")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := forwardedFor("10.0.0.1", []string{a, b}, trusted)
		addr, err := netip.ParseAddr(got)
		if err != nil {
			t.Fatalf("%q is no address", got)
		}
		if got == "10.0.0.1" {
			return
		}
		entries := strings.Split(a+","+b, ",")
		if !slices.ContainsFunc(entries, func(e string) bool {
			p, err := parseForwarded(strings.TrimSpace(e))
			return err == nil && p.Unmap().WithZone("") == addr
		}) {
			t.Fatalf("%q is not in %q", got, entries)
		}
	})
}
