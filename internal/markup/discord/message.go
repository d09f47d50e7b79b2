package discord

import (
	"strconv"

	"github.com/nself-chat/hub/internal/markup"
)

// Kinds of what a message holds and a document does not, in the degradations
// that [ParseMessage] returns.
const (
	KindButton  markup.Kind = "button"  // a press would do something; a button that is a link stays one
	KindInput   markup.Kind = "input"   // a menu, a text box, a check box
	KindPoll    markup.Kind = "poll"    // nobody can vote in it
	KindSticker markup.Kind = "sticker" // an animation without a picture
)

// maxNesting bounds how deep messages and components are followed. Discord
// nests four components and one forwarded message at most.
const maxNesting = 8

// ParseMessage reads a message in JSON: one that Discord sent, or the body of
// an execute-webhook or create-message request. Of the request the text is
// read, not how it is to be sent. What the document cannot do, such as a
// button to press, is shown as text and returned as a degradation.
//
// Members may have other types than documented, be unknown, or be missing.
// Names of mentioned people and channels are taken from the message itself. An
// "@everyone" by somebody who may not use it, which "mention_everyone" tells,
// is text. Attachments are not part of the text, but a component that shows one
// finds its URL there.
//
// The error tells that data is not a JSON object.
func ParseMessage(data []byte) (markup.Document, markup.Degradations, error) {
	o, err := decodeObject(data)
	if err != nil {
		return markup.Document{}, nil, err
	}
	var r messageReader
	blocks := r.message(o, maxNesting)
	return markup.Normal(markup.Document{Blocks: blocks}), r.lost, nil
}

// messageReader turns what a message holds into blocks.
type messageReader struct {
	lost  markup.Degradations
	files map[string]string // name of an attachment → its URL
}

// message returns the blocks of a message in the order in which they are shown.
func (r *messageReader) message(o object, depth int) []markup.Block {
	if depth == 0 {
		return nil
	}
	outer := r.files
	r.files = attachments(o)
	defer func() { r.files = outer }()

	out := ParseText(o.str("content")).Blocks
	for _, forwarded := range o.list("message_snapshots") {
		if blocks := r.message(forwarded.object("message"), depth-1); len(blocks) > 0 {
			out = append(out, markup.Context{Content: []markup.Inline{markup.Text("Forwarded")}}, markup.Quote{Blocks: blocks})
		}
	}
	if poll := o.object("poll"); poll != nil {
		out = append(out, r.poll(poll))
	}
	out = append(out, r.embeds(o.list("embeds"), depth)...)
	stickers := o.list("sticker_items")
	if len(stickers) == 0 {
		stickers = o.list("stickers") // deprecated
	}
	for _, s := range stickers {
		out = append(out, r.sticker(s))
	}
	out = append(out, r.components(o.list("components"), depth)...)
	return markup.MapInlines(markup.Document{Blocks: out}, names(o)).Blocks
}

func attachments(o object) map[string]string {
	files := map[string]string{}
	for _, a := range o.list("attachments") {
		files[a.str("filename")] = a.str("url")
	}
	return files
}

// names returns what gives mentions the names that the message tells.
func names(o object) func(markup.Inline) []markup.Inline {
	type key struct {
		target markup.Target
		id     string
	}
	names := map[key]string{}
	for _, user := range o.list("mentions") {
		names[key{markup.TargetUser, user.str("id")}] = user.str("global_name", "nickname", "username", "name")
	}
	for _, channel := range o.list("mention_channels") {
		names[key{markup.TargetChannel, channel.str("id")}] = channel.str("name")
	}
	toNobody := o.has("mention_everyone") && !o.is("mention_everyone")
	return func(n markup.Inline) []markup.Inline {
		m, ok := n.(markup.Mention)
		switch {
		case ok && m.Target == markup.TargetBroadcast && toNobody:
			return text(m)
		case ok && m.Name == "":
			m.Name = names[key{m.Target, m.ID}]
			return []markup.Inline{m}
		}
		return []markup.Inline{n}
	}
}

// The formats of a sticker.
const (
	stickerPNG  = 1
	stickerAPNG = 2
	stickerGIF  = 4
)

// sticker returns the picture of a sticker (Discord's reference, "CDN
// Endpoints"), or its name where there is only an animation.
func (r *messageReader) sticker(o object) markup.Block {
	name, id := o.str("name"), o.str("id")
	img := markup.Image{Alt: name, Title: o.str("description")}
	if isID(id) {
		switch o.number("format_type") {
		case stickerPNG, stickerAPNG:
			img.URL = "https://cdn.discordapp.com/stickers/" + id + ".png"
		case stickerGIF:
			img.URL = "https://media.discordapp.net/stickers/" + id + ".gif"
		}
	}
	if img.URL == "" {
		r.lost.Add(KindSticker, markup.AsText)
		if img.Title != "" {
			img.Alt += " – " + img.Title
		}
	}
	return img
}

// poll returns a poll as a card: the question, the answers with their votes,
// and until when one can vote.
func (r *messageReader) poll(o object) markup.Block {
	r.lost.Add(KindPoll, markup.AsList)
	results := o.object("results")
	votes := map[string]int{}
	for _, count := range results.list("answer_counts") {
		votes[count.str("id")] = count.number("count")
	}
	var answers markup.List
	for _, answer := range o.list("answers") {
		content := pollMedia(answer.object("poll_media"))
		if n, counted := votes[answer.str("answer_id")]; counted {
			content = append(content, markup.Text(" ("+strconv.Itoa(n)+")"))
		}
		answers.Items = append(answers.Items, markup.ListItem{Blocks: paragraph(content...)})
	}
	return markup.Card{
		Title:  pollMedia(o.object("question")),
		Blocks: []markup.Block{answers, markup.Context{Content: pollTerms(o, results)}},
	}
}

// pollMedia returns a question or an answer.
func pollMedia(o object) []markup.Inline {
	var out []markup.Inline
	if emoji := o.object("emoji"); emoji != nil {
		out = append(out, emojiOf(emoji), markup.Text(" "))
	}
	return append(out, markup.Text(o.str("text")))
}

// pollTerms tells how to vote.
func pollTerms(o, results object) []markup.Inline {
	out := []markup.Inline{markup.Text("Poll")}
	if o.is("allow_multiselect") {
		out = append(out, markup.Text(" · several answers"))
	}
	expiry, ok := parseTime(o.str("expiry"))
	switch {
	case results.is("is_finalized"):
		out = append(out, markup.Text(" · closed"))
	case ok:
		out = append(out, markup.Text(" · until "), markup.Timestamp{Time: expiry})
	case o.number("duration") > 0:
		out = append(out, markup.Text(" · "+strconv.Itoa(o.number("duration"))+" h"))
	}
	return out
}

// emojiOf returns a partial emoji object: a custom one has an ID.
func emojiOf(o object) markup.Inline {
	name, id := o.str("name"), o.str("id")
	if !isID(id) {
		return markup.Text(name)
	}
	if name == "" {
		name = "emoji" // a request needs the ID only
	}
	return markup.Emoji{Name: name, ID: id, URL: EmojiURL(id, o.is("animated")), Animated: o.is("animated")}
}
