package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanText returns valid UTF-8 without byte order marks and without control
// characters but tabs and line feeds. NUL becomes U+FFFD (CommonMark §2.3),
// other line ends become line feeds.
func cleanText(s string) string {
	if isClean(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case r == 0:
			return utf8.RuneError
		case r == '\uFEFF':
			return -1
		case r == '\v' || r == '\f':
			return ' '
		case r != '\n' && r != '\t' && unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}

func isClean(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
				return r == '\u2028' || r == '\u2029' || r == '\uFEFF' || r != '\n' && r != '\t' && unicode.IsControl(r)
			})
		}
	}
	return true
}

// cleanLine is cleanText on one line, without white space at its ends.
func cleanLine(s string) string {
	s = cleanText(s)
	if strings.Contains(s, "\n") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return strings.TrimSpace(s)
}

// cleanSource is what parsers read: with line feeds only, without a byte order
// mark.
func cleanSource(s string) string { return strings.TrimPrefix(cleanCode(s), "\uFEFF") }

// cleanCode changes nothing but what could not be stored or shown: line ends,
// invalid UTF-8 and NUL.
func cleanCode(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.ContainsAny(s, "\r\x00") {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(s)
	}
	return s
}

// cleanLanguage returns the first word of s without what would end it.
func cleanLanguage(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '`' || r == '~' || r == '<' || r == '>' || r == '&' || r == '\\' {
			return -1
		}
		return r
	}, cleanLine(s))
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		s = s[:i]
	}
	const longest = 64
	if len(s) > longest {
		return ""
	}
	return s
}
