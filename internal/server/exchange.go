package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// Time limits of a request. They are set per request because a server-wide
// write timeout would end event streams.
const (
	// writeTimeout is how long one write may wait for the client to read. A
	// stream stays open as long as its reader keeps up.
	writeTimeout = 30 * time.Second
	// bodyGrace and bodyRate bound the arrival of a body of known length: the
	// grace, and what its length takes at the slowest rate accepted.
	bodyGrace = 30 * time.Second
	bodyRate  = 32 << 10 // bytes a second
	// chunkedBodyTimeout bounds the arrival of a body of unknown length.
	chunkedBodyTimeout = 2 * time.Minute
	// deadlineSlack is how far a write deadline may lag behind: moving it is
	// dearer than a small write.
	deadlineSlack = time.Second
)

// exchange is one request being answered: the ResponseWriter that handlers
// see, and what is known about the request. It is owned by the goroutine that
// serves the request.
type exchange struct {
	w         http.ResponseWriter
	req       *http.Request // as handlers see it
	srv       *Server
	conn      deadliner // nil when the connection takes no deadlines
	began     time.Time
	writeBy   time.Time // the write deadline in force
	requestID string
	traceID   string
	clientIP  string
	https     bool
	status    int // 0: the header is not written yet
	written   int64
	discard   bool // the mux's own error text is dropped
	unmatched bool // an answer to a path that matches no route is under way
	body      timedBody
}

// deadliner is implemented by net/http's ResponseWriter; see
// [http.ResponseController].
type deadliner interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// begin learns what the request's header says and sets its time limits.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{w: w, srv: s, began: time.Now()}
	x.conn, _ = w.(deadliner)
	x.requestID, x.traceID = requestIDs(r.Header)
	x.clientIP, x.https = clientOf(r, s.o.TrustedProxies)
	w.Header()["X-Request-Id"] = []string{x.requestID}
	x.req = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	x.limitBody()
	return x
}

// endWith ends the request's context when ctx ends. The caller calls the
// returned function after the request.
func (x *exchange) endWith(ctx context.Context) context.CancelFunc {
	reqCtx, cancel := context.WithCancel(x.req.Context())
	stop := context.AfterFunc(ctx, cancel)
	x.req = x.req.WithContext(reqCtx)
	return func() { stop(); cancel() }
}

// isStream reports whether the client asks for server-sent events (HTML Living
// Standard §9.2: EventSource always sends this Accept).
func isStream(r *http.Request) bool {
	accept := r.Header["Accept"]
	return len(accept) == 1 && accept[0] == "text/event-stream"
}

// limitBody sets the deadline for the arrival of the body. It holds whether or
// not the handler reads the body: the server itself reads on before it answers
// the next request.
func (x *exchange) limitBody() {
	if x.conn == nil || x.req.ContentLength == 0 {
		return
	}
	limit := chunkedBodyTimeout
	if n := x.req.ContentLength; n > 0 {
		limit = bodyGrace + time.Duration(n/bodyRate)*time.Second
	}
	if x.conn.SetReadDeadline(x.began.Add(limit)) != nil {
		return
	}
	x.body = timedBody{x.req.Body}
	x.req.Body = &x.body
}

// timedBody is a body under a read deadline, which net/http lifts at the end
// of the body. One that did not arrive in time is the caller's fault and fails
// with a hub.Error.
type timedBody struct{ io.ReadCloser }

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = hub.Wrap(hub.Invalid, err, "The request's body did not arrive in time.")
	}
	return n, err
}

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.w.Header() }

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// WriteHeader implements http.ResponseWriter. The mux's own answers to
// requests that match no route become a problem or the page for it.
func (x *exchange) WriteHeader(status int) {
	switch {
	case status < 200 || x.status != 0: // informational, or superfluous, which net/http reports
		x.w.WriteHeader(status)
		return
	case x.req.Pattern == "" && !x.unmatched && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed):
		x.unmatched = true
		x.refuseUnmatched(status)
		x.discard = true
		return
	}
	x.status = status
	x.extendWrite()
	x.w.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	if x.discard {
		return len(p), nil
	}
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.extendWrite()
	n, err := x.w.Write(p)
	x.written += int64(n)
	return n, err
}

// FlushError serves http.ResponseController.
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.extendWrite()
	if err := http.NewResponseController(x.w).Flush(); err != nil {
		return fmt.Errorf("server: flush: %w", err)
	}
	return nil
}

// Flush implements http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }

// extendWrite gives the client writeTimeout from now to take what follows.
func (x *exchange) extendWrite() {
	if x.conn == nil {
		return
	}
	by := time.Now().Add(writeTimeout)
	if by.Sub(x.writeBy) < deadlineSlack {
		return
	}
	x.writeBy = by
	_ = x.conn.SetWriteDeadline(by) // fails on a dead connection only
}

// finish ends the exchange; it is deferred around the handler.
func (x *exchange) finish() {
	if form := x.req.MultipartForm; form != nil {
		// net/http does this for its own copy of the request only.
		_ = form.RemoveAll()
	}
	if p := recover(); p != nil {
		x.panicked(p)
	}
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.logAccess()
}

// panicked answers a request whose handler panicked. When the answer had
// begun, the connection is cut, so that the client cannot take it for whole.
func (x *exchange) panicked(p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	x.srv.o.Log.Error("panic while answering a request", "panic", p, "method", x.req.Method, "path", maskPath(x.req.URL.Path),
		"requestId", x.requestID, "stack", string(debug.Stack()))
	if x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	clear(x.w.Header())
	x.w.Header()["X-Request-Id"] = []string{x.requestID}
	setSecurityHeaders(x.w.Header())
	x.discard = false
	writeProblem(x, internalProblem(x.requestID))
}

func (x *exchange) logAccess() {
	ctx := x.req.Context()
	if !x.srv.o.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	x.srv.o.Log.LogAttrs(ctx, slog.LevelDebug, "request",
		slog.String("method", x.req.Method), slog.String("path", maskPath(x.req.URL.Path)), slog.Int("status", x.status),
		slog.Int64("bytes", x.written), slog.Duration("took", time.Since(x.began)), slog.String("ip", x.clientIP),
		slog.String("requestId", x.requestID), slog.String("trace", x.traceID))
}

// longestName is the length above which a segment of a path that has no punctuation is
// taken for a token, wherever it stands: those of package secret have 26 and more, and ids
// have dashes.
const longestName = 23

// maskPath hides the token in the path of an incoming webhook, of which there are several
// kinds, and people mistype them. The query is never logged.
func maskPath(path string) string {
	if !strings.Contains(path, "/") {
		return path
	}
	parts := strings.Split(path, "/")
	before, last := "", "" // doubled slashes, as joined URLs have them, hide nothing
	for i, part := range parts {
		if part == "" {
			continue
		}
		if strings.EqualFold(before, "webhooks") && strings.EqualFold(last, "incoming") || len(part) > longestName && isAlphanumeric(part) {
			parts[i] = "***"
		}
		before, last = last, part
	}
	return strings.Join(parts, "/")
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}
