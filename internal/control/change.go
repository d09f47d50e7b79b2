package control

import "encoding/json"

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
