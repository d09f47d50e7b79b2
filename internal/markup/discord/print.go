package discord

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// PrintText writes a document as the content of a message, which [ParseText]
// reads back as the same document. Cards become quotes; tables become code
// blocks; fields, rules, pictures and check boxes become text. Mentions need
// the IDs of Discord. Whom they notify is up to the allowed_mentions that the
// message is sent with, see [Mentions].
func PrintText(d markup.Document) (string, markup.Degradations) {
	var lost markup.Degradations
	return printText(markup.Normal(d), &lost), lost
}

// Size returns the length of a document's text in the unit of [MaxContent],
// for [markup.Split].
func Size(d markup.Document) int {
	s, _ := PrintText(d)
	return utf8.RuneCountInString(s)
}

func printText(d markup.Document, lost *markup.Degradations) string {
	d = lower(d, lost)
	return (&printer{lost}).blocks(d.Blocks)
}

// printer writes blocks. Blocks in blocks are written by themselves, and
// marked or indented then, at most markup.MaxDepth times.
type printer struct {
	lost *markup.Degradations
}

func (p *printer) blocks(blocks []markup.Block) string {
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 {
			b.WriteString(between(blocks[i-1], block))
		}
		b.WriteString(p.block(block))
	}
	return b.String()
}

// between returns what ends a block before the next one. Two of a kind would
// be one without anything between them.
func between(a, b markup.Block) string {
	if a.Kind() != b.Kind() {
		return "\n"
	}
	switch a.Kind() {
	case markup.KindParagraph, markup.KindContext, markup.KindQuote:
		return "\n\n"
	case markup.KindList:
		return "\n" + separator + "\n"
	}
	return "\n"
}

func (p *printer) block(b markup.Block) string {
	switch b := b.(type) {
	case markup.Paragraph:
		return p.inline(b.Content, atLineStart)
	case markup.Heading:
		return strings.Repeat("#", b.Level) + " " + p.inline(b.Content, inLine)
	case markup.Context:
		return p.context(b)
	case markup.Quote:
		return prefixLines(p.blocks(b.Blocks))
	case markup.List:
		return p.list(b)
	case markup.CodeBlock:
		return p.codeBlock(b)
	}
	return ""
}

// context writes small print, each line by itself.
func (p *printer) context(c markup.Context) string {
	var b strings.Builder
	for i, line := range splitLines(c.Content) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("-# " + p.inline(line, inLine))
	}
	return b.String()
}

// splitLines returns the lines of content, each with its own styles.
func splitLines(content []markup.Inline) [][]markup.Inline {
	var out [][]markup.Inline
	runs := markup.Runs(content)
	for from := 0; from <= len(runs); {
		to := from
		for to < len(runs) && runs[to].Node != markup.Inline(markup.Break{}) {
			to++
		}
		out = append(out, markup.Nest(runs[from:to]))
		from = to + 1
	}
	return out
}

func prefixLines(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") }

func (p *printer) list(l markup.List) string {
	var b strings.Builder
	for i, item := range l.Items {
		if i > 0 {
			b.WriteByte('\n')
		}
		bullet := "- "
		if l.Ordered {
			bullet = strconv.Itoa(l.Start+i) + ". "
		}
		content := p.blocks(item.Blocks)
		if content == "" {
			content = separator
		}
		b.WriteString(bullet + indentLines(content, len(bullet)))
	}
	return b.String()
}

// indentLines writes n spaces before each line but the first and empty ones.
func indentLines(s string, n int) string {
	var b strings.Builder
	indent := ""
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString(indent)
		}
		b.WriteString(line)
		indent = strings.Repeat(" ", n)
	}
	return b.String()
}

func (p *printer) codeBlock(b markup.CodeBlock) string {
	for i := range len(b.Language) {
		if !isLanguage(b.Language[i]) {
			p.lost.Add(markup.KindCodeBlock, markup.Unreadable)
			b.Language = ""
			break
		}
	}
	return fence + b.Language + "\n" + guard(b.Text) + "\n" + fence
}
