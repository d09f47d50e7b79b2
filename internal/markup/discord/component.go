package discord

import (
	"github.com/nself-chat/hub/internal/markup"
)

// The types of components that are more than text and other components
// (Discord's reference, "Component Types").
const (
	actionRow    = 1
	button       = 2
	section      = 9
	textDisplay  = 10
	thumbnail    = 11
	mediaGallery = 12
	file         = 13
	divider      = 14
	container    = 17
)

// components returns the content of components. Buttons that lead somewhere
// become links; what needs an answer is shown as text.
func (r *messageReader) components(list []object, depth int) []markup.Block {
	if depth == 0 {
		return nil
	}
	var out []markup.Block
	for _, o := range list {
		out = append(out, r.component(o, depth-1)...)
	}
	return out
}

func (r *messageReader) component(o object, depth int) []markup.Block {
	switch o.number("type") {
	case actionRow:
		return r.row(o.list("components"), depth)
	case button:
		return r.row([]object{o}, depth)
	case section:
		out := r.components(o.list("components"), depth)
		return append(out, r.components(o.list("accessory"), depth)...)
	case textDisplay:
		return ParseText(o.str("content")).Blocks
	case thumbnail:
		return r.media([]object{o})
	case mediaGallery:
		return r.media(o.list("items"))
	case file:
		return r.file(o)
	case divider:
		if o.has("divider") && !o.is("divider") {
			return nil
		}
		return []markup.Block{markup.Rule{}}
	case container:
		blocks := r.components(o.list("components"), depth)
		if o.is("spoiler") {
			blocks = hidden(blocks)
		}
		return []markup.Block{markup.Card{Color: markup.ColorRGB(o.number("accent_color")), Blocks: blocks}}
	}
	return r.input(o, depth)
}

// row returns the buttons of an action row on one line, and what else is there
// below.
func (r *messageReader) row(list []object, depth int) []markup.Block {
	var buttons []markup.Inline
	var rest []markup.Block
	for _, o := range list {
		if o.number("type") != button {
			rest = append(rest, r.components([]object{o}, depth)...)
			continue
		}
		if content := r.button(o); len(content) > 0 {
			if len(buttons) > 0 {
				buttons = append(buttons, markup.Text(" · "))
			}
			buttons = append(buttons, content...)
		}
	}
	return append(paragraph(buttons...), rest...)
}

func (r *messageReader) button(o object) []markup.Inline {
	var label []markup.Inline
	if emoji := o.object("emoji"); emoji != nil {
		label = append(label, emojiOf(emoji))
	}
	if s := o.str("label"); s != "" {
		if len(label) > 0 {
			s = " " + s
		}
		label = append(label, markup.Text(s))
	}
	if url := o.str("url"); url != "" {
		return []markup.Inline{markup.Link{URL: url, Content: label}}
	}
	r.lost.Add(KindButton, markup.AsText)
	if len(label) == 0 {
		return nil
	}
	return append(append([]markup.Inline{markup.Text("[")}, label...), markup.Text("]"))
}

// media returns pictures. Those that are spoilers stay hidden.
func (r *messageReader) media(items []object) []markup.Block {
	var out []markup.Block
	for _, item := range items {
		img := r.picture(item.object("media"))
		if alt := item.str("description"); alt != "" {
			img.Alt = alt
		}
		blocks := []markup.Block{img}
		if item.is("spoiler") {
			blocks = hidden(blocks)
		}
		out = append(out, blocks...)
	}
	return out
}

func (r *messageReader) file(o object) []markup.Block {
	media := r.picture(o.object("file"))
	name := o.str("name")
	if name == "" {
		name = media.Alt
	}
	blocks := paragraph(linked(name, media.URL)...)
	if o.is("spoiler") {
		return hidden(blocks)
	}
	return blocks
}

// hidden returns blocks whose text is a spoiler.
func hidden(blocks []markup.Block) []markup.Block {
	hide := func(content []markup.Inline) []markup.Inline {
		return []markup.Inline{markup.Spoiler{Content: content}}
	}
	return markup.Mapper{Block: func(b markup.Block) []markup.Block {
		switch b := b.(type) {
		case markup.Paragraph:
			return paragraph(hide(b.Content)...)
		case markup.Heading:
			return []markup.Block{markup.Heading{Level: b.Level, Content: hide(b.Content)}}
		case markup.Context:
			return []markup.Block{markup.Context{Content: hide(b.Content)}}
		case markup.Image:
			return paragraph(hide([]markup.Inline{b})...)
		case markup.CodeBlock:
			return paragraph(hide([]markup.Inline{markup.Text(b.Text)})...)
		}
		return []markup.Block{b}
	}}.Map(markup.Document{Blocks: blocks}).Blocks
}

// input returns what there is to read in a component that needs an answer, or
// in one that is not known.
func (r *messageReader) input(o object, depth int) []markup.Block {
	r.lost.Add(KindInput, markup.AsText)
	var out []markup.Block
	for _, name := range []string{"label", "description", "content", "placeholder", "value"} {
		if s := o.str(name); s != "" {
			out = append(out, paragraph(markup.Text(s))...)
		}
	}
	var options markup.List
	for _, option := range o.list("options") {
		var content []markup.Inline
		if emoji := option.object("emoji"); emoji != nil {
			content = append(content, emojiOf(emoji), markup.Text(" "))
		}
		content = append(content, markup.Text(option.str("label", "value")))
		if s := option.str("description"); s != "" {
			content = append(content, markup.Text(" – "+s))
		}
		options.Items = append(options.Items, markup.ListItem{Blocks: paragraph(content...)})
	}
	out = append(out, options)
	for _, name := range []string{"component", "components", "accessory"} {
		out = append(out, r.components(o.list(name), depth)...)
	}
	return out
}
