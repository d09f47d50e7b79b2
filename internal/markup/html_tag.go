package markup

import (
	"html"
	"strings"
)

// htmlTag is a tag as written.
type htmlTag struct {
	name    string // in lower case; "": a comment
	closing bool
	rest    string // the attributes
}

// maxTag bounds the length of a tag, in bytes.
const maxTag = 16 << 10

// htmlScanner reads HTML tag by tag.
type htmlScanner struct {
	rest        string
	openComment bool // no comment ends in rest
}

// next returns the text before the next tag, and the tag. What looks like a tag
// and is none belongs to the text.
func (s *htmlScanner) next() (text string, tag htmlTag) {
	for i := 0; i < len(s.rest); i++ {
		n := strings.IndexByte(s.rest[i:], '<')
		if n < 0 {
			break
		}
		i += n
		if tag, length := s.tagAt(s.rest[i:]); length > 0 {
			text, s.rest = s.rest[:i], s.rest[i+length:]
			return text, tag
		}
	}
	text, s.rest = s.rest, ""
	return text, htmlTag{}
}

// tagAt reads the tag or the comment that begins rest. Its length is 0 when
// there is none.
func (s *htmlScanner) tagAt(rest string) (t htmlTag, length int) {
	if strings.HasPrefix(rest, "<!--") && !s.openComment {
		end := strings.Index(rest[len("<!--"):], "-->")
		if s.openComment = end < 0; s.openComment {
			return t, 0
		}
		return t, len("<!--") + end + len("-->")
	}
	name := rest[1:]
	name, t.closing = strings.CutPrefix(name, "/")
	n := 0
	for n < len(name) && (isAlnum(name[n]) || name[n] == '-' || n == 0 && name[n] == '!') {
		n++
	}
	if n == 0 || isDigit(name[0]) || name[0] == '-' {
		return t, 0
	}
	end := tagEnd(name[n:])
	if end < 0 || end > 0 && strings.IndexByte(" \t\n/", name[n]) < 0 {
		return t, 0
	}
	t.name, t.rest = strings.ToLower(name[:n]), name[n:n+end]
	return t, len(rest) - len(name) + n + end + 1
}

// tagEnd returns where the ">" of a tag is; -1 when another tag begins before
// it. A ">" in quotes is part of an attribute.
func tagEnd(s string) int {
	quote := byte(0)
	for i := 0; i < len(s) && i < maxTag; i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		case c == '<':
			return -1
		}
	}
	return -1
}

// skipTo leaves out everything before the closing tag of an element that holds
// no text.
func (s *htmlScanner) skipTo(name string) {
	end := "</" + name
	for i := 0; i+len(end) <= len(s.rest); i++ {
		if s.rest[i] == '<' && strings.EqualFold(s.rest[i:i+len(end)], end) {
			s.rest = s.rest[i:]
			return
		}
	}
	s.rest = ""
}

// attributes returns the attributes of a tag by their names in lower case.
func (t htmlTag) attributes() map[string]string {
	out := map[string]string{}
	for s := strings.TrimLeft(t.rest, " \t\n/"); s != ""; s = strings.TrimLeft(s, " \t\n/") {
		n := strings.IndexAny(s, "= \t\n/")
		if n < 0 {
			n = len(s)
		}
		key, value := strings.ToLower(s[:n]), ""
		if s = strings.TrimLeft(s[n:], " \t\n"); strings.HasPrefix(s, "=") {
			value, s = attributeValue(strings.TrimLeft(s[1:], " \t\n"))
		}
		if _, ok := out[key]; !ok {
			out[key] = html.UnescapeString(value)
		}
	}
	return out
}

func attributeValue(s string) (value, rest string) {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if end := strings.IndexByte(s[1:], s[0]); end >= 0 {
			return s[1 : end+1], s[end+2:]
		}
		return s[1:], ""
	}
	if end := strings.IndexAny(s, " \t\n"); end >= 0 {
		return s[:end], s[end:]
	}
	return s, ""
}

// hasWord reports whether a list of words, such as a class attribute, has word.
func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}
