package slack

import "github.com/nself-chat/hub/internal/markup"

// lowerer replaces blocks that a text of Slack cannot hold. What is left:
// paragraphs; blocks of code; quotes, which hold paragraphs and lists, and
// code in rich text; and lists, whose items hold paragraphs, then lists.
type lowerer struct {
	lost        *markup.Degradations
	codeInQuote bool
}

// lower lowers normal blocks to normal blocks.
func (l lowerer) lower(blocks []markup.Block) []markup.Block {
	if l.fits(blocks, "") {
		return blocks
	}
	return markup.Normal(markup.Document{Blocks: l.blocks(blocks)}).Blocks
}

// fits reports whether blocks that are within a block of some kind are such
// already.
func (l lowerer) fits(blocks []markup.Block, within markup.Kind) bool {
	for i, b := range blocks {
		ok := false
		switch b := b.(type) {
		case markup.Paragraph:
			ok = within != markup.KindList || i == 0 || blocks[i-1].Kind() == markup.KindParagraph
		case markup.CodeBlock:
			ok = within == "" || within == markup.KindQuote && l.codeInQuote
		case markup.Quote:
			ok = within == "" && l.fits(b.Blocks, markup.KindQuote)
		case markup.List:
			ok = true
			for _, item := range b.Items {
				ok = ok && item.Task == markup.NoTask && l.fits(item.Blocks, markup.KindList)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func (l lowerer) blocks(blocks []markup.Block) []markup.Block {
	out := make([]markup.Block, 0, len(blocks))
	for _, b := range blocks {
		out = append(out, l.block(b)...)
	}
	return out
}

func (l lowerer) block(b markup.Block) []markup.Block {
	switch b := b.(type) {
	case markup.Heading:
		l.lost.Add(markup.KindHeading, markup.AsText)
		return text(markup.Strong{Content: b.Content})
	case markup.Quote:
		return l.quote(b)
	case markup.List:
		return l.list(b)
	case markup.Rule:
		l.lost.Add(markup.KindRule, markup.AsText)
		return text(markup.Text("———"))
	case markup.Table:
		l.lost.Add(markup.KindTable, markup.AsCode)
		return []markup.Block{markup.TableCode(b)}
	case markup.Image:
		return text(l.image(b))
	case markup.Fields:
		l.lost.Add(markup.KindFields, markup.AsText)
		return l.blocks(markup.FieldBlocks(b))
	case markup.Context:
		l.lost.Add(markup.KindContext, markup.AsText)
		if img, ok := b.Content[0].(markup.Image); ok && len(b.Content) == 1 {
			return text(l.image(img))
		}
		return []markup.Block{markup.Paragraph(b)}
	case markup.Card:
		l.lost.Add(markup.KindCard, markup.AsQuote)
		return l.quote(markup.Quote{Blocks: markup.CardBlocks(b)})
	case markup.Unknown:
		l.lost.Add(b.Name, markup.AsText)
		return text(markup.Text(b.Fallback))
	}
	return []markup.Block{b}
}

// image returns what is written for a picture on a line of its own. As an
// image it would become a block again.
func (l lowerer) image(img markup.Image) markup.Inline {
	n := imageLink(img, false, l.lost)
	if img, ok := n.(markup.Image); ok {
		return markup.Link{URL: img.URL, Content: []markup.Inline{markup.Text(img.Alt)}}
	}
	return n
}

func text(content ...markup.Inline) []markup.Block {
	return []markup.Block{markup.Paragraph{Content: content}}
}

// quote makes several quotes out of one with code in it, where code cannot be
// quoted. A quote in a quote keeps its marks as text.
func (l lowerer) quote(q markup.Quote) []markup.Block {
	var out, inner []markup.Block
	end := func() {
		if len(inner) > 0 {
			out = append(out, markup.Quote{Blocks: inner})
		}
		inner = nil
	}
	for _, b := range l.blocks(q.Blocks) {
		switch b := b.(type) {
		case markup.Quote:
			l.lost.Add(markup.KindQuote, markup.AsText)
			inner = append(inner, marked(b.Blocks)...)
		case markup.CodeBlock:
			if !l.codeInQuote {
				l.lost.Add(markup.KindQuote, markup.Flattened)
				end()
				out = append(out, b)
				continue
			}
			inner = append(inner, b)
		default:
			inner = append(inner, b)
		}
	}
	end()
	return out
}

// marked puts "> " before every line of paragraphs.
func marked(blocks []markup.Block) []markup.Block {
	out := make([]markup.Block, len(blocks))
	for i, b := range blocks {
		out[i] = b
		if p, ok := b.(markup.Paragraph); ok {
			runs := []markup.Run{{Node: markup.Text("> ")}}
			for _, r := range markup.Runs(p.Content) {
				if runs = append(runs, r); isBreak(r) {
					runs = append(runs, markup.Run{Node: markup.Text("> ")})
				}
			}
			out[i] = markup.Paragraph{Content: markup.Nest(runs)}
		}
	}
	return out
}

// list moves what an item cannot hold behind it, and continues the list after
// that.
func (l lowerer) list(list markup.List) []markup.Block {
	var out []markup.Block
	part := list
	part.Items = nil
	end := func(next int) {
		if len(part.Items) > 0 {
			out = append(out, part)
		}
		part.Items, part.Start = nil, list.Start+next
	}
	for i, item := range list.Items {
		held, behind := splitItem(l.blocks(item.Blocks))
		if item.Task != markup.NoTask {
			l.lost.Add(markup.KindList, markup.AsText)
			held = withBox(item.Task, held)
		}
		part.Items = append(part.Items, markup.ListItem{Blocks: held})
		if len(behind) > 0 {
			l.lost.Add(markup.KindList, markup.Flattened)
			end(i + 1)
			out = append(out, behind...)
		}
	}
	end(len(list.Items))
	return out
}

// splitItem returns the paragraphs and lists that an item begins with, and the rest.
func splitItem(blocks []markup.Block) (held, behind []markup.Block) {
	lists := false
	for i, b := range blocks {
		switch b.(type) {
		case markup.List:
			lists = true
			continue
		case markup.Paragraph:
			if !lists {
				continue
			}
		}
		return blocks[:i], blocks[i:]
	}
	return blocks, nil
}

// withBox puts a check box before the text of an item.
func withBox(task markup.Task, blocks []markup.Block) []markup.Block {
	box := markup.Text("☐ ")
	if task == markup.TaskDone {
		box = "☑ "
	}
	if len(blocks) > 0 {
		if p, ok := blocks[0].(markup.Paragraph); ok {
			first := markup.Paragraph{Content: append([]markup.Inline{box}, p.Content...)}
			return append([]markup.Block{first}, blocks[1:]...)
		}
	}
	return append(text(box), blocks...)
}
