package control

import (
	"encoding/json"
	"time"

	"github.com/nself-chat/hub"
)

// Change is one field of a partial update: absent keeps the value, null resets
// it to its default, anything else sets it. The zero value is absent.
type Change[T any] struct {
	Present bool
	Null    bool
	Value   T
}

// Set returns a Change to v.
func Set[T any](v T) Change[T] { return Change[T]{Present: true, Value: v} }

// Reset returns a Change to the default.
func Reset[T any]() Change[T] { return Change[T]{Present: true, Null: true} }

// UnmarshalJSON implements json.Unmarshaler; it is not called for an absent field.
func (c *Change[T]) UnmarshalJSON(b []byte) error {
	*c = Change[T]{Present: true}
	if string(b) == "null" {
		c.Null = true
		return nil
	}
	return json.Unmarshal(b, &c.Value)
}

// IsZero reports that the field is absent.
func (c Change[T]) IsZero() bool { return !c.Present }

// apply changes *to: null sets reset.
func (c Change[T]) apply(to *T, reset T) {
	switch {
	case c.Null:
		*to = reset
	case c.Present:
		*to = c.Value
	}
}

// StaleError answers an update whose If-Match names another version than the
// one in force. Its cause is a Conflict.
type StaleError struct{ conflict *hub.Error }

// Error implements error.
func (e *StaleError) Error() string { return e.conflict.Error() }

// Unwrap returns the Conflict.
func (e *StaleError) Unwrap() error { return e.conflict }

// Version is the version of a thing that was last changed at t, as ETag and
// If-Match carry it (RFC 9110 §8.8.3).
func Version(t time.Time) string { return `"` + t.UTC().Format("20060102150405.000000") + `"` }

// matches returns a StaleError unless ifMatch is empty, "*" or names the
// version of t.
func matches(ifMatch string, t time.Time) error {
	if ifMatch == "" || ifMatch == "*" || ifMatch == Version(t) {
		return nil
	}
	return &StaleError{hub.Errorf(hub.Conflict, "It was changed meanwhile; read it again and repeat your change.")}
}
