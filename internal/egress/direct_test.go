package egress

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// FuzzAnswer: whatever a receiver says, both ways of sending make the same of it.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes",
		"HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bxx",
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 5000) + "\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n", "HTTP/1.1 2 x\r\n\r\n", "SSH-2.0\r\n", "\r\n\r\n", "",
	} {
		f.Add([]byte(answer))
	}
	var answer []byte
	// Not TCP, for the machine would run out of ports.
	connect := func(context.Context, string, string) (net.Conn, error) {
		said, near, far := answer, new(net.Conn), new(net.Conn)
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		for i, side := range []*net.Conn{near, far} {
			if err == nil {
				file := os.NewFile(uintptr(pair[i]), "pair")
				*side, err = net.FileConn(file)
				_ = file.Close()
			}
		}
		if err != nil {
			return nil, err
		}
		go func() {
			if readRequest(*far) == nil {
				_, _ = (*far).Write(said)
			}
			_ = (*far).Close()
		}()
		return *near, nil
	}
	c := New(Options{Policy: Policy{AllowLoopback: true}, MaxHeader: 4 << 10, MaxResponse: 1 << 10, BodyTimeout: mostTime})
	c.dial, c.plain.DialContext = connect, connect
	f.Cleanup(c.Close)
	f.Fuzz(func(t *testing.T, said []byte) {
		c.Close() // else what was said with the last input could be taken for more
		answer = said
		direct := c.Do(t.Context(), &Request{URL: "http://127.0.0.1/", Body: []byte("{}")})
		transport := c.Do(t.Context(), &Request{URL: "http://127.0.0.1/", Body: make([]byte, maxDirect+1)})
		if direct.Duration > mostTime/2 || transport.Duration > mostTime/2 {
			t.Errorf("%q took %v, by the transport %v", said, direct.Duration, transport.Duration)
		}
		if direct.Kind != transport.Kind || direct.Status != transport.Status || direct.Truncated != transport.Truncated ||
			string(direct.Body) != string(transport.Body) || len(direct.Header) != len(transport.Header) {
			t.Errorf("%q\ndirect    %s %v\ntransport %s %v", said, show(direct), direct.Err, show(transport), transport.Err)
		}
	})
}

func show(r Result) string {
	return fmt.Sprintf("%q %d, %q, cut %v, %v", r.Kind, r.Status, r.Body, r.Truncated, r.Header)
}
