package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// syntax is what is markup in a text.
type syntax struct {
	styles   bool // *bold* _italic_ ~strike~ `code`
	tokens   bool // <@U1> <https://…|label>
	names    bool // @name #channel, which link_names and parse=full ask for
	verbatim bool // shortcodes of emoji are text
}

// The texts of a message.
var (
	mrkdwn    = syntax{styles: true, tokens: true}
	unstyled  = syntax{tokens: true} // mrkdwn: false
	plainText = syntax{}             // a plain_text object
)

// label returns the syntax of a link's label: it holds no tokens.
func (x syntax) label() syntax {
	x.tokens, x.names = false, false
	return x
}

// lines reads texts on lines that are not within blocks of any kind.
func (x syntax) lines(lines []string) []markup.Run {
	var runs []markup.Run
	for i, line := range lines {
		if i > 0 {
			runs = append(runs, markup.Run{Node: markup.Break{}})
		}
		runs = append(runs, x.line(line)...)
	}
	return runs
}

// line reads one line, or the label of a link.
func (x syntax) line(s string) []markup.Run {
	p := lineParser{syntax: x, s: s, open: [...]int{none, none, none}}
	for p.pos < len(s) {
		if !lineMarks[s[p.pos]] || !p.mark() {
			p.pos++ // it is text
		}
	}
	p.flush()
	return p.runs()
}

// lineMarks are the bytes at which something other than text may begin; the
// last two begin the invisible characters.
var lineMarks = [256]bool{
	'*': true, '_': true, '~': true, '`': true, '<': true, '&': true, ':': true, '@': true, '#': true, 'h': true, 'H': true,
	0xc2: true, 0xe2: true,
}

const none = -1

// lineParser reads leaves, and spans of styles over them: no tree, so nothing
// can be nested too deeply. Each part of the line is looked at a bounded
// number of times.
type lineParser struct {
	syntax
	s    string
	pos  int
	from int             // where the text begins that is no leaf yet
	text strings.Builder // what comes before it, unescaped

	leaves []markup.Run // with a nil Node: nothing is left of it
	spans  []span
	open   [3]int // the leaf of the mark that began each style, or none

	marksEnd      int // of the style marks beside each other that were seen last
	opens, closes bool
	beforeText    bool // no white space follows them
	noTicks       bool // there is no ` any more
}

// span is the leaves from one to before another.
type span struct {
	from, to int
	style    markup.Style
}

// mark reads what is at the position, and reports false when it is text.
func (p *lineParser) mark() bool {
	switch p.s[p.pos] {
	case '*', '_', '~':
		return p.styles && p.styleMark()
	case '`':
		return p.styles && p.code()
	case '<':
		return p.tokens && p.token()
	case '&':
		return p.entity()
	case ':':
		return !p.verbatim && p.shortcode()
	case '@', '#':
		return p.names && p.name()
	case 'h', 'H':
		return (p.tokens || p.names) && p.url()
	}
	return (p.styles || p.tokens) && p.invisible()
}

// take moves to end; what is there has been read, and what came before it is text.
func (p *lineParser) take(end int) {
	p.text.WriteString(p.s[p.from:p.pos])
	p.pos, p.from = end, end
}

func (p *lineParser) flush() {
	p.take(p.pos)
	if p.text.Len() > 0 {
		p.leaves = append(p.leaves, markup.Run{Node: markup.Text(p.text.String())})
		p.text.Reset()
	}
}

func (p *lineParser) leaf(end int, runs ...markup.Run) bool {
	p.flush()
	p.leaves = append(p.leaves, runs...)
	p.pos, p.from = end, end
	return true
}

func (p *lineParser) entity() bool {
	char, n := entityAt(p.s[p.pos:])
	if n == 0 {
		return false
	}
	p.take(p.pos + n)
	p.text.WriteByte(char)
	return true
}

// entityAt returns the character that s begins with when it is written as one
// of the three entities that Slack knows, and the length of that.
func entityAt(s string) (char byte, length int) {
	switch {
	case strings.HasPrefix(s, "&amp;"):
		return '&', len("&amp;")
	case strings.HasPrefix(s, "&lt;"):
		return '<', len("&lt;")
	case strings.HasPrefix(s, "&gt;"):
		return '>', len("&gt;")
	}
	return 0, 0
}

var (
	unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
)

func (p *lineParser) invisible() bool {
	end := invisibleEnd(p.s, p.pos)
	if end == p.pos {
		return false
	}
	run := p.s[p.pos:end]
	if p.pos == 0 || end == len(p.s) || belongsToPrinter(p.s[p.pos-1]) || belongsToPrinter(p.s[end]) {
		run = halved(run)
	}
	p.take(end)
	p.text.WriteString(run)
	return true
}

// belongsToPrinter reports whether invisible characters beside c are those of
// the printer.
func belongsToPrinter(c byte) bool { return isMark(c) || c == '<' || c == '>' }

func (p *lineParser) shortcode() bool {
	end := shortcodeEnd(p.s, p.pos)
	if end == p.pos {
		return false
	}
	return p.leaf(end, markup.Run{Node: markup.Emoji{Name: p.s[p.pos+1 : end-1]}})
}

