package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// secretRequest holds S3CR3T wherever a request can hold a secret.
func secretRequest(url string) *Request {
	return &Request{
		URL:    url + "/S3CR3T-path?token=S3CR3T-query",
		Header: http.Header{"Authorization": {"Bearer S3CR3T-header"}},
		Body:   []byte(`{"secret":"S3CR3T-body"}`),
	}
}

// zeros returns size zero bytes, packed.
func zeros(t *testing.T, size int64) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.CopyN(z, zeroReader{}, size); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Each receiver does its worst over one plain connection. Whatever it does,
// the exchange ends in bounded time and memory with the right word for it, the
// connection is closed, and nothing of the request shows in the error.
func TestHostile(t *testing.T) {
	const short = 150 * time.Millisecond
	bomb := zeros(t, 64<<20)
	var emptyMember bytes.Buffer
	if err := gzip.NewWriter(&emptyMember).Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		talk      func(net.Conn) // after the request was read
		timeout   time.Duration  // 0: the attack must end without it
		slow      bool           // the body is, so it is given little time
		kind      Kind
		status    int
		truncated bool
		size      int // of the body kept; -1: any
	}{
		{name: "endless body, length unknown", status: 200, truncated: true, size: DefaultMaxResponse, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			forever(c, "y")
		}},
		{name: "endless body, length absurd", status: 200, truncated: true, size: DefaultMaxResponse, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n")
			forever(c, "y")
		}},
		{name: "endless chunks", status: 500, truncated: true, size: DefaultMaxResponse, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
			forever(c, "1\r\ny\r\n")
		}},
		{name: "endless chunk extension", status: 200, truncated: true, size: 0, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
			forever(c, "y")
		}},
		{name: "endless trailer", status: 200, truncated: true, size: 1, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\n")
			forever(c, "A: b\r\n")
		}},
		{name: "silent body", slow: true, status: 200, truncated: true, size: 2, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
			untilClosed(c)
		}},
		{name: "dripping body", slow: true, status: 203, truncated: true, size: -1, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 203 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			drip(c, "1\r\ny\r\n")
		}},
		{name: "dripping past what is kept", slow: true, status: 200, truncated: true, size: DefaultMaxResponse, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("y", DefaultMaxResponse))
			drip(c, "y")
		}},
		{name: "body broken off", status: 200, truncated: true, size: 2, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
		}},
		{name: "silence", timeout: short, kind: KindTimeout, talk: untilClosed},
		{name: "dripping headers", timeout: short, kind: KindTimeout, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			drip(c, "A: b\r\n")
		}},
		{name: "dripping 1xx", timeout: short, kind: KindTimeout, talk: func(c net.Conn) {
			drip(c, "HTTP/1.1 102 Processing\r\n\r\n")
		}},
		{name: "flood of 1xx", kind: KindHeaderTooLarge, talk: func(c net.Conn) {
			forever(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		}},
		{name: "flood of 100", kind: KindHeaderTooLarge, talk: func(c net.Conn) { forever(c, "HTTP/1.1 100 Continue\r\n\r\n") }},
		{name: "flood of headers", kind: KindHeaderTooLarge, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			forever(c, "A: b\r\n")
		}},
		{name: "one endless header", kind: KindHeaderTooLarge, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nA: ")
			forever(c, "b")
		}},
		{name: "endless status line", kind: KindHeaderTooLarge, talk: func(c net.Conn) { forever(c, "HTTP/1.1 200 OK ") }},
		{name: "reset before headers", kind: KindReset, talk: reset},
		{name: "closed before headers", kind: KindReset, talk: func(net.Conn) {}},
		{name: "reset within headers", kind: KindReset, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nA: b")
			reset(c)
		}},
		{name: "closed within headers", kind: KindReset, talk: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nA: b") }},
		{name: "another protocol", kind: KindProtocol, talk: func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-S3CR3T\r\n") }},
		{name: "echo", kind: KindProtocol, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "Authorization: Bearer S3CR3T-header\r\n\r\n")
		}},
		{name: "no status", kind: KindProtocol, talk: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 S3CR3T\r\n\r\n") }},
		{name: "status below 100", kind: KindProtocol, talk: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 000 S3CR3T\r\n\r\n") }},
		{name: "bad length", kind: KindProtocol, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: S3CR3T\r\n\r\n")
		}},
		{name: "two lengths", kind: KindProtocol, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
		}},
		{name: "bad header", kind: KindProtocol, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nS3CR3T\r\n\r\n")
		}},
		{name: "unknown transfer coding", kind: KindProtocol, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: S3CR3T\r\n\r\n")
		}},
		{name: "switching protocols", status: 101, size: 0, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			forever(c, "y")
		}},
		{name: "redirect to metadata", status: 302, size: 0, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n")
		}},
		{name: "gzip bomb", status: 200, truncated: true, size: DefaultMaxResponse, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "+strconv.Itoa(len(bomb))+"\r\n\r\n")
			_, _ = c.Write(bomb)
			untilClosed(c)
		}},
		{name: "endless empty gzip members", status: 200, truncated: true, size: 0, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
			forever(c, emptyMember.String())
		}},
		{name: "broken gzip", status: 200, truncated: true, size: 0, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bxx")
		}},
		{name: "gzip by name only", status: 200, size: 5, talk: func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain")
		}},
	}
	for i := range 2 * len(tests) {
		test, large := tests[i/2], i%2 == 1
		t.Run(fmt.Sprintf("%s, large body %v", test.name, large), func(t *testing.T) {
			receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
				if readRequest(conn) == nil {
					test.talk(conn)
				}
			})
			options := Options{Policy: Policy{AllowLoopback: true}, BodyTimeout: mostTime}
			if test.slow {
				options.BodyTimeout = short
			}
			c := New(options)
			defer c.Close()
			r := secretRequest(receiver.url())
			r.Timeout = test.timeout
			if large { // not the direct way
				r.Body = append(r.Body, make([]byte, maxDirect)...)
			}
			result := bounded(t.Context(), t, c, r)
			if result.Kind != test.kind || result.Status != test.status {
				t.Fatalf("kind %q, status %d (%v); want %q, %d", result.Kind, result.Status, result.Err, test.kind, test.status)
			}
			if result.Truncated != test.truncated || test.size >= 0 && len(result.Body) != test.size {
				t.Errorf("%d bytes kept, truncated %v; want %d, %v", len(result.Body), result.Truncated, test.size, test.truncated)
			}
			if result.RemoteAddr != receiver.address {
				t.Errorf("remote address %q, want %q", result.RemoteAddr, receiver.address)
			}
			if n := receiver.accepted.Load(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// However fast a receiver sends, it gets rid of little more than what is kept
// and what the kernel buffers.
func TestEndlessBodyIsNotDrawn(t *testing.T) {
	var sent atomic.Int64
	receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
		if readRequest(conn) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			sent.Store(forever(conn, "y"))
		}
	})
	c := New(Options{Policy: Policy{AllowLoopback: true}, BodyTimeout: mostTime})
	defer c.Close()
	if result := c.Do(t.Context(), &Request{URL: receiver.url()}); result.Status != http.StatusOK || !result.Truncated {
		t.Fatalf("%+v", result)
	}
	receiver.stop()
	if n := sent.Load(); n > 16<<20 {
		t.Errorf("the receiver could send %d bytes", n)
	}
}

