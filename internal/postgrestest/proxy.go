package postgrestest

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy is a TCP proxy on loopback: the network between a client and a server,
// which can stall and break. Its methods may be called from any goroutine.
type Proxy struct {
	target   *url.URL
	listener net.Listener
	accepted chan struct{} // closed when no more connections come
	serving  sync.WaitGroup

	mu     sync.Mutex
	flow   chan struct{} // closed while bytes flow
	open   map[net.Conn]struct{}
	uncut  context.Context // ends with the next Cut
	cancel context.CancelFunc
}

// NewProxy starts a proxy in front of the server of a database, which is given
// by its URL. The proxy ends with the test.
func NewProxy(tb testing.TB, to string) *Proxy {
	tb.Helper()
	target, err := url.Parse(to)
	if err != nil || target.Port() == "" {
		tb.Fatal("a proxy needs a URL with host and port")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{
		target:   target,
		listener: listener,
		accepted: make(chan struct{}),
		flow:     make(chan struct{}),
		open:     map[net.Conn]struct{}{},
	}
	close(p.flow)
	p.uncut, p.cancel = context.WithCancel(context.Background())
	go p.accept()
	tb.Cleanup(p.close)
	return p
}

// Addr is where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL is the database's, through the proxy.
func (p *Proxy) URL() string {
	through := *p.target
	through.Host = p.Addr()
	return through.String()
}

// Pause stops the flow in both directions: what a side does from now on, its
// closing included, stays hidden from the other until Resume. Connections stay
// open; new ones are accepted, but reach the server only then.
func (p *Proxy) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
		p.flow = make(chan struct{})
	default:
	}
}

// Resume lets flow what Pause held back, in order and complete.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
	default:
		close(p.flow)
	}
}

// Cut closes all open connections on both sides, also of a paused proxy, and
// loses what was on its way. New connections are served as before.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
	p.uncut, p.cancel = context.WithCancel(context.Background())
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	<-p.accepted
	p.Cut()
	p.serving.Wait()
	p.cancel()
}

func (p *Proxy) accept() {
	defer close(p.accepted)
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		uncut := p.uncut
		p.open[client] = struct{}{}
		p.mu.Unlock()
		p.serving.Go(func() { p.serve(uncut, client) })
	}
}

// serve connects a client until ctx ends, by Cut, or one of the sides does.
func (p *Proxy) serve(ctx context.Context, client net.Conn) {
	defer p.release(client)
	if !p.flowing(ctx) {
		return
	}
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", p.target.Host)
	if err != nil {
		return
	}
	defer p.release(server)
	if !p.keep(ctx, server) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { p.pump(ctx, client, server) })
	p.pump(ctx, server, client)
	back.Wait()
}

// keep puts conn among those that Cut closes; false when it comes too late.
func (p *Proxy) keep(ctx context.Context, conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	p.open[conn] = struct{}{}
	return true
}

func (p *Proxy) release(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
	_ = conn.Close()
}

// pump copies while bytes flow. Its end is that of the whole connection: the
// protocol of Postgres knows no closing of one direction.
func (p *Proxy) pump(ctx context.Context, to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, readErr := from.Read(buffer)
		if !p.flowing(ctx) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil || readErr != nil {
			return
		}
	}
}

// flowing waits while the proxy is paused; false when ctx ends first.
func (p *Proxy) flowing(ctx context.Context) bool {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	select {
	case <-flow:
		return true
	case <-ctx.Done():
		return false
	}
}
