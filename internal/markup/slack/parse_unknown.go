package slack

import "github.com/nself-chat/hub/internal/markup"

// shownFirst are the names under which blocks have what they show, in the order
// in which they show it. Blocks come and go; these names have lasted.
var shownFirst = []string{
	"icon", "title", "rich_text_title", "name", "filename", "subtitle", "status", "label", "caption", "hero_image", "image_url",
	"text", "body", "description", "details", "output", "value", "subtext", "hint", "call", "v1",
	"fields", "elements", "child_blocks", "tasks", "rows", "options", "sources", "accessory", "actions",
	"connected_identity", "connected_context",
}

// shownInstead are the names of what stands for a block that shows nothing.
var shownInstead = []string{"fallback", "alt_text"}

// linksOf are the names under which blocks have where they lead.
var linksOf = []string{"title_url", "title_link", "url", "join_url", "auth_url", "permalink", "from_url"}

// anything reads an object of a kind that is not known by the names in it.
func (r *reader) anything(o object) []markup.Block {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxNesting {
		return text(markup.Text(compact(o)))
	}
	var out []markup.Block
	for _, name := range shownFirst {
		out = append(out, r.value(o, name)...)
	}
	if url := o.first(linksOf...); url != "" {
		out = linkFirst(out, url)
	}
	if shows(out) {
		return out
	}
	for _, name := range shownInstead {
		if blocks := r.value(o, name); shows(blocks) {
			return blocks
		}
	}
	return nil
}

// value reads what an object has under a name.
func (r *reader) value(o object, name string) []markup.Block {
	switch v := o[name].(type) {
	case nil:
		return nil
	case []any:
		var out []markup.Block
		for _, e := range v {
			out = append(out, r.value(object{name: e}, name)...)
		}
		return out
	case map[string]any:
		return r.valueObject(v)
	}
	if name == "image_url" {
		return []markup.Block{imageOf(o)}
	}
	return textBlocks(o[name])
}

func (r *reader) valueObject(o object) []markup.Block {
	if out, ok := r.known(o); ok {
		return out
	}
	switch o.str("type") {
	case "mrkdwn", "plain_text":
		return textBlocks(o)
	case "button", "workflow_button", "icon_button":
		return text(r.element(o)...)
	}
	if o["action_id"] != nil || o["placeholder"] != nil {
		return text(r.element(o)...)
	}
	return r.anything(o)
}

// linkFirst makes a link of the first paragraph.
func linkFirst(blocks []markup.Block, url string) []markup.Block {
	if len(blocks) > 0 {
		if p, ok := blocks[0].(markup.Paragraph); ok {
			first := markup.Paragraph{Content: []markup.Inline{markup.Link{URL: url, Content: p.Content}}}
			return append([]markup.Block{first}, blocks[1:]...)
		}
	}
	return append(blocks, text(markup.Link{URL: url})...)
}
