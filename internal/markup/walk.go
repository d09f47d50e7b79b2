package markup

// Walk calls visit for every node of the document in the order in which they
// are shown, parents first. It leaves out what is within a node for which
// visit returns false.
func Walk(d Document, visit func(Node) bool) {
	walkBlocks(d.Blocks, visit)
}

func walkBlocks(blocks []Block, visit func(Node) bool) {
	for _, b := range blocks {
		if !visit(b) {
			continue
		}
		switch b := b.(type) {
		case Paragraph:
			walkInlines(b.Content, visit)
		case Heading:
			walkInlines(b.Content, visit)
		case Context:
			walkInlines(b.Content, visit)
		case Quote:
			walkBlocks(b.Blocks, visit)
		case List:
			for _, item := range b.Items {
				walkBlocks(item.Blocks, visit)
			}
		case Table:
			walkRow(b.Header, visit)
			for _, row := range b.Rows {
				walkRow(row, visit)
			}
		case Fields:
			for _, f := range b.Fields {
				walkInlines(f.Title, visit)
				walkBlocks(f.Value, visit)
			}
		case Card:
			walkInlines(b.Title, visit)
			walkBlocks(b.Blocks, visit)
			walkInlines(b.Footer, visit)
		}
	}
}

func walkRow(r Row, visit func(Node) bool) {
	for _, cell := range r {
		walkInlines(cell, visit)
	}
}

func walkInlines(content []Inline, visit func(Node) bool) {
	for _, n := range content {
		if visit(n) {
			walkInlines(Children(n), visit)
		}
	}
}

// Children returns what an inline holds; nil for a leaf.
func Children(n Inline) []Inline {
	switch n := n.(type) {
	case Strong:
		return n.Content
	case Emphasis:
		return n.Content
	case Strike:
		return n.Content
	case Underline:
		return n.Content
	case Spoiler:
		return n.Content
	case Link:
		return n.Content
	}
	return nil
}

// WithChildren returns an inline like n that holds content instead; a leaf is
// returned as it is.
func WithChildren(n Inline, content []Inline) Inline {
	switch n := n.(type) {
	case Strong:
		return Strong{content}
	case Emphasis:
		return Emphasis{content}
	case Strike:
		return Strike{content}
	case Underline:
		return Underline{content}
	case Spoiler:
		return Spoiler{content}
	case Link:
		return Link{URL: n.URL, Title: n.Title, Content: content}
	}
	return n
}

// Mapper builds a document out of another one. Each function gets a node whose
// own content has been mapped already, and returns what stands in its place;
// a nil function keeps all nodes. The result is not normal: see [Normal].
type Mapper struct {
	Block  func(Block) []Block
	Inline func(Inline) []Inline

	content func([]Inline) []Inline // gets all of a paragraph, heading, cell …
}

// MapInlines returns the document with every inline replaced by what f returns
// for it: the way to give mentions the ids and names of another product.
func MapInlines(d Document, f func(Inline) []Inline) Document {
	return Mapper{Inline: f}.Map(d)
}

// Map returns the document that m makes of d, which is not changed.
func (m Mapper) Map(d Document) Document {
	return Document{Blocks: m.blocks(d.Blocks)}
}

func (m Mapper) blocks(blocks []Block) []Block {
	out := make([]Block, 0, len(blocks))
	for _, b := range blocks {
		b = m.inside(b)
		if m.Block == nil {
			out = append(out, b)
		} else {
			out = append(out, m.Block(b)...)
		}
	}
	return out
}

// inside returns b with its content mapped.
func (m Mapper) inside(b Block) Block {
	switch b := b.(type) {
	case Paragraph:
		return Paragraph{Content: m.inlines(b.Content)}
	case Heading:
		return Heading{Level: b.Level, Content: m.inlines(b.Content)}
	case Context:
		return Context{Content: m.inlines(b.Content)}
	case Quote:
		return Quote{Blocks: m.blocks(b.Blocks)}
	case List:
		items := make([]ListItem, len(b.Items))
		for i, item := range b.Items {
			items[i] = ListItem{Task: item.Task, Blocks: m.blocks(item.Blocks)}
		}
		b.Items = items
		return b
	case Table:
		rows := make([]Row, len(b.Rows))
		for i, row := range b.Rows {
			rows[i] = m.row(row)
		}
		return Table{Align: b.Align, Header: m.row(b.Header), Rows: rows}
	case Fields:
		fields := make([]Field, len(b.Fields))
		for i, f := range b.Fields {
			fields[i] = Field{Title: m.inlines(f.Title), Value: m.blocks(f.Value), Short: f.Short}
		}
		return Fields{Fields: fields}
	case Card:
		b.Title, b.Blocks, b.Footer = m.inlines(b.Title), m.blocks(b.Blocks), m.inlines(b.Footer)
		return b
	}
	return b
}

func (m Mapper) row(r Row) Row {
	out := make(Row, len(r))
	for i, cell := range r {
		out[i] = m.inlines(cell)
	}
	return out
}

func (m Mapper) inlines(content []Inline) []Inline {
	if m.content != nil {
		return m.content(content)
	}
	if m.Inline == nil {
		return content
	}
	out := make([]Inline, 0, len(content))
	for _, n := range content {
		if inner := Children(n); inner != nil {
			n = WithChildren(n, m.inlines(inner))
		}
		out = append(out, m.Inline(n)...)
	}
	return out
}
