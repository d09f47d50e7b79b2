package markup

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxListStart is the greatest number that CommonMark §5.2 lets a list begin with.
const maxListStart = 999_999_999

// Normal returns the document in the form that parsers deliver and printers
// rely on. In a normal document
//
//   - texts are valid UTF-8 without control characters, never empty, and never
//     beside each other; a line feed in a text is a Break; a bare URL or e-mail
//     address in a text is a Link;
//   - styles and links nest in one order ([Nest]) and do not begin or end with
//     white space; links do not hold links; a Link always has content;
//   - paragraphs do not begin or end with a Break nor hold two in a row, which
//     would be two paragraphs; lines have no white space at their ends, and
//     are indented by no-break spaces;
//   - what shows nothing is gone, but items of lists;
//   - two lists that could be one are one; rows have no empty cells at their
//     end and are no longer than their header;
//   - URLs have no spaces in them and run no script;
//   - blocks are at most [MaxDepth] deep; what is deeper is plain text.
//
// Nothing that could be seen is lost, except white space.
func Normal(d Document) Document {
	return Document{Blocks: normalBlocks(d.Blocks, 0)}
}

func normalBlocks(blocks []Block, depth int) []Block {
	out := make([]Block, 0, len(blocks))
	for _, b := range blocks {
		out = appendNormal(out, b, depth)
	}
	return mergeLists(out)
}

func appendNormal(out []Block, b Block, depth int) []Block {
	if depth >= MaxDepth && holdsBlocks(b) {
		b = Paragraph{Content: []Inline{Text(Plain(Document{Blocks: []Block{b}}))}}
	}
	switch b := b.(type) {
	case Paragraph:
		return append(out, normalParagraphs(b.Content)...)
	case Heading:
		if content := normalLine(b.Content); len(content) > 0 {
			return append(out, Heading{Level: min(max(b.Level, 1), 6), Content: content})
		}
	case Quote:
		if inner := normalBlocks(b.Blocks, depth+1); len(inner) > 0 {
			return append(out, Quote{Blocks: inner})
		}
	case List:
		if len(b.Items) > 0 {
			return append(out, normalList(b, depth))
		}
	case CodeBlock:
		if text := cleanCode(b.Text); text != "" {
			return append(out, CodeBlock{Language: cleanLanguage(b.Language), Text: text})
		}
	case Rule:
		return append(out, b)
	case Table:
		if t := normalTable(b); len(t.Header) > 0 {
			return append(out, t)
		}
	case Image:
		return appendImage(out, b)
	case Fields:
		if f := normalFields(b, depth); len(f.Fields) > 0 {
			return append(out, f)
		}
	case Context:
		if content := normalInline(b.Content); len(content) > 0 {
			return append(out, Context{Content: content})
		}
	case Card:
		if c := normalCard(b, depth); !c.isEmpty() {
			return append(out, c)
		}
	case Unknown:
		if isKnown(b.Name) {
			return append(out, normalParagraphs([]Inline{Text(b.Fallback)})...)
		}
		b.Fallback = cleanText(b.Fallback)
		return append(out, b)
	}
	return out
}

func holdsBlocks(b Block) bool {
	switch b.(type) {
	case Quote, List, Fields, Card:
		return true
	}
	return false
}

// appendImage keeps the description of an image that leads nowhere.
func appendImage(out []Block, img Image) []Block {
	switch n := normalImage(img).(type) {
	case Image:
		return append(out, n)
	case Text:
		return append(out, Paragraph{Content: []Inline{n}})
	}
	return out
}

func normalList(l List, depth int) List {
	items := make([]ListItem, len(l.Items))
	for i, item := range l.Items {
		items[i] = ListItem{Blocks: normalBlocks(item.Blocks, depth+1)}
		if item.Task == TaskOpen || item.Task == TaskDone {
			items[i].Task = item.Task
		}
	}
	if !l.Ordered {
		return List{Items: items}
	}
	return List{Ordered: true, Start: min(max(l.Start, 0), maxListStart), Items: items}
}

// mergeLists joins lists in a row of which the second continues the first.
func mergeLists(blocks []Block) []Block {
	out := blocks[:0]
	for _, b := range blocks {
		if next, ok := b.(List); ok && len(out) > 0 {
			if last, ok := out[len(out)-1].(List); ok && continues(last, next) {
				last.Items = append(last.Items, next.Items...)
				out[len(out)-1] = last
				continue
			}
		}
		out = append(out, b)
	}
	return out
}

func continues(last, next List) bool {
	return last.Ordered == next.Ordered && (!next.Ordered || next.Start == last.Start+len(last.Items))
}

func normalTable(t Table) Table {
	columns := 0
	rows := make([]Row, 0, len(t.Rows))
	header := normalRow(t.Header)
	columns = len(header)
	for _, r := range t.Rows {
		row := normalRow(r)
		columns = max(columns, len(row))
		rows = append(rows, row)
	}
	out := Table{Header: header, Rows: rows, Align: slices.Clone(t.Align)}
	for len(out.Header) < columns {
		out.Header = append(out.Header, nil)
	}
	for len(out.Align) < columns {
		out.Align = append(out.Align, AlignNone)
	}
	out.Align = out.Align[:columns]
	return out
}

