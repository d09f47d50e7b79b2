package slack

import (
	"strings"
	"unicode"

	"github.com/nself-chat/hub/internal/markup"
)

// ParseText reads mrkdwn as Slack shows it, and lists as people type them: a
// line that begins with "• ", "- ", "* " or "1. ", nested by indentation.
func ParseText(text string) markup.Document {
	return markup.Normal(markup.Document{Blocks: mrkdwn.blocks(text)})
}

// ParsePlain reads the text of a plain_text object: it has entities and
// shortcodes of emoji, and no other markup.
func ParsePlain(text string) markup.Document {
	return markup.Normal(markup.Document{Blocks: plainText.blocks(text)})
}

// fence begins and ends a block of code, anywhere on a line.
const fence = "```"

// blocks reads a text of several lines. The result is not normal.
func (x syntax) blocks(text string) []markup.Block {
	text = withLineFeeds(text)
	p := textParser{syntax: x}
	if !x.styles {
		return paragraphs(x.lines(strings.Split(text, "\n")))
	}
	for {
		start, end := nextCode(text)
		if start == end {
			p.lines(text)
			return p.finish()
		}
		p.lines(text[:start])
		p.code(text[start:end], text[:start])
		text = strings.TrimLeft(text[end:], " \t")
	}
}

func withLineFeeds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// content returns the inline tree of runs.
func content(runs []markup.Run) []markup.Inline { return markup.Nest(settle(runs)) }

// paragraphs returns the paragraphs of runs, which empty lines divide.
func paragraphs(runs []markup.Run) []markup.Block {
	var out []markup.Block
	from, line, breaks := 0, 0, 0
	for i, r := range runs {
		switch {
		case isBreak(r):
			breaks++
			line = i + 1
		case !isBlank(r):
			if breaks > 1 {
				out = append(out, markup.Paragraph{Content: content(runs[from:line])})
				from = line
			}
			breaks = 0
		}
	}
	return append(out, markup.Paragraph{Content: content(runs[from:])})
}

// nextCode returns where the first block of code begins and ends, with its
// fences; nothing when there is none.
func nextCode(s string) (start, end int) {
	for i := 0; ; {
		n := strings.Index(s[i:], fence)
		if n < 0 {
			return 0, 0
		}
		i += n
		if !opensAt(s, i) {
			i++
			continue
		}
		length := strings.Index(s[i+len(fence):], fence)
		if length < 0 {
			return 0, 0
		}
		end = i + len(fence) + length + len(fence)
		if trimFences(s[i:end]) != "" {
			return i, end
		}
		i = end
	}
}

// trimFences returns the code between fences, which may stand on lines of their own.
func trimFences(s string) string {
	s = strings.TrimPrefix(s[len(fence):len(s)-len(fence)], "\n")
	return strings.TrimSuffix(s, "\n")
}

// textParser reads the blocks of a text.
type textParser struct {
	syntax
	out   []markup.Block
	quote []markup.Block // what follows >>>
	long  bool           // all that follows is quoted
}

func (p *textParser) add(blocks ...markup.Block) {
	if p.long {
		p.quote = append(p.quote, blocks...)
	} else {
		p.out = append(p.out, blocks...)
	}
}

func (p *textParser) finish() []markup.Block {
	if len(p.quote) > 0 {
		p.out = append(p.out, markup.Quote{Blocks: p.quote})
	}
	return p.out
}

// code adds a block of code. It is part of the quote on whose line it begins.
func (p *textParser) code(fenced, before string) {
	block := markup.CodeBlock{}
	line := before[strings.LastIndexByte(before, '\n')+1:]
	_, quoted := trimQuoteMark(line)
	if quoted = quoted && !p.long; quoted {
		fenced = unquoted(fenced)
	}
	block.Text = codeText(trimFences(fenced))
	if last := len(p.out) - 1; quoted && last >= 0 {
		if q, ok := p.out[last].(markup.Quote); ok {
			p.out[last] = markup.Quote{Blocks: append(q.Blocks, block)}
			return
		}
	}
	p.add(block)
}

// unquoted removes the quote marks from lines that all have one.
func unquoted(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines[1:] {
		rest, ok := trimQuoteMark(line)
		if !ok {
			return s
		}
		lines[i+1] = rest
	}
	return strings.Join(lines, "\n")
}

// lines adds the blocks of lines that hold no block of code.
func (p *textParser) lines(text string) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		inner, ok := trimQuoteMark(lines[i])
		if !ok || p.long {
			from := i
			for i < len(lines) && (p.long || !hasQuoteMark(lines[i])) {
				i++
			}
			p.add(p.unquotedLines(lines[from:i])...)
			continue
		}
		if rest, ok := trimLongQuoteMark(lines[i]); ok {
			p.long = true
			lines[i] = rest
			continue
		}
		var quote []string
		for ; ok; i++ {
			quote = append(quote, inner)
			if i+1 == len(lines) {
				i++
				break
			}
			inner, ok = trimQuoteMark(lines[i+1])
			if _, long := trimLongQuoteMark(lines[i+1]); long {
				ok = false
			}
		}
		p.add(markup.Quote{Blocks: p.unquotedLines(quote)})
	}
}

// trimQuoteMark returns a line without the mark of a quote and the space after it.
func trimQuoteMark(line string) (string, bool) {
	rest, ok := strings.CutPrefix(line, "&gt;")
	if !ok {
		if rest, ok = strings.CutPrefix(line, ">"); !ok {
			return line, false
		}
	}
	return strings.TrimPrefix(rest, " "), true
}

func hasQuoteMark(line string) bool {
	_, ok := trimQuoteMark(line)
	return ok
}

// trimLongQuoteMark is trimQuoteMark for the mark that quotes all that follows.
func trimLongQuoteMark(line string) (string, bool) {
	for _, mark := range []string{"&gt;&gt;&gt;", ">>>"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimPrefix(rest, " "), true
		}
	}
	return line, false
}

// unquotedLines reads paragraphs and lists.
func (x syntax) unquotedLines(lines []string) []markup.Block {
	var out []markup.Block
	for i := 0; i < len(lines); {
		if _, ok := markerOf(lines[i]); ok {
			items, next := readItems(lines, i)
			out = append(out, x.lists(items, 0)...)
			i = next
			continue
		}
		from := i
		for i < len(lines) && !isBlankLine(lines[i]) {
			if _, ok := markerOf(lines[i]); ok {
				break
			}
			i++
		}
		if i > from {
			out = append(out, paragraphs(x.lines(lines[from:i]))...)
		} else {
			i++
		}
	}
	return out
}

func isBlankLine(s string) bool { return strings.TrimLeftFunc(s, unicode.IsSpace) == "" }
