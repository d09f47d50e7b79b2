package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// Bounds of a JSON body.
const (
	maxDepth   = 64   // of arrays and objects inside each other
	maxMembers = 1000 // of one object
)

// Value is a JSON value (RFC 8259) that was found valid: the bytes of it in
// the body, without space around them. It is looked at and not copied, so that
// what nobody asks for costs nothing. The zero Value stands for "absent".
type Value []byte

// member is one name and value of an object.
type member struct {
	name  string
	value Value
}

// Object is a JSON object. Of members with the same name the last counts.
type Object []member

// ParseJSON checks that body is one JSON value, nested at most 64 deep, or can be
// read as one (see [Repair]). Of texts that are too long, and of lists with too many
// elements, it returns the beginning. Its error is a *Failure that names the place
// and no content.
func ParseJSON(body []byte) (Value, error) {
	v, _, err := parseJSON(body)
	if err == nil {
		v, _ = shorten(v)
	}
	return v, err
}

// parseJSON is ParseJSON of the whole value, and tells whether the body had to be
// repaired.
func parseJSON(body []byte) (v Value, repaired bool, err error) {
	valid := isJSON(body)
	if !valid {
		if fixed, ok := Repair(body); ok {
			body, repaired = fixed, true
		}
	}
	switch {
	case tooDeep(body):
		return nil, false, badBody(fmt.Sprintf("The body's JSON is nested more than %d deep.", maxDepth))
	case !valid && !repaired:
		return nil, false, badBody(fmt.Sprintf("The body is not valid JSON: the first wrong byte is at offset %d.", invalidJSON(body)))
	}
	return bytes.TrimSpace(body), repaired, nil
}

// isJSON reports whether b is valid JSON in UTF-8.
func isJSON(b []byte) bool { return utf8.Valid(b) && json.Valid(b) }

func invalidJSON(b []byte) int64 {
	var v json.RawMessage
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(b, &v)); ok {
		return max(0, e.Offset-1)
	}
	return 0
}

// tooDeep counts brackets outside strings; the JSON need not be valid.
func tooDeep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = EndOfString(b, i) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// EndOfString returns the index after the JSON string that begins at i, or len(b).
func EndOfString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// Absent reports whether there is no value, or null.
func (v Value) Absent() bool { return len(v) == 0 || v[0] == 'n' }

// Text returns a string as it is, and a number or a boolean as it is written:
// many senders do not care. ok is false for anything else.
func (v Value) Text() (s string, ok bool) {
	if len(v) == 0 {
		return "", false
	}
	switch v[0] {
	case '"':
		return v.unquote(), true
	case '{', '[', 'n':
		return "", false
	default:
		return string(v), true
	}
}

func (v Value) unquote() string {
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return "" // cannot be: the value was found valid
	}
	return s
}

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return len(v) > 0 && v[0] == '{' }

// IsArray reports whether the value is an array.
func (v Value) IsArray() bool { return len(v) > 0 && v[0] == '[' }

// Object returns the members of an object; empty for anything else. Members
// beyond the thousandth name are passed over.
func (v Value) Object() Object {
	if !v.IsObject() {
		return nil
	}
	o := make(Object, 0, 8)
	for i := skipSpace(v, 1); v[i] != '}'; {
		end := EndOfString(v, i)
		name := v[i:end]
		i = skipSpace(v, skipSpace(v, end)+1) // past the colon
		end = endOfValue(v, i)
		o = o.set(name, v[i:end:end])
		i = skipSpace(v, end)
		if v[i] == ',' {
			i = skipSpace(v, i+1)
		}
	}
	return o
}

func (o Object) set(name, value Value) Object {
	if len(o) >= maxMembers {
		return o
	}
	return append(o, member{name.unquote(), value})
}

// Elements yields the elements of an array; none for anything else.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if !v.IsArray() {
			return
		}
		for i := skipSpace(v, 1); v[i] != ']'; {
			end := endOfValue(v, i)
			if !yield(v[i:end:end]) {
				return
			}
			i = skipSpace(v, end)
			if v[i] == ',' {
				i = skipSpace(v, i+1)
			}
		}
	}
}

func skipSpace(v Value, i int) int {
	for i < len(v) && (v[i] == ' ' || v[i] == '\n' || v[i] == '\t' || v[i] == '\r') {
		i++
	}
	return i
}

// endOfValue returns the index after the value that begins at i.
func endOfValue(v Value, i int) int {
	depth := 0
	for i < len(v) {
		switch v[i] {
		case '"':
			i = EndOfString(v, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			if depth == 0 {
				return endOfLiteral(v, i)
			}
			continue
		}
		if depth == 0 {
			return i
		}
	}
	return len(v)
}

func endOfLiteral(v Value, i int) int {
	for i < len(v) && !strings.ContainsRune(",]} \n\t\r", rune(v[i])) {
		i++
	}
	return i
}

// Get returns the value of the first of the names that has one, null not
// counted; the zero Value when none has.
func (o Object) Get(names ...string) Value {
	for _, name := range names {
		for i := len(o) - 1; i >= 0; i-- {
			if o[i].name == name {
				if !o[i].value.Absent() {
					return o[i].value
				}
				break
			}
		}
	}
	return nil
}

// Has reports whether one of the names has a value that is not null.
func (o Object) Has(names ...string) bool { return o.Get(names...) != nil }
