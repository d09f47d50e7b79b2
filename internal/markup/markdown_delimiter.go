package markup

import (
	"unicode"
	"unicode/utf8"
)

// delimiter is a run of characters, or a tag, that may begin or end a style.
type delimiter struct {
	leaf       int
	kind       byte // the character; of a tag b, i, s or u
	length     int  // when it was read
	left       int  // what is not used yet
	opens      bool
	closes     bool
	prev, next int
}

// delimiter makes a leaf of the next n bytes, and links d to it.
func (p *inlineParser) delimiter(n int, d delimiter) {
	p.take(n, Text(p.s[p.pos:p.pos+n]))
	if !d.opens && !d.closes {
		return
	}
	d.leaf, d.left, d.prev, d.next = len(p.leaves)-1, d.length, p.top, none
	if p.top != none {
		p.delimiters[p.top].next = len(p.delimiters)
	}
	p.top = len(p.delimiters)
	p.delimiters = append(p.delimiters, d)
}

// run reads a run of delimiters (CommonMark §6.2, GFM §6.5).
func (p *inlineParser) run(c byte) {
	n := runLength(p.s, p.pos)
	before, after := p.runesAround(p.pos, p.pos+n)
	d := delimiter{kind: c, length: n}
	d.opens, d.closes = canDelimit(c, n, before, after)
	p.delimiter(n, d)
}

// flanks reports whether a run of delimiters between two characters is
// left-flanking and right-flanking (CommonMark §6.2).
func flanks(before, after rune) (left, right bool) {
	left = !unicode.IsSpace(after) && (!isPunct(after) || unicode.IsSpace(before) || isPunct(before))
	right = !unicode.IsSpace(before) && (!isPunct(before) || unicode.IsSpace(after) || isPunct(after))
	return left, right
}

// canDelimit reports whether a run of n characters c may open and close a style.
func canDelimit(c byte, n int, before, after rune) (opens, closes bool) {
	left, right := flanks(before, after)
	switch c {
	case '_':
		return left && (!right || isPunct(before)), right && (!left || isPunct(after))
	case '~':
		return left && n <= 2, right && n <= 2
	case '|':
		return n == 2 && !unicode.IsSpace(after), n == 2 && !unicode.IsSpace(before)
	}
	return left, right
}

// runesAround returns the characters before and after a run; line ends count
// as white space.
func (p *inlineParser) runesAround(start, end int) (before, after rune) {
	before, after = ' ', ' '
	if start > 0 {
		before, _ = utf8.DecodeLastRuneInString(p.s[:start])
		if start == p.atomEnd {
			before = '`' // any punctuation
		}
	}
	if end < len(p.s) {
		after, _ = utf8.DecodeRuneInString(p.s[end:])
	}
	return before, after
}

// match pairs the delimiters after bottom (CommonMark, "process emphasis") and
// forgets them.
func (p *inlineParser) match(bottom int) {
	if p.top == bottom {
		return
	}
	first := p.top
	for p.delimiters[first].prev > bottom {
		first = p.delimiters[first].prev
	}
	floor := map[int]int{} // below which a closer of this sort found no opener
	for at := first; at != none; {
		d := &p.delimiters[at]
		if !d.closes {
			at = d.next
			continue
		}
		stop, ok := floor[d.sort()]
		if !ok {
			stop = bottom
		}
		opener := d.prev
		for opener > stop && !pairs(p.delimiters[opener], *d) {
			opener = p.delimiters[opener].prev
		}
		if opener > stop {
			at = p.pair(opener, at)
			continue
		}
		floor[d.sort()] = d.prev
		next := d.next
		if !d.opens {
			p.unlink(at)
		}
		at = next
	}
	p.top = bottom
	if bottom != none {
		p.delimiters[bottom].next = none
	}
}

// sort returns what decides which openers a closer takes.
func (d delimiter) sort() int {
	n := d.length % 3
	if d.kind == '~' {
		n = d.length
	}
	if d.opens {
		n += 3
	}
	return int(d.kind)<<3 | n
}

// pairs reports whether what opener began, closer ends.
func pairs(opener, closer delimiter) bool {
	if opener.kind != closer.kind || !opener.opens {
		return false
	}
	switch closer.kind {
	case '~':
		return opener.length == closer.length
	case '*', '_':
		return !opener.closes && !closer.opens || (opener.length+closer.length)%3 != 0 || opener.length%3 == 0 && closer.length%3 == 0
	}
	return true
}

// pair makes a span between two delimiters and returns the one to go on with.
func (p *inlineParser) pair(opener, closer int) int {
	o, c := &p.delimiters[opener], &p.delimiters[closer]
	use := c.left
	if c.kind == '*' || c.kind == '_' {
		use = min(o.left, c.left, 2)
	}
	p.spans = append(p.spans, span{from: o.leaf + 1, to: c.leaf, style: styleOf(c.kind, use)})
	for i := o.next; i != closer; i = o.next {
		p.unlink(i)
	}
	for _, d := range []*delimiter{o, c} {
		d.left -= use
		if d.left == 0 {
			p.leaves[d.leaf].Node = nil
		} else {
			text := p.leaves[d.leaf].Node.(Text)
			p.leaves[d.leaf].Node = text[:d.left]
		}
	}
	if o.left == 0 {
		p.unlink(opener)
	}
	if c.left > 0 {
		return closer
	}
	next := c.next
	p.unlink(closer)
	return next
}

func styleOf(kind byte, use int) Style {
	switch kind {
	case '~', 's':
		return StyleStrike
	case '|':
		return StyleSpoiler
	case 'u':
		return StyleUnderline
	case 'b':
		return StyleStrong
	case '*', '_':
		if use == 2 {
			return StyleStrong
		}
	}
	return StyleEmphasis
}

func (p *inlineParser) unlink(i int) {
	d := p.delimiters[i]
	if d.prev != none {
		p.delimiters[d.prev].next = d.next
	}
	if d.next != none {
		p.delimiters[d.next].prev = d.prev
	}
	if p.top == i {
		p.top = d.prev
	}
}
