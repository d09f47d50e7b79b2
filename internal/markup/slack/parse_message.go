package slack

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// maxNesting is how deep blocks may be within blocks, such as containers; of
// what is deeper only the text is left.
const maxNesting = 16

// ParseMessage reads what a message says: text, blocks and attachments, with
// mrkdwn, parse and link_names, of an object in JSON as it is sent to an
// incoming webhook or chat.postMessage, or comes in an event or an export. It
// looks at nothing else of it. With blocks the text is what notifications show,
// and left out.
//
// Buttons without a URL, menus and other things to act upon are shown as text
// and recorded as degradations under Slack's name for them. The error is a
// [hub.Error] with code Invalid for data that is no JSON object.
func ParseMessage(data []byte) (markup.Document, markup.Degradations, error) {
	v, err := decode(data)
	if err != nil {
		err = fmt.Errorf("decode a Slack message: %w", err)
		return markup.Document{}, nil, hub.Wrap(hub.Invalid, err, "The message is not valid JSON.")
	}
	o := asObject(v)
	if o == nil {
		return markup.Document{}, nil, hub.Errorf(hub.Invalid, "The message is not a JSON object.")
	}
	r := reader{}
	d := markup.Normal(markup.Document{Blocks: r.message(o)})
	return d, r.lost, nil
}

// reader reads the parts of a message.
type reader struct {
	lost  markup.Degradations
	depth int // of blocks within blocks
}

func (r *reader) message(o object) []markup.Block {
	out := r.blocks(o.list("blocks"))
	if !shows(out) {
		out = textSyntax(o).blocks(o.str("text"))
	}
	for _, a := range o.objects("attachments") {
		out = append(out, r.attachment(a)...)
	}
	return out
}

// textSyntax returns how the text of a message is to be read.
func textSyntax(o object) syntax {
	x := mrkdwn
	if !o.flag("mrkdwn", true) {
		x = unstyled
	}
	if o.str("parse") == "full" {
		x = plainText // it ignores all markup
		x.names = true
	}
	x.names = x.names || o.flag("link_names", false)
	return x
}

// unsupported records something to act upon that is shown as text.
func (r *reader) unsupported(kind string) {
	const longest = 50
	if kind == "" || len(kind) > longest || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
		kind = "unknown"
	}
	r.lost.Add(markup.Kind(kind), markup.AsText)
}

// textObject is a text object, or a string in its place.
func textObject(v any) (s string, x syntax) {
	o := asObject(v)
	if o == nil {
		return asString(v), plainText
	}
	if o.str("type") == "mrkdwn" {
		return o.str("text"), mrkdwn
	}
	x = plainText
	x.verbatim = !o.flag("emoji", true)
	return o.str("text"), x
}

// textBlocks reads a text object that has room for blocks.
func textBlocks(v any) []markup.Block {
	s, x := textObject(v)
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return x.blocks(s)
}

// textInline reads a text object as one run of text.
func textInline(v any) []markup.Inline {
	s, x := textObject(v)
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return content(x.lines(strings.Split(withLineFeeds(s), "\n")))
}

// compact returns a JSON value as text; "" for one that cannot be shown.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
