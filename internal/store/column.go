package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// jsonColumn stores a value as JSON text. NULL leaves the value as it is.
type jsonColumn struct{ v any }

// asJSON wraps v, for arguments, or a pointer, for scans.
func asJSON(v any) jsonColumn { return jsonColumn{v} }

// Value implements driver.Valuer.
func (c jsonColumn) Value() (driver.Value, error) {
	return encodeColumn(c.v)
}

// encodeColumn returns the JSON text of v as both databases keep it.
func encodeColumn(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("store: encode a column: %w", err)
	}
	return storableJSON(string(b)), nil
}

// Scan implements sql.Scanner.
func (c jsonColumn) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return decodeColumn([]byte(v), c.v)
	case []byte:
		return decodeColumn(v, c.v)
	default:
		return fmt.Errorf("store: cannot scan %T as JSON", src)
	}
}

func decodeColumn(b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("store: decode a column: %w", err)
	}
	return nil
}

// nullable stores the empty string as NULL, and scans NULL as the empty string.
type nullable[T ~string] struct{ p *T }

// orNull wraps a string argument.
func orNull[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// orEmpty wraps a pointer for a scan of a column that may be NULL.
func orEmpty[T ~string](p *T) nullable[T] { return nullable[T]{p} }

// Scan implements sql.Scanner.
func (n nullable[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n.p = ""
	case string:
		*n.p = T(v)
	case []byte:
		*n.p = T(v)
	default:
		return fmt.Errorf("store: cannot scan %T into a string", src)
	}
	return nil
}
