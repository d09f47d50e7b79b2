package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// PrintMessage writes a document as a message, which [ParseMessage] reads back.
// Text becomes rich_text, cards become attachments, which Slack shows below all
// blocks: what follows a card goes into an attachment as well. It mentions
// whoever has an id of Slack's; see [markup.Defuse].
//
// The limits of a block are kept: a block that would be over one is shown as
// text instead. So is what does not fit into [MaxBlocks] and [MaxAttachments].
// The length of the whole message is for the caller to keep to, with
// [BlocksLimit].
func PrintMessage(d markup.Document) (Message, markup.Degradations) {
	d = markup.Normal(d)
	p := messagePrinter{}
	above, below := d.Blocks, []markup.Block(nil)
	for i, b := range d.Blocks {
		if b.Kind() == markup.KindCard {
			above, below = d.Blocks[:i], d.Blocks[i:]
			break
		}
	}
	m := Message{Blocks: p.blocks(above), Attachments: p.attachments(below)}
	if len(m.Blocks) > 0 {
		m.Text = notification(d)
	}
	return m, p.lost
}

// notification returns what is shown where blocks are not: a text of mrkdwn
// without any markup.
func notification(d markup.Document) string {
	return escaper.Replace(shortened(markup.Plain(d), TextLimit/2))
}

// shortened returns at most n characters of s.
func shortened(s string, n int) string {
	if markup.UTF16(s) <= n {
		return s
	}
	for i, r := range s {
		if n -= markup.UTF16(string(r)); n < 1 {
			return s[:i] + "…"
		}
	}
	return s
}

type messagePrinter struct {
	lost markup.Degradations
}

// blocks writes blocks, at most MaxBlocks of them.
func (p *messagePrinter) blocks(blocks []markup.Block) []Block {
	b := blockPrinter{lost: &p.lost}
	for i, block := range blocks {
		afterQuote := i > 0 && blocks[i-1].Kind() == markup.KindQuote
		b.block(block, afterQuote)
	}
	return b.out
}

// blockPrinter writes layout blocks.
type blockPrinter struct {
	lost *markup.Degradations
	out  []Block
	rich bool // the last block is rich_text, to which more can be added
}

func (p *blockPrinter) block(b markup.Block, afterQuote bool) {
	// The last block takes all the text that is left.
	if len(p.out) < MaxBlocks-1 && p.own(b) {
		p.rich = false
		return
	}
	lower := lowerer{lost: p.lost, codeInQuote: true}
	for _, b := range lower.lower([]markup.Block{b}) {
		if afterQuote && b.Kind() == markup.KindQuote && len(p.out) < MaxBlocks-1 {
			p.rich = false // else they would be one
		}
		afterQuote = b.Kind() == markup.KindQuote
		p.richBlock(b)
	}
}

// own writes a block that is no rich_text, and reports false when it must be.
func (p *blockPrinter) own(b markup.Block) bool {
	switch b := b.(type) {
	case markup.Heading:
		return p.header(b)
	case markup.Rule:
		p.out = append(p.out, Block{Type: "divider"})
		return true
	case markup.Image:
		return p.image(b)
	case markup.Context:
		return p.context(b)
	case markup.Fields:
		return p.fields(b)
	}
	return false
}

// header writes a heading of nothing but characters.
func (p *blockPrinter) header(h markup.Heading) bool {
	text := ""
	emoji, codes := false, false
	for _, r := range markup.Runs(h.Content) {
		switch n := r.Node.(type) {
		case markup.Text:
			codes = codes || hasShortcode(string(n))
			text += string(n)
		case markup.Emoji:
			emoji = true
			text += ":" + n.Name + ":"
		default:
			return false
		}
		if r.URL != "" || r.Style != 0 {
			return false
		}
	}
	text = escaper.Replace(text)
	if emoji && codes || markup.UTF16(text) > maxHeader {
		return false
	}
	if h.Level > 1 {
		p.lost.Add(markup.KindHeading, markup.Flattened)
	}
	p.out = append(p.out, Block{Type: "header", Text: &TextObject{Type: "plain_text", Text: text, Emoji: &emoji}})
	return true
}

