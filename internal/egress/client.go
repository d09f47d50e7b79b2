package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// Defaults of [Options] and [Request].
const (
	DefaultTimeout        = 30 * time.Second
	DefaultConnectTimeout = 5 * time.Second
	DefaultBodyTimeout    = time.Second
	DefaultMaxResponse    = 16 << 10
	DefaultMaxHeader      = 64 << 10
	DefaultUserAgent      = "nself-chat-webhook/1.0"
)

const (
	// maxIdlePerHost connections are kept open to one host between requests.
	maxIdlePerHost = 256
	idleTimeout    = 90 * time.Second
	// An HTTP/2 connection that has been silent for pingAfter is probed, and
	// given up when pingTimeout passes without an answer. Otherwise a
	// connection whose peer vanished would fail every request until TCP gives
	// up.
	pingAfter   = 15 * time.Second
	pingTimeout = 5 * time.Second
	// HTTP/2 lets a peer send up to the window size ahead of what was read, so
	// the windows bound the memory an endless body can fill.
	minWindow = 64 << 10
	maxWindow = 2 << 20
)

// Options configure a [Client]. The zero value of each field but Policy stands
// for its default.
type Options struct {
	Policy Policy
	// ConnectTimeout bounds resolving and connecting, and again the TLS
	// handshake (5 s).
	ConnectTimeout time.Duration
	// BodyTimeout bounds reading the body once the headers are complete (1 s):
	// the status has decided by then, and a slow body must not delay it. It
	// never extends a request's own Timeout. Negative: only the Timeout counts,
	// for callers to whom the body matters.
	BodyTimeout time.Duration
	// MaxResponse is the number of bytes of a response body that are kept,
	// counted after decompression (16 KiB).
	MaxResponse int64
	// MaxHeader is the size of the response headers that are accepted, all
	// informational (1xx) responses included, in bytes (64 KiB).
	MaxHeader int64
	// UserAgent is sent by requests that name none (nself-chat-webhook/1.0).
	UserAgent string
	// Resolver resolves host names (the system's).
	Resolver *net.Resolver
	// RootCAs are the certificate authorities trusted (the system's).
	RootCAs *x509.CertPool
}

// Client sends requests. It keeps connections open between them and is safe
// for concurrent use; one per process and Options is right.
type Client struct {
	options Options
	guard   *guard
	// One dialer per scheme, for it must know whether it dials for plain http://,
	// and the two never share a connection.
	plain, secure *http.Transport
	dial          dial // for plain http:// without the transport
	idle          pool // of what it dialed

	// Header values shared by all requests that need them.
	userAgent, identity []string
}

// New returns a Client. Close it when it is no longer needed.
func New(o Options) *Client {
	o.ConnectTimeout = orDefault(o.ConnectTimeout, DefaultConnectTimeout)
	o.BodyTimeout = orDefault(o.BodyTimeout, DefaultBodyTimeout)
	o.MaxResponse = orDefault(o.MaxResponse, DefaultMaxResponse)
	o.MaxHeader = orDefault(o.MaxHeader, DefaultMaxHeader)
	o.UserAgent = orDefault(o.UserAgent, DefaultUserAgent)
	g := newGuard(o.Policy)
	return &Client{
		options:   o,
		guard:     g,
		plain:     newTransport(&o, dialer(&o, g, true)),
		secure:    newTransport(&o, dialer(&o, g, false)),
		dial:      dialer(&o, g, true),
		userAgent: []string{o.UserAgent},
		identity:  []string{"identity"},
	}
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// dial makes a connection.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

func dialer(o *Options, g *guard, plain bool) dial {
	d := net.Dialer{Timeout: o.ConnectTimeout, Resolver: o.Resolver, Control: g.control(plain)}
	return d.DialContext
}

func newTransport(o *Options, d dial) *http.Transport {
	window := int(min(max(o.MaxResponse, minWindow), maxWindow))
	return &http.Transport{
		Proxy:                  nil, // not from the environment
		DialContext:            d,
		TLSHandshakeTimeout:    o.ConnectTimeout,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: o.MaxHeader,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:               pingAfter,
			PingTimeout:                   pingTimeout,
			MaxReceiveBufferPerStream:     window,
			MaxReceiveBufferPerConnection: maxWindow,
		},
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            o.RootCAs,
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
	}
}

// Close closes the connections that are idle; those in use are closed when
// their request ends. The Client can still be used.
func (c *Client) Close() {
	c.plain.CloseIdleConnections()
	c.secure.CloseIdleConnections()
	c.idle.close()
}

// Request is one request to be sent. Once it has been given to [Client.Do]
// neither Header nor Body may be changed any more, not even after Do returned:
// a receiver may answer before it has read everything.
type Request struct {
	Method string // default POST
	URL    string // used when Target is nil
	// Target is the URL as [ParseURL] returned it, to save parsing it again.
	Target *url.URL
	// Header is sent as it is, so its keys must be in canonical form. What is
	// missing of User-Agent and Accept-Encoding (identity) is added to a copy;
	// [Client.NewHeader] makes a header that needs none. Host, Content-Length
	// and Transfer-Encoding are not taken from here.
	Header http.Header
	Body   []byte
	// Timeout bounds the whole exchange: resolving, connecting, TLS, headers
	// and body (30 s). After the headers are complete its end only cuts the
	// body short.
	Timeout time.Duration
}

