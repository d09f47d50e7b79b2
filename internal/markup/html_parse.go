package markup

import (
	"html"
	"math/bits"
	"strconv"
	"strings"
	"unicode"
)

// ParseHTML reads the HTML that senders of notifications write: paragraphs,
// headings, quotes, lists, code, rules, links, images, and the elements that
// set text apart. Of everything else the text remains; scripts, styles and
// comments have none.
//
// It accepts anything, in time linear in its length.
func ParseHTML(source string) Document {
	p := htmlParser{scanner: htmlScanner{rest: cleanSource(source)}, open: []*htmlBlock{{}}}
	for p.scanner.rest != "" {
		text, tag := p.scanner.next()
		p.text(html.UnescapeString(text))
		switch {
		case tag.name == "":
		case tag.closing:
			p.end(tag.name)
		default:
			p.start(tag)
		}
	}
	p.endPre()
	p.closeTo(1)
	return Normal(Document{Blocks: p.open[0].blocks})
}

// htmlBlock is an open quote, list or item; the first one is the document.
type htmlBlock struct {
	tag    string
	blocks []Block
	list   List
	task   Task
}

// htmlParser collects runs until a block ends, so that elements within lines
// may overlap and need not be closed.
type htmlParser struct {
	scanner htmlScanner
	open    []*htmlBlock
	tooDeep map[string]int // how many elements of each name were not opened

	runs    []Run
	heading int // the level, when the runs are a heading
	styles  [styles]int
	spans   []bool // of the open <span>: whether it is a spoiler
	links   []Link // the open <a>
	code    int    // how many <code> are open

	pre      *strings.Builder // of the open <pre>
	language string
}

// text adds characters to the paragraph or the code block.
func (p *htmlParser) text(s string) {
	switch {
	case s == "":
	case p.pre != nil:
		p.pre.WriteString(s)
	case p.code > 0:
		p.add(Code(s))
	default:
		p.add(Text(collapse(cleanText(s))))
	}
}

// collapse makes one space of each run of white space but of no-break spaces
// (CSS Text §4.1).
func collapse(s string) string {
	var b strings.Builder
	spaced := false
	for _, r := range s {
		space := unicode.IsSpace(r) && r != '\u00a0'
		if !space {
			b.WriteRune(r)
		} else if !spaced {
			b.WriteByte(' ')
		}
		spaced = space
	}
	return b.String()
}

func (p *htmlParser) add(n Inline) {
	r := Run{Node: n}
	for i, open := range p.styles {
		if open > 0 {
			r.Style |= 1 << i
		}
	}
	if len(p.links) > 0 {
		link := p.links[len(p.links)-1]
		r.URL, r.Title = link.URL, link.Title
	}
	p.runs = append(p.runs, r)
}

// flush ends the paragraph or the heading.
func (p *htmlParser) flush() {
	content := Nest(joinSpaces(p.runs))
	level := p.heading
	p.runs, p.heading = nil, 0
	switch {
	case len(content) == 0:
	case level > 0:
		p.block(Heading{Level: level, Content: content})
	default:
		p.block(Paragraph{Content: content})
	}
}

// joinSpaces removes spaces that follow other white space.
func joinSpaces(runs []Run) []Run {
	out := runs[:0]
	spaced := true
	for _, r := range runs {
		switch n := r.Node.(type) {
		case Text:
			if spaced {
				n = Text(strings.TrimPrefix(string(n), " "))
			}
			if n == "" {
				continue
			}
			spaced = strings.HasSuffix(string(n), " ")
			r.Node = n
		case Break:
			spaced = true
		default:
			spaced = false
		}
		out = append(out, r)
	}
	return out
}

func (p *htmlParser) block(b Block) {
	last := p.open[len(p.open)-1]
	if isListTag(last.tag) { // which holds items only
		last.list.Items = append(last.list.Items, ListItem{Blocks: []Block{b}})
		return
	}
	last.blocks = append(last.blocks, b)
}

func isListTag(tag string) bool { return tag == "ul" || tag == "ol" }

// htmlStyles are the elements that set text apart.
var htmlStyles = map[string]Style{
	"b": StyleStrong, "strong": StyleStrong, "i": StyleEmphasis, "em": StyleEmphasis, "u": StyleUnderline, "ins": StyleUnderline,
	"s": StyleStrike, "strike": StyleStrike, "del": StyleStrike, "tg-spoiler": StyleSpoiler,
}

// count notes that an element with a style begins (1) or ends (-1).
func (p *htmlParser) count(style Style, by int) {
	n := &p.styles[bits.TrailingZeros8(uint8(style))]
	*n = max(*n+by, 0)
}

