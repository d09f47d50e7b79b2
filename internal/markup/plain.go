package markup

import (
	"strconv"
	"strings"
	"time"
)

// Plain returns the document as text without markup: for search, for
// notifications, and for destinations that know nothing else. Links are
// followed by their URL, quotes and lists keep their marks.
func Plain(d Document) string { return plainBlocks(d.Blocks, "\n\n") }

// PlainInline returns the text of inlines as [Plain] does.
func PlainInline(content []Inline) string {
	var b strings.Builder
	plainInlines(&b, content)
	return b.String()
}

func plainBlocks(blocks []Block, between string) string {
	parts := make([]string, 0, len(blocks))
	for _, b := range blocks {
		if s := plainBlock(b); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, between)
}

func plainBlock(b Block) string {
	switch b := b.(type) {
	case Paragraph:
		return PlainInline(b.Content)
	case Heading:
		return PlainInline(b.Content)
	case Context:
		return PlainInline(b.Content)
	case Quote:
		return indent("> ", "> ", plainBlocks(b.Blocks, "\n\n"))
	case List:
		return plainList(b)
	case CodeBlock:
		return b.Text
	case Rule:
		return "———"
	case Table:
		return plainTable(b)
	case Image:
		return plainImage(b)
	case Fields:
		return plainFields(b)
	case Card:
		return plainCard(b)
	case Unknown:
		return b.Fallback
	}
	return ""
}

func plainList(l List) string {
	lines := make([]string, len(l.Items))
	for i, item := range l.Items {
		mark := "• "
		if l.Ordered {
			mark = strconv.Itoa(l.Start+i) + ". "
		}
		text := plainBlocks(item.Blocks, "\n")
		switch item.Task {
		case TaskOpen:
			text = "☐ " + text
		case TaskDone:
			text = "☑ " + text
		}
		lines[i] = indent(mark, strings.Repeat(" ", len([]rune(mark))), text)
	}
	return strings.Join(lines, "\n")
}

// indent puts a mark before the first line of s and another before the others.
func indent(first, others, s string) string {
	return first + strings.ReplaceAll(s, "\n", "\n"+others)
}

func plainTable(t Table) string {
	lines := make([]string, 0, len(t.Rows)+1)
	for _, row := range append([]Row{t.Header}, t.Rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.ReplaceAll(PlainInline(cell), "\n", " ")
		}
		if line := strings.Join(cells, " | "); strings.Trim(line, " |") != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func plainImage(n Image) string {
	label := n.Alt
	if label == "" {
		label = n.Title
	}
	return withURL(label, n.URL)
}

func withURL(label, url string) string {
	switch {
	case url == "" || label == url || "mailto:"+label == url:
		return label
	case label == "":
		return url
	}
	return label + " (" + url + ")"
}

func plainFields(f Fields) string {
	lines := make([]string, 0, len(f.Fields))
	for _, field := range f.Fields {
		title, value := PlainInline(field.Title), plainBlocks(field.Value, "\n")
		switch {
		case title == "":
			lines = append(lines, value)
		case strings.Contains(value, "\n"):
			lines = append(lines, title+":\n"+value)
		default:
			lines = append(lines, title+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

func plainCard(c Card) string {
	footer := PlainInline(c.Footer)
	if !c.Time.IsZero() {
		footer = strings.TrimPrefix(footer+" · "+c.Time.UTC().Format(plainDateTime), " · ")
	}
	parts := make([]string, 0, 5)
	for _, s := range []string{
		withURL(c.Author.Name, c.Author.URL),
		withURL(PlainInline(c.Title), c.URL),
		plainBlocks(c.Blocks, "\n"),
		plainImage(c.Thumbnail),
		footer,
	} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "\n")
}

func plainInlines(b *strings.Builder, content []Inline) {
	for _, n := range content {
		switch n := n.(type) {
		case Text:
			b.WriteString(string(n))
		case Code:
			b.WriteString(string(n))
		case Link:
			b.WriteString(withURL(PlainInline(n.Content), n.URL))
		case Spoiler:
			b.WriteString("||")
			plainInlines(b, n.Content)
			b.WriteString("||")
		case Mention:
			b.WriteString(n.label())
		case Emoji:
			b.WriteString(":" + n.Name + ":")
		case Timestamp:
			b.WriteString(n.Plain())
		case Break:
			b.WriteByte('\n')
		case Image:
			b.WriteString(plainImage(n))
		case Unknown:
			b.WriteString(n.Fallback)
		default:
			plainInlines(b, Children(n))
		}
	}
}

const plainDateTime = "2006-01-02 15:04 UTC"

// Plain returns the moment as text: as its sender would, else in UTC.
func (n Timestamp) Plain() string {
	if n.Text != "" {
		return n.Text
	}
	layout := plainDateTime
	switch n.Format {
	case FormatDateTimeLong:
		layout = "Monday, 2 January 2006 15:04 UTC"
	case FormatDate:
		layout = time.DateOnly
	case FormatDateLong:
		layout = "2 January 2006"
	case FormatTime:
		layout = "15:04 UTC"
	case FormatTimeSeconds:
		layout = "15:04:05 UTC"
	}
	return n.Time.UTC().Format(layout)
}

// label returns the mention as people read it: "@name", "#name".
func (n Mention) label() string {
	name := n.Name
	if name == "" {
		name = n.ID
	}
	if n.Target == TargetChannel {
		return "#" + name
	}
	return "@" + name
}
