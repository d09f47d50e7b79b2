package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Mask is what every non-empty secret prints as, whatever its length.
const Mask = "********"

// String is a credential. Every way of printing or encoding it (all fmt verbs, encoding/json, text and YAML encoders,
// log/slog) yields [Mask], or nothing when it is empty; only [String.Reveal] gives the value.
//
// The zero value is the empty secret. A String is immutable and safe for concurrent use. It is deliberately not
// comparable with ==, which would take a time that depends on the values: use [String.Equal]. It is not a
// database/sql/driver.Valuer either: what goes into a row is sealed or hashed first.
type String struct {
	_ [0]func() // not comparable

	// value is behind a pointer because fmt cannot call methods on another struct's unexported fields: it walks into
	// them by reflection. It prints a nested pointer as an address and does not follow it.
	value *string
}

// New returns value as a secret.
func New(value string) String {
	if value == "" {
		return String{}
	}
	return String{value: &value}
}

// Reveal returns the value. Call it where the credential is used, as late as possible.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s String) IsZero() bool { return s.value == nil || *s.value == "" }

// Equal reports whether two secrets have the same value, in a time that does not depend on where they differ nor on
// how their lengths compare.
func (s String) Equal(other String) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns the mask.
func (s String) String() string {
	if s.IsZero() {
		return ""
	}
	return Mask
}

// GoString returns the mask in Go syntax.
func (s String) GoString() string { return fmt.Sprintf("secret.New(%q)", s.String()) }

// Format writes the mask for every verb, also for those that would otherwise print bytes or report a wrong type
// together with the value.
func (s String) Format(f fmt.State, verb rune) {
	text := s.String()
	switch {
	case verb == 'v' && f.Flag('#'):
		text = s.GoString()
	case verb == 'q':
		text = `"` + text + `"`
	}
	// A formatter has nowhere to report a failed write to; fmt reports it to its own caller.
	_, _ = io.WriteString(f, text)
}

// LogValue returns the mask.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns the mask. It serves JSON, YAML, XML and every other encoder that honours
// [encoding.TextMarshaler]. Encoding a String is therefore one-way.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// errMask is returned for a mask that comes back in as a value.
var errMask = errors.New("this is the mask of a secret, not a secret: leave it out to keep the present value")

// UnmarshalText sets the value. It refuses [Mask]: a client that reads a resource and writes it back unchanged would
// otherwise replace the credential by stars.
func (s *String) UnmarshalText(text []byte) error {
	if string(text) == Mask {
		return errMask
	}
	*s = New(string(text))
	return nil
}
