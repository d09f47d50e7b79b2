package slack

import (
	"github.com/nself-chat/hub/internal/markup"
)

// richBlock adds a block to the rich_text at the end. Paragraphs in a row are
// one section, with empty lines between them.
func (p *blockPrinter) richBlock(b markup.Block) {
	if !p.rich {
		p.out = append(p.out, Block{Type: "rich_text"})
		p.rich = true
	}
	last := &p.out[len(p.out)-1]
	switch b := b.(type) {
	case markup.Paragraph:
		last.Elements = p.richParagraph(last.Elements, "rich_text_section", b, 0)
	case markup.Quote:
		last.Elements = p.richQuote(last.Elements, b)
	case markup.List:
		last.Elements = p.richList(last.Elements, b, 0, 0)
	case markup.CodeBlock:
		last.Elements = append(last.Elements, richCodeBlock(b, 0))
	}
}

func (p *blockPrinter) richParagraph(out []Element, kind string, b markup.Paragraph, border int) []Element {
	content := p.richInline(b.Content)
	if len(content) == 0 {
		return out
	}
	if last := len(out) - 1; last >= 0 && out[last].Type == kind && out[last].Border == border {
		between := append(out[last].Elements, Element{Type: "text", Text: "\n\n"})
		out[last].Elements = append(between, content...)
		return out
	}
	return append(out, Element{Type: kind, Elements: content, Border: border})
}

func richCodeBlock(b markup.CodeBlock, border int) Element {
	return Element{
		Type: "rich_text_preformatted", Language: b.Language, Border: border,
		Elements: []Element{{Type: "text", Text: b.Text}},
	}
}

// richQuote writes what is quoted: text as a quote, the rest with a border.
func (p *blockPrinter) richQuote(out []Element, q markup.Quote) []Element {
	from := len(out)
	inner := out[from:]
	for _, b := range q.Blocks {
		switch b := b.(type) {
		case markup.Paragraph:
			inner = p.richParagraph(inner, "rich_text_quote", b, 0)
		case markup.List:
			inner = p.richList(inner, b, 0, 1)
		case markup.CodeBlock:
			inner = append(inner, richCodeBlock(b, 1))
		}
	}
	return append(out[:from:from], inner...)
}

// richList writes a list and those within it one after another. A list
// continues after another one within it.
func (p *blockPrinter) richList(out []Element, l markup.List, level, border int) []Element {
	if level == maxLevels {
		p.lost.Add(markup.KindList, markup.Flattened)
	}
	start := l.Start
	if l.Ordered && start < 1 {
		p.lost.Add(markup.KindList, markup.Flattened)
		start = 1
	}
	part := func(i int) Element {
		e := Element{Type: "rich_text_list", Style: "bullet", Indent: min(level, maxLevels-1), Border: border}
		if l.Ordered {
			e.Style, e.Offset = "ordered", start+i-1
		}
		return e
	}
	current := part(0)
	for i, item := range l.Items {
		section, below := p.richItem(item)
		current.Elements = append(current.Elements, section)
		if len(below) == 0 {
			continue
		}
		out = append(out, current)
		for _, list := range below {
			out = p.richList(out, list, level+1, border)
		}
		current = part(i + 1)
	}
	if len(current.Elements) > 0 {
		out = append(out, current)
	}
	return out
}

// richItem returns the text of an item, and the lists within it.
func (p *blockPrinter) richItem(item markup.ListItem) (section Element, below []markup.List) {
	var out []Element
	for _, b := range item.Blocks {
		switch b := b.(type) {
		case markup.Paragraph:
			out = p.richParagraph(out, "rich_text_section", b, 0)
		case markup.List:
			below = append(below, b)
		}
	}
	if len(out) == 0 {
		out = []Element{{Type: "rich_text_section", Elements: []Element{{Type: "text", Text: " "}}}}
	}
	return out[0], below
}

// richInline writes content as the elements of a section.
func (p *blockPrinter) richInline(content []markup.Inline) []Element {
	runs := leaves(content, p.lost)
	out := make([]Element, 0, len(runs))
	for _, r := range runs {
		if emoji, ok := r.Node.(markup.Emoji); ok && r.URL != "" {
			p.lost.Add(markup.KindEmoji, markup.AsText) // it cannot be part of a link
			r.Node = plain(emoji)
		}
		out = append(out, richElement(r))
	}
	return out
}

func richElement(r markup.Run) Element {
	e := Element{Type: "text"}
	style := textStyle(r.Style)
	switch n := r.Node.(type) {
	case markup.Break:
		e.Text = "\n"
	case markup.Text:
		e.Text = string(n)
	case markup.Code:
		e.Text, style.Code = string(n), true
	case markup.Mention:
		e = mentionElement(n)
	case markup.Emoji:
		e = Element{Type: "emoji", Name: n.Name}
	case markup.Timestamp:
		seconds := n.Time.Unix()
		e = Element{Type: "date", Timestamp: &seconds, Format: dateFormats[n.Format], Fallback: n.Plain(), URL: r.URL}
	}
	if e.Type == "text" && r.URL != "" && !isBreak(r) {
		e.Type, e.URL = "link", r.URL
		if e.Text == r.URL {
			e.Text = ""
		}
	}
	if style != (TextStyle{}) {
		e.Style = &style
	}
	return e
}

func textStyle(s markup.Style) TextStyle {
	return TextStyle{
		Bold:      s&markup.StyleStrong != 0,
		Italic:    s&markup.StyleEmphasis != 0,
		Strike:    s&markup.StyleStrike != 0,
		Underline: s&markup.StyleUnderline != 0,
	}
}

func mentionElement(n markup.Mention) Element {
	switch n.Target {
	case markup.TargetUser:
		return Element{Type: "user", UserID: n.ID}
	case markup.TargetChannel:
		return Element{Type: "channel", ChannelID: n.ID}
	case markup.TargetGroup:
		return Element{Type: "usergroup", UsergroupID: n.ID}
	}
	return Element{Type: "broadcast", Range: n.Name}
}