// hasShortcode reports whether s has something that would become an emoji.
func hasShortcode(s string) bool {
	for i := range len(s) {
		if s[i] == ':' && shortcodeEnd(s, i) > i {
			return true
		}
	}
	return false
}

func (p *blockPrinter) image(n markup.Image) bool {
	if !isWebURL(n.URL) || markup.UTF16(n.URL) > maxImageURL || max(markup.UTF16(n.Alt), markup.UTF16(n.Title)) > maxImageText {
		return false
	}
	b := Block{Type: "image", ImageURL: n.URL, AltText: altText(n)}
	if n.Title != "" {
		verbatim := false
		b.Title = &TextObject{Type: "plain_text", Text: escaper.Replace(n.Title), Emoji: &verbatim}
	}
	p.out = append(p.out, b)
	return true
}

// altText returns what an image must have.
func altText(n markup.Image) string {
	if n.Alt == "" {
		return noAlt
	}
	return n.Alt
}

// noAlt is what is written where there is no description.
const noAlt = "image"

func (p *blockPrinter) context(c markup.Context) bool {
	b := Block{Type: "context"}
	lost := markup.Degradations{}
	var part []markup.Inline
	end := func() bool {
		text := strings.TrimSpace(strings.Join(writeLines(part, &lost), "\n"))
		text = strings.Join(asParagraph(strings.Split(text, "\n")), "\n")
		part = nil
		if text != "" {
			b.Elements = append(b.Elements, Element{Type: "mrkdwn", Text: text})
		}
		return markup.UTF16(text) <= maxContext
	}
	for _, n := range c.Content {
		img, ok := n.(markup.Image)
		if !ok || !isWebURL(img.URL) {
			part = append(part, n)
			continue
		}
		if !end() {
			return false
		}
		if img.Title != "" {
			lost.Add(markup.KindImage, markup.Unreadable)
		}
		b.Elements = append(b.Elements, Element{Type: "image", ImageURL: img.URL, AltText: altText(img)})
	}
	if !end() || len(b.Elements) > maxContextElements {
		return false
	}
	p.lost.Merge(lost)
	p.out = append(p.out, b)
	return true
}

// fields writes sections of short fields, two of which stand side by side, and
// of one field that is not short.
func (p *blockPrinter) fields(f markup.Fields) bool {
	lost := markup.Degradations{}
	var sections []Block
	room := false
	for _, field := range f.Fields {
		text, ok := fieldText(field, &lost)
		if !ok || markup.UTF16(text) > maxSectionField {
			return false
		}
		last := len(sections) - 1
		if !room || !field.Short || len(sections[last].Fields) == maxSectionFields {
			sections = append(sections, Block{Type: "section"})
			last++
		}
		sections[last].Fields = append(sections[last].Fields, TextObject{Type: "mrkdwn", Text: text})
		room = field.Short
	}
	if len(p.out)+len(sections) >= MaxBlocks {
		return false
	}
	p.lost.Merge(lost)
	p.out = append(p.out, sections...)
	return true
}

// fieldText writes a field with a bold title on a line of its own.
func fieldText(f markup.Field, lost *markup.Degradations) (string, bool) {
	if !isTextual(f.Value) {
		return "", false
	}
	title, value := "", printText(f.Value, lost)
	if len(f.Title) > 0 {
		bold := f.Title
		if strings.HasSuffix(markup.PlainInline(bold), ":") {
			bold = append(bold[:len(bold):len(bold)], markup.Text(":")) // one of them is taken for punctuation
		}
		title = writeLines([]markup.Inline{markup.Strong{Content: bold}}, lost)[0]
	}
	if title != "" && value != "" {
		title += "\n"
	}
	return title + value, title+value != ""
}

// isTextual reports whether mrkdwn can hold blocks.
func isTextual(blocks []markup.Block) bool {
	for _, b := range blocks {
		switch b.(type) {
		case markup.Paragraph, markup.List, markup.Quote, markup.CodeBlock:
		default:
			return false
		}
	}
	return true
}

// isWebURL reports whether Slack can fetch a picture from a URL.
func isWebURL(s string) bool {
	return markup.SafeURL(s) && strings.EqualFold(s[:4], "http")
}
