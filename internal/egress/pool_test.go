package egress

import (
	"io"
	"net"
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
