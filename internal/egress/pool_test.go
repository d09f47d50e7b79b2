package egress

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// idleConn returns a connection to address that is not in use, and whether it has
// been closed.
func idleConn(t *testing.T, address string) (c *conn, closed func() bool) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	ended := make(chan struct{})
	go func() {
		untilClosed(far)
		close(ended)
	}()
	return &conn{Conn: near, address: address}, func() bool {
		synctest.Wait()
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
}

func TestIdleConnectionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pool
		first, firstClosed := idleConn(t, "a:80")
		p.put(first)
		time.Sleep(idleTimeout / 2)
		second, secondClosed := idleConn(t, "a:80")
		other, otherClosed := idleConn(t, "b:80")
		p.put(second)
		p.put(other)
		for _, step := range []struct {
			wait                 time.Duration
			first, second, other bool
		}{
			{idleTimeout/2 - time.Second, false, false, false},
			{time.Second, true, false, false},
			{idleTimeout/2 - time.Second, true, false, false},
			{time.Second, true, true, true},
		} {
			time.Sleep(step.wait)
			if firstClosed() != step.first || secondClosed() != step.second || otherClosed() != step.other {
				t.Errorf("%v later: closed are %v, %v, %v; want %v", step.wait, firstClosed(), secondClosed(), otherClosed(), step)
			}
		}
		if len(p.idle) != 0 || p.sweep != nil {
			t.Errorf("left: %d addresses, timer %v", len(p.idle), p.sweep)
		}
	})
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pool
		var kept []func() bool
		for range maxIdlePerHost {
			c, closed := idleConn(t, "a:80")
			p.put(c)
			kept = append(kept, closed)
		}
		extra, extraClosed := idleConn(t, "a:80")
		p.put(extra)
		if !extraClosed() {
			t.Error("one too many is kept")
		}
		elsewhere, elsewhereClosed := idleConn(t, "b:80")
		p.put(elsewhere)
		if elsewhereClosed() || kept[0]() {
			t.Error("one that may be kept is closed")
		}
		p.close()
		late, lateClosed := idleConn(t, "c:80")
		p.put(late)
		if !kept[0]() || !kept[maxIdlePerHost-1]() || !elsewhereClosed() || !lateClosed() {
			t.Error("after close something is open")
		}
		if p.take("c:80") != nil {
			t.Error("something is left")
		}
		next, nextClosed := idleConn(t, "c:80")
		p.put(next)
		if nextClosed() {
			t.Error("a pool that is used again keeps nothing")
		}
		p.close()
	})
}

// What a connection may be read is bounded, whoever reads.
func TestReadLimit(t *testing.T) {
	near, far := net.Pipe()
	go func() { forever(far, "y") }()
	c := &conn{Conn: near, left: 10}
	got, err := io.ReadAll(c)
	if len(got) != 10 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_ = near.Close()
}

// TestIdleConnectionsHoldNoBuffers: they are lent for a request, and bring along
// nothing of what another connection has left in them.
func TestIdleConnectionsHoldNoBuffers(t *testing.T) {
	c := New(Options{Policy: Policy{AllowLoopback: true}, BodyTimeout: mostTime})
	t.Cleanup(c.Close)
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokand what nobody asked for",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	} {
		r := receive(t, "127.0.0.1:0", func(conn net.Conn) {
			for readRequest(conn) == nil {
				_, _ = conn.Write([]byte(answer))
			}
		})
		for range 3 {
			if got := c.Do(t.Context(), &Request{URL: r.url(), Body: []byte("{}")}); got.Err != nil || string(got.Body) != "ok" {
				t.Fatalf("%q, %v", got.Body, got.Err)
			}
		}
		kept := c.idle.take(r.address)
		if wasted := strings.HasSuffix(answer, "for"); (kept == nil) != wasted {
			t.Fatalf("a connection is kept: %t", kept != nil)
		}
		if kept != nil {
			if kept.reader != nil || kept.writer != nil {
				t.Error("it holds buffers")
			}
			c.idle.put(kept)
		}
		c.Close()
	}
}
