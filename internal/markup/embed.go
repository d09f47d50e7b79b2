package markup

import (
	"encoding/json"
	"time"

	"github.com/nself-chat/hub"
)

// OfMessage returns what a message says: its Document, else that of its Content,
// which is Markdown, with its embeds as cards behind it.
func OfMessage(m *hub.Message) Document {
	if len(m.Document) > 0 {
		var d Document
		if json.Unmarshal(m.Document, &d) == nil {
			return d
		}
	}
	return Compose(m.Content, m.Embeds)
}

// Compose returns the document of Markdown with embeds as cards behind it.
func Compose(content string, embeds []hub.Embed) Document {
	d := ParseMarkdown(content)
	if len(embeds) == 0 {
		return d
	}
	blocks := d.Blocks[:len(d.Blocks):len(d.Blocks)]
	for i := range embeds {
		blocks = append(blocks, EmbedCard(&embeds[i]))
	}
	return Normal(Document{Blocks: blocks})
}

// EmbedCard returns an embed as a card: the description and the values of fields
// are Markdown, everything else is plain text.
func EmbedCard(e *hub.Embed) Card {
	c := Card{
		Color:         ParseColor(e.Color),
		Author:        CardAuthor{Name: e.AuthorName, URL: e.AuthorURL, IconURL: e.AuthorIcon},
		Title:         textLine(e.Title),
		URL:           e.URL,
		Blocks:        ParseMarkdown(e.Description).Blocks,
		Thumbnail:     Image{URL: e.ThumbURL},
		Footer:        textLine(e.Footer),
		FooterIconURL: e.FooterIcon,
	}
	if len(e.Fields) > 0 {
		fields := make([]Field, len(e.Fields))
		for i, f := range e.Fields {
			fields[i] = Field{Title: textLine(f.Name), Value: ParseMarkdown(f.Value).Blocks, Short: f.Inline}
		}
		c.Blocks = append(c.Blocks, Fields{Fields: fields})
	}
	if e.ImageURL != "" {
		c.Blocks = append(c.Blocks, Image{URL: e.ImageURL})
	}
	if t, err := time.Parse(time.RFC3339, e.Timestamp); err == nil {
		c.Time = t
	}
	return c
}

func textLine(s string) []Inline {
	if s == "" {
		return nil
	}
	return []Inline{Text(s)}
}

// CardEmbed returns a card as an embed, as far as that can say it: text first, then
// fields, then one picture. EmbedCard(CardEmbed(c)) is the same as a normal card c
// that is made so.
func CardEmbed(c Card) hub.Embed {
	e := hub.Embed{
		Title: PlainInline(c.Title), URL: c.URL, Color: string(c.Color),
		AuthorName: c.Author.Name, AuthorURL: c.Author.URL, AuthorIcon: c.Author.IconURL,
		ThumbURL: c.Thumbnail.URL, Footer: PlainInline(c.Footer), FooterIcon: c.FooterIconURL,
	}
	if !c.Time.IsZero() {
		e.Timestamp = c.Time.UTC().Format(time.RFC3339)
	}
	var text []Block
	for _, b := range c.Blocks {
		switch b := b.(type) {
		case Fields:
			for _, f := range b.Fields {
				value, _ := PrintMarkdown(Document{Blocks: f.Value})
				e.Fields = append(e.Fields, hub.EmbedField{Name: PlainInline(f.Title), Value: value, Inline: f.Short})
			}
		case Image:
			if e.ImageURL == "" {
				e.ImageURL = b.URL
				continue
			}
			text = append(text, b)
		default:
			text = append(text, b)
		}
	}
	e.Description, _ = PrintMarkdown(Document{Blocks: text})
	return e
}

// Cards divides a document into what stands outside its cards, and the cards.
func Cards(d Document) (text Document, cards []Card) {
	for _, b := range d.Blocks {
		if c, ok := b.(Card); ok {
			cards = append(cards, c)
			continue
		}
		text.Blocks = append(text.Blocks, b)
	}
	return text, cards
}
