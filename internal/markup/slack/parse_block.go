package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// blocks reads layout blocks.
func (r *reader) blocks(list []any) []markup.Block {
	r.depth++
	defer func() { r.depth-- }()
	var out []markup.Block
	for _, v := range list {
		o := asObject(v)
		switch {
		case o == nil:
			out = append(out, textBlocks(v)...)
		case r.depth > maxNesting:
			out = append(out, markup.Paragraph{Content: []markup.Inline{markup.Text(compact(v))}})
		default:
			out = joinFields(out, r.block(o))
		}
	}
	return out
}

// joinFields adds blocks; fields that follow fields are one grid with them.
func joinFields(out, blocks []markup.Block) []markup.Block {
	if len(out) > 0 && len(blocks) > 0 {
		before, ok := out[len(out)-1].(markup.Fields)
		if next, too := blocks[0].(markup.Fields); ok && too {
			out[len(out)-1] = markup.Fields{Fields: append(before.Fields, next.Fields...)}
			blocks = blocks[1:]
		}
	}
	return append(out, blocks...)
}

// block reads a block of any kind.
func (r *reader) block(o object) []markup.Block {
	if out, ok := r.known(o); ok {
		return out
	}
	r.unsupported(o.str("type"))
	return r.anything(o)
}

// known reads a block of a kind that is known.
func (r *reader) known(o object) ([]markup.Block, bool) {
	var out []markup.Block
	switch o.str("type") {
	case "section":
		out = r.section(o)
	case "header":
		out = []markup.Block{markup.Heading{Level: max(o.number("level"), 1), Content: textInline(o["text"])}}
	case "divider":
		out = []markup.Block{markup.Rule{}}
	case "image":
		out = []markup.Block{imageOf(o)}
	case "context":
		out = []markup.Block{markup.Context{Content: spaced(r.elements(o), " ")}}
	case "actions", "context_actions":
		out = text(spaced(r.elements(o), " · ")...)
	case "rich_text":
		out = richText(o.objects("elements"))
	case "markdown":
		out = markup.ParseMarkdown(o.str("text")).Blocks
	case "video":
		out = []markup.Block{video(o)}
	case "input":
		out = r.input(o)
	case "file":
		out = r.file(o)
	case "table", "data_table":
		out = r.table(o)
	case "data_visualization":
		out = chart(o)
	case "card", "container", "alert":
		out = []markup.Block{r.box(o)}
	default:
		return nil, false
	}
	return out, true
}

// section is a text, fields, and one element beside them.
func (r *reader) section(o object) []markup.Block {
	out := textBlocks(o["text"])
	if fields := o.list("fields"); len(fields) > 0 {
		out = append(out, sectionFields(fields))
	}
	if e := o.object("accessory"); e != nil {
		if e.str("type") == "image" {
			out = append(out, imageOf(e))
		} else {
			out = append(out, text(r.element(e)...)...)
		}
	}
	return out
}

func sectionFields(list []any) markup.Fields {
	var out markup.Fields
	for _, v := range list {
		f := sectionField(v)
		f.Short = len(list) > 1 // two of them stand side by side
		out.Fields = append(out.Fields, f)
	}
	return out
}

// sectionField reads a field, which has a title by convention only: bold text
// on a line of its own, or before a colon.
func sectionField(v any) markup.Field {
	s, x := textObject(v)
	line, rest, _ := strings.Cut(strings.TrimSpace(withLineFeeds(s)), "\n")
	runs := x.line(strings.TrimRight(line, " \t"))
	title, value, ok := splitTitle(runs)
	if !ok {
		return markup.Field{Value: textBlocks(v)}
	}
	out := markup.Field{Title: content(title)}
	if len(value) > 0 {
		out.Value = paragraphs(value)
	}
	if rest != "" {
		out.Value = append(out.Value, x.blocks(rest)...)
	}
	return out
}

