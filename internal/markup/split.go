package markup

// Split divides a document into parts that a destination accepts one by one.
// size is the length of what the destination's printer makes of a part, in the
// destination's own unit ([Bytes], [Runes], [UTF16]); no part is longer than
// limit, unless one character already is.
//
// Parts end between blocks where they can, else between items, lines,
// sentences or words, and never within what a reader sees as one character.
// What is cut goes on in the next part: a code block in a code block of the
// same language, a list with its numbers, a table under its header. Only what
// cannot be cut into parts that fit becomes plain text. A document that fits is
// its only part; an empty one has none.
func Split(d Document, limit int, size func(Document) int) []Document {
	d = Normal(d)
	if size(d) <= limit && len(d.Blocks) > 0 {
		return []Document{d}
	}
	s := splitter{limit: limit, size: size}
	var parts []Document
	for rest := d.Blocks; len(rest) > 0; {
		var part []Block
		part, rest, _ = s.next(rest)
		if p := Normal(Document{Blocks: part}); len(p.Blocks) > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// Clip returns the beginning of a document that is not longer than limit, with
// an ellipsis after it, and whether anything was left out. Units and size are
// as for [Split].
func Clip(d Document, limit int, size func(Document) int) (Document, bool) {
	d = Normal(d)
	if size(d) <= limit {
		return d, false
	}
	more := Paragraph{[]Inline{Text("…")}}
	s := splitter{limit: limit, size: func(part Document) int {
		return size(Document{append(part.Blocks[:len(part.Blocks):len(part.Blocks)], more)})
	}}
	part, _, fits := s.next(d.Blocks)
	if !fits {
		part = nil
	}
	return Normal(Document{append(part, more)}), true
}

type splitter struct {
	limit int
	size  func(Document) int
}

// next returns the first part of blocks, what is left, and whether the part is
// short enough.
func (s splitter) next(blocks []Block) (part, rest []Block, fits bool) {
	for len(blocks) > 0 {
		if countBlocks(blocks[:1], 1) == 0 {
			// Code that ended with the line end at a cut left this behind.
			blocks = blocks[1:]
			continue
		}
		if n := s.fit(blocks); n > 0 {
			part, rest = cutBlocks(blocks, n)
			return part, rest, true
		}
		simpler, ok := simplify(blocks[0])
		if !ok {
			part, rest = cutBlocks(blocks, 1)
			return part, rest, false
		}
		blocks = append(simpler, blocks[1:]...)
	}
	return nil, nil, true
}

// fit returns after how many units of text the first part ends best; 0 when
// not even one fits.
func (s splitter) fit(blocks []Block) int {
	most := countBlocks(blocks, max(s.limit, 1)+1)
	fits, fails := 0, most+1
	for next := most; fits+1 < fails; next = (fits + fails) / 2 {
		if s.fitsIn(blocks, next) {
			fits = next
		} else {
			fails = next
		}
	}
	if fits == 0 {
		return 0
	}
	if fits == most {
		if _, rest := cutBlocks(blocks, fits); len(rest) == 0 {
			return fits
		}
	}
	best := bestBorder(blocks, fits)
	if best < fits && s.fitsIn(blocks, best) {
		return best
	}
	return fits
}

func (s splitter) fitsIn(blocks []Block, n int) bool {
	return s.size(Document{Blocks: headBlocks(blocks, n)}) <= s.limit
}

// simplify returns a block as blocks that can be cut into smaller parts; false
// when it is a plain paragraph already.
func simplify(b Block) ([]Block, bool) {
	switch b := b.(type) {
	case Card:
		return CardBlocks(b), true
	case Fields:
		return FieldBlocks(b), true
	case Table:
		return []Block{CodeBlock{Text: plainTable(b)}}, true
	case Paragraph:
		if _, ok := soleText(b.Content); ok {
			return nil, false
		}
	}
	return []Block{Paragraph{[]Inline{Text(plainBlock(b))}}}, true
}
