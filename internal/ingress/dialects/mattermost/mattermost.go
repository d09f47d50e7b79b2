// Package mattermost is Mattermost's incoming webhooks ("Incoming webhooks" of
// developers.mattermost.com): text in Markdown, the attachments that Slack has with
// Markdown in them, a priority, and a card for the side panel.
//
// Most of it cannot be told from Slack's and does not need to be. A request is
// known by the members that only Mattermost has, and by what Alertmanager's
// receiver for it leaves out; anything else needs the name in the URL.
//
// Left out: the channel, because a webhook has one, and buttons, which are shown as
// text.
package mattermost

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is Mattermost's.
var Dialect = &dialect.Dialect{
	Name: "mattermost", Title: "Mattermost", Detect: detect, Parse: parse, Success: success, Failure: failure,
}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case !f.Has("text", "attachments"):
		return ""
	case f.At("priority", "priority") != nil:
		return "the field priority"
	case f.Get("props").IsObject():
		return "the field props"
	case strings.HasPrefix(f.Str("type"), "custom_"):
		return "a type that begins with custom_"
	case f.Has("silent"):
		return "the field silent"
	case isAlertmanager(r):
		return "Alertmanager's attachments for Mattermost"
	}
	return ""
}

// isAlertmanager tells what Alertmanager sends to Mattermost: its attachments for
// Slack always have a callback_id, and those for Rocket.Chat no fallback.
func isAlertmanager(r *dialect.Request) bool {
	if !strings.HasPrefix(r.Header.Get("User-Agent"), "Alertmanager/") || r.Fields.Has("blocks") {
		return false
	}
	first := r.Fields.At("attachments", "0").Object()
	if !first.Has("fallback") {
		return false
	}
	for _, name := range first.Names() {
		if name == "callback_id" {
			return false
		}
	}
	return true
}

func parse(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	p := dialect.Post{Username: f.Str("username"), AvatarURL: f.URL("icon_url"), NoMentions: f.Flag("silent"), Uploads: r.Uploads}
	if p.AvatarURL == "" {
		p.Username = dialect.NameWithEmoji(f.Str("icon_emoji"), p.Username)
	}
	text := f.Str("text")
	if f == nil {
		text = r.Text
	}
	blocks := dialect.LooseMarkdown(text)
	blocks = append(blocks, dialect.Attachments(f.Get("attachments"), &p.Losses)...)
	blocks = append(blocks, dialect.Attachments(f.At("props", "attachments"), &p.Losses)...)
	if card := dialect.LooseMarkdown(f.Str("props", "card")); len(card) > 0 {
		blocks = append(blocks, markup.Card{Blocks: card})
	}
	if p.Doc = dialect.Say(blocks...); !p.Doc.IsEmpty() {
		p.Doc.Blocks = append(priority(f.Get("priority").Object()), blocks...)
	}
	return p, r.Finish(&p, nil)
}

// priority is the label that Mattermost shows above an urgent message.
func priority(o dialect.Object) []markup.Block {
	var line []string
	if label := o.Str("priority"); label != "" && label != "standard" {
		line = append(line, "❗ "+dialect.Title(label))
	}
	if o.Flag("requested_ack") {
		line = append(line, "please acknowledge")
	}
	if line == nil {
		return nil
	}
	return []markup.Block{markup.Context{Content: dialect.Line(dialect.Txt(strings.Join(line, " · ")))}}
}
