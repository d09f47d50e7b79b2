package discord

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// embeds returns embeds as cards. Those that have nothing but a picture, and
// the URL of the one before them, belong to its gallery.
func (r *messageReader) embeds(list []object, depth int) []markup.Block {
	var cards []markup.Block
	for _, o := range list {
		card := r.embed(o, depth)
		if last := len(cards) - 1; last >= 0 && card.URL != "" {
			if before, ok := cards[last].(markup.Card); ok && before.URL == card.URL && isPicture(card) {
				before.Blocks = append(before.Blocks, card.Blocks...)
				cards[last] = before
				continue
			}
		}
		cards = append(cards, card)
	}
	return cards
}

// isPicture reports whether a card shows nothing but one picture.
func isPicture(c markup.Card) bool {
	if len(c.Blocks) != 1 || c.Blocks[0].Kind() != markup.KindImage {
		return false
	}
	c.Blocks, c.URL, c.Color = nil, "", ""
	return (markup.Document{Blocks: []markup.Block{c}}).IsEmpty()
}

// embed returns an embed as a card. Author and footer are plain text, title and
// names of fields have styles only.
func (r *messageReader) embed(o object, depth int) markup.Card {
	author, footer := o.object("author"), o.object("footer")
	card := markup.Card{
		Color:         embedColor(o),
		Author:        markup.CardAuthor{Name: author.str("name"), URL: author.str("url"), IconURL: author.str("icon_url", "iconUrl")},
		Title:         parseLine(o.str("title")),
		URL:           o.str("url"),
		Thumbnail:     r.picture(o.object("thumbnail")),
		FooterIconURL: footer.str("icon_url", "iconUrl"),
	}
	if s := footer.str("text"); s != "" {
		card.Footer = []markup.Inline{markup.Text(s)}
	}
	if card.Author.Name == "" {
		card.Author.Name = card.Author.URL
	}
	if provider := o.object("provider"); card.Author.Name == "" {
		card.Author = markup.CardAuthor{Name: provider.str("name", "url"), URL: provider.str("url")}
	} else if name := provider.str("name"); name != "" {
		card.Blocks = append(card.Blocks, markup.Context{Content: linked(name, provider.str("url"))})
	}
	if o.str("type") == "poll_result" {
		card.Blocks = append(card.Blocks, pollResult(o.list("fields"))...)
	} else {
		card.Blocks = append(card.Blocks, ParseText(o.str("description")).Blocks...)
		card.Blocks = append(card.Blocks, fields(o.list("fields"))...)
	}
	images := o.list("images")
	if len(images) == 0 {
		images = o.list("image")
	}
	for _, img := range images {
		card.Blocks = append(card.Blocks, r.picture(img))
	}
	if video := o.object("video"); video.str("url") != "" {
		card.Blocks = append(card.Blocks, paragraph(linked(video.str("description"), video.str("url"))...)...)
	}
	if depth > 0 {
		card.Blocks = append(card.Blocks, r.components(o.list("components"), depth-1)...)
	}
	if s := o.str("timestamp"); s != "" {
		t, ok := parseTime(s)
		if card.Time = t; !ok {
			card.Footer = append(card.Footer, markup.Text(" "+s))
		}
	}
	return card
}

// embedColor reads a number, and the texts that other senders write.
func embedColor(o object) markup.Color {
	if n := o.number("color"); n != 0 {
		return markup.ColorRGB(n)
	}
	return markup.ParseColor(o.str("color"))
}

// picture returns an image, a thumbnail, or another media item.
func (r *messageReader) picture(o object) markup.Image {
	img := markup.Image{URL: r.mediaURL(o), Alt: o.str("description")}
	if name, ok := strings.CutPrefix(img.URL, attachmentScheme); ok {
		img = markup.Image{Alt: name, Title: img.Alt}
	}
	return img
}

// attachmentScheme is how a request names a file that is sent along.
const attachmentScheme = "attachment://"

// mediaURL returns the URL of a media item; that of an attachment is found by
// its name.
func (r *messageReader) mediaURL(o object) string {
	url := o.str("url")
	if name, ok := strings.CutPrefix(url, attachmentScheme); ok && r.files[name] != "" {
		return r.files[name]
	}
	return url
}

func linked(label, url string) []markup.Inline {
	if url == "" {
		return []markup.Inline{markup.Text(label)}
	}
	link := markup.Link{URL: url}
	if label != "" {
		link.Content = []markup.Inline{markup.Text(label)}
	}
	return []markup.Inline{link}
}

func fields(list []object) []markup.Block {
	var out markup.Fields
	for _, f := range list {
		out.Fields = append(out.Fields, markup.Field{
			Title: parseLine(f.str("name")),
			Value: ParseText(f.str("value")).Blocks,
			Short: f.is("inline") || f.is("isInline"),
		})
	}
	if len(out.Fields) == 0 {
		return nil
	}
	return []markup.Block{out}
}

// pollResult returns the result of a poll, which Discord sends as fields
// ("Poll Result Embed Fields").
func pollResult(list []object) []markup.Block {
	value := object{}
	for _, f := range list {
		value[f.str("name")] = f.str("value")
	}
	out := paragraph(markup.Strong{Content: []markup.Inline{markup.Text(value.str("poll_question_text"))}})
	if name := value.str("victor_answer_text"); name != "" || value.str("victor_answer_emoji_name") != "" {
		winner := pollMedia(object{"text": name, "emoji": map[string]any{
			"id": value.str("victor_answer_emoji_id"), "name": value.str("victor_answer_emoji_name"),
			"animated": value.str("victor_answer_emoji_animated"),
		}})
		out = append(out, markup.Paragraph{Content: winner})
	}
	votes := value.str("victor_answer_votes") + " of " + value.str("total_votes") + " votes"
	return append(out, markup.Context{Content: []markup.Inline{markup.Text(votes)}})
}