// splitTitle returns the bold text that a line begins with, without the colon
// that sets it apart from the rest of the line.
func splitTitle(line []markup.Run) (title, value []markup.Run, ok bool) {
	n, colon := 0, false
	for n < len(line) && !colon && (line[n].Style&markup.StyleStrong != 0 || n > 0 && isBlank(line[n])) {
		line[n].Style &^= markup.StyleStrong
		s := strings.TrimSpace(textOf(line[n]))
		if colon = strings.HasSuffix(s, ":"); colon {
			line[n].Node = markup.Text(strings.TrimSuffix(s, ":"))
		}
		n++
	}
	title, value = line[:n], line[n:]
	if n == 0 || len(value) == 0 {
		return title, nil, n > 0
	}
	s := textOf(value[0])
	if !colon {
		if s, colon = strings.CutPrefix(s, ":"); !colon {
			return nil, nil, false
		}
	}
	if textOf(value[0]) != "" {
		value[0].Node = markup.Text(strings.TrimLeft(s, " \t"))
	}
	return title, value, true
}

// textOf returns the characters of a text; "" for anything else.
func textOf(r markup.Run) string {
	s, _ := r.Node.(markup.Text)
	return string(s)
}

// imageOf reads an image block or element. A file of Slack's may have no URL.
func imageOf(o object) markup.Image {
	img := markup.Image{
		URL: o.str("image_url"), Alt: o.first("alt_text", "fallback"), Title: markup.PlainInline(textInline(o["title"])),
	}
	if img.Alt == noAlt {
		img.Alt = ""
	}
	if img.URL == "" {
		img.URL = o.object("slack_file").str("url")
	}
	return img
}

// elements reads the elements of a context or actions block.
func (r *reader) elements(o object) [][]markup.Inline {
	var out [][]markup.Inline
	for _, v := range o.list("elements") {
		if e := asObject(v); e != nil {
			out = append(out, r.element(e))
		} else {
			out = append(out, textInline(v))
		}
	}
	return out
}

// spaced joins runs of text, with a separator between them.
func spaced(parts [][]markup.Inline, separator markup.Text) []markup.Inline {
	var out []markup.Inline
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, separator)
		}
		out = append(out, part...)
	}
	return out
}

// input is a form field, which only modals can have.
func (r *reader) input(o object) []markup.Block {
	out := text(markup.Strong{Content: textInline(o["label"])})
	if e := o.object("element"); e != nil {
		out = append(out, text(r.element(e)...)...)
	}
	return append(out, markup.Context{Content: textInline(o["hint"])})
}

// file is a file of another service, or one of Slack's.
func (r *reader) file(o object) []markup.Block {
	if f := o.object("file"); f != nil {
		return text(fileLink(f))
	}
	r.unsupported("file")
	return text(markup.Text("📄 " + o.first("external_id", "file_id")))
}

func video(o object) markup.Card {
	return markup.Card{
		Author: markup.CardAuthor{Name: o.first("author_name", "provider_name"), IconURL: o.str("provider_icon_url")},
		Title:  textInline(o["title"]),
		URL:    o.first("title_url", "video_url"),
		Blocks: append(textBlocks(o["description"]), markup.Image{URL: o.str("thumbnail_url"), Alt: o.str("alt_text")}),
		Footer: textInline(o["provider_name"]),
	}
}

// alertColors are the colours of the levels of an alert.
var alertColors = map[string]markup.Color{"success": "good", "warning": "warning", "error": "danger", "info": "blue"}

// box is a block with a frame.
func (r *reader) box(o object) markup.Card {
	c := markup.Card{Color: alertColors[o.str("level")]}
	rest := object{}
	for name, v := range o {
		rest[name] = v
	}
	if title := textInline(o["title"]); len(title) > 0 {
		c.Title = title
		delete(rest, "title")
	}
	c.Blocks = r.anything(rest)
	return c
}
