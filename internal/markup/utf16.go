package markup

import "unicode/utf8"

// UTF16Offsets converts between offsets in bytes and offsets in UTF-16 code
// units, in which Telegram and Discord count. Conversions in ascending order
// take linear time in all; one further back starts from the beginning. It is
// not safe for concurrent use.
type UTF16Offsets struct {
	s          string
	byte, unit int
}

// NewUTF16 returns a converter for s, which must be valid UTF-8.
func NewUTF16(s string) *UTF16Offsets { return &UTF16Offsets{s: s} }

// Byte returns the offset in bytes of an offset in code units. One between the
// two halves of a character is the start of that character; one beyond the end
// is the end.
func (o *UTF16Offsets) Byte(unit int) int {
	if unit < o.unit {
		o.byte, o.unit = 0, 0
	}
	for o.byte < len(o.s) {
		r, size := utf8.DecodeRuneInString(o.s[o.byte:])
		n := unitsOf(r)
		if o.unit+n > unit {
			break
		}
		o.byte += size
		o.unit += n
	}
	return o.byte
}

// Unit returns the offset in code units of an offset in bytes. One within a
// character is the start of that character; one beyond the end is the end.
func (o *UTF16Offsets) Unit(offset int) int {
	if offset < o.byte {
		o.byte, o.unit = 0, 0
	}
	for o.byte < len(o.s) {
		r, size := utf8.DecodeRuneInString(o.s[o.byte:])
		if o.byte+size > offset {
			break
		}
		o.byte += size
		o.unit += unitsOf(r)
	}
	return o.unit
}

func unitsOf(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// Bytes is the length of s in bytes, one of the units in which destinations
// limit texts.
func Bytes(s string) int { return len(s) }

// Runes is the length of s in Unicode characters.
func Runes(s string) int { return utf8.RuneCountInString(s) }

// UTF16 is the length of s in UTF-16 code units.
func UTF16(s string) int {
	n := 0
	for _, r := range s {
		n += unitsOf(r)
	}
	return n
}
