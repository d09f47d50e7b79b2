package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isWord reports whether r belongs to a word: what stands beside a mention or
// a URL must not.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || isAlnum(byte(r))
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLetter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z'
}

// isPunct reports whether r is punctuation or a symbol (CommonMark §2.1).
func isPunct(r rune) bool {
	if r < utf8.RuneSelf {
		return isASCIIPunct(byte(r))
	}
	return unicode.IsPunct(r) || unicode.IsSymbol(r)
}

func isASCIIPunct(c byte) bool { return '!' <= c && c <= '~' && !isAlnum(c) }

// WordBefore reports whether a letter, digit, mark or underscore ends at byte i of s.
func WordBefore(s string, i int) bool {
	r, size := utf8.DecodeLastRuneInString(s[:i])
	return size > 0 && isWord(r)
}

// WordAfter reports whether a letter, digit, mark or underscore begins at byte i of s.
func WordAfter(s string, i int) bool {
	r, size := utf8.DecodeRuneInString(s[i:])
	return size > 0 && isWord(r)
}

// alnumAfter is WordAfter but for the underscore, which may belong to markup.
func alnumAfter(s string, i int) bool {
	return WordAfter(s, i) && s[i] != '_'
}

// URLEnd returns the end of the bare URL that begins at byte i of s: one with
// http://, https:// or mailto:, or a host that begins with "www.". Punctuation
// at its end belongs to the sentence around it (GFM §6.9). It returns i when
// there is none, as within a word.
func URLEnd(s string, i int) int {
	rest := s[i:]
	if len(rest) < 5 || WordBefore(s, i) {
		return i
	}
	var host int
	switch {
	case hasPrefixFold(rest, "http://"):
		host = len("http://")
	case hasPrefixFold(rest, "https://"):
		host = len("https://")
	case hasPrefixFold(rest, "www."):
		host = len("www.")
	case hasPrefixFold(rest, "mailto:"):
		if n := emailEnd(rest, len("mailto:")); n > 0 {
			return i + n
		}
		return i
	default:
		return i
	}
	end := host + ipv6Len(rest[host:])
	if end == host && !WordAfter(rest, host) {
		return i
	}
	end += lengthUntil(rest[end:], endsHost)
	if end < len(rest) && strings.IndexByte("/?#", rest[end]) >= 0 {
		end += lengthUntil(rest[end:], endsURL)
	}
	end = trimURL(rest[:end])
	if end <= host || host == len("www.") && !strings.Contains(rest[host:end], ".") {
		return i
	}
	return i + end
}

// lengthUntil returns how many bytes of s are before the first such character.
func lengthUntil(s string, is func(rune) bool) int {
	if i := strings.IndexFunc(s, is); i >= 0 {
		return i
	}
	return len(s)
}

// ipv6Len returns the length of the address in brackets that begins s; 0 when
// there is none.
func ipv6Len(s string) int {
	n := 1
	for n < len(s) && (isHexDigit(s[n]) || s[n] == ':' || s[n] == '.') {
		n++
	}
	if n < 3 || n == len(s) || s[0] != '[' || s[n] != ']' {
		return 0
	}
	return n + 1
}

// endsHost reports whether r ends the host of a URL, with what belongs to it.
func endsHost(r rune) bool { return !isWord(r) && !strings.ContainsRune(".-:@%", r) }

func endsURL(r rune) bool {
	return r <= ' ' || strings.ContainsRune("<>\"`\\", r) || unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
}

// trimURL returns the length of s without the punctuation at its end. Closing
// brackets stay when they were opened within.
func trimURL(s string) int {
	parens := strings.Count(s, ")") - strings.Count(s, "(")
	brackets := strings.Count(s, "]") - strings.Count(s, "[")
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		switch {
		case r == ')' && parens > 0:
			parens--
		case r == ']' && brackets > 0:
			brackets--
		case r == ';':
			size = len(s) - entityStart(s)
		case !strings.ContainsRune("?!.,:*_~'|…。，、！？；：）】」’”»", r):
			return len(s)
		}
		s = s[:len(s)-size]
	}
	return 0
}

// entityStart returns where the entity that ends s begins: "&amp;". Without
// one it is the last byte.
func entityStart(s string) int {
	i := len(s) - 1
	for i > 0 && isAlnum(s[i-1]) {
		i--
	}
	if i > 0 && i < len(s)-1 && s[i-1] == '&' {
		return i - 1
	}
	return len(s) - 1
}

// urlOf returns where a bare URL leads: "www.example.org" is one of the web.
func urlOf(bare string) string {
	if hasPrefixFold(bare, "www.") {
		return "http://" + bare
	}
	return bare
}

// emailEnd returns the end of the e-mail address that begins at byte i of s;
// 0 when there is none.
func emailEnd(s string, i int) int {
	at := i
	for at < len(s) && isLocal(s[at]) {
		at++
	}
	if at == i || at == len(s) || s[at] != '@' || !isAlnum(s[i]) || !isAlnum(s[at-1]) {
		return 0
	}
	return domainEnd(s, at+1)
}

func isLocal(c byte) bool { return isAlnum(c) || strings.IndexByte("._+-%", c) >= 0 }

// domainEnd returns the end of the domain with at least one dot that begins at
// byte i of s; 0 when there is none.
func domainEnd(s string, i int) int {
	end, dots := i, 0
	for end < len(s) && (isAlnum(s[end]) || s[end] == '-' || s[end] == '_' || s[end] == '.') {
		end++
	}
	for end > i && !isAlnum(s[end-1]) {
		end--
	}
	for _, label := range strings.Split(s[i:end], ".") {
		if label == "" {
			return 0
		}
		dots++
	}
	if dots < 2 {
		return 0
	}
	return end
}

// ShortcodeEnd returns the end of the emoji shortcode that begins at byte i of
// s, both colons included, Slack's skin tone as well: ":wave::skin-tone-3:". It
// returns i when there is none, as in "10:30:45" or "std::vector::size".
func ShortcodeEnd(s string, i int) int {
	if WordBefore(s, i) || i > 0 && s[i-1] == ':' {
		return i
	}
	end, letters := shortcodeName(s, i)
	if end == i {
		return i
	}
	const tone = ":skin-tone-"
	if strings.HasPrefix(s[end:], tone) {
		if n := end + len(tone); n+1 < len(s) && '2' <= s[n] && s[n] <= '6' && s[n+1] == ':' {
			end = n + 2
		}
	}
	if alnumAfter(s, end) {
		return i
	}
	if !letters {
		if _, ok := LookupEmoji(s[i+1 : end-1]); !ok {
			return i
		}
	}
	return end
}

func shortcodeName(s string, i int) (end int, letters bool) {
	const longest = 100 // Slack's limit for names of custom emoji
	for end = i + 1; end < len(s) && end-i < longest; end++ {
		switch c := s[end]; {
		case isLetter(c):
			letters = true
		case c == ':' && end > i+1:
			return end + 1, letters
		case !isDigit(c) && c != '_' && c != '-' && c != '+':
			return i, false
		}
	}
	return i, false
}

// hasPrefixFold is strings.HasPrefix for a prefix of lower-case ASCII, in any case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