// Result is a finished exchange. The caller owns it.
type Result struct {
	// Status is the response's, 3xx as it came; 0: there is no response.
	Status int
	// Header is the response's, as received.
	Header http.Header
	// Body is what was kept of the response's body, decoded if it came with
	// Content-Encoding gzip (which was not asked for).
	Body []byte
	// Truncated: the body was longer, did not end in time, or broke off. It
	// never makes a failure of a response.
	Truncated bool
	// RemoteAddr is the address that was talked to, "" if none was.
	RemoteAddr string
	Duration   time.Duration
	// Err is an *[Error] and Kind its kind; both are set exactly when Status
	// is 0.
	Err  error
	Kind Kind
}

// NewHeader returns a Header with room for n more fields that already has the
// ones Do would otherwise have to add to a copy.
func (c *Client) NewHeader(n int) http.Header {
	h := make(http.Header, n+2)
	h["User-Agent"] = c.userAgent
	h["Accept-Encoding"] = c.identity
	return h
}

// Do sends one request and returns when the exchange is over. It does not
// retry. A kept connection that the other side has closed is noticed before it is
// used, as far as that has arrived here.
func (c *Client) Do(ctx context.Context, r *Request) Result {
	started := time.Now()
	result, err := c.exchange(ctx, r, started)
	if err != nil {
		result.Err, result.Kind = err, err.Kind
	}
	result.Duration = time.Since(started)
	return result
}

func (c *Client) exchange(caller context.Context, r *Request, started time.Time) (Result, *Error) {
	target, failed := r.target()
	if failed != nil {
		return Result{}, failed
	}
	limit := r.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	if goesDirect(r, target) {
		return c.direct(caller, r, target, limit, started)
	}
	ctx, cancel := context.WithCancelCause(caller)
	defer cancel(nil)
	timer := time.AfterFunc(limit, func() { cancel(errTimeUp) })
	defer timer.Stop()

	e := &sending{content: r.Body}
	e.trace.GotConn = e.gotConn
	transport := c.secure
	if target.Scheme == "http" {
		transport = c.plain
	}
	response, err := transport.RoundTrip(e.request(httptrace.WithClientTrace(ctx, &e.trace), r, target, c.header(r.Header)))
	if err != nil {
		failed := explain(err, stage{
			connected: e.conn != nil, secure: target.Scheme == "https",
			limit: limit, connect: c.options.ConnectTimeout, caller: caller, ended: context.Cause(ctx),
		})
		failed.Host = target.Host
		if failed.Kind == KindHeaderTooLarge && e.conn != nil {
			// Over HTTP/2 it would be kept, and read for as long as the other side sends.
			_ = e.conn.Close()
		}
		return Result{RemoteAddr: e.remoteAddr()}, failed
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode < 100 { // RFC 9110 §15: the Transport lets it through
		return Result{RemoteAddr: e.remoteAddr()}, &Error{Kind: errNotHTTP.Kind, text: errNotHTTP.text, Host: target.Host}
	}
	if c.options.BodyTimeout > 0 {
		timer.Reset(min(c.options.BodyTimeout, limit-time.Since(started)))
	}
	body, whole, _ := readBody(response, c.options.MaxResponse)
	return Result{
		Status: response.StatusCode, Header: response.Header, Body: body, Truncated: !whole, RemoteAddr: e.remoteAddr(),
	}, nil
}

// target returns the URL to send to.
func (r *Request) target() (*url.URL, *Error) {
	if r.Target == nil {
		u, err := ParseURL(r.URL)
		if err != nil {
			failed, _ := errors.AsType[*Error](err)
			return nil, failed
		}
		return u, nil
	}
	if problem := problemOf(r.Target); problem != "" {
		return nil, invalidURL(r.Target.Host, problem)
	}
	return r.Target, nil
}

func (r *Request) method() string {
	if r.Method == "" {
		return http.MethodPost
	}
	return r.Method
}

// over returns the request as net/http has it, without its body.
func (r *Request) over(target *url.URL, header http.Header) http.Request {
	return http.Request{
		Method: r.method(), URL: target, Host: target.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// header returns h with what the protocol wants of every request.
func (c *Client) header(h http.Header) http.Header {
	_, agent := h["User-Agent"]
	_, encoding := h["Accept-Encoding"]
	if agent && encoding {
		return h
	}
	full := c.NewHeader(len(h))
	for name, values := range h {
		full[name] = values
	}
	return full
}

// sending is the state of one request on its way out, in one allocation.
type sending struct {
	content []byte
	reader  bytes.Reader
	trace   httptrace.ClientTrace
	conn    net.Conn // nil: there was none. It is the transport's
}

// gotConn is called by the transport, on the goroutine that called RoundTrip,
// for each connection it tries.
func (s *sending) gotConn(info httptrace.GotConnInfo) { s.conn = info.Conn }

func (s *sending) remoteAddr() string {
	if s.conn == nil {
		return ""
	}
	return s.conn.RemoteAddr().String()
}

func (s *sending) request(ctx context.Context, r *Request, target *url.URL, header http.Header) *http.Request {
	q := r.over(target, header)
	if len(s.content) > 0 {
		s.reader.Reset(s.content)
		q.ContentLength = int64(len(s.content))
		// The transport writes headers and body together only when it finds
		// a bytes.Reader under a NopCloser.
		q.Body = io.NopCloser(&s.reader)
		q.GetBody = s.again
	}
	return q.WithContext(ctx)
}

// again gives the transport the body anew when a kept connection was found
// closed before anything was sent on it.
func (s *sending) again() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.content)), nil
}
