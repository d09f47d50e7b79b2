package dialect

import (
	"unicode/utf8"
)

// windows1252 are the characters of the bytes 0x80 to 0x9F in Windows-1252, which
// is what programs mean that say Latin-1 (WHATWG Encoding §9.1). Five have none.
var windows1252 = [32]rune{
	'€', utf8.RuneError, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', utf8.RuneError, 'Ž', utf8.RuneError,
	utf8.RuneError, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', utf8.RuneError, 'ž', 'Ÿ',
}

// toUTF8 returns text in UTF-8. Bytes that are no UTF-8 are read as Windows-1252,
// each by itself: logs mix both. A character that was cut off at the end of what is
// otherwise UTF-8 is dropped. ok is false for what is no text at all.
func toUTF8(b []byte) (text []byte, ok bool) {
	if utf8.Valid(b) {
		return b, true
	}
	text = make([]byte, 0, len(b)+len(b)/8+utf8.UTFMax)
	multibyte := false
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case b[0] == 0:
			return nil, false // neither a text nor one of these two encodings
		case r != utf8.RuneError || n > 1:
			multibyte = multibyte || n > 1
			text = append(text, b[:n]...)
		case multibyte && !utf8.FullRune(b):
			return text, true
		default:
			text = utf8.AppendRune(text, latin(b[0]))
		}
		b = b[n:]
	}
	return text, true
}

// latin is the character of a byte in Windows-1252.
func latin(b byte) rune {
	if b >= 0x80 && b < 0xA0 {
		return windows1252[b-0x80]
	}
	return rune(b)
}
