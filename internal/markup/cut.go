package markup

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// border says how good it is to cut a document after one of its units.
type border uint8

const (
	inWord border = iota
	afterWord
	afterSentence
	afterLine
	afterItem
	afterBlock
	afterTopBlock
)

// cutter divides blocks after a number of units: characters, inlines without
// characters, rows, fields, and blocks without any of those.
type cutter struct {
	left     int  // units of the head that are still to come
	headOnly bool // the rest is of no interest
	depth    int
	borders  []border // after each unit of the head, when not nil
}

// headBlocks returns the first n units of blocks.
func headBlocks(blocks []Block, n int) []Block {
	c := cutter{left: n, headOnly: true}
	head, _ := c.blocks(blocks)
	return head
}

// cutBlocks returns the first n units of blocks and what is left.
func cutBlocks(blocks []Block, n int) (head, rest []Block) {
	c := cutter{left: n}
	return c.blocks(blocks)
}

// countBlocks counts the units of blocks up to most.
func countBlocks(blocks []Block, most int) int {
	c := cutter{left: most, headOnly: true}
	c.blocks(blocks)
	return most - c.left
}

// bestBorder returns after which of the first n units to cut: the last of the
// best ones in the second half.
func bestBorder(blocks []Block, n int) int {
	c := cutter{left: n, headOnly: true, borders: make([]border, 0, n)}
	c.blocks(blocks)
	best := len(c.borders)
	for i := len(c.borders); i > len(c.borders)/2; i-- {
		if c.borders[i-1] > c.borders[best-1] {
			best = i
		}
	}
	return best
}

// take takes one unit with a border after it.
func (c *cutter) take(b border) {
	c.left--
	if c.borders != nil {
		c.borders = append(c.borders, b)
	}
}

// end notes what ends after the last unit.
func (c *cutter) end(b border) {
	if n := len(c.borders); n > 0 {
		c.borders[n-1] = max(c.borders[n-1], b)
	}
}

func (c *cutter) blocks(blocks []Block) (head, rest []Block) {
	after := afterTopBlock
	if c.depth > 0 {
		after = afterBlock
	}
	c.depth++
	defer func() { c.depth-- }()
	for i, b := range blocks {
		if c.left == 0 {
			return blocks[:i:i], blocks[i:]
		}
		h, r := c.block(b)
		if r == nil {
			c.end(after)
			continue
		}
		head = append(blocks[:i:i], h)
		if c.headOnly {
			return head, []Block{r}
		}
		return head, append([]Block{r}, blocks[i+1:]...)
	}
	return blocks, nil
}

// block returns the head of a block and its rest; nil when nothing is left.
func (c *cutter) block(b Block) (head, rest Block) {
	switch b := b.(type) {
	case Paragraph:
		if h, r := c.inlines(b.Content); r != nil {
			return Paragraph{h}, Paragraph{r}
		}
	case Heading:
		if h, r := c.inlines(b.Content); r != nil {
			return Heading{b.Level, h}, Heading{b.Level, r}
		}
	case Context:
		if h, r := c.inlines(b.Content); r != nil {
			return Context{h}, Context{r}
		}
	case Quote:
		if h, r := c.blocks(b.Blocks); r != nil {
			return Quote{h}, Quote{r}
		}
	case List:
		return c.list(b)
	case CodeBlock:
		return c.code(b)
	case Table:
		if n := c.some(len(b.Rows)); n < len(b.Rows) {
			return Table{b.Align, b.Header, b.Rows[:n]}, Table{b.Align, b.Header, b.Rows[n:]}
		}
	case Fields:
		if n := c.some(len(b.Fields)); n < len(b.Fields) {
			return Fields{b.Fields[:n]}, Fields{b.Fields[n:]}
		}
	case Card:
		return c.card(b)
	default:
		c.take(inWord)
	}
	return b, nil
}

// some takes as many of n rows as it may, at least one.
func (c *cutter) some(n int) int {
	n = min(max(n, 1), c.left)
	for range n {
		c.take(afterItem)
	}
	return n
}

