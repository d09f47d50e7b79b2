package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Codes of refusals: Error.Code.
const (
	CodeInvalid      = "invalid"
	CodeUnauthorized = "unauthorized"
	CodeForbidden    = "forbidden"
	CodeNotFound     = "not_found"
	CodeConflict     = "conflict"
	CodeTooLarge     = "too_large"
	CodeRateLimited  = "rate_limited"
	CodeLoopDetected = "loop_detected"
	CodeUnavailable  = "unavailable"
	CodeStorageFull  = "storage_full"
	CodeInternal     = "internal"
)

// Error is a refusal of the hub: a problem (RFC 9457), or whatever else came
// with a status that is not a success.
type Error struct {
	Status int
	Code   string // one of the codes; "" when the answer was no problem
	Title  string // the status in words
	Detail string
	Fields []FieldError
	// RequestID names the request in the hub's log.
	RequestID  string
	RetryAfter time.Duration // zero: not said
}

// CodeOf returns the code of the refusal in err, "" when there is none:
//
//	if client.CodeOf(err) == client.CodeNotFound {
//
// What else a refusal says is in the [*Error] that errors.As finds.
func CodeOf(err error) string {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Code
	}
	return ""
}

// FieldError is one thing wrong with one field.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "hub: %d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	for _, f := range e.Fields {
		b.WriteString("; " + f.Field + ": " + f.Detail)
	}
	return b.String()
}

// Temporary reports whether the same call may succeed later. Of conflicts one may:
// the first call with the same Idempotency-Key still runs, and its answer is to be
// had later.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusConflict:
		return e.Code == CodeConflict && e.RetryAfter > 0
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusInsufficientStorage:
		return true
	}
	return false
}

// maxProblem bounds what is read of a refusal.
const maxProblem = 64 << 10

// refusalOf reads the refusal from a response.
func refusalOf(res *http.Response) *Error {
	e := &Error{
		Status: res.StatusCode, Title: http.StatusText(res.StatusCode), RequestID: res.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
	if to := res.Header.Get("Location"); to != "" && res.StatusCode < http.StatusBadRequest {
		e.Detail = "The base URL leads on to " + to + "; use the address that it leads to."
		return e
	}
	var problem struct {
		Code   string       `json:"code"`
		Title  string       `json:"title"`
		Detail string       `json:"detail"`
		Errors []FieldError `json:"errors"`
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err != nil || json.Unmarshal(b, &problem) != nil || problem.Code == "" {
		e.Detail = e.Title // a proxy's, say
		return e
	}
	e.Code, e.Title, e.Detail, e.Fields = problem.Code, problem.Title, problem.Detail, problem.Errors
	return e
}

// retryAfter reads a Retry-After (RFC 9110 §10.2.3); zero when there is none.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