func (p *htmlParser) start(t htmlTag) {
	if style, ok := htmlStyles[t.name]; ok {
		p.count(style, 1)
		return
	}
	switch t.name {
	case "br":
		if p.pre != nil {
			p.pre.WriteByte('\n')
		} else {
			p.add(Break{})
		}
	case "code", "tt", "kbd", "samp":
		if p.pre == nil {
			p.code++
		} else if name, ok := strings.CutPrefix(t.attributes()["class"], "language-"); ok {
			p.language = name
		}
	case "a":
		a := t.attributes()
		p.links = append(p.links, Link{URL: a["href"], Title: a["title"]})
	case "span":
		spoiler := hasWord(t.attributes()["class"], "spoiler") || hasWord(t.attributes()["class"], "tg-spoiler")
		p.spans = append(p.spans, spoiler)
		if spoiler {
			p.count(StyleSpoiler, 1)
		}
	case "img":
		a := t.attributes()
		p.add(Image{URL: a["src"], Alt: a["alt"], Title: a["title"]})
	case "script", "style":
		p.scanner.skipTo(t.name)
	case "td", "th":
		p.add(Text(" "))
	default:
		p.startBlock(t)
	}
}

func (p *htmlParser) startBlock(t htmlTag) {
	switch t.name {
	case "p", "div", "section", "article", "header", "footer", "table", "tr", "dl", "dt", "dd", "figure":
		p.flush()
	case "h1", "h2", "h3", "h4", "h5", "h6":
		p.flush()
		p.heading = int(t.name[1] - '0')
	case "hr":
		p.flush()
		p.block(Rule{})
	case "pre":
		p.endPre()
		p.flush()
		p.pre = &strings.Builder{}
		p.scanner.rest = strings.TrimPrefix(p.scanner.rest, "\n") // HTML §13.2.6.4.7
	case "blockquote", "ul", "ol":
		p.flush()
		p.push(t)
	case "li":
		p.flush()
		p.item(t)
	case "input":
		p.checkbox(t)
	}
}

// push opens a quote or a list unless it is too deep.
func (p *htmlParser) push(t htmlTag) {
	depth := 0
	for _, b := range p.open {
		if b.tag != "" && b.tag != "li" {
			depth++
		}
	}
	if depth >= MaxDepth {
		if p.tooDeep == nil {
			p.tooDeep = map[string]int{}
		}
		p.tooDeep[t.name]++
		return
	}
	b := &htmlBlock{tag: t.name, list: List{Ordered: t.name == "ol", Start: 1}}
	if start, err := strconv.Atoi(t.attributes()["start"]); err == nil && b.list.Ordered {
		b.list.Start = start
	}
	p.open = append(p.open, b)
}

// item opens an item of the list that is open. Elsewhere it is a paragraph.
func (p *htmlParser) item(t htmlTag) {
	last := len(p.open) - 1
	if p.open[last].tag == "li" {
		p.closeTo(last)
	}
	if isListTag(p.open[len(p.open)-1].tag) {
		p.open = append(p.open, &htmlBlock{tag: t.name})
	}
}

// checkbox makes a task of the item that begins with it.
func (p *htmlParser) checkbox(t htmlTag) {
	a, last := t.attributes(), p.open[len(p.open)-1]
	if last.tag != "li" || len(last.blocks) > 0 || len(p.runs) > 0 || !strings.EqualFold(a["type"], "checkbox") {
		return
	}
	last.task = TaskOpen
	if _, checked := a["checked"]; checked {
		last.task = TaskDone
	}
}

func (p *htmlParser) end(name string) {
	if style, ok := htmlStyles[name]; ok {
		p.count(style, -1)
		return
	}
	switch name {
	case "code", "tt", "kbd", "samp":
		p.code = max(p.code-1, 0)
	case "a":
		p.links = p.links[:max(len(p.links)-1, 0)]
	case "span":
		if n := len(p.spans) - 1; n >= 0 {
			if p.spans[n] {
				p.count(StyleSpoiler, -1)
			}
			p.spans = p.spans[:n]
		}
	case "pre":
		p.endPre()
	case "p", "div", "section", "article", "header", "footer", "table", "tr", "dl", "dt", "dd", "figure", "h1", "h2", "h3", "h4", "h5", "h6":
		p.flush()
	case "blockquote", "ul", "ol", "li":
		p.flush()
		p.pop(name)
	}
}

func (p *htmlParser) endPre() {
	if p.pre == nil {
		return
	}
	p.block(CodeBlock{Language: p.language, Text: strings.TrimSuffix(p.pre.String(), "\n")})
	p.pre, p.language = nil, ""
}

// pop closes the innermost element of this name with all that is in it.
func (p *htmlParser) pop(name string) {
	if p.tooDeep[name] > 0 {
		p.tooDeep[name]--
		return
	}
	for i := len(p.open) - 1; i > 0; i-- {
		if p.open[i].tag == name {
			p.closeTo(i)
			return
		}
	}
}

// closeTo closes all blocks but the first n.
func (p *htmlParser) closeTo(n int) {
	p.flush()
	for len(p.open) > n {
		b := p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		parent := p.open[len(p.open)-1]
		switch {
		case b.tag == "li": // its parent is a list
			parent.list.Items = append(parent.list.Items, ListItem{Task: b.task, Blocks: b.blocks})
		case b.tag == "blockquote":
			p.block(Quote{Blocks: b.blocks})
		default:
			p.block(b.list)
		}
	}
}
