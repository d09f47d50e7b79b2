package dialect

import (
	"regexp"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// Attachment reads a card that has the shape of Slack's older attachments and
// texts in Markdown, as Mattermost and Rocket.Chat have them: what stands
// above the card, and the card. Buttons that lead nowhere are shown as text, and
// recorded.
func Attachment(o Object, lost *markup.Degradations) []markup.Block {
	card := markup.Card{
		Color:     Color(o.Get("color")),
		Author:    markup.CardAuthor{Name: o.Str("author_name"), URL: o.URL("author_link"), IconURL: o.URL("author_icon")},
		Title:     Line(Txt(FirstLine(o.Str("title")))),
		URL:       o.URL("title_link"),
		Thumbnail: markup.Image{URL: o.URL("thumb_url")},
		Footer:    Line(Txt(o.Str("footer"))), FooterIconURL: o.URL("footer_icon"),
		Time: Moment(o.Get("ts")),
	}
	card.Blocks = append(LooseMarkdown(o.Str("text")), attachmentFields(o)...)
	card.Blocks = append(card.Blocks, attachmentMedia(o)...)
	card.Blocks = append(card.Blocks, attachmentActions(o, lost)...)
	out := append(LooseMarkdown(o.Str("pretext")), card)
	if Say(out...).IsEmpty() {
		return Plain(o.Str("fallback"))
	}
	return out
}

func attachmentFields(o Object) []markup.Block {
	var fields []markup.Field
	for e := range o.Get("fields").Elements() {
		f := e.Object()
		fields = append(fields, markup.Field{
			Title: Line(Txt(f.Str("title"))), Value: LooseMarkdown(f.Str("value")), Short: f.Flag("short"),
		})
		if len(fields) == MaxFields {
			break
		}
	}
	if fields == nil {
		return nil
	}
	return []markup.Block{markup.Fields{Fields: fields}}
}

// attachmentMedia returns the picture, and links to what a message cannot play.
func attachmentMedia(o Object) []markup.Block {
	var out []markup.Block
	if url := o.URL("image_url"); url != "" {
		out = append(out, markup.Image{URL: url})
	}
	for _, name := range []string{"video_url", "audio_url", "message_link"} {
		if url := o.URL(name); url != "" {
			out = append(out, Para(Link(url, "")))
		}
	}
	return out
}

func attachmentActions(o Object, lost *markup.Degradations) []markup.Block {
	var line []markup.Inline
	for e := range o.Get("actions").Elements() {
		a := e.Object()
		label, url := a.First("name", "text"), a.URL("url")
		switch {
		case label == "" && url == "":
			continue
		case url == "":
			lost.Add("button", markup.AsText)
			label = "[" + label + "]"
		}
		if line != nil {
			line = append(line, Txt(" · "))
		}
		line = append(line, Link(url, label))
	}
	if line == nil {
		return nil
	}
	return []markup.Block{Para(line...)}
}

// What Mattermost and Rocket.Chat still take of Slack's mrkdwn.
var (
	slackLink    = regexp.MustCompile(`<((?:https?://|mailto:)[^|<>\s]+)\|([^<>\n]+)>`)
	slackMention = regexp.MustCompile(`<!(channel|here|everyone|all)(?:\|[^<>\n]*)?>`)
)

// LooseMarkdown is text in Markdown in which Slack's links and broadcasts count as
// well, since it may come from a sender that was made for Slack.
func LooseMarkdown(s string) []markup.Block {
	if strings.Contains(s, "<") {
		s = slackMention.ReplaceAllString(slackLink.ReplaceAllString(s, "[$2]($1)"), "@$1")
	}
	return Markdown(s)
}

// Attachments reads the first [MaxCards] of an array of them; see [Attachment].
func Attachments(list Value, lost *markup.Degradations) []markup.Block {
	var out []markup.Block
	n := 0
	for e := range list.Elements() {
		if n++; n > MaxCards {
			lost.Add(markup.KindCard, markup.Shortened)
			continue
		}
		out = append(out, Attachment(e.Object(), lost)...)
	}
	return out
}

// HasCards reports whether a value is an array with an object that has one of the
// members that Slack's attachments have, and nothing that a file has.
func HasCards(list Value) bool {
	for e := range list.Elements() {
		o := e.Object()
		return o.Has(attachmentMembers...) && !o.Has("url", "contentType", "filename")
	}
	return false
}

var attachmentMembers = strings.Fields(
	"fallback color pretext author_name title title_link text fields image_url thumb_url footer ts actions blocks mrkdwn_in callback_id")
