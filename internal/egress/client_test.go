package egress

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func local(t *testing.T, o Options) *Client {
	t.Helper()
	o.Policy.AllowLoopback = true
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// serve starts an HTTP server that counts the connections it accepts.
func serve(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	server = httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, connections
}

func TestDo(t *testing.T) {
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Del("Content-Length")
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, "%s %s %s %v %s", r.Method, r.Host, r.RequestURI, r.Header, body)
	})
	host := strings.TrimPrefix(server.URL, "http://")
	c := local(t, Options{})
	target, err := ParseURL(server.URL + "/a%2Fb?c=d")
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "X-Two": {"1", "2"}, "Host": {"other"}}
	given := maps.Clone(header)
	const defaults = "Accept-Encoding:[identity]"
	tests := []struct {
		name string
		r    Request
		want string
	}{
		{
			"POST by default",
			Request{URL: target.String(), Header: header, Body: []byte("{}")},
			"POST " + host + " /a%2Fb?c=d map[" + defaults + " Content-Type:[application/json] User-Agent:[nself-chat-webhook/1.0] X-Two:[1 2]] {}",
		},
		{
			"parsed URL",
			Request{Target: target, Method: http.MethodPut, Body: []byte("x")},
			"PUT " + host + " /a%2Fb?c=d map[" + defaults + " User-Agent:[nself-chat-webhook/1.0]] x",
		},
		{
			"own agent and encoding",
			Request{Target: target, Header: http.Header{"User-Agent": {"mine"}, "Accept-Encoding": {"br"}}},
			"POST " + host + " /a%2Fb?c=d map[Accept-Encoding:[br] User-Agent:[mine]] ",
		},
		{
			"prepared header",
			Request{Target: target, Header: c.NewHeader(0), Method: http.MethodGet},
			"GET " + host + " /a%2Fb?c=d map[" + defaults + " User-Agent:[nself-chat-webhook/1.0]] ",
		},
	}
	for _, test := range tests {
		result := c.Do(t.Context(), &test.r)
		if result.Err != nil || result.Status != http.StatusAccepted {
			t.Errorf("%s: %+v", test.name, result)
			continue
		}
		if diff := cmp.Diff(test.want, string(result.Body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if result.Header.Get("X-Answer") != "yes" || result.Truncated || result.RemoteAddr != host || result.Duration <= 0 {
			t.Errorf("%s: %+v", test.name, result)
		}
	}
	if diff := cmp.Diff(given, header); diff != "" {
		t.Errorf("the caller's header was changed:\n%s", diff)
	}
}

// A finished exchange leaves its connection to the next one, whatever the
// answer was like.
func TestConnectionsAreReused(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"no body":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"short body":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") },
		"failure":         func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"exactly the cap": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, DefaultMaxResponse)) },
		"one more":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, DefaultMaxResponse+1)) },
		"longer than kept": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, DefaultMaxResponse+maxDrain/2))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		},
		"chunks": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = w.Write(make([]byte, DefaultMaxResponse/2))
				w.(http.Flusher).Flush()
			}
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				answer(w, r)
			})
			for i, size := range []int{2, maxDirect + 1} { // the direct way, and the Transport's
				c := local(t, Options{BodyTimeout: mostTime})
				for range 20 {
					if result := c.Do(t.Context(), &Request{URL: server.URL, Body: make([]byte, size)}); result.Err != nil {
						t.Fatal(result.Err)
					}
				}
				if n := connections.Load(); n != int64(i+1) {
					t.Errorf("20 sends of %d bytes made %d connections", size, n-int64(i))
				}
			}
		})
	}
}

// A pause is no reason to connect again, though the time for the last request is
// over.
func TestConnectionsAreReusedLater(t *testing.T) {
	server, connections := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	const timeout = 50 * time.Millisecond
	for i, size := range []int{2, maxDirect + 1} {
		c := local(t, Options{BodyTimeout: timeout})
		for range 3 {
			if result := c.Do(t.Context(), &Request{URL: server.URL, Body: make([]byte, size)}); result.Err != nil {
				t.Fatal(result.Err)
			}
			<-time.After(2 * timeout)
		}
		if n := connections.Load(); n != int64(i+1) {
			t.Errorf("3 sends of %d bytes made %d connections", size, n-int64(i))
		}
	}
}

// Many goroutines share a client, and no more connections are made than were
// needed at once.
func TestConcurrentUse(t *testing.T) {
	server, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	c := local(t, Options{BodyTimeout: mostTime})
	const workers, each = 16, 50
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				body := fmt.Sprint(w, "-", i)
				if result := c.Do(t.Context(), &Request{URL: server.URL, Body: []byte(body)}); string(result.Body) != body {
					t.Errorf("sent %q: %+v", body, result)
				}
			}
		})
	}
	group.Wait()
	if n := connections.Load(); n > 2*workers {
		t.Errorf("%d workers made %d connections", workers, n)
	}
}