// shortcodeEnd is markup.ShortcodeEnd, except that an underscore beside a
// shortcode may be the mark of a style.
func shortcodeEnd(s string, i int) int {
	const longest, tone = 101, ":skin-tone-2:"
	if i > 0 && (s[i-1] == ':' || s[i-1] != '_' && markup.WordBefore(s, i)) {
		return i
	}
	n := strings.IndexByte(s[i+1:min(i+longest, len(s))], ':')
	if n < 1 {
		return i
	}
	end := i + n + 2
	if strings.HasPrefix(s[end:], tone[:len(tone)-2]) {
		end = min(end+len(tone), len(s))
	}
	if end < len(s) && (s[end] == ':' || s[end] != '_' && markup.WordAfter(s, end)) {
		return i
	}
	return i + markup.ShortcodeEnd(s[i:end], 0)
}

func (p *lineParser) url() bool {
	end := markup.URLEnd(p.s, p.pos)
	if n := strings.Index(p.s[p.pos:end], "&lt;"); n >= 0 {
		end = p.pos + n
	}
	if n := strings.Index(p.s[p.pos:end], "&gt;"); n >= 0 {
		end = p.pos + n
	}
	if end == p.pos {
		return false
	}
	url := unescaper.Replace(p.s[p.pos:end])
	return p.leaf(end, markup.Run{Node: markup.Text(url), URL: url})
}

func (p *lineParser) token() bool {
	n := strings.IndexAny(p.s[p.pos+1:], "<>")
	if n < 0 || p.s[p.pos+1+n] == '<' {
		return false
	}
	runs, ok := p.readToken(p.s[p.pos+1 : p.pos+1+n])
	if !ok {
		return false
	}
	return p.leaf(p.pos+n+2, runs...)
}

// code reads `code`. It begins where a word could, ends anywhere on the line,
// and holds more than white space.
func (p *lineParser) code() bool {
	rest := p.s[p.pos+1:]
	if strings.HasPrefix(rest, "`") {
		for p.pos+1 < len(p.s) && p.s[p.pos+1] == '`' {
			p.pos++ // several are text
		}
		return false
	}
	if p.noTicks || !p.opensHere() {
		return false
	}
	n := strings.IndexByte(rest, '`')
	if n < 0 {
		p.noTicks = true
		return false
	}
	if strings.TrimSpace(rest[:n]) == "" {
		return false
	}
	return p.leaf(p.pos+n+2, markup.Run{Node: markup.Code(codeText(rest[:n]))})
}

func (p *lineParser) opensHere() bool {
	if p.pos > 0 && p.pos == p.marksEnd {
		return p.opens
	}
	return opensAt(p.s, p.pos)
}

// styleMark reads a mark that ends a style, or begins one. White space may be
// before the end, as in "*When: *", and not after the beginning.
func (p *lineParser) styleMark() bool {
	p.lookAround()
	c, start := p.s[p.pos], p.pos
	if start > 0 && p.s[start-1] == c || start+1 < len(p.s) && p.s[start+1] == c {
		return false // "**" means nothing
	}
	beforeText := p.beforeText || start+1 < p.marksEnd
	k := strings.IndexByte(styleMarks, c)
	switch {
	case p.closes && p.open[k] != none && (len(p.leaves) > p.open[k]+1 || p.from < start || p.text.Len() > 0):
		p.close(k)
	case p.opens && beforeText && p.open[k] == none:
		p.flush()
		p.open[k] = len(p.leaves)
		p.leaves = append(p.leaves, markup.Run{Node: markup.Text(c)})
		p.pos, p.from = start+1, start+1
	default:
		return false
	}
	return true
}

// styleMarks are the marks of the styles in styleOf.
const styleMarks = "*_~"

var styleOf = [...]markup.Style{markup.StyleStrong, markup.StyleEmphasis, markup.StyleStrike}

// lookAround looks at what is around the style marks at the position.
func (p *lineParser) lookAround() {
	if p.pos < p.marksEnd {
		return
	}
	end := p.pos
	for end < len(p.s) && isStyleMark(p.s[end]) {
		end++
	}
	before, sizeBefore := utf8.DecodeLastRuneInString(p.s[:p.pos])
	after, sizeAfter := utf8.DecodeRuneInString(p.s[end:])
	p.marksEnd = end
	p.opens = sizeBefore == 0 || opensAfter(before)
	p.closes = sizeAfter == 0 || closesBefore(after)
	p.beforeText = sizeAfter > 0 && !unicode.IsSpace(after)
}

// close ends the style k. Styles that began within it have no end.
func (p *lineParser) close(k int) {
	p.flush()
	from := p.open[k]
	p.leaves[from].Node = nil
	p.spans = append(p.spans, span{from: from, to: len(p.leaves), style: styleOf[k]})
	for i, leaf := range p.open {
		if leaf >= from {
			p.open[i] = none
		}
	}
	p.pos++
	p.from = p.pos
}

func (p *lineParser) runs() []markup.Run {
	for _, s := range p.spans {
		for i := s.from; i < s.to; i++ {
			p.leaves[i].Style |= s.style
		}
	}
	out := p.leaves[:0]
	for _, r := range p.leaves {
		if r.Node != nil {
			out = append(out, r)
		}
	}
	return out
}
