package markuptest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
)

// Subset is what a dialect can write and read back. Paragraphs and texts are
// always part of it.
type Subset struct {
	Kinds []markup.Kind // what else there is
	Depth int           // how deep quotes and lists may be nested; 0: not at all

	NoLanguage  bool // code blocks without their language
	NoTasks     bool // lists without check boxes
	NoAlign     bool // tables without alignment
	LinkTitles  bool // links and images with a title
	BlocksAlone bool // list items hold one paragraph, and lists after it

	// What the dialect's mentions, emoji and timestamps look like. Kinds without
	// a generator are made of names only.
	Mention   *rapid.Generator[markup.Mention]
	Emoji     *rapid.Generator[markup.Emoji]
	Timestamp *rapid.Generator[markup.Timestamp]
	URL       *rapid.Generator[string]
	Text      *rapid.Generator[string]

	// Keep leaves out the documents that the dialect cannot write for other
	// reasons; nil: none. It gets normal documents.
	Keep func(markup.Document) bool
}

// Everything is all that the model can hold.
func Everything() Subset {
	return Subset{
		Kinds: []markup.Kind{
			markup.KindHeading, markup.KindQuote, markup.KindList, markup.KindCodeBlock, markup.KindRule, markup.KindTable,
			markup.KindFields, markup.KindContext, markup.KindCard, markup.KindImage,
			markup.KindStrong, markup.KindEmphasis, markup.KindStrike, markup.KindUnderline, markup.KindSpoiler, markup.KindCode,
			markup.KindLink, markup.KindMention, markup.KindEmoji, markup.KindTimestamp, markup.KindBreak, unknown,
		},
		Depth:      4,
		LinkTitles: true,
	}
}

// unknown is the kind of the Unknown nodes that are made.
const unknown markup.Kind = "hologram"

func (s Subset) has(kind markup.Kind) bool { return slices.Contains(s.Kinds, kind) }

// Documents returns normal documents of a subset, with texts full of what
// could be taken for markup.
func Documents(s Subset) *rapid.Generator[markup.Document] {
	out := rapid.Map(Raw(s), markup.Normal)
	if s.Keep != nil {
		out = out.Filter(s.Keep)
	}
	return out
}

// Raw returns documents as a careless parser would build them.
func Raw(s Subset) *rapid.Generator[markup.Document] {
	g := generator{s}
	return rapid.Custom(func(t *rapid.T) markup.Document {
		return markup.Document{Blocks: g.blocks(t, s.Depth, 4)}
	})
}

type generator struct{ Subset }

func (g generator) blocks(t *rapid.T, depth, most int) []markup.Block {
	out := make([]markup.Block, rapid.IntRange(1, most).Draw(t, "blocks"))
	for i := range out {
		out[i] = g.block(t, depth)
	}
	return out
}

// choices returns those of the kinds that the subset has.
func (g generator) choices(always markup.Kind, kinds ...markup.Kind) []markup.Kind {
	out := []markup.Kind{always, always}
	for _, k := range kinds {
		if g.has(k) {
			out = append(out, k)
		}
	}
	return out
}

func (g generator) block(t *rapid.T, depth int) markup.Block {
	kinds := g.choices(markup.KindParagraph, markup.KindHeading, markup.KindCodeBlock, markup.KindRule, markup.KindTable,
		markup.KindImage, markup.KindContext, unknown)
	if depth > 0 {
		kinds = append(kinds, g.choices(markup.KindParagraph, markup.KindQuote, markup.KindList, markup.KindFields, markup.KindCard)...)
	}
	switch rapid.SampledFrom(kinds).Draw(t, "block") {
	case markup.KindHeading:
		return markup.Heading{Level: rapid.IntRange(1, 6).Draw(t, "level"), Content: g.line(t)}
	case markup.KindCodeBlock:
		b := markup.CodeBlock{Text: Code().Draw(t, "code")}
		if !g.NoLanguage {
			b.Language = rapid.SampledFrom([]string{"", "go", "c++", "objective-c", "Dockerfile"}).Draw(t, "language")
		}
		return b
	case markup.KindRule:
		return markup.Rule{}
	case markup.KindTable:
		return g.table(t)
	case markup.KindImage:
		return g.image(t)
	case markup.KindContext:
		return markup.Context{Content: g.inlines(t, 2, false)}
	case markup.KindQuote:
		return markup.Quote{Blocks: g.blocks(t, depth-1, 3)}
	case markup.KindList:
		return g.list(t, depth)
	case markup.KindFields:
		return g.fields(t, depth)
	case markup.KindCard:
		return g.card(t, depth)
	case unknown:
		return g.unknown(t)
	}
	return markup.Paragraph{Content: g.inlines(t, 3, false)}
}

