package discord

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// ParseText reads the content of a message, the description of an embed, or
// any other text that Discord shows with Markdown. It accepts anything, in time
// linear in its length.
func ParseText(s string) markup.Document {
	return markup.Normal(markup.Document{Blocks: (&parser{s: lineFeeds.Replace(s)}).parse()})
}

var lineFeeds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// parseLine reads a text of one line in which blocks, links and mentions mean
// nothing: the title of an embed, or the name of a field.
func parseLine(s string) []markup.Inline {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
	p := &parser{s: s}
	p.span(len(s), context{oneLine: true, title: true})
	return markup.Nest(p.runs)
}

// parser reads one string: a message, or the lines of a quote or list item
// without their marks.
type parser struct {
	s       string
	pos     int
	inQuote bool // a quote holds no other one
	depth   int  // of lists

	blocks    []markup.Block
	runs      []markup.Run // of the paragraph
	textFrom  int          // where the text begins that is no run yet
	atomEnd   int          // where the last thing other than text ended
	lineStart int          // where the text of a heading or subtext begins
	subtext   int          // where a line would continue the last subtext

	brackets map[int]int // "[" → its "]" that "(" follows; nil: not known yet
}

// context is what applies to a part of the string.
type context struct {
	style   markup.Style
	link    target // of the link that it is the label of
	depth   int    // of styles within each other
	oneLine bool   // no blocks
	title   bool   // no links, mentions or timestamps
}

func (p *parser) parse() []markup.Block {
	p.subtext = -1
	p.span(len(p.s), context{})
	p.endParagraph()
	return p.blocks
}

// endParagraph makes a block of what was read so far.
func (p *parser) endParagraph() {
	p.flush(context{})
	if len(p.runs) > 0 {
		p.blocks = append(p.blocks, markup.Paragraph{Content: markup.Nest(p.runs)})
		p.runs = nil
	}
}

// block reads the block that begins in this line and is more than a paragraph.
func (p *parser) block() bool {
	line := p.s[p.pos:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	if line == "" {
		return false
	}
	switch line[0] {
	case '#':
		return p.heading(line)
	case '-':
		if strings.HasPrefix(line, "-# ") {
			return p.smallPrint(line)
		}
	}
	return p.quote(line) || p.list(line)
}

// heading reads "## text".
func (p *parser) heading(line string) bool {
	level := headingLevel(line)
	if level == 0 {
		return false
	}
	content := p.line(line, len(line)-len(strings.TrimLeft(line[level:], " ")))
	p.blocks = append(p.blocks, markup.Heading{Level: level, Content: content})
	return true
}

// headingLevel returns the level of the heading that s is; 0: it is none.
func headingLevel(s string) int {
	text := strings.TrimLeft(s, "#")
	level := len(s) - len(text)
	if level > 3 || !strings.HasPrefix(text, " ") || strings.Trim(text, " ") == "" {
		return 0
	}
	return level
}

// smallPrint reads "-# text".
func (p *parser) smallPrint(line string) bool {
	start := len(line) - len(strings.TrimLeft(line[len("-#"):], " "))
	if start == len(line) {
		return false
	}
	continued := p.subtext == p.pos
	content := p.line(line, start)
	last := len(p.blocks) - 1
	if c, ok := p.lastContext(); ok && continued {
		p.blocks[last] = markup.Context{Content: append(append(c.Content, markup.Break{}), content...)}
	} else {
		p.blocks = append(p.blocks, markup.Context{Content: content})
	}
	p.subtext = p.pos
	return true
}

func (p *parser) lastContext() (markup.Context, bool) {
	if len(p.blocks) == 0 {
		return markup.Context{}, false
	}
	c, ok := p.blocks[len(p.blocks)-1].(markup.Context)
	return c, ok
}

// line ends the paragraph, reads the inlines of a line from byte start on, and
// takes the line.
func (p *parser) line(line string, start int) []markup.Inline {
	p.endParagraph()
	end := p.pos + len(line)
	p.skipTo(p.pos + start)
	p.lineStart = p.pos
	p.span(end, context{oneLine: true})
	content := markup.Nest(p.runs)
	p.runs = nil
	p.skipTo(min(end+1, len(p.s)))
	return content
}

// skipTo goes on at byte i, where nothing of the text before counts.
func (p *parser) skipTo(i int) { p.pos, p.textFrom, p.atomEnd = i, i, i }

// within returns the blocks of what a quote or a list item holds.
func (p *parser) within(s string, inQuote bool, depth int) []markup.Block {
	return (&parser{s: s, inQuote: inQuote, depth: depth}).parse()
}

// quote reads lines that begin with "> ", or all that follows ">>> ".
func (p *parser) quote(line string) bool {
	if p.inQuote {
		return false
	}
	if rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), ">>> "); ok {
		p.endParagraph()
		start := p.pos + len(line) - len(rest)
		p.blocks = append(p.blocks, markup.Quote{Blocks: p.within(p.s[start:], true, p.depth)})
		p.skipTo(len(p.s))
		return true
	}
	if _, ok := cutQuoteMark(line); !ok {
		return false
	}
	p.endParagraph()
	var b strings.Builder
	at := p.pos
	for line := range strings.Lines(p.s[at:]) {
		rest, ok := cutQuoteMark(line)
		if !ok {
			break
		}
		b.WriteString(rest)
		at += len(line)
	}
	p.blocks = append(p.blocks, markup.Quote{Blocks: p.within(b.String(), true, p.depth)})
	p.skipTo(at)
	return true
}

