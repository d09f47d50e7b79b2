package markup

import (
	"html"
	"strings"
)

// unescape resolves backslash escapes and entities.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && isASCIIPunct(s[i+1]) {
			i++
			b.WriteByte(s[i])
			continue
		}
		if n := entityLen(s[i:]); n > 0 {
			b.WriteString(html.UnescapeString(s[i : i+n]))
			i += n - 1
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// entityLen returns the length of the character reference that begins s; 0
// when there is none (CommonMark §2.5).
func entityLen(s string) int {
	const longest = 33 // the name of U+2233 with & and ;
	if len(s) < 3 || s[0] != '&' {
		return 0
	}
	end := strings.IndexByte(s[:min(len(s), longest+1)], ';')
	if end < 2 {
		return 0
	}
	name := s[1:end]
	if name[0] == '#' {
		digits, isOne := name[1:], isDigit
		if len(digits) > 1 && digits[0]|0x20 == 'x' {
			digits, isOne = digits[1:], isHexDigit
		}
		if digits == "" || len(digits) > 7 || strings.ContainsFunc(digits, func(r rune) bool { return r >= 0x80 || !isOne(byte(r)) }) {
			return 0
		}
		return end + 1
	}
	if s[:end+1] == html.UnescapeString(s[:end+1]) {
		return 0
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 || !isAlnum(byte(r)) }) {
		return 0
	}
	return end + 1
}

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
