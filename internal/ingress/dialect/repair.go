package dialect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Repair returns JSON that says what broken JSON was meant to say. Valid JSON in
// UTF-8 is returned as it is. ok is false when the meaning is not plain.
//
// Senders paste texts into JSON without escaping them, write JSON as JavaScript or
// Python would, leave out what does not matter to people, send another encoding, or
// stop in the middle. What is repaired:
//
//   - control characters, quotation marks and backslashes inside strings,
//   - commas too many, or missing between lines; missing brackets at the end,
//   - strings in other quotation marks, names without any, words instead of values,
//   - comments, what programs put around JSON, several values one after another,
//   - bytes in Windows-1252, a byte order mark.
//
// Nothing that stands in a string, or where a value should be, is lost: what is
// no value in JSON becomes a string. The time and the result are linear in the
// length of b.
func Repair(b []byte) (fixed []byte, ok bool) {
	if isJSON(b) {
		return b, true
	}
	b, ok = toUTF8(bytes.TrimPrefix(b, []byte("\ufeff")))
	if !ok {
		return nil, false
	}
	if fixed = escapeControls(b); json.Valid(fixed) {
		return fixed, true
	}
	r := repairer{in: unescaped(b)}
	if !r.document() || !json.Valid(r.out) {
		return nil, false
	}
	return r.out, true
}

// escapeControls escapes the control characters inside strings: shell scripts
// paste several lines into one.
func escapeControls(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/16)
	for i := 0; i < len(b); i++ {
		if b[i] != '"' {
			out = append(out, b[i])
			continue
		}
		end := EndOfString(b, i)
		for _, c := range b[i:min(end, len(b))] {
			out = appendEscaped(out, c)
		}
		i = end - 1
	}
	return out
}

// appendEscaped appends a byte of a string, escaped if it is a control character.
func appendEscaped(out []byte, c byte) []byte {
	if c < ' ' {
		return fmt.Appendf(out, `\u%04x`, c)
	}
	return append(out, c)
}

// unescaped returns the JSON in a body that was escaped once too often, as in
// {\"text\":\"hi\"}, and any other body as it is.
func unescaped(b []byte) []byte {
	trimmed := bytes.TrimSpace(b)
	if len(trimmed) < 3 || trimmed[0] != '{' && trimmed[0] != '[' || !bytes.HasPrefix(bytes.TrimSpace(trimmed[1:]), []byte(`\"`)) {
		return b
	}
	var inner string
	if json.Unmarshal(escapeControls(slices.Concat([]byte{'"'}, trimmed, []byte{'"'})), &inner) != nil {
		return b
	}
	return []byte(inner)
}

// place is where a value stands.
type place int

const (
	atTop place = iota
	inObject
	inArray
	inName // it is the name of a member
)

// repairer writes JSON while it reads what resembles it.
type repairer struct {
	in    []byte
	i     int // of the next byte of in
	out   []byte
	depth int

	bareNames bool // a name without quotation marks was seen
	pathEnd   int  // the backslashes before it are those of a Windows path
}

// document reads the values of a body: one, or several that become an array.
func (r *repairer) document() bool {
	r.space()
	r.i += afterPrefix(r.in[r.i:])
	r.out = append(r.out, '[')
	n := 0
	for ; r.i < len(r.in); n++ {
		if c := r.in[r.i]; c != '{' && c != '[' && (c != '"' || n > 0) {
			return false
		}
		if n > 0 {
			r.out = append(r.out, ',')
		}
		if !r.value(atTop) {
			return false
		}
		for r.space(); r.i < len(r.in) && isTail(r.in[r.i]); r.space() {
			r.i++
		}
	}
	if n == 1 {
		r.out = r.out[1:]
		return true
	}
	r.out = append(r.out, ']')
	return n > 0
}

// maxPrefix bounds what may stand before JSON.
const maxPrefix = 64

// afterPrefix returns where the JSON begins, behind what programs put before it: a
// guard against being run as a script, the name of a variable or of a
// function, a quotation mark of another system's shell. Words for people are none.
func afterPrefix(b []byte) int {
	if rest, found := bytes.CutPrefix(b, []byte("{}&&")); found {
		return len(b) - len(rest) + skipSpace(rest, 0)
	}
	start := bytes.IndexAny(b[:min(len(b), maxPrefix)], "{[\"")
	if start < 0 {
		return 0
	}
	prefix := bytes.TrimSpace(b[:start])
	if len(prefix) > 0 && (len(bytes.Fields(prefix)) > 3 || !bytes.ContainsRune([]byte("=(:;,'&>`"), rune(prefix[len(prefix)-1]))) {
		return 0
	}
	return start
}

// isTail reports whether c may stand behind a value and says nothing.
func isTail(c byte) bool { return bytes.IndexByte([]byte(",;)}]'\"`"), c) >= 0 }

// space skips white space and comments.
func (r *repairer) space() {
	for r.i < len(r.in) {
		switch rest := r.in[r.i:]; {
		case bytes.HasPrefix(rest, []byte("//")):
			r.i += lengthUntil(rest, "\n")
		case bytes.HasPrefix(rest, []byte("/*")):
			r.i += lengthUntil(rest, "*/")
		case lengthOfSpace(rest) > 0:
			r.i += lengthOfSpace(rest)
		default:
			return
		}
	}
}

// afterSpace returns the index of what follows the white space at i.
func (r *repairer) afterSpace(i int) int {
	for n := 1; n > 0 && i < len(r.in); i += n {
		n = lengthOfSpace(r.in[i:])
	}
	return i
}

