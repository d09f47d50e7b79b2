package markup

// Paragraph is a run of text. A line break in it is a Break; an empty line ends it.
type Paragraph struct {
	Content []Inline
}

// Heading is a title within the text, on one line.
type Heading struct {
	Level   int // 1 (largest) to 6
	Content []Inline
}

// Quote is text that somebody else said.
type Quote struct {
	Blocks []Block
}

// List is a bulleted or a numbered list. Lists within items make it nested.
type List struct {
	Ordered bool
	Start   int // the number of the first item of an ordered list; at least 0
	Items   []ListItem
}

// ListItem is one point of a List. It may be empty.
type ListItem struct {
	Task   Task
	Blocks []Block
}

// Task is the state of a list item's check box.
type Task string

// The states of a check box.
const (
	NoTask   Task = "" // no box
	TaskOpen Task = "open"
	TaskDone Task = "done"
)

// CodeBlock is text that is shown as it is, in a fixed-width font.
type CodeBlock struct {
	Language string // "go", "json"; "": not known. One word
	Text     string // lines ended by \n; the last line has none
}

// Rule is a line between blocks.
type Rule struct{}

// Table has columns of text under a header. Rows may be shorter than the
// header: the cells that they lack are empty.
type Table struct {
	Align  []Align // one for each column of the header
	Header Row
	Rows   []Row
}

// Row is one row of a Table.
type Row []Cell

// Cell is one cell of a Table.
type Cell []Inline

// Align is the alignment of a column.
type Align string

// The alignments.
const (
	AlignNone   Align = ""
	AlignLeft   Align = "left"
	AlignCenter Align = "center"
	AlignRight  Align = "right"
)

// Kind implements [Node].
func (Paragraph) Kind() Kind { return KindParagraph }

// Kind implements [Node].
func (Heading) Kind() Kind { return KindHeading }

// Kind implements [Node].
func (Quote) Kind() Kind { return KindQuote }

// Kind implements [Node].
func (List) Kind() Kind { return KindList }

// Kind implements [Node].
func (CodeBlock) Kind() Kind { return KindCodeBlock }

// Kind implements [Node].
func (Rule) Kind() Kind { return KindRule }

// Kind implements [Node].
func (Table) Kind() Kind { return KindTable }

func (Paragraph) block() {}
func (Heading) block()   {}
func (Quote) block()     {}
func (List) block()      {}
func (CodeBlock) block() {}
func (Rule) block()      {}
func (Table) block()     {}
