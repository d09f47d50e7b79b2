package teams

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Kinds of what a card holds and a message does not.
const (
	button markup.Kind = "button"
	input  markup.Kind = "input"
)

// colors are the styles of containers and texts that mean something.
var colors = map[string]markup.Color{
	"attention": dialect.Red, "warning": dialect.Orange, "good": dialect.Green, "accent": dialect.Blue,
}

// reader reads an Adaptive Card ("Adaptive Cards Schema Explorer").
type reader struct {
	card  markup.Card
	title string // "": nothing was read so far that could be one
	begun bool   // there was text already, so that no title follows
	lost  *markup.Degradations
}

// readAdaptiveCard reads a card. The summary is what notifications show; it is the
// title when it says what the title says and more, such as a coloured dot.
func readAdaptiveCard(o dialect.Object, summary string, lost *markup.Degradations) markup.Card {
	r := reader{lost: lost}
	body := r.elements(o.Get("body"))
	body = append(body, r.actions(o.Get("actions"))...)
	if strings.Contains(summary, r.title) && r.title != "" {
		r.title = summary
	}
	r.card.Title, r.card.Blocks = dialect.Line(dialect.Txt(r.title)), body
	if len(body) == 0 && r.title == "" {
		r.card.Blocks = text(o.Str("fallbackText"))
	}
	return r.card
}

func (r *reader) elements(list dialect.Value) []markup.Block {
	var out []markup.Block
	for e := range list.Elements() {
		out = append(out, r.element(e.Object())...)
	}
	return out
}

func (r *reader) element(o dialect.Object) []markup.Block {
	if color := colors[strings.ToLower(o.First("style", "color"))]; r.card.Color == "" {
		r.card.Color = color
	}
	kind := o.Str("type")
	switch kind {
	case "TextBlock":
		return r.textBlock(o)
	case "RichTextBlock":
		r.begun = true
		return runs(o.Get("inlines"))
	case "FactSet":
		r.begun = true
		return facts(o.Get("facts"), "title")
	case "Image":
		return r.image(o)
	case "CodeBlock":
		r.begun = true
		return []markup.Block{markup.CodeBlock{Language: strings.ToLower(o.Str("language")), Text: o.Str("codeSnippet")}}
	case "Table":
		r.begun = true
		return r.table(o)
	}
	if strings.HasPrefix(kind, "Input.") {
		r.lost.Add(input, markup.AsText)
		return text(o.First("label", "placeholder", "title"))
	}
	return r.group(o)
}

// group reads what holds others, and whatever is not known by what it may hold.
func (r *reader) group(o dialect.Object) []markup.Block {
	out := text(o.Str("text"))
	for _, name := range []string{"columns", "items", "images", "body", "fallback"} {
		v := o.Get(name)
		if v.IsObject() {
			out = append(out, r.element(v.Object())...)
		}
		out = append(out, r.elements(v)...)
	}
	for e := range o.Get("sources").Elements() { // of a medium
		if url := e.Object().URL("url"); url != "" {
			out = append(out, dialect.Para(dialect.Link(url, o.Str("altText"))))
		}
	}
	out = append(out, r.actions(o.Get("actions"))...)
	if tap := o.Get("selectAction").Object(); tap.URL("url") != "" {
		out = append(out, spaced(action(tap.Str("title"), tap.URL("url"), r.lost))...)
	}
	return out
}

// textBlock reads a text: a bold or large one at the beginning is the title, and one
// that is to be less visible is small print.
func (r *reader) textBlock(o dialect.Object) []markup.Block {
	s := o.Str("text")
	if s == "" {
		return nil
	}
	loud := strings.EqualFold(o.Str("weight"), "bolder") || strings.EqualFold(o.Str("style"), "heading") ||
		strings.Contains(strings.ToLower(o.Str("size")), "large")
	blocks := text(s)
	switch {
	case loud && !r.begun && len(blocks) == 1:
		r.begun = true
		r.title, r.card.URL = line(s)
		return nil
	case loud && len(blocks) == 1:
		blocks = []markup.Block{markup.Paragraph{Content: dialect.Line(markup.Strong{Content: inlines(blocks)})}}
	case o.Flag("isSubtle") && len(blocks) == 1:
		blocks = []markup.Block{markup.Context{Content: inlines(blocks)}}
	}
	r.begun = true
	return blocks
}

// runs reads texts that have their style each.
func runs(list dialect.Value) []markup.Block {
	var content []markup.Inline
	for e := range list.Elements() {
		if s, ok := e.Text(); ok {
			content = append(content, dialect.Txt(s))
			continue
		}
		content = append(content, run(e.Object()))
	}
	return []markup.Block{markup.Paragraph{Content: content}}
}

func run(o dialect.Object) markup.Inline {
	s, _ := o.Get("text").Text()
	n := dialect.Txt(s)
	if o.Str("fontType") == "Monospace" {
		n = markup.Code(s)
	}
	if strings.EqualFold(o.Str("weight"), "bolder") {
		n = markup.Strong{Content: dialect.Line(n)}
	}
	if o.Flag("italic") {
		n = markup.Emphasis{Content: dialect.Line(n)}
	}
	if o.Flag("strikethrough") {
		n = markup.Strike{Content: dialect.Line(n)}
	}
	if url := o.URL("selectAction", "url"); url != "" {
		n = markup.Link{URL: url, Content: dialect.Line(n)}
	}
	return n
}

// image reads a picture. A small one before any text stands beside it.
func (r *reader) image(o dialect.Object) []markup.Block {
	img := markup.Image{URL: o.URL("url"), Alt: o.Str("altText")}
	if img.URL == "" {
		return text(img.Alt)
	}
	small := strings.EqualFold(o.Str("style"), "person") || strings.EqualFold(o.Str("size"), "small") || strings.HasSuffix(o.Str("width"), "px")
	if small && !r.begun && r.card.Thumbnail.URL == "" {
		r.card.Thumbnail = img
		return nil
	}
	return []markup.Block{img}
}

// table reads a table, whose first row is its header unless it says otherwise.
func (r *reader) table(o dialect.Object) []markup.Block {
	var t markup.Table
	hasHeader := !o.Has("firstRowAsHeaders") || o.Flag("firstRowAsHeaders")
	for e := range o.Get("rows").Elements() {
		var row markup.Row
		for cell := range e.Object().Get("cells").Elements() {
			row = append(row, inlines(r.elements(cell.Object().Get("items"))))
		}
		if t.Header == nil && hasHeader {
			t.Header = row
			continue
		}
		t.Rows = append(t.Rows, row)
	}
	return []markup.Block{t}
}

// actions reads buttons: those that lead somewhere are links, and a card behind one
// stands below them.
func (r *reader) actions(list dialect.Value) []markup.Block {
	var links []markup.Inline
	var below []markup.Block
	for e := range list.Elements() {
		a := e.Object()
		inner := a.Get("card").Object()
		if inner == nil {
			links = append(links, action(a.Str("title"), a.URL("url"), r.lost)...)
			continue
		}
		if title := a.Str("title"); title != "" {
			below = append(below, dialect.Para(dialect.Bold(title)))
		}
		r.begun = true
		below = append(below, r.elements(inner.Get("body"))...)
		below = append(below, r.actions(inner.Get("actions"))...)
	}
	return append(spaced(links), below...)
}
