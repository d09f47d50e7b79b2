package markup

import (
	"strings"
	"unicode"
)

// SafeURL reports whether a link in a message may lead there: to the web or to
// a mailbox. Everything else would run something (javascript:), read something
// (file:), or point into the page it stands on.
func SafeURL(s string) bool {
	if strings.ContainsFunc(s, notInURL) {
		return false
	}
	for _, scheme := range []string{"http://", "https://", "mailto:"} {
		if hasPrefixFold(s, scheme) {
			rest := s[len(scheme):]
			return rest != "" && strings.IndexByte(`/\?#`, rest[0]) < 0
		}
	}
	return false
}

// cleanURL returns s without characters that no URL has (RFC 3986 §2), and ""
// when following it would run what it holds.
func cleanURL(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if strings.ContainsFunc(s, notInURL) {
		s = escapeURL(s)
	}
	colon := strings.IndexByte(s, ':')
	switch strings.ToLower(s[:max(colon, 0)]) {
	case "javascript", "vbscript", "data":
		return ""
	}
	return s
}

func notInURL(r rune) bool {
	return r == '<' || r == '>' || unicode.IsControl(r) || unicode.IsSpace(r)
}

func escapeURL(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == ' ':
			b.WriteString("%20")
		case r == '<':
			b.WriteString("%3C")
		case r == '>':
			b.WriteString("%3E")
		case notInURL(r):
			// Browsers skip tabs and line feeds in URLs (WHATWG URL §4.4).
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
