// Package card is the dialect of everything that no other one understands: any JSON
// and any form becomes a card that a person can read.
//
// There is no documentation to follow. A body is taken apart into its single values,
// each with the names that lead to it, and by these names the card looks for what
// a person wants first: a title, a text, where to go, how it stands, when it was, who
// did it, and a picture. Every other value is a labelled line below, as long as there
// is room; in a large body those come first that are least deep inside. Empty values are left
// out, and what only machines read is shown only if there is nothing else.
//
// All text is plain text: who knows no sender knows no markup of theirs either.
package card

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is that of any sender. It knows every request with JSON or a form in it,
// and has to be tried last.
var Dialect = &dialect.Dialect{Name: "card", Title: "unknown sender", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	if r.JSON.IsObject() || r.JSON.IsArray() || len(r.Fields) > 0 {
		return "any other JSON"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	p := dialect.Post{Uploads: r.Uploads}
	if body := dialect.Value(r.Whole()); body.IsObject() {
		p.Doc = dialect.Say(blocks(body)...)
	} else {
		p.Doc = dialect.Say(several(r.JSON)...)
	}
	return p, r.Finish(&p, nil)
}

// maxCards is how many objects of a list are shown as a card each.
const maxCards = 5

// several shows an array: a card for each object, and everything else in a line.
func several(list dialect.Value) []markup.Block {
	var out []markup.Block
	var rest []string
	more := 0
	for e := range list.Elements() {
		switch {
		case e.IsObject() && len(out) < maxCards:
			out = append(out, blocks(e)...)
		case e.IsObject():
			more++
		default:
			rest = append(rest, scalars(e)...)
		}
	}
	if text := joined(rest); text != "" {
		out = append(out, dialect.Plain(text)...)
	}
	if more > 0 {
		out = append(out, andMore(more))
	}
	return out
}

// andMore says how much is not shown.
func andMore(n int) markup.Block {
	return markup.Context{Content: dialect.Line(dialect.Txt("and " + strconv.Itoa(n) + " more"))}
}

// blocks shows an object.
func blocks(body dialect.Value) []markup.Block {
	b := spread(body)
	c := markup.Card{Color: b.color()}
	title, text := b.heading()
	c.Title = dialect.Line(dialect.Txt(title))
	c.Author = b.person()
	c.URL = b.url(title != "")
	c.Blocks = dialect.Plain(text)
	c.Thumbnail.URL = b.picture("thumbnail", "thumb", "thumbnailurl", "thumburl", "icon", "iconurl", "logo", "logourl")
	image := b.picture("image", "imageurl", "img", "picture", "pictureurl", "photo", "photourl", "screenshot", "screenshoturl")
	c.Time = b.moment()
	c.Blocks = append(c.Blocks, b.facts()...)
	if image != "" {
		c.Blocks = append(c.Blocks, markup.Image{URL: image})
	}
	if justText(c) {
		return c.Blocks
	}
	return []markup.Block{c}
}

// justText reports whether a card is nothing but a text, which needs no frame.
func justText(c markup.Card) bool {
	if len(c.Blocks) == 0 {
		return false
	}
	_, text := c.Blocks[len(c.Blocks)-1].(markup.Paragraph)
	return text && c.Color == "" && markup.PlainInline(c.Title) == "" && c.Author.Name == "" && c.Thumbnail.URL == "" && c.Time.IsZero()
}

// maxTitle is how long a title may be, in bytes.
const maxTitle = 200

// heading takes the title and the text. Of a title of several lines the first is the
// title; one that is too long, or is all there is to read, is a text.
func (b *board) heading() (title, text string) {
	t, m := b.find(titles, maxDeep, isText), b.find(texts, 2, isText)
	if t == nil {
		t = b.find(subjects, 2, isText)
	}
	if t == nil && m == nil {
		t = b.find(events, 2, isWord)
		return b.take(t), ""
	}
	title, text = strings.TrimSpace(b.take(t)), strings.TrimSpace(b.take(m))
	first, rest, _ := strings.Cut(title, "\n")
	if len(first) > maxTitle {
		first, rest = "", title
	}
	if text == first || text == title {
		text = ""
	}
	return strings.TrimSpace(first), strings.TrimSpace(rest + "\n\n" + text)
}
