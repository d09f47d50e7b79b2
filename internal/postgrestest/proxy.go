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
	path   *path // of new connections
	open   map[net.Conn]struct{}
	uncut  context.Context // ends with the next Cut
	cancel context.CancelFunc
}

// path is what connections share that were made between two strandings.
type path struct {
	flow chan struct{} // closed while bytes flow; owned by the proxy's mu
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
		path:     openPath(),
		open:     map[net.Conn]struct{}{},
	}
	p.uncut, p.cancel = context.WithCancel(context.Background())
	go p.accept()
	tb.Cleanup(p.close)
	return p
}

func openPath() *path {
	p := &path{flow: make(chan struct{})}
	close(p.flow)
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
	p.path.pause()
}

func (p *path) pause() {
	select {
	case <-p.flow:
		p.flow = make(chan struct{})
	default:
	}
}

// Strand pauses the connections that are open for ever, as when the server's
// machine is lost and another one has taken over its address. New connections
// are served as before.
func (p *Proxy) Strand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.path.pause()
	p.path = openPath()
}

// Resume lets flow what Pause held back, in order and complete.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.path.flow:
	default:
		close(p.path.flow)
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
		uncut, by := p.uncut, p.path
		p.open[client] = struct{}{}
		p.mu.Unlock()
		p.serving.Go(func() { p.serve(uncut, by, client) })
	}
}

// serve connects a client until ctx ends, by Cut, or one of the sides does.
func (p *Proxy) serve(ctx context.Context, by *path, client net.Conn) {
	defer p.release(client)
	if !p.flowing(ctx, by) {
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
	back.Go(func() { p.pump(ctx, by, client, server) })
	p.pump(ctx, by, server, client)
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
func (p *Proxy) pump(ctx context.Context, by *path, to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, readErr := from.Read(buffer)
		if !p.flowing(ctx, by) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil || readErr != nil {
			return
		}
	}
}

// flowing waits while a path is paused; false when ctx ends first.
func (p *Proxy) flowing(ctx context.Context, by *path) bool {
	p.mu.Lock()
	flow := by.flow
	p.mu.Unlock()
	select {
	case <-flow:
		return true
	case <-ctx.Done():
		return false
	}
}
