package markup

import (
	"strconv"
	"strings"
)

// PrintMarkdown writes a document in the chat's own Markdown, which
// [ParseMarkdown] reads back as the same document. Cards become quotes, fields
// and small print text, timestamps text in UTC; of mentions and emoji the name
// remains. Everything else that GFM cannot express is written with tags.
func PrintMarkdown(d Document) (string, Degradations) {
	var lost Degradations
	p := markdownPrinter{lost: &lost}
	return p.blocks(p.lower(Normal(d)).Blocks, 0), lost
}

// markdownPrinter writes blocks. Blocks in blocks are written by themselves
// and indented then, at most MaxDepth times.
type markdownPrinter struct {
	lost *Degradations
}

// lower replaces what Markdown does not have.
func (p *markdownPrinter) lower(d Document) Document {
	if !p.lacks(d) {
		return d
	}
	d = Mapper{Block: p.lowerBox}.Map(d)
	return Normal(Mapper{Block: p.lowerBlock, Inline: p.lowerInline}.Map(d))
}

// lacks reports whether Markdown lacks something that is in the document.
func (p *markdownPrinter) lacks(d Document) (found bool) {
	Walk(d, func(n Node) bool {
		switch n := n.(type) {
		case Card, Fields, Context, Timestamp, Unknown:
			found = true
		case Emoji:
			found = found || n.ID != "" || n.URL != ""
		}
		return !found
	})
	return found
}

func (p *markdownPrinter) lowerBox(b Block) []Block {
	switch b := b.(type) {
	case Card:
		p.lost.Add(KindCard, AsQuote)
		return []Block{Quote{CardBlocks(b)}}
	case Fields:
		p.lost.Add(KindFields, AsText)
		return FieldBlocks(b)
	}
	return []Block{b}
}

func (p *markdownPrinter) lowerBlock(b Block) []Block {
	switch b := b.(type) {
	case Context:
		p.lost.Add(KindContext, AsText)
		return []Block{Paragraph(b)}
	case Unknown:
		p.lost.Add(b.Name, AsText)
		return []Block{Paragraph{[]Inline{Text(b.Fallback)}}}
	}
	return []Block{b}
}

func (p *markdownPrinter) lowerInline(n Inline) []Inline {
	switch n := n.(type) {
	case Timestamp:
		p.lost.Add(KindTimestamp, AsText)
		return []Inline{Text(n.Plain())}
	case Unknown:
		p.lost.Add(n.Name, AsText)
		return []Inline{Text(n.Fallback)}
	case Emoji:
		if n.ID != "" || n.URL != "" {
			p.lost.Add(KindEmoji, AsText)
		}
	}
	return []Inline{n}
}

// blocks writes blocks below each other. inItem is the mark of the list whose
// item begins with them; 0: none.
func (p *markdownPrinter) blocks(blocks []Block, inItem byte) string {
	var b strings.Builder
	var before byte // the mark of the list just written
	for i, block := range blocks {
		if i > 0 {
			b.WriteString(between(blocks[i-1], block, inItem != 0))
		}
		list, ok := block.(List)
		if !ok {
			before = 0
			b.WriteString(p.block(block, inItem != 0))
			continue
		}
		parent := inItem
		if i > 0 {
			parent = 0
		}
		before = markOf(list, before, parent)
		b.WriteString(p.list(list, before))
	}
	return b.String()
}

// between returns the line ends between two blocks. Within an item a list
// follows its paragraph directly, where it can (CommonMark §5.3).
func between(a, b Block, inItem bool) string {
	_, afterText := a.(Paragraph)
	list, ok := b.(List)
	if inItem && afterText && ok && len(list.Items[0].Blocks) > 0 && (!list.Ordered || list.Start == 1) {
		return "\n"
	}
	return "\n\n"
}

