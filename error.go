package hub

import (
	"errors"
	"fmt"
	"time"
)

// Code is the closed list of what can go wrong for a caller. The server maps
// each code to one HTTP status.
type Code string

// The codes.
const (
	// Invalid: the input is understood and wrong; Fields name where.
	Invalid Code = "invalid"
	// Unauthorized: no credentials, or credentials that are not valid.
	Unauthorized Code = "unauthorized"
	// Forbidden: valid credentials that do not permit this.
	Forbidden Code = "forbidden"
	// NotFound: no such thing, or not visible to this caller.
	NotFound Code = "not_found"
	// Conflict: the request contradicts the present state.
	Conflict Code = "conflict"
	// TooLarge: over a size limit.
	TooLarge Code = "too_large"
	// RateLimited: too many requests; RetryAfter says when to come back.
	RateLimited Code = "rate_limited"
	// LoopDetected: the event has come through too many hubs already.
	LoopDetected Code = "loop_detected"
	// Unavailable: the hub cannot do this now; nothing was stored.
	Unavailable Code = "unavailable"
	// StorageFull: too little disk space; nothing was stored.
	StorageFull Code = "storage_full"
	// Internal: a defect or a failure inside; details are in the hub's log only.
	Internal Code = "internal"
)

// Error is what a caller may be told. Detail is a full sentence without any
// input value or secret in it.
type Error struct {
	Code       Code
	Detail     string
	Fields     []FieldError
	RetryAfter time.Duration // for RateLimited and Unavailable; zero: not known
	cause      error
}

// FieldError is one thing wrong with one input field.
type FieldError struct {
	// Field is the JSON path of the field: "events[0]".
	Field string `json:"field"`
	// Detail says what is wrong with it and what would be right.
	Detail string `json:"detail"`
}

// Error returns the detail with its fields, for logs and command lines.
func (e *Error) Error() string {
	s := e.Detail
	for _, f := range e.Fields {
		s += fmt.Sprintf("; %s: %s", f.Field, f.Detail)
	}
	return s
}

// Unwrap returns what caused the error; it is for logs and never shown to callers.
func (e *Error) Unwrap() error { return e.cause }

// Errorf returns an Error with a formatted detail. A %w operand becomes the
// cause and its text part of the detail, so only wrap errors fit to be shown.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Detail: err.Error(), cause: errors.Unwrap(err)}
}

// Wrap returns an Error whose cause is kept for the log and not shown.
func Wrap(code Code, cause error, detail string) *Error {
	return &Error{Code: code, Detail: detail, cause: cause}
}

// ErrInDoubt is in the chain of an error after which something may be stored,
// whatever the error's code says: a commit of which nobody can tell whether it
// took effect, or a series of commits that broke off. Who repeats without harm
// goes by the code. Who tells a caller must not say that nothing was stored.
var ErrInDoubt = errors.New("hub: it may have taken effect, or a part of it has")

// CodeOf returns the code of the first Error in err's chain, Internal for any
// other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// FieldErrors collects what is wrong with an input, so that a caller learns
// all of it at once. The zero value is empty.
type FieldErrors []FieldError

// Add records one problem.
func (f *FieldErrors) Add(field, format string, args ...any) {
	*f = append(*f, FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
}

// Err returns nil when nothing was added, else an Invalid Error with all of it.
func (f FieldErrors) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Detail: "The request has invalid fields.", Fields: f}
}
