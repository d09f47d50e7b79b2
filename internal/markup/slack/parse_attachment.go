package slack

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// attachment reads one of the older attachments: what Slack shows above the
// coloured edge, and a card for what is beside it.
func (r *reader) attachment(o object) []markup.Block {
	var out []markup.Block
	if pretext := o.str("pretext"); strings.TrimSpace(pretext) != "" {
		out = formattedIn(o, "pretext").blocks(pretext)
	}
	card := markup.Card{
		Author:        attachmentAuthor(o),
		Title:         unstyledInline(o.str("title")),
		URL:           unescaper.Replace(o.str("title_link")),
		Blocks:        r.attachmentBlocks(o),
		Footer:        unstyledInline(o.str("footer")),
		FooterIconURL: o.str("footer_icon"),
		Time:          o.time("ts"),
	}
	if service := plainUnstyled(o.str("service_name")); service != card.Author.Name && len(card.Footer) == 0 {
		card.Footer, card.FooterIconURL = []markup.Inline{markup.Text(service)}, o.str("service_icon")
	}
	if !o.flag("hide_color", false) {
		card.Color = markup.Color(o.str("color"))
	}
	if thumb := o.str("thumb_url"); thumb != "" {
		card.Thumbnail = markup.Image{URL: thumb}
	}
	if len(out) == 0 && !shows([]markup.Block{card}) {
		card.Blocks = r.attachmentInstead(o)
	}
	return append(out, card)
}

// attachmentInstead returns what is shown for an attachment without content.
func (r *reader) attachmentInstead(o object) []markup.Block {
	if s := o.str("fallback"); strings.TrimSpace(s) != "" {
		return unstyled.blocks(s)
	}
	if url := o.first("from_url", "original_url"); url != "" {
		return text(markup.Link{URL: url})
	}
	return r.anything(o)
}

func attachmentAuthor(o object) markup.CardAuthor {
	author := markup.CardAuthor{
		Name:    plainUnstyled(o.str("author_name")),
		URL:     unescaper.Replace(o.str("author_link")),
		IconURL: o.str("author_icon"),
	}
	if more := plainUnstyled(o.str("author_subname")); more != "" {
		author.Name = strings.TrimSpace(author.Name + " " + more)
	}
	if author.Name == "" { // of a link that Slack looked up
		author.Name, author.URL, author.IconURL = plainUnstyled(o.str("service_name")), o.str("service_url"), o.str("service_icon")
	}
	return author
}

func unstyledInline(s string) []markup.Inline {
	return content(unstyled.lines(strings.Split(withLineFeeds(s), "\n")))
}

func plainUnstyled(s string) string {
	if s == "" {
		return ""
	}
	d := markup.Normal(markup.Document{Blocks: unstyled.blocks(s)})
	return markup.Plain(d)
}

// formattedIn returns how a part of an attachment is to be read: mrkdwn_in
// names the parts that are formatted. Without it all of them are.
func formattedIn(o object, part string) syntax {
	names := stringsOf(o["mrkdwn_in"])
	if len(names) == 0 || slices.Contains(names, part) {
		return mrkdwn
	}
	return unstyled
}

// attachmentBlocks returns what is beside the coloured edge. Blocks take the
// place of the older parts.
func (r *reader) attachmentBlocks(o object) []markup.Block {
	out := r.blocks(o.list("blocks"))
	for _, m := range o.objects("message_blocks") { // of a message that is shared
		out = append(out, r.blocks(m.object("message").list("blocks"))...)
	}
	if !shows(out) {
		out = nil
		if s := o.str("text"); strings.TrimSpace(s) != "" {
			out = formattedIn(o, "text").blocks(s)
		}
	}
	if fields := attachmentFields(o); len(fields.Fields) > 0 {
		out = append(out, fields)
	}
	if url := o.str("image_url"); url != "" {
		out = append(out, markup.Image{URL: url})
	}
	if url := o.str("video_url"); url != "" {
		out = append(out, text(markup.Link{URL: url})...)
	}
	for _, file := range o.objects("files") {
		out = append(out, text(fileLink(file))...)
	}
	return append(out, r.attachmentActions(o)...)
}

func attachmentFields(o object) markup.Fields {
	var out markup.Fields
	for _, f := range o.objects("fields") {
		out.Fields = append(out.Fields, markup.Field{
			Title: unstyledInline(f.str("title")),
			Value: formattedIn(o, "fields").blocks(f.str("value")),
			Short: f.flag("short", false),
		})
	}
	return out
}

func fileLink(o object) markup.Inline {
	return markup.Link{
		URL:     o.first("permalink", "url_private", "url_private_download", "url"),
		Content: []markup.Inline{markup.Text(o.first("title", "name", "id"))},
	}
}

// attachmentActions reads the buttons and menus that attachments had before
// there were blocks.
func (r *reader) attachmentActions(o object) []markup.Block {
	var parts [][]markup.Inline
	for _, a := range o.objects("actions") {
		label := textInline(a["text"])
		if url := a.str("url"); url != "" {
			parts = append(parts, []markup.Inline{markup.Link{URL: url, Content: label}})
			continue
		}
		if len(a.objects("options")) == 0 && len(a.objects("option_groups")) == 0 {
			r.unsupported("button")
			parts = append(parts, bracketed(label))
			continue
		}
		r.unsupported("select")
		parts = append(parts, r.control(a))
	}
	return text(spaced(parts, " · ")...)
}