// A kept connection that the receiver closed meanwhile, or on which it spoke
// unasked, costs nothing: the request goes out on a new one.
func TestUnusableKeptConnection(t *testing.T) {
	for name, meanwhile := range map[string]func(*net.TCPConn){
		"closed":    func(conn *net.TCPConn) { _ = conn.CloseWrite() },
		"reset":     func(conn *net.TCPConn) { reset(conn) },
		"talkative": func(conn *net.TCPConn) { _, _ = io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			answered, done := make(chan struct{}), make(chan struct{})
			receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
				if readRequest(conn) == nil {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					<-answered
					meanwhile(conn.(*net.TCPConn))
					done <- struct{}{}
					untilClosed(conn)
				}
			})
			c := local(t, Options{})
			for range 3 {
				if result := c.Do(t.Context(), &Request{URL: receiver.url(), Body: []byte("{}")}); result.Status != http.StatusOK {
					t.Fatalf("%+v", result)
				}
				answered <- struct{}{}
				<-done
			}
			if n := receiver.accepted.Load(); n != 3 {
				t.Errorf("%d connections, want 3", n)
			}
		})
	}
}

func TestGzipIsDecoded(t *testing.T) {
	text := strings.Repeat("all is well. ", 1000)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	server, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "GZIP")
		_, _ = w.Write(packed.Bytes())
	})
	result := local(t, Options{BodyTimeout: mostTime}).Do(t.Context(), &Request{URL: server.URL})
	if string(result.Body) != text || result.Truncated {
		t.Errorf("%d bytes, truncated %v; want %d", len(result.Body), result.Truncated, len(text))
	}
	small := local(t, Options{MaxResponse: 100}).Do(t.Context(), &Request{URL: server.URL})
	if len(small.Body) > 100 || !small.Truncated || !strings.HasPrefix(text, string(small.Body)) {
		t.Errorf("kept %d bytes, truncated %v; want at most 100 of the text", len(small.Body), small.Truncated)
	}
}

// Nothing is taken from the environment (TestMain names a proxy in it), and
// nothing of one answer is sent with the next request.
func TestNoProxyNoCookies(t *testing.T) {
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		_, _ = io.WriteString(w, r.Header.Get("Cookie")+r.Header.Get("Referer")+r.Header.Get("Authorization"))
	})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	// Proxies are never used for localhost, so the receiver gets a name.
	resolver := startNameServer(t, &nameServer{answer: func(string, int) []netip.Addr { return addrs("127.0.0.1") }})
	c := local(t, Options{Resolver: resolver})
	for range 2 {
		if result := c.Do(t.Context(), &Request{URL: "http://receiver.test.:" + port}); result.Status != http.StatusOK || len(result.Body) != 0 {
			t.Errorf("%+v %s", result, result.Body)
		}
	}
}

// The transport can take the body anew, however much of it was read.
func TestBodyCanBeSentAgain(t *testing.T) {
	target, err := ParseURL("https://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	s := &sending{content: []byte("all of it")}
	request := s.request(t.Context(), &Request{}, target, nil)
	if _, err := io.CopyN(io.Discard, request.Body, 4); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		body, err := request.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := io.ReadAll(body); err != nil || string(again) != "all of it" {
			t.Errorf("%q, %v", again, err)
		}
	}
	if request.ContentLength != int64(len("all of it")) {
		t.Errorf("length %d", request.ContentLength)
	}
}

// What cannot be written is told at once.
func TestUnwritable(t *testing.T) {
	server, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	target, err := ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.RawQuery = "a=\x01"
	if result := bounded(t.Context(), t, local(t, Options{}), &Request{Target: target}); result.Kind != KindProtocol {
		t.Errorf("%+v", result)
	}
}

func TestConnectFailures(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	_ = listener.Close()
	c := local(t, Options{ConnectTimeout: 100 * time.Millisecond})
	result := bounded(t.Context(), t, c, secretRequest("http://"+closed))
	if result.Kind != KindConnect || !strings.Contains(result.Err.Error(), "connection refused") || result.RemoteAddr != "" {
		t.Errorf("%+v", result)
	}

	full := fullListener(t)
	result = bounded(t.Context(), t, c, secretRequest("http://"+full))
	if result.Kind != KindConnect || !strings.Contains(result.Err.Error(), "longer than 100ms") {
		t.Errorf("%+v", result)
	}
	result = bounded(t.Context(), t, local(t, Options{}), &Request{URL: "http://" + full, Timeout: 100 * time.Millisecond})
	if result.Kind != KindTimeout || !strings.Contains(result.Err.Error(), "no connection within 100ms") {
		t.Errorf("%+v", result)
	}
}

// fullListener returns an address that does not answer connection requests:
// its queue of connections not yet accepted is full.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for {
		conn, err := net.DialTimeout("tcp", address, 50*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

func TestLocalFailures(t *testing.T) {
	for errno, kind := range map[syscall.Errno]Kind{
		syscall.EMFILE: KindLocal, syscall.ENFILE: KindLocal, syscall.EADDRNOTAVAIL: KindLocal, syscall.ENOBUFS: KindLocal,
		syscall.ECONNREFUSED: KindConnect, syscall.EHOSTUNREACH: KindConnect, syscall.ENETUNREACH: KindConnect,
	} {
		if got := explain(&net.OpError{Op: "dial", Err: errno}, stage{}); got.Kind != kind {
			t.Errorf("%v is %q, want %q", errno, got.Kind, kind)
		}
	}
}
