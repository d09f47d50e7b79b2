package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// Problem is the body of an answer that refuses (RFC 9457).
type Problem struct {
	// Type is always about:blank (§4.2.1): Code tells problems apart.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code is one of package hub's, method_not_allowed, or not_acceptable.
	Code   hub.Code         `json:"code"`
	Errors []hub.FieldError `json:"errors"`

	retryAfter time.Duration
}

// Codes of problems with the request alone, whatever it is about.
const (
	methodNotAllowed hub.Code = "method_not_allowed"
	notAcceptable    hub.Code = "not_acceptable"
)

// unavailableFor is when to come back while something is away and nobody knows
// for how long.
const unavailableFor = time.Second

// Status returns the HTTP status of an error code; 500 for one it does not know.
func Status(code hub.Code) int {
	switch code {
	case hub.Invalid:
		return http.StatusBadRequest
	case hub.Unauthorized:
		return http.StatusUnauthorized
	case hub.Forbidden:
		return http.StatusForbidden
	case hub.NotFound:
		return http.StatusNotFound
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case notAcceptable:
		return http.StatusNotAcceptable
	case hub.Conflict:
		return http.StatusConflict
	case hub.TooLarge:
		return http.StatusRequestEntityTooLarge
	case hub.RateLimited:
		return http.StatusTooManyRequests
	case hub.LoopDetected:
		return http.StatusLoopDetected
	case hub.Unavailable:
		return http.StatusServiceUnavailable
	case hub.StorageFull:
		return http.StatusInsufficientStorage
	default:
		return http.StatusInternalServerError
	}
}

// ProblemOf returns what a caller may be told of err: a hub.Error as it is, a
// body over its http.MaxBytesReader as too_large, anything else as internal.
// Nothing is logged.
func ProblemOf(ctx context.Context, err error) Problem {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newProblem(hub.TooLarge, "The request's body is too large.")
	}
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || Status(e.Code) == http.StatusInternalServerError {
		return internalProblem(RequestID(ctx))
	}
	p := newProblem(e.Code, e.Detail)
	if p.retryAfter = e.RetryAfter; p.retryAfter == 0 && e.Code == hub.Unavailable {
		p.retryAfter = unavailableFor
	}
	if e.Fields != nil {
		p.Errors = e.Fields
	}
	return p
}

func newProblem(code hub.Code, detail string) Problem {
	status := Status(code)
	return Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code,
		Errors: []hub.FieldError{},
	}
}

func internalProblem(requestID string) Problem {
	detail := "Something failed inside the hub; the reason is in its log."
	if requestID != "" {
		detail = "Something failed inside the hub; the reason is in its log under request id " + requestID + "."
	}
	return newProblem(hub.Internal, detail)
}

// WriteProblem answers the request with err as application/problem+json. What
// failed inside the hub is logged here, once, with the request's id, and not
// shown. When the answer has begun already it only logs.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := Report(r, err)
	if x := exchangeOf(r.Context()); x != nil && x.status != 0 {
		return
	}
	writeProblem(w, p)
}

// Report is ProblemOf for those who write the answer themselves, such as a
// page: it also logs what WriteProblem would.
func Report(r *http.Request, err error) Problem {
	p := ProblemOf(r.Context(), err)
	logFailure(r, p, err)
	return p
}

func writeProblem(w http.ResponseWriter, p Problem) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p) // strings and numbers always encode
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h["Cache-Control"] = noStore
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.retryAfter+time.Second-1)/time.Second), 10))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="hub"`) // required by RFC 9110 §15.5.2
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body.Bytes()) // the client has gone; nobody is left to tell
}

// logFailure logs what is the hub's fault. A request that its client gave up
// is nobody's, and what is refused for as long as one reason lasts is logged seldom.
func logFailure(r *http.Request, p Problem, err error) {
	level := slog.LevelError
	switch p.Code {
	case hub.Internal:
	case hub.Unavailable, hub.StorageFull:
		level = slog.LevelWarn
	default:
		return
	}
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	log, kept := slog.Default(), 0
	if x := exchangeOf(r.Context()); x != nil {
		log = x.srv.o.Log
		if level == slog.LevelWarn {
			kept, level = x.srv.refused(p)
		}
	}
	attrs := []any{"error", err, "method", r.Method, "path", maskPath(r.URL.Path), "requestId", RequestID(r.Context())}
	if cause := errors.Unwrap(err); cause != nil {
		attrs = append(attrs, "cause", cause)
	}
	if kept > 0 {
		attrs = append(attrs, "more", kept)
	}
	log.Log(r.Context(), level, "request failed", attrs...)
}

// refused returns the level at which a refusal for want of the database or of space is logged, and how many were
// logged at debug level alone since the last that was not.
func (s *Server) refused(p Problem) (kept int, level slog.Level) {
	kept, due := s.refusals.due(time.Now(), string(p.Code)+" "+p.Detail)
	if !due {
		return 0, slog.LevelDebug
	}
	return kept, slog.LevelWarn
}

// refuseUnmatched answers a request that matches no route: 404, or 405 with
// the Allow that the mux has set, by which the page for both tells them apart.
func (x *exchange) refuseUnmatched(status int) {
	h := x.Header()
	if x.srv.notFound != nil && !underAPI(x.req.URL.Path) {
		h.Del("Content-Type")
		x.srv.notFound.ServeHTTP(x, x.req)
		return
	}
	if status == http.StatusMethodNotAllowed {
		writeProblem(x, newProblem(methodNotAllowed, "This address does not take this method; it takes "+h.Get("Allow")+"."))
		return
	}
	writeProblem(x, newProblem(hub.NotFound, "There is nothing at this address."))
}

func underAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }
