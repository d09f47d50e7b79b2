package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// maxFallback bounds what notifications show of an attachment.
const maxFallback = 300

// attachments writes cards, and the blocks between and after them.
func (p *messagePrinter) attachments(blocks []markup.Block) []Attachment {
	var out []Attachment
	var between []markup.Block
	for i, b := range blocks {
		card, ok := b.(markup.Card)
		if !ok {
			between = append(between, b)
			continue
		}
		if len(out)+2 >= MaxAttachments {
			p.lost.Add(markup.KindCard, markup.AsQuote)
			between = append(between, blocks[i:]...)
			break
		}
		a := p.card(card)
		switch {
		case len(between) == 0:
		case len(between) == 1 && between[0].Kind() == markup.KindParagraph && len(a.Blocks) == 0:
			a.Pretext = printText(between, &p.lost)
		default:
			out = append(out, p.frameless(between))
		}
		between = nil
		out = append(out, a)
	}
	if len(between) > 0 {
		out = append(out, p.frameless(between))
	}
	return out
}

// frameless writes blocks that belong below a card.
func (p *messagePrinter) frameless(blocks []markup.Block) Attachment {
	return Attachment{Blocks: p.blocks(blocks), Fallback: summary(blocks)}
}

func summary(blocks []markup.Block) string {
	return escaper.Replace(shortened(markup.Plain(markup.Document{Blocks: blocks}), maxFallback))
}

// card writes a card with the parts of an attachment when they can hold it,
// and with blocks otherwise.
func (p *messagePrinter) card(c markup.Card) Attachment {
	parts, ok := splitCard(c)
	if !ok {
		p.lost.Add(markup.KindCard, markup.Flattened)
		return Attachment{
			Color: string(c.Color), Blocks: p.blocks(markup.CardBlocks(c)), Fallback: summary([]markup.Block{c}),
		}
	}
	a := Attachment{
		Color:      string(c.Color),
		AuthorName: p.unstyled([]markup.Inline{markup.Text(c.Author.Name)}),
		AuthorLink: c.Author.URL,
		AuthorIcon: c.Author.IconURL,
		Title:      p.unstyled(c.Title),
		TitleLink:  c.URL,
		Text:       printText(parts.text, &p.lost),
		ImageURL:   parts.image.URL,
		ThumbURL:   c.Thumbnail.URL,
		Footer:     p.unstyled(c.Footer),
		FooterIcon: c.FooterIconURL,
		MrkdwnIn:   []string{"pretext", "text", "fields"},
	}
	for _, f := range parts.fields.Fields {
		a.Fields = append(a.Fields, AttachmentField{Title: p.unstyled(f.Title), Value: printText(f.Value, &p.lost), Short: f.Short})
	}
	if !c.Time.IsZero() {
		a.Timestamp = c.Time.Unix()
	}
	if a.AuthorName == "" {
		a.AuthorName = p.unstyled([]markup.Inline{markup.Text(c.Author.URL)})
	}
	if a.Title == "" {
		a.Title = p.unstyled([]markup.Inline{markup.Text(c.URL)})
	}
	if c.Thumbnail.Alt != "" || c.Thumbnail.Title != "" {
		p.lost.Add(markup.KindImage, markup.Unreadable)
	}
	a.Fallback = summary([]markup.Block{c})
	return a
}

// cardParts are the blocks of a card as an attachment has room for them.
type cardParts struct {
	text   []markup.Block
	fields markup.Fields
	image  markup.Image
}

// splitCard reports false for a card with other blocks, or in another order.
func splitCard(c markup.Card) (cardParts, bool) {
	var parts cardParts
	rest := c.Blocks
	for len(rest) > 0 && isTextual(rest[:1]) {
		rest = rest[1:]
	}
	parts.text = c.Blocks[:len(c.Blocks)-len(rest)]
	if len(rest) > 0 {
		if f, ok := rest[0].(markup.Fields); ok && fieldsAreTextual(f) {
			parts.fields, rest = f, rest[1:]
		}
	}
	if len(rest) > 0 {
		if img, ok := rest[0].(markup.Image); ok && img.Alt == "" && img.Title == "" && isWebURL(img.URL) {
			parts.image, rest = img, rest[1:]
		}
	}
	return parts, len(rest) == 0
}

func fieldsAreTextual(f markup.Fields) bool {
	for _, field := range f.Fields {
		if !isTextual(field.Value) {
			return false
		}
	}
	return true
}

// unstyled writes one line for a part that has no styles: titles and footers.
func (p *messagePrinter) unstyled(content []markup.Inline) string {
	runs := leaves(content, &p.lost)
	for i, r := range runs {
		if r.Style != 0 {
			p.lost.Add(markup.KindStrong, markup.AsText)
		}
		if code, ok := r.Node.(markup.Code); ok {
			p.lost.Add(markup.KindCode, markup.AsText)
			runs[i].Node = markup.Text(code)
		}
		runs[i].Style = 0
	}
	var lines []string
	for _, line := range splitLines(runs) {
		w := writer{unstyled: true}
		w.inlines(line)
		lines = append(lines, w.b.String())
	}
	return strings.Join(lines, " ")
}