// lengthOfSpace is the length of the white space that begins b, if it does: also
// what editors and web pages put in its place.
func lengthOfSpace(b []byte) int {
	switch {
	case b[0] <= ' ':
		return 1
	case bytes.HasPrefix(b, []byte("\u00a0")), bytes.HasPrefix(b, []byte("\ufeff")):
		return len(b) - len(bytes.TrimLeft(b, "\u00a0\ufeff"))
	}
	return 0
}

// lengthUntil is the length of b up to the end of what ends it.
func lengthUntil(b []byte, end string) int {
	if n := bytes.Index(b, []byte(end)); n >= 0 {
		return n + len(end)
	}
	return len(b)
}

// more skips to the next member or element. It is false, with the bracket closed,
// when there is none.
func (r *repairer) more(end byte) bool {
	for r.space(); r.i < len(r.in) && r.in[r.i] == ','; r.space() {
		r.i++
	}
	if r.i < len(r.in) && r.in[r.i] != '}' && r.in[r.i] != ']' {
		return true
	}
	if r.i < len(r.in) && r.in[r.i] == end { // the other one belongs to what is outside
		r.i++
	}
	r.out = append(r.out, end)
	r.depth--
	return false
}

// open begins an object or an array.
func (r *repairer) open() bool {
	r.out = append(r.out, r.in[r.i])
	r.i++
	r.depth++
	return r.depth <= maxDepth
}

func (r *repairer) value(at place) bool {
	if r.space(); r.i == len(r.in) {
		r.out = append(r.out, "null"...)
		return true
	}
	switch c := r.in[r.i]; {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case r.mark(r.i) != nil:
		r.quoted(at)
		return true
	}
	return r.bare(at)
}

func (r *repairer) object() bool {
	if !r.open() {
		return false
	}
	for first := true; r.more('}'); first = false {
		if !first {
			r.out = append(r.out, ',')
		}
		if !r.name() || !r.colon() || !r.value(inObject) {
			return false
		}
	}
	return true
}

func (r *repairer) array() bool {
	if !r.open() {
		return false
	}
	for first := true; r.more(']'); first = false {
		if !first {
			r.out = append(r.out, ',')
		}
		if !r.value(inArray) {
			return false
		}
	}
	return true
}

// name reads the name of a member.
func (r *repairer) name() bool {
	if r.mark(r.i) != nil {
		r.quoted(inName)
		return true
	}
	end := r.endOfWord(r.i)
	if end == r.i {
		return false
	}
	r.bareNames = true
	r.writeString(r.in[r.i:end])
	r.i = end
	return true
}

// maxName bounds a name without quotation marks, and how far is looked ahead for
// one.
const maxName = 64

// endOfWord returns the end of the name without quotation marks at i.
func (r *repairer) endOfWord(i int) int {
	end := i
	for end < len(r.in) && end < i+maxName && isWord(r.in[end]) {
		end++
	}
	return end
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '$' || c >= utf8.RuneSelf
}

// colon reads what stands between a name and its value.
func (r *repairer) colon() bool {
	r.space()
	r.out = append(r.out, ':')
	if r.i == len(r.in) {
		return true
	}
	for _, sign := range []string{":", "=>", "="} {
		if bytes.HasPrefix(r.in[r.i:], []byte(sign)) {
			r.i += len(sign)
			return true
		}
	}
	return r.mark(r.i) != nil // it was forgotten
}

// writeString writes a string that has no escapes.
func (r *repairer) writeString(s []byte) {
	r.out = append(r.out, '"')
	for _, c := range s {
		if c == '"' || c == '\\' {
			r.out = append(r.out, '\\')
		}
		r.out = appendEscaped(r.out, c)
	}
	r.out = append(r.out, '"')
}

// words are the values that other languages write in another way.
var words = map[string]string{
	"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false",
	"null": "null", "Null": "null", "NULL": "null", "None": "null", "nil": "null", "undefined": "null",
}

// bare reads a value without quotation marks: a number, a word, or a text that
// ends where the structure goes on.
func (r *repairer) bare(at place) bool {
	if r.known(at) {
		return true
	}
	end, inner := r.i, 0 // brackets that the text itself opened
	for end < len(r.in) && !(inner == 0 && r.mayEnd(end) && r.ends(end, at)) {
		switch c := r.in[end]; {
		case c == '{' || c == '[':
			inner++
		case (c == '}' || c == ']') && inner > 0:
			inner--
		case c == '}':
			return false
		}
		end++
	}
	text := bytes.TrimSpace(r.in[r.i:end])
	r.i = end
	if len(text) == 0 {
		r.out = append(r.out, "null"...)
		return true
	}
	r.writeString(text)
	return true
}

// known reads a number or a word of another language, unless it only begins a text.
func (r *repairer) known(at place) bool {
	end := r.i
	for end < len(r.in) && (isWord(r.in[end]) || r.in[end] == '+') {
		end++
	}
	text := r.in[r.i:end]
	if word, ok := words[string(text)]; ok {
		text = []byte(word)
	} else if !json.Valid(text) {
		return false
	}
	next := r.afterSpace(end)
	decimals := at == inObject && next == end && next+1 < len(r.in) && r.in[next] == ',' && r.in[next+1] >= '0' && r.in[next+1] <= '9'
	if decimals || !r.ends(end, at) && next < len(r.in) && bytes.IndexByte([]byte(",}]"), r.in[next]) < 0 {
		return false
	}
	r.out = append(r.out, text...)
	r.i = end
	return true
}

// mayEnd reports whether a text without quotation marks may end at i.
func (r *repairer) mayEnd(i int) bool {
	switch c := r.in[i]; c {
	case ',', '}', ']':
		return true
	default:
		return c <= ' ' && r.in[i-1] > ' '
	}
}