func (p *markdownPrinter) block(b Block, inItem bool) string {
	switch b := b.(type) {
	case Paragraph:
		return p.inline(b.Content, lineStart)
	case Heading:
		s := p.inline(b.Content, lineMiddle)
		if strings.HasSuffix(s, "#") {
			s = s[:len(s)-1] + `\#` // not the end of "# heading #"
		}
		return strings.Repeat("#", b.Level) + " " + s
	case Quote:
		return prefixLines(">", p.blocks(b.Blocks, 0))
	case CodeBlock:
		return printFence(b)
	case Rule:
		if inItem {
			return "___" // "- ---" would be one
		}
		return "---"
	case Table:
		return p.table(b)
	case Image:
		return p.inline([]Inline{b}, lineStart)
	}
	return ""
}

// prefixLines writes a quote mark before each line.
func prefixLines(mark, s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(mark)
		if line != "\n" {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}

// markOf chooses the mark of a list so that it differs from that of the list
// before it, of which it would be a part otherwise, and from that of the item
// that it begins, since "- - -" is a rule.
func markOf(l List, before, parent byte) byte {
	if l.Ordered {
		if before == '.' {
			return ')'
		}
		return '.'
	}
	mark := byte('-')
	for _, other := range []byte{'*', '+'} {
		if mark == before || mark == parent {
			mark = other
		}
	}
	return mark
}

func (p *markdownPrinter) list(l List, mark byte) string {
	var b strings.Builder
	for i, item := range l.Items {
		if i > 0 {
			b.WriteByte('\n')
		}
		bullet := string(mark) + " "
		if l.Ordered {
			bullet = strconv.Itoa(l.Start+i) + bullet
		}
		content := p.blocks(item.Blocks, mark)
		switch item.Task {
		case TaskOpen:
			content = "[ ] " + content
		case TaskDone:
			content = "[x] " + content
		}
		b.WriteString(strings.TrimRight(bullet+indentLines(content, len(bullet)), " "))
	}
	return b.String()
}

// indentLines writes n spaces before each line but the first and empty ones.
func indentLines(s string, n int) string {
	var b strings.Builder
	first := true
	for line := range strings.Lines(s) {
		if !first && line != "\n" {
			b.WriteString(strings.Repeat(" ", n))
		}
		first = false
		b.WriteString(line)
	}
	return b.String()
}

func printFence(b CodeBlock) string {
	fence := strings.Repeat("`", max(longestRun(b.Text, '`')+1, 3))
	if b.Text == "" {
		return fence + b.Language + "\n" + fence
	}
	return fence + b.Language + "\n" + b.Text + "\n" + fence
}

func longestRun(s string, c byte) int {
	longest, n := 0, 0
	for i := range len(s) {
		if s[i] != c {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}

func (p *markdownPrinter) table(t Table) string {
	var b strings.Builder
	p.row(&b, t.Header)
	b.WriteString("\n|")
	for _, a := range t.Align {
		switch a {
		case AlignLeft:
			b.WriteString(" :--- |")
		case AlignCenter:
			b.WriteString(" :---: |")
		case AlignRight:
			b.WriteString(" ---: |")
		default:
			b.WriteString(" --- |")
		}
	}
	for _, row := range t.Rows {
		b.WriteByte('\n')
		p.row(&b, row)
	}
	return b.String()
}

func (p *markdownPrinter) row(b *strings.Builder, r Row) {
	b.WriteByte('|')
	for _, cell := range r {
		b.WriteString(" " + strings.ReplaceAll(p.inline(cell, inCell), "|", `\|`) + " |")
	}
	if len(r) == 0 {
		b.WriteString(" |")
	}
}

func (p *markdownPrinter) inline(content []Inline, at place) string {
	w := inlineWriter{lost: p.lost, place: at, tildes: countText(content, "~"), open: countText(content, "[") > 0}
	w.inlines(content, ' ')
	return w.b.String()
}

func countText(content []Inline, s string) (n int) {
	walkInlines(content, func(node Node) bool {
		if text, ok := node.(Text); ok {
			n += strings.Count(string(text), s)
		}
		return true
	})
	return n
}
