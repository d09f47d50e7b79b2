package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"
)

// Limits that hold for every connection.
const (
	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	defaultDrain      = 10 * time.Second
)

// Options configure a Server.
type Options struct {
	// Addr is the host:port to listen on; port 0 lets the system choose. Empty:
	// only Local is served.
	Addr string
	// Local is a second listener, that only who owns the hub's data can reach:
	// see [IsLocal]. Run and Close close it. May be nil.
	Local net.Listener
	// BaseURL is the public URL, whose origin counts as the hub's own besides
	// the one a request names in Host. May be empty.
	BaseURL string
	// TrustedProxies are the addresses whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies []netip.Prefix
	// DrainTimeout is how long Run waits for requests in hand when it stops;
	// 0: 10 s.
	DrainTimeout time.Duration
	// DrainDelay is how long Run goes on as before, but for /readyz, when it is
	// to stop: the time that a load balancer needs to notice.
	DrainDelay time.Duration
	// Log receives failures, and each request at debug level; nil: slog.Default().
	Log *slog.Logger
}

// Server is the listener with its middleware. Routes are registered on its
// Mux before Run. It is safe for concurrent use from then on.
type Server struct {
	o        Options
	mux      *http.ServeMux
	http     *http.Server
	listener net.Listener
	origin   *http.CrossOriginProtection
	notFound http.Handler
	checks   []check

	// stopping is done from the moment that Run begins to drain.
	stopping context.Context
	stop     context.CancelFunc
	draining atomic.Bool
	sleep    func(time.Duration)

	// What goes on for as long as its reason does, and is logged seldom.
	unaccepted, refusals seldom
}

// New returns a Server that does not listen yet, with /healthz and /readyz on
// its mux. It fails on a BaseURL that is not an absolute http(s) URL.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = defaultDrain
	}
	s := &Server{o: o, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), sleep: time.Sleep}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if o.BaseURL != "" {
		u, err := url.Parse(o.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("server: base URL: %w", err)
		}
		if err := s.origin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("server: base URL: %w", err)
		}
	}
	s.http = &http.Server{
		Handler:           s,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	return s, nil
}

// Mux is where features register their routes, before Run.
func (s *Server) Mux() *http.ServeMux { return s.mux }

// Stopping returns a channel that is closed when Run begins to drain: streams
// end then. Requests that accept text/event-stream need not look at it, their
// context is cancelled.
func (s *Server) Stopping() <-chan struct{} { return s.stopping.Done() }

// HandleMetrics mounts h at /metrics.
func (s *Server) HandleMetrics(h http.Handler) { s.mux.Handle("GET /metrics", h) }

// HandleNotFound sets the page for unknown paths outside /api, and for methods that a
// path does not take: then Allow is set. It answers 404 or 405 itself. Without one,
// problem+json is sent everywhere.
func (s *Server) HandleNotFound(h http.Handler) { s.notFound = h }

// ServeHTTP implements http.Handler: the middleware, then the mux.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.begin(w, r)
	defer x.finish()
	setSecurityHeaders(w.Header())
	if err := CheckOrigin(x.req); err != nil {
		WriteProblem(x, x.req, err)
		return
	}
	if isStream(r) {
		cancel := x.endWith(s.stopping)
		defer cancel()
	}
	s.mux.ServeHTTP(x, x.req)
}

// Listen opens the listener, so that the address is known before Run. Calling
// it is optional.
func (s *Server) Listen(ctx context.Context) (net.Addr, error) {
	if s.o.Addr == "" {
		return nil, errors.New("server: there is no address to listen on")
	}
	if s.listener == nil {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.o.Addr)
		if err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
		s.listener = l
	}
	return s.listener.Addr(), nil
}

// Close gives up the listeners that Run was never called for.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners() {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("server: %w", err))
		}
	}
	return errors.Join(errs...)
}

// listeners returns those that are open.
func (s *Server) listeners() (open []net.Listener) {
	if s.listener != nil {
		open = append(open, s.listener)
	}
	if s.o.Local != nil {
		open = append(open, s.o.Local)
	}
	return open
}

// Run serves until ctx is done, then drains: /readyz fails, after DrainDelay
// nothing new is accepted, event streams end, and other requests in hand get DrainTimeout to
// finish before they are cut off. It returns nil then, too.
func (s *Server) Run(ctx context.Context) error {
	if s.o.Addr != "" {
		if _, err := s.Listen(ctx); err != nil {
			return err
		}
	}
	// Requests outlive ctx: draining means that they may finish.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s.http.BaseContext = func(l net.Listener) context.Context {
		if l.(*listener).Listener == s.o.Local {
			return context.WithValue(requests, localKey{}, true)
		}
		return requests
	}

	listeners := s.listeners()
	served := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { served <- s.http.Serve(&listener{l, s}) }()
	}
	select {
	case err := <-served:
		_ = s.http.Close()
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	if err := s.drain(context.WithoutCancel(ctx)); err != nil {
		s.o.Log.Warn("requests were cut off: they had not ended in time", "after", s.o.DrainTimeout.String(), "error", err)
		cut()
		_ = s.http.Close() // reports what drain reported
	}
	for range listeners {
		<-served // http.ErrServerClosed
	}
	return nil
}

// drain fails when requests are still in hand at its end.
func (s *Server) drain(ctx context.Context) error {
	s.draining.Store(true)
	s.sleep(s.o.DrainDelay)
	s.stop()
	ctx, cancel := context.WithTimeout(ctx, s.o.DrainTimeout)
	defer cancel()
	return s.http.Shutdown(ctx)
}
