package postgrestest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// side is one end of a connection through a proxy.
type side struct {
	t *testing.T
	net.Conn
}

func (s side) says(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s side) hears(want string) {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
		s.t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

// hearsNothing gives what should not come a moment to come.
func (s side) hearsNothing() {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Fatalf("read %d bytes, %v; want nothing", n, err)
	}
}

func (s side) isCut() {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	if n, err := s.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Fatalf("read %d bytes, %v; want a closed connection", n, err)
	}
}

// listen starts a proxy, and the server behind it: a channel of what it accepts.
func listen(t *testing.T) (*Proxy, <-chan net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan net.Conn, 8)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	return NewProxy(t, "postgres://me@"+listener.Addr().String()+"/mine"), accepted
}

func dial(t *testing.T, p *Proxy) side {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return side{t, conn}
}

func accept(t *testing.T, accepted <-chan net.Conn) side {
	t.Helper()
	select {
	case conn := <-accepted:
		t.Cleanup(func() { _ = conn.Close() })
		return side{t, conn}
	case <-time.After(patience):
		t.Fatal("the connection did not reach the server")
		return side{}
	}
}

func TestProxyPause(t *testing.T) {
	p, accepted := listen(t)
	client := dial(t, p)
	server := accept(t, accepted)
	client.says("one")
	server.hears("one")
	server.says("eins")
	client.hears("eins")

	p.Pause()
	p.Pause() // changes nothing
	newcomer := dial(t, p)
	newcomer.says("hello")
	client.says("two")
	client.says("three")
	server.says("zwei")
	client.hearsNothing()
	server.hearsNothing()
	if len(accepted) > 0 {
		t.Fatal("a new connection reached the server")
	}

	p.Resume()
	p.Resume()
	server.hears("twothree")
	client.hears("zwei")
	accept(t, accepted).hears("hello")
}

func TestProxyPauseHidesClosing(t *testing.T) {
	p, accepted := listen(t)
	client := dial(t, p)
	server := accept(t, accepted)
	p.Pause()
	server.says("bye")
	_ = server.Close()
	client.hearsNothing()
	p.Resume()
	client.hears("bye")
	client.isCut()
}

func TestProxyStrand(t *testing.T) {
	p, accepted := listen(t)
	client := dial(t, p)
	server := accept(t, accepted)
	p.Strand()
	newcomer := dial(t, p)
	newcomer.says("hello")
	accept(t, accepted).hears("hello")
	client.says("lost")
	p.Pause()
	p.Resume()
	server.hearsNothing()
	p.Cut()
	client.isCut()
	newcomer.isCut()
}

func TestProxyCut(t *testing.T) {
	p, accepted := listen(t)
	for _, paused := range []bool{false, true} {
		client := dial(t, p)
		server := accept(t, accepted)
		if paused {
			p.Pause()
		}
		p.Cut()
		client.isCut()
		server.isCut()
	}
	p.Resume()
	dial(t, p).says("again")
	accept(t, accepted).hears("again")
}

// What ends with the test ends also while nothing flows: goleak would tell.
func TestProxyEndsPaused(t *testing.T) {
	p, accepted := listen(t)
	client := dial(t, p)
	accept(t, accepted)
	p.Pause()
	client.says("lost")
	dial(t, p)
}
