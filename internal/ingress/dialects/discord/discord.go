// Package discord is Discord's execute-webhook ("Webhook Resource" of
// docs.discord.com): content, embeds and components in JSON, files beside it in
// multipart/form-data, and the parameters wait and thread_id.
//
// A request is known by these parameters, by parts that are called as Discord
// wants it, by an embed whose colour is a number, and by members that only Discord
// has, such as allowed_mentions. Content alone is not enough: nself-chat has that
// as well.
//
// Left out: tts, applied_tags, and that links are not to be looked up. Buttons,
// menus and polls are shown as text, because nobody could answer them.
package discord

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Dialect is Discord's.
var Dialect = &dialect.Dialect{
	Name: "discord", Title: "Discord", Detect: detect, Parse: parse, Success: success, Failure: failure,
	Hook: Hook, Message: Message, Changed: changed, Deleted: deleted,
	Cards: []string{"embeds"}, // its attachments are files
}

// marks are the members that only Discord has.
var marks = []string{"allowed_mentions", "tts", "flags", "components", "poll", "thread_name", "applied_tags", "avatar_url"}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case hasParts(r.Uploads):
		return "parts that are called files[n]"
	case !says(f):
		return ""
	case r.Query.Has("wait"):
		return "the parameter wait of the URL"
	case r.Query.Has("thread_id"):
		return "the parameter thread_id of the URL"
	case r.Kind == dialect.KindJSON && isMultipart(r):
		return "a part that is called payload_json"
	case isForeign(f):
		return ""
	case hasNumberColor(f.Get("embeds")):
		return "an embed whose colour is a number"
	}
	for _, name := range marks {
		if f.Has(name) {
			return "the field " + name
		}
	}
	return ""
}

// says reports whether there is anything that a message of Discord's consists of.
func says(f dialect.Object) bool {
	_, hasContent := f.Get("content").Text()
	return hasContent || f.Get("embeds").IsArray() || f.At("components", "0", "type") != nil || f.At("poll", "question").IsObject()
}

func hasParts(uploads []dialect.Upload) bool {
	for _, u := range uploads {
		if strings.HasPrefix(u.Field, "files[") {
			return true
		}
	}
	return false
}

func isMultipart(r *dialect.Request) bool {
	return strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/")
}

// isForeign reports whether nself-chat wrote it: names in its own spelling, colours
// as text, and files with an address but no id.
func isForeign(f dialect.Object) bool {
	if f.Has("text", "avatarUrl", "threadId", "icon_url") {
		return true
	}
	for e := range f.Get("embeds").Elements() {
		if color := e.Object().Get("color"); color != nil && color[0] == '"' {
			return true
		}
	}
	file := f.At("attachments", "0").Object()
	return file.Has("url") && !file.Has("id")
}

func hasNumberColor(embeds dialect.Value) bool {
	for e := range embeds.Elements() {
		if color := e.Object().Get("color"); color != nil && color[0] >= '0' && color[0] <= '9' {
			return true
		}
	}
	return false
}
