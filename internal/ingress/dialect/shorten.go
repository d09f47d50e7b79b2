package dialect

import (
	"bytes"
	"unicode/utf8"
)

// A message shows some thousand characters and some dozen cards. What is far beyond
// is cut before it is read as cards and markup, so that a body of ten megabytes
// costs no more than one of one, besides a look at each of its bytes.
const (
	shortenFrom  = 256 << 10 // bytes of JSON from which on strings are looked at
	longestText  = 64 << 10  // bytes of one string
	textBudget   = 256 << 10 // bytes of all strings together; then only
	shortestText = 256       // bytes of each are left: names and titles

	maxElements = 1000            // of one array
	valueBudget = 10_000          // values; then arrays get no more elements
	maxValues   = 2 * valueBudget // then objects get no more members, but for the outermost
)

// shorten cuts the long strings of a large value, and leaves out what is beyond the
// bounds of their number. The names of members stay. left is how many elements and
// members are left out, those inside of them not counted.
func shorten(v Value) (short Value, left int) {
	if len(v) < shortenFrom && !mayHoldMany(v) {
		return v, 0
	}
	s := shortener{in: v, text: textBudget, cutsText: len(v) >= shortenFrom}
	s.out = make(Value, 0, min(len(v), shortenFrom))
	s.value(0)
	if s.left == 0 && !s.cutsText {
		return v, 0
	}
	return s.out, s.left
}

// mayHoldMany reports whether v can have more elements in an array, or more values,
// than are taken. It counts what stands between and around values, also in strings.
func mayHoldMany(v Value) bool {
	commas := bytes.Count(v, []byte{','})
	return commas >= min(maxElements, maxMembers) ||
		commas+bytes.Count(v, []byte{'['})+bytes.Count(v, []byte{'{'}) >= valueBudget
}

// shortener copies a valid value as far as its budgets go, without the space around
// values.
type shortener struct {
	in       Value
	i        int // of the next byte of in
	out      Value
	text     int  // bytes of strings that may still be long
	cutsText bool // strings are looked at
	values   int  // copied so far
	left     int  // elements and members left out
}

// value copies the value at i, which is inside so many others. It ends behind the
// space that follows.
func (s *shortener) value(depth int) {
	s.values++
	switch s.in[s.i] {
	case '[':
		s.list(']', func(n int) bool { return n < maxElements && s.values < valueBudget }, func() { s.value(depth + 1) })
	case '{':
		s.list('}', func(n int) bool { return n < maxMembers && (depth == 0 || s.values < maxValues) }, func() {
			s.take(EndOfString(s.in, s.i)) // the name
			s.take(s.i + 1)                // the colon
			s.value(depth + 1)
		})
	case '"':
		end := EndOfString(s.in, s.i)
		if !s.cutsText {
			s.take(end)
			return
		}
		kept := cutString(s.in[s.i:end], min(longestText, max(s.text, shortestText)))
		s.text -= len(kept)
		s.out = append(s.out, kept...)
		s.i = skipSpace(s.in, end)
	default:
		s.take(endOfLiteral(s.in, s.i))
	}
}

// list copies what is between the brackets at i. fits tells whether there is room
// for one more after n; item copies it.
func (s *shortener) list(end byte, fits func(n int) bool, item func()) {
	s.take(s.i + 1)
	for n := 0; s.in[s.i] != end; n++ {
		if !fits(n) {
			s.skip(end)
			break
		}
		if n > 0 {
			s.out = append(s.out, ',')
		}
		item()
		if s.in[s.i] == ',' {
			s.i = skipSpace(s.in, s.i+1)
		}
	}
	s.take(s.i + 1)
}

// take copies up to end, and skips the space behind it.
func (s *shortener) take(end int) {
	s.out = append(s.out, s.in[s.i:end]...)
	s.i = skipSpace(s.in, end)
}

// skip passes over what is left between brackets, up to the closing one.
func (s *shortener) skip(end byte) {
	s.left++
	for s.in[s.i] != end {
		switch s.in[s.i] {
		case ',':
			s.left++
			s.i++
		case '{', '[':
			s.i = endOfValue(s.in, s.i)
		case '"':
			s.i = EndOfString(s.in, s.i)
		default:
			s.i++
		}
	}
}

// cutText cuts a text that is far longer than what a message shows.
func cutText(s string) string {
	if len(s) <= longestText {
		return s
	}
	end := longestText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// cutString returns a JSON string of at most limit bytes and a few, which ends with
// an ellipsis when it was cut. No escape and no character is cut in two.
func cutString(s Value, limit int) Value {
	if len(s) <= limit {
		return s
	}
	end := 1
	for end < limit {
		switch {
		case s[end] == '\\' && s[end+1] == 'u':
			end += 6
		case s[end] == '\\':
			end += 2
		default:
			_, n := utf8.DecodeRune(s[end:])
			end += n
		}
	}
	if end >= len(s)-1 {
		return s
	}
	return append(append(make(Value, 0, end+4), s[:end]...), `…"`...)
}