func (c *cutter) list(l List) (head, rest Block) {
	parts := func(head, rest []ListItem, i int) (Block, Block) {
		return List{l.Ordered, l.Start, head}, List{l.Ordered, l.Start + i, rest}
	}
	for i, item := range l.Items {
		if c.left == 0 {
			return parts(l.Items[:i], l.Items[i:], i)
		}
		if len(item.Blocks) == 0 {
			c.take(afterItem)
			continue
		}
		if h, r := c.blocks(item.Blocks); r != nil {
			return parts(
				append(l.Items[:i:i], ListItem{Task: item.Task, Blocks: h}),
				slices.Concat([]ListItem{{Blocks: r}}, l.Items[i+1:]), i)
		}
	}
	return l, nil
}

// code divides code. A line end at the cut belongs to neither part.
func (c *cutter) code(b CodeBlock) (head, rest Block) {
	n := c.characters(b.Text)
	if n == len(b.Text) {
		return b, nil
	}
	text, more := b.Text[:n], b.Text[n:]
	if cut, ok := strings.CutSuffix(text, "\n"); ok {
		text = cut
	} else {
		more = strings.TrimPrefix(more, "\n")
	}
	return CodeBlock{b.Language, text}, CodeBlock{b.Language, more}
}

// card divides the blocks of a card. Its title stays with the first ones, its
// footer with the last ones.
func (c *cutter) card(b Card) (head, rest Block) {
	if len(b.Blocks) == 0 {
		c.take(inWord)
		return b, nil
	}
	h, r := c.blocks(b.Blocks)
	if r == nil {
		return b, nil
	}
	return Card{Color: b.Color, Author: b.Author, Title: b.Title, URL: b.URL, Thumbnail: b.Thumbnail, Blocks: h},
		Card{Color: b.Color, Blocks: r, Footer: b.Footer, FooterIconURL: b.FooterIconURL, Time: b.Time}
}

func (c *cutter) inlines(content []Inline) (head, rest []Inline) {
	for i, n := range content {
		if c.left == 0 {
			return content[:i:i], content[i:]
		}
		h, r := c.inline(n)
		if r != nil {
			return append(content[:i:i], h), append([]Inline{r}, content[i+1:]...)
		}
	}
	return content, nil
}

func (c *cutter) inline(n Inline) (head, rest Inline) {
	switch n := n.(type) {
	case Text:
		if i := c.characters(string(n)); i < len(n) {
			return n[:i], n[i:]
		}
	case Code:
		if i := c.characters(string(n)); i < len(n) {
			return n[:i], n[i:]
		}
	case Break:
		c.take(afterLine)
	case Link:
		if showsURL(n) {
			c.take(inWord) // two halves would lead to the same place
			return n, nil
		}
		if h, r := c.inlines(n.Content); r != nil {
			return WithChildren(n, h), WithChildren(n, r)
		}
	case Strong, Emphasis, Strike, Underline, Spoiler:
		if h, r := c.inlines(Children(n)); r != nil {
			return WithChildren(n, h), WithChildren(n, r)
		}
	default:
		c.take(inWord)
	}
	return n, nil
}

// showsURL reports whether the text of a link is where it leads.
func showsURL(n Link) bool {
	text, ok := soleText(n.Content)
	return ok && (text == n.URL || urlOf(text) == n.URL || "mailto:"+text == n.URL)
}

// characters takes as many characters of s as it may, and returns their length
// in bytes.
func (c *cutter) characters(s string) int {
	i := 0
	var before rune
	for i < len(s) && c.left > 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		i += clusterLen(s[i:])
		next, _ := utf8.DecodeRuneInString(s[i:])
		c.take(borderAfter(before, r, next))
		before = r
	}
	return i
}

// borderAfter says what ends after the character r.
func borderAfter(before, r, next rune) border {
	switch {
	case r == '\n' && before == '\n':
		return afterBlock
	case r == '\n':
		return afterLine
	case unicode.IsSpace(r) && strings.ContainsRune(".!?…。！？", before), strings.ContainsRune("。！？", r):
		return afterSentence
	case unicode.IsSpace(r), unicode.IsSpace(next):
		return afterWord
	}
	return inWord
}
