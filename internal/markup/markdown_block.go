package markup

import "strings"

// ParseMarkdown reads the chat's own Markdown: GitHub Flavored Markdown with
// what a chat needs and without what surprises in one.
//
//   - A line break is a Break, as in GitHub's comments.
//   - @name, #channel, :shortcode:, ||spoiler|| and <t:1700000000:R> have their
//     nodes; names are not looked up.
//   - HTML is text, but for <br> and the tags b, strong, i, em, s, del, strike,
//     u and ins, which set text apart where asterisks cannot.
//   - There are no underlined headings, no link reference definitions.
//
// It accepts anything, in time linear in its length.
func ParseMarkdown(source string) Document {
	p := blockParser{root: &container{kind: rootContainer}}
	p.open = []*container{p.root}
	for line := range strings.SplitSeq(strings.TrimSuffix(cleanSource(source), "\n"), "\n") {
		p.line(line)
	}
	p.closeTo(0)
	return Normal(Document{Blocks: p.root.blocks})
}

type containerKind int

const (
	rootContainer containerKind = iota
	quoteContainer
	listContainer
	itemContainer
)

// container is a block that holds blocks and may go on with the next line.
type container struct {
	kind   containerKind
	blocks []Block

	list List // of a list: what is known so far
	mark byte // of a list: the character that its markers share

	indent int  // of an item: where its content begins, in columns
	empty  bool // of an item: nothing follows its marker on the line
	task   Task
}

type leafKind int

const (
	noLeaf leafKind = iota
	paragraphLeaf
	fencedLeaf
	indentedLeaf
	tableLeaf
)

// leaf is the block that takes the text of lines.
type leaf struct {
	kind     leafKind
	lines    []string
	fence    string // the opening fence
	indent   int    // of the opening fence, in columns
	language string
	table    Table
}

// blockParser reads lines into blocks (CommonMark, appendix "A parsing
// strategy"). The open containers hold each other; the leaf is in the last.
type blockParser struct {
	root *container
	open []*container
	leaf leaf
}

func (p *blockParser) line(s string) {
	c := cursor{rest: s}
	matched := p.match(&c)
	if matched == len(p.open) && p.continueCode(&c) {
		return
	}
	opened := p.openContainers(&c, matched)
	if opened {
		matched = len(p.open)
	}
	switch {
	case c.blank():
		p.blankLine(matched)
	case !opened && p.leaf.kind == paragraphLeaf && matched < len(p.open) && !startsLeaf(c):
		p.leaf.lines = append(p.leaf.lines, c.text()) // a lazy continuation
	default:
		p.closeTo(matched)
		p.addText(&c)
	}
}

// match returns how many of the open containers go on in this line.
func (p *blockParser) match(c *cursor) int {
	for i, b := range p.open {
		switch b.kind {
		case quoteContainer:
			if !c.takeQuoteMark() {
				return i
			}
		case itemContainer:
			switch {
			case c.indent() >= b.indent:
				c.skip(b.indent)
			case !c.blank(), b.empty && p.leaf.kind == noLeaf && len(b.blocks) == 0:
				return i // an item cannot begin with two empty lines
			}
		}
	}
	return len(p.open)
}

// continueCode adds the line to the open code block and reports whether it
// belongs there.
func (p *blockParser) continueCode(c *cursor) bool {
	switch p.leaf.kind {
	case fencedLeaf:
		if closesFence(*c, p.leaf.fence) {
			p.closeLeaf()
			return true
		}
		c.skip(min(p.leaf.indent, c.indent()))
		p.leaf.lines = append(p.leaf.lines, c.rest)
		return true
	case indentedLeaf:
		if c.indent() < codeIndent && !c.blank() {
			return false
		}
		c.skip(min(codeIndent, c.indent()))
		p.leaf.lines = append(p.leaf.lines, c.rest)
		return true
	}
	return false
}

// codeIndent is from where on a line is code.
const codeIndent = 4

// openContainers opens the quotes, lists and items that begin in this line.
func (p *blockParser) openContainers(c *cursor, matched int) (opened bool) {
	for c.indent() < codeIndent && !c.blank() {
		inParagraph := p.leaf.kind == paragraphLeaf && !opened && matched == len(p.open)
		before := *c
		if p.depth(matched, opened) < MaxDepth && c.takeQuoteMark() {
			p.beginQuote(matched, opened)
			opened = true
			continue
		}
		if isRule(c.text()) {
			return opened
		}
		item, ok := takeMarker(c, inParagraph)
		if !ok || p.depth(matched, opened) >= MaxDepth {
			*c = before
			return opened
		}
		p.beginItem(matched, opened, item)
		opened = true
	}
	return opened
}

// depth counts what a new container would be in.
func (p *blockParser) depth(matched int, opened bool) (n int) {
	open := p.open[:matched]
	if opened {
		open = p.open
	}
	for _, b := range open {
		if b.kind == quoteContainer || b.kind == itemContainer {
			n++
		}
	}
	return n
}

func (p *blockParser) beginQuote(matched int, opened bool) {
	if !opened {
		p.closeTo(matched)
		p.closeList()
	}
	p.closeLeaf()
	p.open = append(p.open, &container{kind: quoteContainer})
}

