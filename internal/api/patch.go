package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub/internal/control"
)

// field is an optional field of a request body: absent keeps (or leaves the
// default), null resets to the default.
type field[T any] struct{ control.Change[T] }

// Schema implements huma.SchemaProvider: that of T, or null.
func (field[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), false, "") // a reference cannot be null
	s.Nullable = s.Type != ""                       // any value may be null as it is
	return &s
}

// changeTo returns the change of a field as another type of the same kind.
func changeTo[T, U any](f field[T], convert func(T) U) control.Change[U] {
	return control.Change[U]{Present: f.Present, Null: f.Null, Value: convert(f.Value)}
}
