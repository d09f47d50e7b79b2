package egress

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serveTLS(t *testing.T, configure func(*httptest.Server), handler http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	if configure != nil {
		configure(server)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

func ok(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }

func TestTLS(t *testing.T) {
	for proto, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		var connections atomic.Int64
		server, roots := serveTLS(t, func(s *httptest.Server) {
			s.EnableHTTP2 = h2
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
		}, ok)
		c := local(t, Options{RootCAs: roots})
		for range 20 {
			result := c.Do(t.Context(), &Request{URL: server.URL, Body: []byte("{}")})
			if result.Status != http.StatusOK || string(result.Body) != proto || result.RemoteAddr != server.Listener.Addr().String() {
				t.Fatalf("%s: %+v %s", proto, result, result.Body)
			}
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%s: 20 sends made %d connections", proto, n)
		}
	}
}

func TestBadTLS(t *testing.T) {
	resolver := startNameServer(t, &nameServer{answer: func(string, int) []netip.Addr { return addrs("127.0.0.1") }})
	good, roots := serveTLS(t, nil, ok)
	old, oldRoots := serveTLS(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	}, ok)
	expiredCert := certificate(t, time.Now().Add(-time.Hour))
	expired, expiredRoots := serveTLS(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{expiredCert}}
	}, ok)
	hostile, hostileRoots := serveTLS(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, time.Now().Add(time.Hour),
			"a\x1b[31m\r\nX: y", strings.Repeat("long.", 2000)+"test")}}
	}, ok)
	plain, _ := serve(t, ok)
	port := func(server *httptest.Server) string {
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		return port
	}
	silent := receive(t, "127.0.0.1:0", untilClosed)
	cut := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		buf := make([]byte, 16)
		_, _ = io.ReadFull(conn, buf)
		reset(conn)
	})
	tests := []struct {
		name, url string
		roots     *x509.CertPool
		want      string
	}{
		{"self-signed", good.URL, nil, "unknown authority"},
		{"wrong host", "https://other.test.:" + port(good), roots, "not for this host"},
		{"expired", "https://receiver.test.:" + port(expired), expiredRoots, "expired"},
		{"old version", old.URL, oldRoots, "handshake failed"},
		{"no TLS", "https://" + plain.Listener.Addr().String(), nil, "does not speak TLS"},
		{"silence", "https://" + silent.address, nil, "took longer than 200ms"},
		{"cut", "https://" + cut.address, nil, "closed the connection during the TLS handshake"},
		{"hostile names", "https://receiver.test.:" + port(hostile), hostileRoots, "not for this host"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := Options{RootCAs: test.roots, Resolver: resolver}
			if test.name == "silence" {
				options.ConnectTimeout = 200 * time.Millisecond
			}
			c := local(t, options)
			result := bounded(t.Context(), t, c, secretRequest(test.url))
			if result.Kind != KindTLS || !strings.Contains(result.Err.Error(), test.want) {
				t.Fatalf("%q, %v; want %q", result.Kind, result.Err, test.want)
			}
			if text := result.Err.Error(); len(text) > 300 || strings.ContainsAny(text, "\r\n\x1b") {
				t.Errorf("the error is not fit to be shown: %q", text)
			}
		})
	}
}

// certificate makes a self-signed one for receiver.test, or for the names given.
func certificate(t *testing.T, expires time.Time, names ...string) tls.Certificate {
	t.Helper()
	if len(names) == 0 {
		names = []string{"receiver.test"}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: expires.Add(-2 * time.Hour), NotAfter: expires, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// The hostile receivers that only HTTP/2 makes possible.
func TestHostileHTTP2(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		timeout time.Duration
		kind    Kind
		status  int
		size    int
	}{
		{"endless body", func(w http.ResponseWriter, _ *http.Request) {
			chunk := make([]byte, 16<<10)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, 0, KindNone, 200, DefaultMaxResponse},
		{"stream reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, KindReset, 0, 0},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 150 * time.Millisecond, KindTimeout, 0, 0},
		{"silent body", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 0, KindNone, 200, 2},
		{"large header", headerOf(DefaultMaxHeader + 8<<10), 0, KindHeaderTooLarge, 0, 0},
		{"huge header", headerOf(8 * DefaultMaxHeader), 0, KindProtocol, 0, 0}, // a violation of the limit announced
		{"flood of 1xx", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		}, 0, KindHeaderTooLarge, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			closed := make(chan struct{}, 16)
			server, roots := serveTLS(t, func(s *httptest.Server) {
				s.EnableHTTP2 = true
				s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateClosed {
						closed <- struct{}{}
					}
				}
			}, func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 {
					t.Errorf("the request came over %s", r.Proto)
				}
				test.handler(w, r)
			})
			options := Options{RootCAs: roots, BodyTimeout: mostTime}
			if test.name == "silent body" {
				options.BodyTimeout = 150 * time.Millisecond
			}
			c := local(t, options)
			r := secretRequest(server.URL)
			r.Timeout = test.timeout
			result := bounded(t.Context(), t, c, r)
			if result.Kind != test.kind || result.Status != test.status || len(result.Body) != test.size {
				t.Errorf("kind %q, status %d, %d bytes (%v); want %q, %d, %d",
					result.Kind, result.Status, len(result.Body), result.Err, test.kind, test.status, test.size)
			}
			if test.kind == KindHeaderTooLarge {
				<-closed // it was not kept for more of that
			}
		})
	}
}

// headerOf answers with about size bytes of header.
func headerOf(size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := range 8 {
			w.Header().Set("X-"+strings.Repeat("A", i+1), strings.Repeat("y", size/8))
		}
	}
}

// What an HTTP/2 receiver may send ahead of what is read, and how much header,
// is told to it when the connection begins (RFC 9113 §6.5.2).
func TestHTTP2Settings(t *testing.T) {
	pair := certificate(t, time.Now().Add(time.Hour))
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	settings := make(chan map[uint16]uint32, 1)
	receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})
		start := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")+9)
		if _, err := io.ReadFull(secure, start); err != nil {
			t.Error(err)
			return
		}
		payload := make([]byte, start[len(start)-7]) // the low byte of the frame's length
		if _, err := io.ReadFull(secure, payload); err != nil {
			t.Error(err)
			return
		}
		got := make(map[uint16]uint32)
		for ; len(payload) >= 6; payload = payload[6:] {
			got[binary.BigEndian.Uint16(payload)] = binary.BigEndian.Uint32(payload[2:])
		}
		settings <- got
	})
	_, port, _ := net.SplitHostPort(receiver.address)
	resolver := startNameServer(t, &nameServer{answer: func(string, int) []netip.Addr { return addrs("127.0.0.1") }})
	c := local(t, Options{RootCAs: roots, Resolver: resolver})
	result := bounded(t.Context(), t, c, secretRequest("https://receiver.test.:"+port))
	if result.Kind != KindReset {
		t.Errorf("a connection that ended at once: %+v", result)
	}
	const initialWindow, maxHeaderList = 4, 6
	got := <-settings
	if got[initialWindow] != minWindow {
		t.Errorf("window %d, want %d", got[initialWindow], minWindow)
	}
	// net/http adds the 32 bytes HTTP/2 counts for each of a few fields.
	if n := got[maxHeaderList]; n < DefaultMaxHeader || n > DefaultMaxHeader+1024 {
		t.Errorf("header limit %d, want about %d", n, DefaultMaxHeader)
	}
}