func normalRow(r Row) Row {
	out := make(Row, 0, len(r))
	for _, cell := range r {
		out = append(out, trimStart(normalInline(cell)))
	}
	for len(out) > 0 && len(out[len(out)-1]) == 0 {
		out = out[:len(out)-1]
	}
	return out
}

func normalFields(f Fields, depth int) Fields {
	out := Fields{Fields: make([]Field, 0, len(f.Fields))}
	for _, field := range f.Fields {
		n := Field{Title: normalLine(field.Title), Value: normalBlocks(field.Value, depth+1), Short: field.Short}
		if len(n.Title) > 0 || len(n.Value) > 0 {
			out.Fields = append(out.Fields, n)
		}
	}
	return out
}

func normalCard(c Card, depth int) Card {
	out := Card{
		Color: ParseColor(string(c.Color)),
		Author: CardAuthor{
			Name:    cleanLine(c.Author.Name),
			URL:     cleanURL(c.Author.URL),
			IconURL: cleanURL(c.Author.IconURL),
		},
		Title:         normalLine(c.Title),
		URL:           cleanURL(c.URL),
		Blocks:        normalBlocks(c.Blocks, depth+1),
		Footer:        normalLine(c.Footer),
		FooterIconURL: cleanURL(c.FooterIconURL),
	}
	if img, ok := normalImage(c.Thumbnail).(Image); ok {
		out.Thumbnail = img
	}
	if inYears(c.Time) {
		out.Time = c.Time.UTC().Truncate(time.Millisecond)
	}
	return out
}

// isEmpty reports whether a normal card shows nothing but its frame.
func (c Card) isEmpty() bool {
	return len(c.Title) == 0 && len(c.Blocks) == 0 && len(c.Footer) == 0 && c.URL == "" &&
		c.Author.Name == "" && c.Thumbnail.URL == "" && c.Time.IsZero()
}

// normalParagraphs returns the paragraphs of content, which empty lines divide.
func normalParagraphs(content []Inline) []Block {
	runs := cleanRuns(content)
	var out []Block
	for len(runs) > 0 {
		end, next := paragraphEnd(runs)
		if p := nestTrimmed(runs[:end]); len(p) > 0 {
			if img, ok := p[0].(Image); ok && len(p) == 1 {
				out = append(out, img)
			} else {
				out = append(out, Paragraph{Content: p})
			}
		}
		runs = runs[next:]
	}
	return out
}

// paragraphEnd returns where the first paragraph ends and the next one begins.
func paragraphEnd(runs []Run) (end, next int) {
	breaks, first := 0, 0
	for i, r := range runs {
		switch {
		case isBreak(r):
			if breaks++; breaks == 1 {
				first = i
			}
		case breaks > 0 && r.blank():
			// A line of white space is an empty line.
		case breaks > 1:
			return first, startOfLine(runs, i)
		default:
			breaks = 0
		}
	}
	return len(runs), len(runs)
}

// startOfLine returns where the line of run i begins: after the last Break.
func startOfLine(runs []Run, i int) int {
	for i > 0 && !isBreak(runs[i-1]) {
		i--
	}
	return i
}

func isBreak(r Run) bool {
	_, ok := r.Node.(Break)
	return ok
}

// normalInline returns content without empty lines, which has no paragraphs.
func normalInline(content []Inline) []Inline {
	runs := trimRuns(cleanRuns(content))
	out := runs[:0]
	for _, r := range runs {
		if isBreak(r) && isBreak(out[len(out)-1]) {
			continue
		}
		out = append(out, r)
	}
	return nestTrimmed(out)
}

// normalLine returns content on one line.
func normalLine(content []Inline) []Inline {
	runs := cleanRuns(content)
	for i := range runs {
		if isBreak(runs[i]) {
			runs[i].Node = Text(" ")
		}
	}
	return trimStart(nestTrimmed(runs))
}

// trimStart removes the white space at the start of normal content.
func trimStart(content []Inline) []Inline {
	if len(content) == 0 {
		return nil
	}
	if text, ok := content[0].(Text); ok {
		content[0] = Text(strings.TrimLeftFunc(string(text), unicode.IsSpace))
		if content[0] == Inline(Text("")) {
			return content[1:]
		}
	}
	return content
}

// cleanRuns returns the runs of content, each of them normal.
func cleanRuns(content []Inline) []Run {
	runs := Runs(content)
	out := runs[:0]
	for _, r := range runs {
		if r.Node = normalLeaf(r.Node); r.Node == nil {
			continue
		}
		if r.URL != "" {
			r.URL, r.Title = cleanURL(r.URL), cleanLine(r.Title)
		}
		if r.URL == "" {
			r.Title = ""
		}
		out = append(out, r)
	}
	return linkify(breakLines(mergeRuns(out)))
}