func cutQuoteMark(line string) (rest string, ok bool) {
	return strings.CutPrefix(strings.TrimLeft(line, " "), "> ")
}

// bullet is the mark of a list item.
type bullet struct {
	indent  int // the white space before it
	width   int // bytes up to the text
	ordered bool
	number  int
}

// maxDigits is one more than those of the greatest number that a list can
// begin with.
const maxDigits = 10

// bulletOf reads "- ", "* " or "1. ".
func bulletOf(line string) (bullet, bool) {
	line = strings.TrimSuffix(line, "\n")
	text := strings.TrimLeft(line, " \t")
	b := bullet{indent: len(line) - len(text)}
	digits := 0
	for digits < len(text) && digits <= maxDigits && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	switch {
	case text == "":
		return b, false
	case digits == 0 && (text[0] == '-' || text[0] == '*'):
	case 0 < digits && digits <= maxDigits && digits < len(text) && text[digits] == '.':
		b.ordered = true
		b.number, _ = strconv.Atoi(text[:digits])
	default:
		return b, false
	}
	after := text[digits+1:]
	if !strings.HasPrefix(after, " ") {
		return b, false
	}
	b.width = len(line) - len(strings.TrimLeft(after, " "))
	return b, true
}

// list reads the items of a list: each has the indented lines after its own.
func (p *parser) list(line string) bool {
	const maxStart = 999_999_999
	first, ok := bulletOf(line)
	if !ok || first.number > maxStart || p.depth >= markup.MaxDepth {
		return false
	}
	p.endParagraph()
	out := markup.List{Ordered: first.ordered, Start: first.number}
	at := p.pos
	for {
		b, ok := bulletOf(lineAt(p.s, at))
		if !ok || b.ordered != first.ordered || b.indent > first.indent && len(out.Items) > 0 {
			break
		}
		content, end := itemContent(p.s, at, b)
		out.Items = append(out.Items, markup.ListItem{Blocks: p.within(content, p.inQuote, p.depth+1)})
		at = end
		if next := skipBlank(p.s, at); next < len(p.s) {
			if b, ok := bulletOf(lineAt(p.s, next)); ok && b.indent <= first.indent && b.ordered == first.ordered {
				at = next
			}
		}
		if at >= len(p.s) {
			break
		}
	}
	p.blocks = append(p.blocks, out)
	p.skipTo(at)
	return true
}

// itemContent returns the lines of the item that begins at byte at, without
// its mark and indentation, and where they end.
func itemContent(s string, at int, b bullet) (content string, end int) {
	start := at + b.width
	end = max(start+len(lineAt(s, start)), codeEnd(s, start))
	var out strings.Builder
	out.WriteString(s[start:end])
	for end < len(s) {
		next := skipBlank(s, end)
		if next == len(s) {
			break
		}
		line := lineAt(s, next)
		if line[0] != ' ' && line[0] != '\t' {
			break
		}
		if sibling, ok := bulletOf(line); ok && sibling.indent <= b.indent {
			break
		}
		for blank := range strings.Lines(s[end:next]) {
			out.WriteString(dedent(blank, b.width))
		}
		out.WriteString(dedent(line, b.width))
		end = next + len(line)
	}
	return out.String(), end
}

// lineAt returns the line that begins at byte i, with its line feed.
func lineAt(s string, i int) string {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return s[i : i+n+1]
	}
	return s[i:]
}

// skipBlank returns where the next line begins that is not blank.
func skipBlank(s string, i int) int {
	for i < len(s) {
		line := lineAt(s, i)
		if strings.Trim(line, " \t\n") != "" {
			return i
		}
		i += len(line)
	}
	return i
}

// dedent returns the line without its first n blanks.
func dedent(line string, n int) string {
	i := 0
	for i < n && i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	return line[i:]
}

// codeEnd returns the end of the lines of the code block that begins at byte i,
// when its lines are not indented as those of an item would be; else i.
func codeEnd(s string, i int) int {
	if !strings.HasPrefix(s[i:], fence) {
		return i
	}
	n := strings.Index(s[i+len(fence):], fence)
	if n < 0 {
		return i
	}
	end := i + len(fence) + n
	lineStart := i + strings.LastIndexByte(s[i:end], '\n') + 1
	if lineStart == i || s[lineStart] == ' ' || s[lineStart] == '\t' {
		return i
	}
	return end + len(lineAt(s, end))
}
