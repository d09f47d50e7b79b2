package markup

import (
	"strconv"
	"strings"
)

type marker struct {
	mark   byte
	start  int
	indent int // where the content begins, in columns
	task   Task
	empty  bool
}

// takeMarker reads the marker of a list item (CommonMark §5.2). In a paragraph
// only an item with text begins a list, and only the number 1.
func takeMarker(c *cursor, inParagraph bool) (marker, bool) {
	indent := c.indent()
	s := c.text()
	digits := 0
	for digits < len(s) && digits < 10 && isDigit(s[digits]) {
		digits++
	}
	m := marker{}
	switch {
	case s == "":
		return m, false
	case digits == 0 && strings.IndexByte("-+*", s[0]) >= 0:
		m.mark = s[0]
	case 0 < digits && digits < 10 && digits < len(s) && (s[digits] == '.' || s[digits] == ')'):
		m.mark = s[digits]
		m.start, _ = strconv.Atoi(s[:digits])
	default:
		return m, false
	}
	width := digits + 1
	after := s[width:]
	if after != "" && after[0] != ' ' && after[0] != '\t' {
		return m, false
	}
	if m.empty = strings.Trim(after, " \t") == ""; inParagraph && (m.empty || digits > 0 && m.start != 1) {
		return m, false
	}
	c.skip(indent)
	c.take(width)
	m.indent = indent + width
	switch spaces := c.indent(); {
	case m.empty:
		c.rest = ""
		m.indent++
	case spaces > codeIndent:
		c.skip(1) // the content is indented code
		m.indent++
	default:
		c.skip(spaces)
		m.indent += spaces
	}
	m.task = c.takeTask()
	return m, true
}

// headingOf reads "## text ##" (CommonMark §4.2).
func headingOf(s string) (level int, text string, ok bool) {
	for level < len(s) && level < 7 && s[level] == '#' {
		level++
	}
	rest := s[level:]
	if level == 0 || level > 6 || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return 0, "", false
	}
	rest = strings.Trim(rest, " \t")
	closed := strings.TrimRight(rest, "#")
	if closed == "" || closed != rest && strings.IndexByte(" \t", closed[len(closed)-1]) >= 0 {
		rest = strings.TrimRight(closed, " \t")
	}
	return level, rest, true
}

// isRule reports whether s is a thematic break (CommonMark §4.1).
func isRule(s string) bool {
	if s == "" || strings.IndexByte("-_*", s[0]) < 0 {
		return false
	}
	n := 0
	for i := range len(s) {
		switch s[i] {
		case s[0]:
			n++
		case ' ', '\t':
		default:
			return false
		}
	}
	return n >= 3
}

// fenceOf reads the opening fence of a code block (CommonMark §4.5).
func fenceOf(s string) (fence, info string, ok bool) {
	if s == "" || s[0] != '`' && s[0] != '~' {
		return "", "", false
	}
	n := len(s) - len(strings.TrimLeft(s, s[:1]))
	info = strings.Trim(s[n:], " \t")
	if n < 3 || s[0] == '`' && strings.Contains(info, "`") {
		return "", "", false
	}
	return s[:n], info, true
}

func closesFence(c cursor, fence string) bool {
	if c.indent() >= codeIndent {
		return false
	}
	s := strings.TrimRight(c.text(), " \t")
	return len(s) >= len(fence) && strings.Trim(s, fence[:1]) == ""
}
