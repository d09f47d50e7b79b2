package slack

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// PrintText writes a document as mrkdwn, which [ParseText] reads back as the
// same document. Headings become bold lines, lists have "• " and numbers,
// tables are code, cards quotes, pictures links. It mentions whoever has an id
// of Slack's; see [markup.Defuse]. The text may be longer than [TextLimit].
func PrintText(d markup.Document) (string, markup.Degradations) {
	var lost markup.Degradations
	return printText(markup.Normal(d).Blocks, &lost), lost
}

// printText writes normal blocks.
func printText(blocks []markup.Block, lost *markup.Degradations) string {
	p := textPrinter{lost: lost}
	return strings.Join(p.blocks(lowerer{lost: lost}.lower(blocks)), "\n")
}

// Size returns the length of a document as Slack counts it, for [markup.Split]
// with [TextLimit] or [BlocksLimit].
func Size(d markup.Document) int {
	s, _ := PrintText(d)
	return markup.UTF16(s)
}

// textPrinter writes blocks as lines.
type textPrinter struct {
	lost *markup.Degradations
}

func (p textPrinter) blocks(blocks []markup.Block) []string {
	var out []string
	for i, b := range blocks {
		if i > 0 && b.Kind() == blocks[i-1].Kind() && b.Kind() != markup.KindCodeBlock {
			out = append(out, "") // else they would be one
		}
		out = append(out, p.block(b)...)
	}
	return out
}

func (p textPrinter) block(b markup.Block) []string {
	switch b := b.(type) {
	case markup.Paragraph:
		return asParagraph(writeLines(b.Content, p.lost))
	case markup.Quote:
		lines := p.blocks(b.Blocks)
		for i, line := range lines {
			lines[i] = strings.TrimRight("> "+line, " ")
		}
		return lines
	case markup.List:
		return p.list(b, 0)
	case markup.CodeBlock:
		return strings.Split(fence+"\n"+p.code(b.Text)+"\n"+fence, "\n")
	}
	return nil
}

// asParagraph marks lines that would begin a list or a quote.
func asParagraph(lines []string) []string {
	for i, line := range lines {
		if _, ok := markerOf(line); ok || strings.HasPrefix(line, "&gt;") {
			lines[i] = softHyphen + line
		}
	}
	return lines
}

// code writes code. A fence in it cannot be escaped: it gets a character that
// nobody sees.
func (p textPrinter) code(s string) string {
	if strings.Contains(s, fence) {
		p.lost.Add(markup.KindCodeBlock, markup.AsText)
		s = strings.ReplaceAll(s, fence, "``"+zeroSpace+"`")
	}
	return escaper.Replace(s)
}

func (p textPrinter) list(l markup.List, level int) []string {
	var out []string
	indent := strings.Repeat("    ", min(level, maxLevels-1))
	if level == maxLevels {
		p.lost.Add(markup.KindList, markup.Flattened)
	}
	for i, item := range l.Items {
		mark := bullet(level)
		if l.Ordered {
			mark = strconv.Itoa(l.Start+i) + "."
		}
		out = append(out, p.item(item, indent, mark, level)...)
	}
	return out
}

// item writes an item after its mark. Its other lines begin under its text.
func (p textPrinter) item(item markup.ListItem, indent, mark string, level int) []string {
	var lines, below []string
	for _, b := range item.Blocks {
		switch b := b.(type) {
		case markup.Paragraph:
			if len(lines) > 0 {
				lines = append(lines, "")
			}
			lines = append(lines, writeLines(b.Content, p.lost)...)
		case markup.List:
			below = append(below, p.list(b, level+1)...)
		}
	}
	if len(lines) == 0 {
		return append([]string{indent + mark}, below...)
	}
	asParagraph(lines[1:])
	margin := indent + strings.Repeat(" ", markWidth(mark))
	for i, line := range lines {
		switch {
		case i == 0:
			lines[i] = indent + mark + " " + line
		case line != "":
			lines[i] = margin + line
		}
	}
	return append(lines, below...)
}
