package markup

import (
	"html"
	"math/bits"
	"strings"
)

// parseInline reads the inlines of a paragraph, heading or cell.
func parseInline(s string) []Inline {
	p := inlineParser{s: s, top: none}
	for p.pos < len(s) {
		if !inlineMarks[s[p.pos]] || !p.mark() {
			p.pos++ // it is text
		}
	}
	p.flush()
	p.match(none)
	return Nest(p.runs())
}

// inlineMarks are the characters at which something other than text may begin.
var inlineMarks = [256]bool{
	'\\': true, '`': true, '*': true, '_': true, '~': true, '|': true, '[': true, ']': true, '!': true, '<': true, '&': true,
	'\n': true, '@': true, '#': true, ':': true, 'h': true, 'H': true, 'w': true, 'W': true, 'm': true, 'M': true,
}

const none = -1

// inlineParser reads leaves, and spans over them: no tree, so nothing can be
// nested too deeply. Each part of the text is looked at a bounded number of
// times.
type inlineParser struct {
	s        string
	pos      int
	textFrom int // where the text begins that is no leaf yet
	atomEnd  int // where the last leaf other than text ended

	leaves []Run // with a nil Node: nothing is left of it
	spans  []span
	links  []span

	delimiters []delimiter // linked; those that found their partner are left out
	top        int         // the last linked delimiter, or none
	brackets   []bracket
	inactive   int         // brackets before this one do not begin links
	ticks      map[int]int // length of a run of backticks → start of the last such run
}

// span is the leaves from one to before another.
type span struct {
	from, to   int
	style      Style
	url, title string
}

// mark reads what begins at pos. Unless it is text it is taken, and mark
// returns true.
func (p *inlineParser) mark() bool {
	switch c := p.s[p.pos]; c {
	case '\\':
		return p.escape()
	case '`':
		return p.code()
	case '*', '_', '~', '|':
		p.run(c)
		return true
	case '[':
		p.bracket(false)
		return true
	case '!':
		if strings.HasPrefix(p.s[p.pos:], "![") {
			p.bracket(true)
			return true
		}
	case ']':
		return p.closeBracket()
	case '<':
		return p.angle()
	case '&':
		if n := entityLen(p.s[p.pos:]); n > 0 {
			p.take(n, Text(html.UnescapeString(p.s[p.pos:p.pos+n])))
			return true
		}
	case '\n':
		p.take(1, Break{})
		p.textFrom = len(p.s) - len(strings.TrimLeft(p.s[p.pos:], " \t"))
		p.pos = p.textFrom
		return true
	case '@', '#':
		if m, end := mentionAt(p.s, p.pos); end > p.pos {
			p.takeAtom(end-p.pos, m)
			return true
		}
	case ':':
		s, from := p.s, 0
		if p.pos == p.atomEnd {
			s, from = s[p.pos:], p.pos // beside another one
		}
		if end := from + ShortcodeEnd(s, p.pos-from); end > p.pos {
			p.takeAtom(end-p.pos, Emoji{Name: p.s[p.pos+1 : end-1]})
			return true
		}
	default:
		return p.bareURL()
	}
	return false
}

// flush makes a leaf of the text before pos.
func (p *inlineParser) flush() {
	if p.textFrom < p.pos {
		p.leaves = append(p.leaves, Run{Node: Text(p.s[p.textFrom:p.pos])})
	}
	p.textFrom = p.pos
}

// take makes a leaf of the next n bytes.
func (p *inlineParser) take(n int, node Inline) {
	p.flush()
	p.leaves = append(p.leaves, Run{Node: node})
	p.pos += n
	p.textFrom = p.pos
}

// takeAtom takes a leaf that a delimiter may follow as if it were punctuation.
func (p *inlineParser) takeAtom(n int, node Inline) {
	p.take(n, node)
	p.atomEnd = p.pos
}

func (p *inlineParser) escape() bool {
	if p.pos+1 == len(p.s) {
		return false
	}
	switch next := p.s[p.pos+1]; {
	case isASCIIPunct(next):
		p.take(2, Text(p.s[p.pos+1:p.pos+2]))
	case next == '\n':
		p.take(1, Text("")) // the line feed makes the Break
	default:
		return false
	}
	return true
}

// code reads a code span (CommonMark §6.1).
func (p *inlineParser) code() bool {
	n := runLength(p.s, p.pos)
	if p.ticks == nil {
		p.ticks = lastTicks(p.s)
	}
	if p.ticks[n] <= p.pos {
		p.flush()
		p.pos += n // no other run of this length: all of it is text
		return true
	}
	start := p.pos + n
	end := start
	for {
		end += strings.IndexByte(p.s[end:], '`')
		length := runLength(p.s, end)
		if length == n {
			break
		}
		end += length
	}
	code := strings.ReplaceAll(p.s[start:end], "\n", " ")
	if len(code) > 2 && code[0] == ' ' && code[len(code)-1] == ' ' && strings.Trim(code, " ") != "" {
		code = code[1 : len(code)-1]
	}
	p.takeAtom(end+n-p.pos, Code(code))
	return true
}

func runLength(s string, i int) int {
	return len(s[i:]) - len(strings.TrimLeft(s[i:], s[i:i+1]))
}

// lastTicks returns where the last run of backticks of each length begins.
func lastTicks(s string) map[int]int {
	last := map[int]int{}
	for i := strings.IndexByte(s, '`'); i < len(s); {
		n := runLength(s, i)
		last[n] = i
		next := strings.IndexByte(s[i+n:], '`')
		if next < 0 {
			break
		}
		i += n + next
	}
	return last
}

// bareURL reads a URL without marks around it. In brackets, which may be the
// text of a link, it is text.
func (p *inlineParser) bareURL() bool {
	end := URLEnd(p.s, p.pos)
	if end == p.pos || len(p.brackets) > 0 {
		return false
	}
	bare := p.s[p.pos:end]
	p.takeLink(len(bare), urlOf(bare), bare)
	return true
}

func (p *inlineParser) takeLink(n int, url, text string) {
	p.takeAtom(n, Text(text))
	p.leaves[len(p.leaves)-1].URL = url
}

// runs returns the leaves with the styles and links of the spans over them.
func (p *inlineParser) runs() []Run {
	type change [styles]int32
	changes := make([]change, len(p.leaves)+1)
	for _, s := range p.spans {
		i := bits.TrailingZeros8(uint8(s.style))
		changes[s.from][i]++
		changes[s.to][i]--
	}
	for _, l := range p.links {
		for i := l.from; i < l.to; i++ {
			p.leaves[i].URL, p.leaves[i].Title = l.url, l.title
		}
	}
	var depth change
	out := p.leaves[:0]
	for i, r := range p.leaves {
		for j := range depth {
			if depth[j] += changes[i][j]; depth[j] > 0 {
				r.Style |= 1 << j
			}
		}
		if r.Node != nil && r.Node != Inline(Text("")) {
			out = append(out, r)
		}
	}
	return out
}