// A 3xx is an answer: its target is never called.
func TestRedirectsAreNotFollowed(t *testing.T) {
	target := receive(t, "127.0.0.1:0", func(net.Conn) {})
	for _, status := range []int{301, 302, 303, 307, 308} {
		receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
			if readRequest(conn) == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+strconv.Itoa(status)+" Moved\r\nLocation: "+target.url()+"\r\nContent-Length: 0\r\n\r\n")
			}
		})
		c := New(Options{Policy: Policy{AllowLoopback: true}})
		result := bounded(t.Context(), t, c, &Request{URL: receiver.url(), Body: []byte("{}")})
		c.Close()
		if result.Status != status || result.Header.Get("Location") != target.url() {
			t.Errorf("%+v, want status %d and its Location", result, status)
		}
	}
	if n := target.accepted.Load(); n != 0 {
		t.Errorf("the target was called %d times", n)
	}
}

// With a negative BodyTimeout a body may take until the Timeout; the status
// stands nevertheless.
func TestBodyMayTakeAllTheTime(t *testing.T) {
	receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		if readRequest(conn) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nok")
			untilClosed(conn)
		}
	})
	c := New(Options{Policy: Policy{AllowLoopback: true}, BodyTimeout: -1})
	defer c.Close()
	const timeout = 200 * time.Millisecond
	result := bounded(t.Context(), t, c, &Request{URL: receiver.url(), Timeout: timeout})
	if result.Status != http.StatusOK || !result.Truncated || string(result.Body) != "ok" || result.Duration < timeout {
		t.Errorf("%+v", result)
	}
}

// BodyTimeout never extends the Timeout.
func TestBodyEndsWithTheTimeout(t *testing.T) {
	receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		if readRequest(conn) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nok")
			untilClosed(conn)
		}
	})
	c := New(Options{Policy: Policy{AllowLoopback: true}, BodyTimeout: time.Hour})
	defer c.Close()
	result := bounded(t.Context(), t, c, &Request{URL: receiver.url(), Timeout: 100 * time.Millisecond})
	if result.Status != http.StatusOK || !result.Truncated {
		t.Errorf("%+v", result)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		if readRequest(conn) == nil {
			cancel()
			untilClosed(conn)
		}
	})
	c := New(Options{Policy: Policy{AllowLoopback: true}})
	defer c.Close()
	result := bounded(ctx, t, c, secretRequest(receiver.url()))
	if result.Kind != KindCanceled || !errors.Is(result.Err, context.Canceled) {
		t.Errorf("%+v", result)
	}
	if again := c.Do(ctx, &Request{URL: receiver.url()}); again.Kind != KindCanceled {
		t.Errorf("with a context that had ended: %+v", again)
	}
	late, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if result := c.Do(late, &Request{URL: receiver.url()}); result.Kind != KindCanceled || !errors.Is(result.Err, context.DeadlineExceeded) {
		t.Errorf("with the caller's own deadline: %+v", result)
	}
}

func TestInvalidRequests(t *testing.T) {
	c := New(Options{Policy: Policy{AllowLoopback: true}})
	defer c.Close()
	receiver := receive(t, "127.0.0.1:0", func(net.Conn) {})
	withUser, err := http.NewRequest(http.MethodGet, "http://u:S3CR3T@"+receiver.address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*Request{
		"URL":          {URL: "S3CR3T"},
		"user in URL":  {Target: withUser.URL},
		"header name":  {URL: receiver.url(), Header: http.Header{"A b": {"S3CR3T"}}},
		"header value": {URL: receiver.url(), Header: http.Header{"A": {"S3CR3T\r\nB: c"}}},
		"method":       {URL: receiver.url(), Method: "PO ST"},
	} {
		if result := bounded(t.Context(), t, c, r); result.Kind != KindInvalid {
			t.Errorf("%s: %q, %v", name, result.Kind, result.Err)
		}
	}
	if n := receiver.accepted.Load(); n != 0 {
		t.Errorf("%d connections were made for requests that cannot be sent", n)
	}
}
