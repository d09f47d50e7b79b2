package markup

import "time"

// Card is a box with a coloured edge: what Slack calls an attachment, Discord
// an embed, and what an alert or a pull request is reported as. Every part is
// optional.
type Card struct {
	Color         Color
	Author        CardAuthor
	Title         []Inline // one line
	URL           string   // where the title leads
	Blocks        []Block  // text, Fields, Image, Context …, in the order shown
	Thumbnail     Image    // a small picture beside the text
	Footer        []Inline // one line
	FooterIconURL string
	Time          time.Time
}

// CardAuthor is the line above a card's title.
type CardAuthor struct {
	Name    string
	URL     string
	IconURL string
}

// Fields is a grid of labelled values.
type Fields struct {
	Fields []Field
}

// Field is one labelled value. Short ones may stand side by side.
type Field struct {
	Title []Inline // one line
	Value []Block
	Short bool
}

// Context is a line of small print: Slack's context block, Discord's subtext.
type Context struct {
	Content []Inline
}

// Kind implements [Node].
func (Card) Kind() Kind { return KindCard }

// Kind implements [Node].
func (Fields) Kind() Kind { return KindFields }

// Kind implements [Node].
func (Context) Kind() Kind { return KindContext }

func (Card) block()    {}
func (Fields) block()  {}
func (Context) block() {}
