package discord

import (
	"reflect"
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// lower replaces what Discord's Markdown does not have by what it has.
func lower(d markup.Document, lost *markup.Degradations) markup.Document {
	l := lowerer{lost}
	d = markup.Mapper{Block: l.box}.Map(d)
	d = markup.Mapper{Block: l.block, Inline: l.inline}.Map(d)
	return markup.Normal(markup.Document{Blocks: l.unquote(d.Blocks, false)})
}

type lowerer struct{ lost *markup.Degradations }

// box replaces the blocks that become several others.
func (l lowerer) box(b markup.Block) []markup.Block {
	switch b := b.(type) {
	case markup.Card:
		l.lost.Add(markup.KindCard, markup.AsQuote)
		return []markup.Block{markup.Quote{Blocks: markup.CardBlocks(b)}}
	case markup.Fields:
		l.lost.Add(markup.KindFields, markup.AsText)
		return markup.FieldBlocks(b)
	}
	return []markup.Block{b}
}

// ruleText is what stands for a rule.
const ruleText = "———"

func (l lowerer) block(b markup.Block) []markup.Block {
	switch b := b.(type) {
	case markup.Heading:
		if b.Level > 3 {
			l.lost.Add(markup.KindHeading, markup.Flattened)
			b.Level = 3
		}
		return []markup.Block{b}
	case markup.Rule:
		l.lost.Add(markup.KindRule, markup.AsText)
		return paragraph(markup.Text(ruleText))
	case markup.Table:
		l.lost.Add(markup.KindTable, markup.AsCode)
		return []markup.Block{markup.TableCode(b)}
	case markup.Image:
		return paragraph(l.image(b)...)
	case markup.List:
		return []markup.Block{l.tasks(b)}
	case markup.Unknown:
		l.lost.Add(b.Name, markup.AsText)
		return paragraph(markup.Text(b.Fallback))
	}
	return []markup.Block{b}
}

func paragraph(content ...markup.Inline) []markup.Block {
	return []markup.Block{markup.Paragraph{Content: content}}
}

// tasks writes the check boxes of a list as characters.
func (l lowerer) tasks(list markup.List) markup.List {
	items := make([]markup.ListItem, len(list.Items))
	for i, item := range list.Items {
		box := map[markup.Task]markup.Text{markup.TaskOpen: "☐ ", markup.TaskDone: "☑ "}[item.Task]
		if box != "" {
			l.lost.Add(markup.KindList, markup.AsText)
			item = markup.ListItem{Blocks: withPrefix(box, item.Blocks)}
		}
		items[i] = item
	}
	list.Items = items
	return list
}

// withPrefix writes a text before blocks.
func withPrefix(prefix markup.Text, blocks []markup.Block) []markup.Block {
	if len(blocks) > 0 {
		if first, ok := blocks[0].(markup.Paragraph); ok {
			content := append([]markup.Inline{prefix}, first.Content...)
			return append(paragraph(content...), blocks[1:]...)
		}
	}
	return append(paragraph(prefix), blocks...)
}

func (l lowerer) inline(n markup.Inline) []markup.Inline {
	switch n := n.(type) {
	case markup.Mention:
		if !canMention(n) {
			l.lost.Add(markup.KindMention, markup.AsText)
			return text(n)
		}
	case markup.Emoji:
		if !isID(n.ID) || !isEmojiName(n.Name) {
			l.lost.Add(markup.KindEmoji, markup.AsText)
			return text(n)
		}
	case markup.Image:
		return l.image(n)
	case markup.Unknown:
		l.lost.Add(n.Name, markup.AsText)
		return text(n)
	case markup.Link:
		return l.link(n)
	}
	return []markup.Inline{n}
}

// text returns an inline as people read it without markup.
func text(n markup.Inline) []markup.Inline {
	return []markup.Inline{markup.Text(markup.PlainInline([]markup.Inline{n}))}
}

// canMention reports whether Discord has a mark for the mention.
func canMention(m markup.Mention) bool {
	if m.Target == markup.TargetBroadcast {
		return m.Name == markup.BroadcastHere || m.Name == markup.BroadcastEveryone || m.Name == markup.BroadcastChannel
	}
	return isID(m.ID)
}

// image returns a link to a picture: its clients show the picture below.
func (l lowerer) image(n markup.Image) []markup.Inline {
	l.lost.Add(markup.KindImage, markup.AsLink)
	if n.Alt == "" {
		n.Alt, n.Title = n.Title, ""
	}
	return l.link(markup.Link{URL: n.URL, Title: n.Title, Content: []markup.Inline{markup.Text(n.Alt)}})
}

// link returns a link that can be written, or its label with the URL after it.
func (l lowerer) link(n markup.Link) []markup.Inline {
	n.Content = l.label(n.Content)
	plain := markup.PlainInline(n.Content)
	if strings.TrimSpace(plain) == "" { // there is nothing to press
		for _, r := range markup.Runs(n.Content) {
			if r.Node.Kind() != markup.KindText {
				l.lost.Add(r.Node.Kind(), markup.AsText)
			}
		}
		plain = n.URL
		n.Content = []markup.Inline{markup.Text(n.URL)}
	}
	isWeb, isMail := isWebURL(n.URL), n.URL == "mailto:"+plain
	switch {
	case n.Title == "" && (isWeb && plain == n.URL || isMail || isHost(n, plain)):
		return l.bare(n, plain)
	case n.Title == "" && plain == n.URL:
		l.lost.Add(markup.KindLink, markup.AsText)
		return n.Content
	case isWeb && canMask(n):
		return []markup.Inline{n}
	}
	l.lost.Add(markup.KindLink, markup.AsText)
	out := slices.Clone(n.Content)
	if isWeb {
		bare := markup.Link{URL: n.URL}
		if plain == n.URL {
			return []markup.Inline{bare, markup.Text(" (" + n.Title + ")")}
		}
		out = append(out, markup.Text(" ("), bare, markup.Text(")"))
	} else {
		out = append(out, markup.Text(" ("+n.URL+")"))
	}
	if n.Title != "" {
		out = append(out, markup.Text(" "+n.Title))
	}
	return out
}

// isHost reports whether a link shows its URL without the scheme.
func isHost(n markup.Link, plain string) bool {
	return n.Title == "" && strings.HasPrefix(strings.ToLower(plain), "www.") && n.URL == "http://"+plain
}

// bare returns a link that shows where it leads. All of it has one style.
func (l lowerer) bare(n markup.Link, plain string) []markup.Inline {
	runs := markup.Runs(n.Content)
	for _, r := range runs {
		if r.Node.Kind() != markup.KindText || r.Style != runs[0].Style {
			l.lost.Add(r.Node.Kind(), markup.AsText)
			runs[0].Style &= r.Style
		}
	}
	runs[0].Node = markup.Text(plain)
	n.Content = markup.Nest(runs[:1])
	return []markup.Inline{n}
}

// label returns the content of a link without what Discord does not show there
// (discord-api-docs#6088).
func (l lowerer) label(content []markup.Inline) []markup.Inline {
	runs := unlink(markup.Runs(content))
	for i, r := range runs {
		switch n := r.Node.(type) {
		case markup.Mention, markup.Timestamp:
			l.lost.Add(n.Kind(), markup.AsText)
			runs[i].Node = text(n)[0]
		case markup.Break:
			l.lost.Add(markup.KindBreak, markup.Flattened)
			runs[i].Node = markup.Text(" ")
		}
	}
	return markup.Nest(runs)
}

// unlink returns runs without links: their URLs stand behind their labels.
func unlink(runs []markup.Run) []markup.Run {
	out := make([]markup.Run, 0, len(runs))
	for i, r := range runs {
		url := r.URL
		r.URL, r.Title = "", ""
		out = append(out, r)
		isLast := i+1 == len(runs) || runs[i+1].URL != url
		if url != "" && isLast && r.Node != markup.Inline(markup.Text(url)) {
			out = append(out, markup.Run{Node: markup.Text(" (" + url + ")")})
		}
	}
	return out
}

// canMask reports whether Discord shows the link with its label. In labels
// there are no escapes (discord-api-docs#6185), and no URLs
// (discord-api-docs#7721).
func canMask(n markup.Link) bool {
	if strings.Contains(markup.PlainInline(n.Content), "://") {
		return false
	}
	want := markup.Normal(markup.Document{Blocks: paragraph(n)})
	if len(want.Blocks) != 1 {
		return false
	}
	p, ok := want.Blocks[0].(markup.Paragraph)
	if !ok {
		return false
	}
	w := inlineWriter{lost: new(markup.Degradations), masks: true}
	return reflect.DeepEqual(ParseText(separated(w.inlines(p.Content, false, ""))), want)
}

// unquote takes quotes out of quotes.
func (l lowerer) unquote(blocks []markup.Block, inQuote bool) []markup.Block {
	out := make([]markup.Block, 0, len(blocks))
	for _, b := range blocks {
		switch b := b.(type) {
		case markup.Quote:
			inner := l.unquote(b.Blocks, true)
			if inQuote {
				l.lost.Add(markup.KindQuote, markup.Flattened)
				out = append(out, inner...)
				continue
			}
			out = append(out, markup.Quote{Blocks: inner})
		case markup.List:
			items := make([]markup.ListItem, len(b.Items))
			for i, item := range b.Items {
				items[i] = markup.ListItem{Blocks: l.unquote(item.Blocks, inQuote)}
			}
			b.Items = items
			out = append(out, b)
		default:
			out = append(out, b)
		}
	}
	return out
}
