package markup

import (
	"strings"
	"unicode/utf8"
)

// CardBlocks returns a card as blocks without a frame, for destinations that
// have none: author, title, text, picture and footer under each other.
func CardBlocks(c Card) []Block {
	var out []Block
	if c.Author.Name != "" || c.Author.URL != "" {
		out = append(out, Paragraph{linked(c.Author.URL, textContent(c.Author.Name))})
	}
	if len(c.Title) > 0 || c.URL != "" {
		out = append(out, Paragraph{[]Inline{Strong{linked(c.URL, c.Title)}}})
	}
	out = append(out, c.Blocks...)
	if c.Thumbnail.URL != "" {
		out = append(out, c.Thumbnail)
	}
	footer := append([]Inline(nil), c.Footer...)
	if !c.Time.IsZero() {
		if len(footer) > 0 {
			footer = append(footer, Text(" · "))
		}
		footer = append(footer, Timestamp{Time: c.Time})
	}
	if len(footer) > 0 {
		out = append(out, Context{footer})
	}
	return out
}

func textContent(s string) []Inline {
	if s == "" {
		return nil
	}
	return []Inline{Text(s)}
}

func linked(url string, content []Inline) []Inline {
	if url == "" {
		return content
	}
	return []Inline{Link{URL: url, Content: content}}
}

// FieldBlocks returns fields as text, for destinations that have no grid: a
// line "Title: value" for each, and values of several lines under their title.
func FieldBlocks(f Fields) []Block {
	var out []Block
	var lines []Inline
	flush := func() {
		if len(lines) > 0 {
			out = append(out, Paragraph{lines})
			lines = nil
		}
	}
	for _, field := range f.Fields {
		value, isLine := singleLine(field.Value)
		if !isLine {
			flush()
			if len(field.Title) > 0 {
				out = append(out, Paragraph{[]Inline{Strong{field.Title}, Text(":")}})
			}
			out = append(out, field.Value...)
			continue
		}
		if len(lines) > 0 {
			lines = append(lines, Break{})
		}
		if len(field.Title) > 0 {
			lines = append(lines, Strong{field.Title})
			if len(value) > 0 {
				lines = append(lines, Text(": "))
			}
		}
		lines = append(lines, value...)
	}
	flush()
	return out
}

// singleLine returns the one line that blocks are, if they are.
func singleLine(blocks []Block) ([]Inline, bool) {
	if len(blocks) == 0 {
		return nil, true
	}
	p, ok := blocks[0].(Paragraph)
	if !ok || len(blocks) > 1 || strings.Contains(PlainInline(p.Content), "\n") {
		return nil, false
	}
	return p.Content, true
}

// maxPadding bounds the width to which [TableCode] fills up cells, in
// characters.
const maxPadding = 40

// TableCode returns a table as text in columns, for destinations that have no
// tables.
func TableCode(t Table) CodeBlock {
	rows := make([][]string, 0, len(t.Rows)+1)
	widths := make([]int, len(t.Header))
	for _, row := range append([]Row{t.Header}, t.Rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.Join(strings.Fields(PlainInline(cell)), " ")
			if i < len(widths) {
				widths[i] = min(max(widths[i], utf8.RuneCountInString(cells[i])), maxPadding)
			}
		}
		rows = append(rows, cells)
	}
	var b strings.Builder
	for n, row := range rows {
		if n == 0 && strings.Join(row, "") == "" {
			continue // a table without a header
		}
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			left, right := padding(cell, widths[i], t.Align[i], i == len(row)-1)
			b.WriteString(left + cell + right)
		}
		b.WriteByte('\n')
		if n == 0 {
			for i, w := range widths {
				b.WriteString(strings.Repeat(" ", 2*min(i, 1)) + strings.Repeat("-", max(w, 1)))
			}
			b.WriteByte('\n')
		}
	}
	return CodeBlock{Text: strings.TrimSuffix(b.String(), "\n")}
}

func padding(cell string, width int, align Align, last bool) (left, right string) {
	n := max(width-utf8.RuneCountInString(cell), 0)
	switch align {
	case AlignRight:
		return strings.Repeat(" ", n), ""
	case AlignCenter:
		left, right = strings.Repeat(" ", n/2), strings.Repeat(" ", n-n/2)
	default:
		right = strings.Repeat(" ", n)
	}
	if last {
		right = ""
	}
	return left, right
}