// nestTrimmed builds the inline tree of lines.
func nestTrimmed(runs []Run) []Inline {
	return Nest(indentRuns(trimRuns(runs)))
}

// trimRuns removes Breaks at both ends and white space at both ends of lines,
// but for their indentation.
func trimRuns(runs []Run) []Run {
	out := make([]Run, 0, len(runs))
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		if atEnd := len(out) == 0 || isBreak(out[len(out)-1]); atEnd {
			if text, ok := r.Node.(Text); ok {
				r.Node = Text(strings.TrimRightFunc(string(text), unicode.IsSpace))
			}
		}
		if r.Node == Inline(Text("")) || isBreak(r) && len(out) == 0 {
			continue
		}
		out = append(out, r)
	}
	for len(out) > 0 && isBreak(out[len(out)-1]) {
		out = out[:len(out)-1]
	}
	slices.Reverse(out)
	return out
}

// indentRuns makes no-break spaces of the white space at the start of lines,
// with which people indent: no dialect drops those. A space by itself is
// carelessness.
func indentRuns(runs []Run) []Run {
	out := make([]Run, 0, len(runs))
	space := ""
	for _, r := range runs {
		if len(out) > 0 && !isBreak(out[len(out)-1]) {
			out = append(out, r)
			continue
		}
		if text, ok := r.Node.(Text); ok {
			rest := strings.TrimLeftFunc(string(text), unicode.IsSpace)
			space += string(text[:len(text)-len(rest)])
			if r.Node = Text(rest); rest == "" {
				continue
			}
		}
		if indent := indentOf(space); indent != "" {
			out = append(out, Run{Node: Text(indent), Style: r.Style, URL: r.URL, Title: r.Title})
		}
		space = ""
		out = append(out, r)
	}
	return out
}

// indentOf returns what stands for white space at the start of a line.
func indentOf(space string) string {
	const tab, most = 4, 40
	if space == " " {
		return ""
	}
	n := utf8.RuneCountInString(space) + (tab-1)*strings.Count(space, "\t")
	return strings.Repeat("\u00a0", min(n, most))
}

// normalLeaf returns a leaf in its normal form, and nil for one that shows nothing.
func normalLeaf(n Inline) Inline {
	switch n := n.(type) {
	case Text:
		return textOrNil(cleanText(string(n)))
	case Code:
		if s := strings.ReplaceAll(cleanText(string(n)), "\n", " "); s != "" {
			return Code(s)
		}
		return nil
	case Mention:
		return normalMention(n)
	case Emoji:
		return normalEmoji(n)
	case Timestamp:
		if !inYears(n.Time) {
			return textOrNil(cleanLine(n.Text))
		}
		return Timestamp{Time: n.Time.UTC().Truncate(time.Second), Format: normalFormat(n.Format), Text: cleanLine(n.Text)}
	case Image:
		return normalImage(n)
	case Unknown:
		if isKnown(n.Name) {
			return textOrNil(cleanText(n.Fallback))
		}
		n.Fallback = cleanText(n.Fallback)
		return n
	}
	return n
}

func textOrNil(s string) Inline {
	if s == "" {
		return nil
	}
	return Text(s)
}

func normalImage(n Image) Inline {
	out := Image{URL: cleanURL(n.URL), Alt: cleanLine(n.Alt), Title: cleanLine(n.Title)}
	if out.URL != "" {
		return out
	}
	if out.Alt != "" {
		return Text(out.Alt)
	}
	return textOrNil(out.Title)
}

func normalMention(n Mention) Inline {
	out := Mention{Target: n.Target, ID: cleanLine(n.ID), Name: cleanLine(n.Name)}
	switch {
	case out.ID == "" && out.Name == "":
		return nil
	case n.Target == TargetUser || n.Target == TargetChannel || n.Target == TargetGroup || n.Target == TargetBroadcast:
		return out
	}
	return Text(out.label())
}

func normalEmoji(n Emoji) Inline {
	out := Emoji{Name: strings.Trim(cleanLine(n.Name), ":"), ID: cleanLine(n.ID), URL: cleanURL(n.URL), Animated: n.Animated}
	if out.Name == "" {
		return normalImage(Image{URL: out.URL})
	}
	if out.ID == "" && out.URL == "" {
		if s, ok := LookupEmoji(out.Name); ok {
			return Text(s)
		}
	}
	return out
}

func normalFormat(f TimeFormat) TimeFormat {
	switch f {
	case FormatDateTimeLong, FormatDate, FormatDateLong, FormatTime, FormatTimeSeconds, FormatRelative:
		return f
	}
	return FormatDateTime
}

// inYears reports whether RFC 3339 can write t.
func inYears(t time.Time) bool {
	year := t.UTC().Year()
	return !t.IsZero() && year >= 0 && year <= 9999
}
