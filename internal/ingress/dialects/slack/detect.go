package slack

import (
	"slices"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// said are the members that hold what a message says.
var said = []string{"text", "blocks", "attachments", "markdown_text"}

// marks are the members that only Slack has.
var marks = []string{
	"icon_emoji", "mrkdwn", "thread_ts", "reply_broadcast", "link_names", "unfurl_links", "unfurl_media", "response_type", "replace_original",
	"delete_original", "as_user", "markdown_text",
}

// known are the members that may stand beside a text that is Slack's.
var known = []string{"text", "username", "channel", "channel_id", "icon_url", "parse", "type"}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case r.Method != "":
		return "the method " + method + " in the URL"
	case r.Kind == dialect.KindPayload && (f == nil || f.Has(said...)):
		return "a form with the field payload"
	case hasBlocks(list(f, "blocks")):
		return "the field blocks"
	case dialect.HasCards(list(f, "attachments")):
		return "attachments that are cards"
	case !f.Has(said...):
		return ""
	}
	for _, name := range marks {
		if f.Has(name) {
			return "the field " + name
		}
	}
	return ""
}

// hasBlocks tells layout blocks from other things that are called so.
func hasBlocks(v dialect.Value) bool {
	for e := range v.Elements() {
		return e.Object().Has("type")
	}
	return false
}

// list returns an array, also one that is JSON in a string, as forms have it.
func list(f dialect.Object, name string) dialect.Value {
	v := f.Get(name)
	if s := v.Str(); s != "" && s[0] == '[' {
		if parsed, err := dialect.ParseJSON([]byte(s)); err == nil {
			return parsed
		}
	}
	return v
}

func detectPlain(r *dialect.Request) string {
	if _, ok := r.Fields.Get("text").Text(); !ok {
		return ""
	}
	for _, name := range r.Fields.Names() {
		if r.Fields.Has(name) && !slices.Contains(known, name) && !hollow(r.Fields.Get(name)) {
			return ""
		}
	}
	return "text"
}

// hollow reports whether a value is an array without elements: clients send
// "attachments":[] with a plain text.
func hollow(v dialect.Value) bool {
	for range v.Elements() {
		return false
	}
	return v.IsArray()
}