func (g generator) list(t *rapid.T, depth int) markup.List {
	l := markup.List{Ordered: rapid.Bool().Draw(t, "ordered")}
	if l.Ordered {
		l.Start = rapid.SampledFrom([]int{0, 1, 1, 1, 9, 99, 12345}).Draw(t, "start")
	}
	for range rapid.IntRange(1, 3).Draw(t, "items") {
		item := markup.ListItem{}
		if !g.NoTasks {
			item.Task = rapid.SampledFrom([]markup.Task{"", "", markup.TaskOpen, markup.TaskDone}).Draw(t, "task")
		}
		switch {
		case g.BlocksAlone:
			item.Blocks = []markup.Block{markup.Paragraph{Content: g.line(t)}}
			if depth > 1 && rapid.Bool().Draw(t, "nested") {
				item.Blocks = append(item.Blocks, g.list(t, depth-1))
			}
		case rapid.IntRange(0, 9).Draw(t, "empty") > 0:
			item.Blocks = g.blocks(t, depth-1, 2)
		}
		l.Items = append(l.Items, item)
	}
	return l
}

func (g generator) table(t *rapid.T) markup.Table {
	columns := rapid.IntRange(1, 3).Draw(t, "columns")
	var table markup.Table
	for range columns {
		align := markup.AlignNone
		if !g.NoAlign {
			align = rapid.SampledFrom([]markup.Align{"", markup.AlignLeft, markup.AlignCenter, markup.AlignRight}).Draw(t, "align")
		}
		table.Align = append(table.Align, align)
		table.Header = append(table.Header, g.line(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "rows") {
		var row markup.Row
		for range rapid.IntRange(0, columns).Draw(t, "cells") {
			row = append(row, g.inlines(t, 2, false))
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

func (g generator) fields(t *rapid.T, depth int) markup.Fields {
	var f markup.Fields
	for range rapid.IntRange(1, 3).Draw(t, "fields") {
		f.Fields = append(f.Fields, markup.Field{
			Title: g.line(t), Value: g.blocks(t, depth-1, 2), Short: rapid.Bool().Draw(t, "short"),
		})
	}
	return f
}

func (g generator) card(t *rapid.T, depth int) markup.Card {
	c := markup.Card{
		Color:  rapid.SampledFrom([]markup.Color{"", "#ff0000", "#2eb67d"}).Draw(t, "color"),
		Author: markup.CardAuthor{Name: Text().Draw(t, "author")},
		Title:  g.line(t),
		Blocks: g.blocks(t, depth-1, 3),
		Footer: g.line(t),
	}
	if rapid.Bool().Draw(t, "links") {
		c.URL, c.Author.URL, c.Author.IconURL, c.FooterIconURL = g.url(t), g.url(t), g.url(t), g.url(t)
		c.Thumbnail = g.image(t)
		c.Time = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).UTC()
	}
	return c
}

func (g generator) unknown(t *rapid.T) markup.Unknown {
	fallback := Text().Draw(t, "fallback")
	return markup.Unknown{
		Name: unknown, Fallback: fallback,
		JSON: fmt.Sprintf(`{"fallback":%s,"lumen":[1,2.50],"type":%q}`, quoteJSON(fallback), unknown),
	}
}

// line returns inlines without a Break.
func (g generator) line(t *rapid.T) []markup.Inline { return g.inlines(t, 2, true) }

func (g generator) inlines(t *rapid.T, depth int, oneLine bool) []markup.Inline {
	out := make([]markup.Inline, 0, 8)
	for range rapid.IntRange(1, 4).Draw(t, "inlines") {
		n := g.inline(t, depth, oneLine)
		apart := rapid.Bool().Draw(t, "apart")
		switch n.Kind() {
		case markup.KindMention, markup.KindEmoji: // seldom within words
			if apart = rapid.IntRange(0, 19).Draw(t, "apart") > 0; apart {
				out = append(out, markup.Text(" "))
			}
		}
		if out = append(out, n); apart {
			out = append(out, markup.Text(" "))
		}
	}
	return out
}

func (g generator) inline(t *rapid.T, depth int, oneLine bool) markup.Inline {
	kinds := g.choices(markup.KindText, markup.KindCode, markup.KindMention, markup.KindEmoji, markup.KindTimestamp, markup.KindImage, unknown)
	if !oneLine && g.has(markup.KindBreak) {
		kinds = append(kinds, markup.KindBreak)
	}
	if depth > 0 {
		kinds = append(kinds, g.choices(markup.KindText, markup.KindStrong, markup.KindEmphasis, markup.KindStrike,
			markup.KindUnderline, markup.KindSpoiler, markup.KindLink)...)
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "inline")
	switch kind {
	case markup.KindText:
		if g.Text != nil {
			return markup.Text(g.Text.Draw(t, "text"))
		}
		return markup.Text(Text().Draw(t, "text"))
	case markup.KindBreak:
		return markup.Break{}
	case markup.KindCode:
		return markup.Code(strings.ReplaceAll(Code().Draw(t, "code"), "\n", " "))
	case markup.KindMention:
		return g.mention(t)
	case markup.KindEmoji:
		if g.Emoji != nil {
			return g.Emoji.Draw(t, "emoji")
		}
		return markup.Emoji{Name: rapid.SampledFrom([]string{"partyparrot", "lgtm", "shipit-now"}).Draw(t, "emoji")}
	case markup.KindTimestamp:
		if g.Timestamp != nil {
			return g.Timestamp.Draw(t, "timestamp")
		}
		return markup.Timestamp{Time: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).UTC()}
	case markup.KindImage:
		return g.image(t)
	case unknown:
		return g.unknown(t)
	}
	content := g.inlines(t, depth-1, oneLine)
	switch kind {
	case markup.KindStrong:
		return markup.Strong{Content: content}
	case markup.KindEmphasis:
		return markup.Emphasis{Content: content}
	case markup.KindStrike:
		return markup.Strike{Content: content}
	case markup.KindUnderline:
		return markup.Underline{Content: content}
	case markup.KindSpoiler:
		return markup.Spoiler{Content: content}
	}
	link := markup.Link{URL: g.url(t), Content: content}
	if g.LinkTitles && rapid.Bool().Draw(t, "titled") {
		link.Title = Text().Draw(t, "title")
	}
	if rapid.IntRange(0, 3).Draw(t, "bare") == 0 {
		link.Content = nil
	}
	return link
}

func (g generator) mention(t *rapid.T) markup.Mention {
	if g.Mention != nil {
		return g.Mention.Draw(t, "mention")
	}
	target := rapid.SampledFrom([]markup.Target{markup.TargetUser, markup.TargetChannel, markup.TargetBroadcast}).Draw(t, "target")
	names := []string{"bob", "alice.b", "jörg_x", "a-b"}
	switch target {
	case markup.TargetChannel:
		names = []string{"general", "dev-ops", "größe"}
	case markup.TargetBroadcast:
		names = []string{markup.BroadcastHere, markup.BroadcastChannel, markup.BroadcastEveryone}
	}
	return markup.Mention{Target: target, Name: rapid.SampledFrom(names).Draw(t, "name")}
}

func (g generator) image(t *rapid.T) markup.Image {
	img := markup.Image{URL: g.url(t), Alt: Text().Draw(t, "alt")}
	if g.LinkTitles && rapid.Bool().Draw(t, "titled") {
		img.Title = Text().Draw(t, "title")
	}
	return img
}

func (g generator) url(t *rapid.T) string {
	if g.URL != nil {
		return g.URL.Draw(t, "url")
	}
	return rapid.SampledFrom([]string{
		"https://example.org", "http://example.org/a_b_c?x=1&amp;y=*2*#frag", "https://en.example.org/wiki/A_(b)", "https://x.example/((",
		`https://x.example/a\b`, "mailto:me@example.org", "https://x.example/[1]?q=|a|", "http://localhost:8080/x~y~", "https://[::1]/é%20ü",
		"/relative", "slack://open", "https://x.example/a'b\"c", "http://www.example.org", "https://example.org/.",
	}).Draw(t, "url")
}
