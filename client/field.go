package client

import (
	"bytes"
	"encoding/json"
)

// Field is a field of a change: the zero value keeps what is there, [Set]
// changes it and [Null] resets it to its default.
type Field[T any] struct {
	value *T
	null  bool
}

// Set returns a Field that changes to v.
func Set[T any](v T) Field[T] { return Field[T]{value: &v} }

// Null returns a Field that resets to the default.
func Null[T any]() Field[T] { return Field[T]{null: true} }

// IsZero reports that the field is kept; it serves encoding/json's omitzero.
func (f Field[T]) IsZero() bool { return f.value == nil && !f.null }

// MarshalJSON implements json.Marshaler.
func (f Field[T]) MarshalJSON() ([]byte, error) { return json.Marshal(f.value) }

// UnmarshalJSON implements json.Unmarshaler: null is [Null], all else [Set].
func (f *Field[T]) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		*f = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*f = Set(v)
	return nil
}
