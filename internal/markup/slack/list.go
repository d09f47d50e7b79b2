package slack

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// maxLevels is how deep lists can be nested: rich text has indents 0 to 8.
const maxLevels = 9

// item is one point of a list, and of lists within each other: they are
// written one after another, with an indentation each.
type item struct {
	indent  int
	ordered bool
	number  int          // of an ordered one
	lines   []string     // its text …
	runs    []markup.Run // … or its content
}

// marker is what a line of a list begins with.
type marker struct {
	indent  int // columns before it
	width   int // columns of the mark and the space after it
	ordered bool
	number  int
	text    string // the rest of the line
}

// bullets are the marks that Slack and people write; the first ones are those
// of the levels of a list.
var bullets = []string{"•", "◦", "▪", "●", "○", "■", "‣", "⁃", "-", "*"}

// markerOf reads the marker of a line.
func markerOf(line string) (marker, bool) {
	indent, n := indentation(line)
	m := marker{indent: indent}
	rest := line[n:]
	for _, bullet := range bullets {
		if text, ok := strings.CutPrefix(rest, bullet); ok {
			text = strings.TrimPrefix(strings.TrimPrefix(text, "\ufe0e"), "\ufe0f")
			if !m.take(text) || m.text == "" && len(bullet) == 1 {
				return m, false // "-" by itself is no list
			}
			m.width = 2
			return m, true
		}
	}
	digits := 0
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		digits++
	}
	if digits == 0 || digits > 9 || digits == len(rest) || rest[digits] != '.' && rest[digits] != ')' {
		return m, false
	}
	m.ordered, m.width = true, digits+2
	m.number, _ = strconv.Atoi(rest[:digits])
	return m, m.take(rest[digits+1:])
}

// take takes the text after a mark, which white space must set apart.
func (m *marker) take(s string) bool {
	m.text = strings.TrimLeft(s, " \t")
	return s == "" || len(m.text) < len(s)
}

// indentation returns the columns and bytes of white space before a line. A
// tab counts as four.
func indentation(line string) (columns, n int) {
	for ; n < len(line); n++ {
		switch line[n] {
		case ' ':
			columns++
		case '\t':
			columns += 4
		default:
			return columns, n
		}
	}
	return columns, n
}

// readItems reads the items that begin at line i, and returns the line after
// them. What is indented and no item belongs to the item before it.
func readItems(lines []string, i int) (items []item, next int) {
	textAt := 0 // the column where the text of the item before begins
	for i < len(lines) {
		if m, ok := markerOf(lines[i]); ok {
			items = append(items, item{indent: m.indent, ordered: m.ordered, number: m.number, lines: []string{m.text}})
			textAt = m.indent + m.width
			i++
			continue
		}
		after := i
		for after < len(lines) && isBlankLine(lines[after]) {
			after++
		}
		if after == len(lines) {
			return items, after
		}
		_, marked := markerOf(lines[after])
		if columns, _ := indentation(lines[after]); !marked && columns < 2 {
			return items, after
		}
		last := &items[len(items)-1]
		if after > i && !marked {
			last.lines = append(last.lines, "")
		}
		if i = after; !marked {
			last.lines = append(last.lines, unindented(lines[i], textAt))
			i++
		}
	}
	return items, i
}

// unindented removes white space of at most n columns.
func unindented(line string, n int) string {
	for n > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
		if line[0] == '\t' {
			n -= 3
		}
		n--
		line = line[1:]
	}
	return line
}

// lists builds the lists that items make. What is indented by two columns more
// than an item is within it.
func (x syntax) lists(items []item, level int) []markup.Block {
	var out []markup.Block
	for len(items) > 0 {
		head := items[0]
		n := 1
		for n < len(items) && level+1 < maxLevels && items[n].indent >= head.indent+2 {
			n++
		}
		runs := head.runs
		if runs == nil {
			runs = x.lines(head.lines)
		}
		blocks := append(paragraphs(runs), x.lists(items[1:n], level+1)...)
		out = appendItem(out, head, markup.ListItem{Blocks: blocks})
		items = items[n:]
	}
	return out
}

// appendItem adds an item to the list that it continues, or begins one.
func appendItem(out []markup.Block, head item, li markup.ListItem) []markup.Block {
	if last := len(out) - 1; last >= 0 {
		l, ok := out[last].(markup.List)
		if ok && l.Ordered == head.ordered && (!l.Ordered || head.number == l.Start+len(l.Items)) {
			l.Items = append(l.Items, li)
			out[last] = l
			return out
		}
	}
	return append(out, markup.List{Ordered: head.ordered, Start: head.number, Items: []markup.ListItem{li}})
}

// bullet returns the mark of an unordered list of a level.
func bullet(level int) string { return bullets[level%3] }

// markWidth returns the columns of a mark with the space after it.
func markWidth(mark string) int { return utf8.RuneCountInString(mark) + 1 }
