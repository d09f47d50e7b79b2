package markup

import (
	"unicode"
	"unicode/utf8"
)

// clusterLen returns the length of what a reader sees as the first character
// of s: with its combining marks, and of an emoji with all its parts (a short
// form of UAX #29 §3.1).
func clusterLen(s string) int {
	const most = 32 // runes, so that a heap of marks does not become one character
	r, n := utf8.DecodeRuneInString(s)
	flag := isRegional(r)
	joined := false
	for i := 1; i < most && n < len(s); i++ {
		next, size := utf8.DecodeRuneInString(s[n:])
		switch {
		case joined, flag && isRegional(next), extends(next):
		default:
			return n
		}
		joined = next == '\u200d'
		flag = false
		n += size
	}
	return n
}

// extends reports whether r belongs to the character before it.
func extends(r rune) bool {
	return r >= 0x300 && (unicode.IsMark(r) || r == '\u200d' || 0x1F3FB <= r && r <= 0x1F3FF || 0xE0020 <= r && r <= 0xE007F)
}

func isRegional(r rune) bool { return 0x1F1E6 <= r && r <= 0x1F1FF }
