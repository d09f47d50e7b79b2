package markup

import "slices"

// Kind names a kind of node: in JSON, in degradations, in tests. The names are
// stored, so they never change their meaning.
type Kind string

// The kinds of version 1 of the JSON encoding.
const (
	KindParagraph Kind = "paragraph"
	KindHeading   Kind = "heading"
	KindQuote     Kind = "quote"
	KindList      Kind = "list"
	KindCodeBlock Kind = "codeBlock"
	KindRule      Kind = "rule"
	KindTable     Kind = "table"
	KindFields    Kind = "fields"
	KindContext   Kind = "context"
	KindCard      Kind = "card"

	KindText      Kind = "text"
	KindStrong    Kind = "strong"
	KindEmphasis  Kind = "emphasis"
	KindStrike    Kind = "strike"
	KindUnderline Kind = "underline"
	KindSpoiler   Kind = "spoiler"
	KindCode      Kind = "code"
	KindLink      Kind = "link"
	KindMention   Kind = "mention"
	KindEmoji     Kind = "emoji"
	KindTimestamp Kind = "timestamp"
	KindBreak     Kind = "break"

	KindImage Kind = "image" // a block and an inline
)

// Limits that hold for every normal document; see [Normal] and [Check].
const (
	// MaxDepth is how deep blocks may be nested: quotes, lists and cards
	// within each other. What is deeper is kept as plain text.
	MaxDepth = 16
	// MaxNodes and MaxBytes bound what [Check] and the JSON decoder accept:
	// nodes of a document, and bytes of its encoding.
	MaxNodes = 100_000
	MaxBytes = 8 << 20
)

// Document is the text of one message, or of one part of it such as the
// description of an embed. The zero value is empty.
type Document struct {
	Blocks []Block
}

// IsEmpty reports whether nothing would be shown.
func (d Document) IsEmpty() bool {
	return !slices.ContainsFunc(d.Blocks, func(b Block) bool { return len(appendNormal(nil, b, 0)) > 0 })
}

// Node is a block or an inline.
type Node interface {
	// Kind tells what the node is; for an Unknown, what it was called.
	Kind() Kind
}

// Block is a node that stands by itself: Paragraph, Heading, Quote, List,
// CodeBlock, Rule, Table, Image, Fields, Context, Card or Unknown.
type Block interface {
	Node
	block()
}

// Inline is a node within a line of text: Text, Strong, Emphasis, Strike,
// Underline, Spoiler, Code, Link, Mention, Emoji, Timestamp, Break, Image or
// Unknown.
type Inline interface {
	Node
	inline()
}

// Unknown is a node that a later version of the hub wrote. It is shown as its
// fallback and written back as it was read.
type Unknown struct {
	Name     Kind   // its "type"
	Fallback string // what to show, plain text
	JSON     string // the node as it was read, in compact JSON with sorted names
}

// Image is a picture at a URL. It is a block by itself, and an inline within
// text; a paragraph that holds nothing else is the same as the block.
type Image struct {
	URL   string
	Alt   string // what it shows, for those who cannot see it
	Title string // a caption
}

// Kind implements [Node].
func (n Unknown) Kind() Kind { return n.Name }

// Kind implements [Node].
func (Image) Kind() Kind { return KindImage }

func (Unknown) block()  {}
func (Unknown) inline() {}
func (Image) block()    {}
func (Image) inline()   {}
