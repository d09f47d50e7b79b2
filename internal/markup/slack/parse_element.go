package slack

import (
	"github.com/nself-chat/hub/internal/markup"
)

// element reads an element of a block: a text object, an image, or something
// to act upon, of which the label and the choices remain.
func (r *reader) element(o object) []markup.Inline {
	switch kind := o.str("type"); kind {
	case "mrkdwn", "plain_text":
		return textInline(o)
	case "image":
		return []markup.Inline{imageOf(o)}
	case "button", "workflow_button", "icon_button":
		return r.button(o)
	default:
		r.unsupported(kind)
		return r.control(o)
	}
}

// button is a link when it leads somewhere.
func (r *reader) button(o object) []markup.Inline {
	label := textInline(o["text"])
	if len(label) == 0 {
		label = textInline(o["accessibility_label"])
	}
	url := o.str("url")
	if url == "" {
		url = o.object("workflow").object("trigger").str("url")
	}
	if url != "" {
		return []markup.Inline{markup.Link{URL: url, Content: label}}
	}
	r.unsupported(o.str("type"))
	return bracketed(label)
}

func bracketed(label []markup.Inline) []markup.Inline {
	if len(label) == 0 {
		return nil
	}
	out := append([]markup.Inline{markup.Text("[")}, label...)
	return append(out, markup.Text("]"))
}

// control is a menu, a picker or a field: "Label: choice, choice".
func (r *reader) control(o object) []markup.Inline {
	label := textInline(o["placeholder"])
	if len(label) == 0 {
		label = textInline(o["text"])
	}
	var choices [][]markup.Inline
	for _, option := range o.objects("options") {
		choices = append(choices, choice(option))
	}
	for _, group := range o.objects("option_groups") {
		choices = append(choices, textInline(group["label"]))
		for _, option := range group.objects("options") {
			choices = append(choices, choice(option))
		}
	}
	if len(choices) == 0 {
		choices = initial(o)
	}
	for _, name := range []string{"positive_button", "negative_button"} {
		if b := o.object(name); b != nil {
			choices = append(choices, bracketed(textInline(b["text"])))
		}
	}
	return spaced([][]markup.Inline{label, spaced(choices, ", ")}, ": ")
}

func choice(o object) []markup.Inline {
	out := textInline(o["text"])
	if url := o.str("url"); url != "" {
		out = []markup.Inline{markup.Link{URL: url, Content: out}}
	}
	if more := textInline(o["description"]); len(more) > 0 {
		out = append(append(out, markup.Text(" – ")), more...)
	}
	return out
}

// initial returns what is chosen or filled in at first.
func initial(o object) [][]markup.Inline {
	var out [][]markup.Inline
	for _, option := range append(o.objects("initial_option"), o.objects("initial_options")...) {
		out = append(out, choice(option))
	}
	for _, name := range []string{"initial_date", "initial_time", "initial_value"} {
		if v := asObject(o[name]); v != nil {
			out = append(out, inlineOf(richText(v.objects("elements"))))
		} else if s := o.str(name); s != "" {
			out = append(out, []markup.Inline{markup.Text(s)})
		}
	}
	if when := o.time("initial_date_time"); !when.IsZero() {
		out = append(out, []markup.Inline{markup.Timestamp{Time: when}})
	}
	for _, name := range []string{"initial_user", "initial_channel", "initial_conversation"} {
		target := markup.TargetChannel
		if name == "initial_user" {
			target = markup.TargetUser
		}
		for _, id := range append(stringsOf(o[name]), stringsOf(o[name+"s"])...) {
			out = append(out, []markup.Inline{markup.Mention{Target: target, ID: id}})
		}
	}
	return out
}

// inlineOf returns the text of blocks on one run.
func inlineOf(blocks []markup.Block) []markup.Inline {
	var out []markup.Inline
	for _, b := range markup.Normal(markup.Document{Blocks: blocks}).Blocks {
		if len(out) > 0 {
			out = append(out, markup.Break{})
		}
		switch b := b.(type) {
		case markup.Paragraph:
			out = append(out, b.Content...)
		case markup.Image:
			out = append(out, b)
		case markup.CodeBlock:
			out = append(out, markup.Code(b.Text))
		default:
			out = append(out, markup.Text(markup.Plain(markup.Document{Blocks: []markup.Block{b}})))
		}
	}
	return out
}