// closeList closes the list that is open without an item: only items are in
// lists.
func (p *blockParser) closeList() {
	if n := len(p.open) - 1; p.open[n].kind == listContainer {
		p.closeTo(n)
	}
}

func (p *blockParser) beginItem(matched int, opened bool, m marker) {
	if !opened {
		p.closeTo(matched)
		if last := p.open[len(p.open)-1]; last.kind == listContainer && last.mark != m.mark {
			p.closeTo(len(p.open) - 1)
		}
	}
	p.closeLeaf()
	if p.open[len(p.open)-1].kind != listContainer {
		list := &container{kind: listContainer, mark: m.mark}
		list.list = List{Ordered: m.mark == '.' || m.mark == ')', Start: m.start}
		p.open = append(p.open, list)
	}
	p.open = append(p.open, &container{kind: itemContainer, indent: m.indent, task: m.task, empty: m.empty})
}

// blankLine ends paragraphs and tables. It closes quotes, which need a mark on
// every line, but no items.
func (p *blockParser) blankLine(matched int) {
	p.closeTo(matched)
	switch p.leaf.kind {
	case paragraphLeaf, tableLeaf:
		p.closeLeaf()
	}
}

// startsLeaf reports whether a line begins a block other than a paragraph.
func startsLeaf(c cursor) bool {
	if c.indent() >= codeIndent {
		return false
	}
	s := c.text()
	_, _, heading := headingOf(s)
	_, _, fenced := fenceOf(s)
	return heading || fenced || isRule(s)
}

// addText adds the rest of a line, which is not blank, to the last container.
func (p *blockParser) addText(c *cursor) {
	p.closeList()
	if c.indent() >= codeIndent && p.leaf.kind != paragraphLeaf {
		p.closeLeaf()
		c.skip(codeIndent)
		p.leaf = leaf{kind: indentedLeaf, lines: []string{c.rest}}
		return
	}
	s := c.text()
	if c.indent() < codeIndent && p.addLeaf(c, s) {
		return
	}
	switch p.leaf.kind {
	case tableLeaf:
		p.leaf.table.Rows = append(p.leaf.table.Rows, parseRow(s))
	case paragraphLeaf:
		if align, ok := tableAlign(s); ok && p.beginTable(align) {
			return
		}
		p.leaf.lines = append(p.leaf.lines, s)
	default:
		p.closeLeaf()
		p.leaf = leaf{kind: paragraphLeaf, lines: []string{s}}
	}
}

// addLeaf adds the heading, the rule or the fence that s is.
func (p *blockParser) addLeaf(c *cursor, s string) bool {
	if level, text, ok := headingOf(s); ok {
		p.closeLeaf()
		p.add(Heading{Level: level, Content: parseInline(text)})
		return true
	}
	if isRule(s) {
		p.closeLeaf()
		p.add(Rule{})
		return true
	}
	if fence, info, ok := fenceOf(s); ok {
		p.closeLeaf()
		p.leaf = leaf{kind: fencedLeaf, fence: fence, indent: c.indent(), language: unescape(info)}
		return true
	}
	return false
}

// beginTable makes a table of the last line of the paragraph, when it has as
// many cells as the line below it has columns.
func (p *blockParser) beginTable(align []Align) bool {
	last := p.leaf.lines[len(p.leaf.lines)-1]
	if !strings.Contains(last, "|") && len(align) > 1 || len(splitRow(last)) != len(align) {
		return false
	}
	if p.leaf.lines = p.leaf.lines[:len(p.leaf.lines)-1]; len(p.leaf.lines) > 0 {
		p.closeLeaf()
	}
	p.leaf = leaf{kind: tableLeaf, table: Table{Align: align, Header: parseRow(last)}}
	return true
}

// closeTo closes all containers but the first n.
func (p *blockParser) closeTo(n int) {
	if n >= len(p.open) {
		return
	}
	p.closeLeaf()
	for len(p.open) > max(n, 1) {
		b := p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		parent := p.open[len(p.open)-1]
		switch b.kind {
		case quoteContainer:
			parent.blocks = append(parent.blocks, Quote{Blocks: b.blocks})
		case itemContainer:
			parent.list.Items = append(parent.list.Items, ListItem{Task: b.task, Blocks: b.blocks})
		case listContainer:
			parent.blocks = append(parent.blocks, b.list)
		}
	}
}

func (p *blockParser) add(b Block) {
	last := p.open[len(p.open)-1]
	last.blocks = append(last.blocks, b)
}

func (p *blockParser) closeLeaf() {
	l := p.leaf
	p.leaf = leaf{}
	switch l.kind {
	case paragraphLeaf:
		p.add(Paragraph{Content: parseInline(strings.Join(l.lines, "\n"))})
	case fencedLeaf:
		p.add(CodeBlock{Language: l.language, Text: strings.Join(l.lines, "\n")})
	case indentedLeaf:
		for len(l.lines) > 0 && strings.Trim(l.lines[len(l.lines)-1], " \t") == "" {
			l.lines = l.lines[:len(l.lines)-1]
		}
		p.add(CodeBlock{Text: strings.Join(l.lines, "\n")})
	case tableLeaf:
		p.add(l.table)
	}
}
