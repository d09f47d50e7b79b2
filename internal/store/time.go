package store

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// timeLayout is the fixed-width text of a time: UTC, microseconds. Texts of
// this form sort as their times do.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Time stores a time.Time as fixed-width text. The zero time is NULL.
type Time struct{ time.Time }

// at wraps t for use as a statement's argument.
func at(t time.Time) Time { return Time{t} }

// text returns t in the stored form.
func (t Time) text() string {
	var buf [len(timeLayout)]byte
	return string(t.UTC().AppendFormat(buf[:0], timeLayout))
}

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.text(), nil
}

// Scan implements sql.Scanner; it takes text, a time, or NULL.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		t.Time = time.Time{}
		return nil
	case time.Time:
		t.Time = v.UTC()
		return nil
	case string:
		return t.parse(v)
	case []byte:
		return t.parse(string(v))
	default:
		return fmt.Errorf("store: cannot scan %T into a time", src)
	}
}

func (t *Time) parse(s string) error {
	p, err := time.Parse(timeLayout, s)
	if err != nil {
		return fmt.Errorf("store: a stored time is malformed: %w", err)
	}
	t.Time = p
	return nil
}
