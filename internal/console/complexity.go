package console

import (
	"html"
	"strings"
)

// Limits of what is read as Markdown. The parser's work grows with the square
// of these numbers, and whoever holds a webhook's token can send anything; a
// text beyond them is no message that anybody wrote, and is shown as it is.
const (
	maxBrackets  = 500    // each may begin a link
	maxEmphasis  = 4000   // *, _ and ~, each may begin or end emphasis
	maxNesting   = 32     // quotes and lists that one line opens
	maxTableSize = 20_000 // lines × columns: short rows are filled up with cells
)

// tooComplex reports whether a text is beyond the limits.
func tooComplex(source string) bool {
	if strings.Count(source, "[") > maxBrackets {
		return true
	}
	if strings.Count(source, "*")+strings.Count(source, "_")+strings.Count(source, "~") > maxEmphasis {
		return true
	}
	lines, columns := 0, 0
	for line := range strings.Lines(source) {
		lines++
		columns = max(columns, strings.Count(line, "|"))
		if nesting(line) > maxNesting {
			return true
		}
	}
	return lines*columns > maxTableSize
}

// nesting counts the markers of quotes and list items at the beginning of a
// line: "> - 1. text" has three.
func nesting(line string) (n int) {
	for ; ; n++ {
		line = strings.TrimLeft(line, " \t")
		digits := line
		line = strings.TrimLeft(line, "0123456789")
		switch {
		case line == "":
			return n
		case len(digits) > len(line):
			if line[0] != '.' && line[0] != ')' {
				return n
			}
		case !strings.ContainsRune(">-+*", rune(line[0])):
			return n
		}
		line = line[1:]
	}
}

// plainHTML returns a text with its line breaks and nothing else.
func plainHTML(source string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(source), "\n", "<br>\n") + "</p>\n"
}
