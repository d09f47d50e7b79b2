package dialect

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// Colours of what is reported. A product's own are used where it has some.
const (
	Red    markup.Color = "#d1242f" // broken, firing, closed without success
	Orange markup.Color = "#e8912d" // a warning
	Yellow markup.Color = "#daa038" // waiting
	Green  markup.Color = "#2da44e" // well, resolved, open
	Blue   markup.Color = "#0969da" // news
	Purple markup.Color = "#8250df" // merged, done
	Grey   markup.Color = "#868686" // gone, canceled
)

// Txt is plain text: nothing in it is markup.
func Txt(s string) markup.Inline { return markup.Text(s) }

// Bold is plain text of importance.
func Bold(s string) markup.Inline { return markup.Strong{Content: []markup.Inline{markup.Text(s)}} }

// Fixed is text as it is, in a fixed-width font, on one line.
func Fixed(s string) markup.Inline { return markup.Code(strings.Join(strings.Fields(s), " ")) }

// Link is text that leads to a URL, and just text when that is no web address. The
// text of a link without one is its URL.
func Link(url, text string) markup.Inline {
	switch {
	case !IsWebURL(url):
		return markup.Text(text)
	case text == "":
		text = url
	}
	return markup.Link{URL: url, Content: []markup.Inline{markup.Text(text)}}
}

// Line is a list of inlines.
func Line(content ...markup.Inline) []markup.Inline { return content }

// Para is a paragraph of inlines.
func Para(content ...markup.Inline) markup.Block { return markup.Paragraph{Content: content} }

// Plain is text of one or several paragraphs in which nothing is markup.
func Plain(s string) []markup.Block {
	var out []markup.Block
	for part := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		var line []markup.Inline
		for text := range strings.SplitSeq(strings.Trim(part, "\n"), "\n") {
			if line != nil {
				line = append(line, markup.Break{})
			}
			line = append(line, markup.Text(text))
		}
		if strings.TrimSpace(part) != "" {
			out = append(out, markup.Paragraph{Content: line})
		}
	}
	return out
}

// Markdown is text that its sender writes in GitHub's Markdown or one like it.
func Markdown(s string) []markup.Block { return markup.ParseMarkdown(s).Blocks }

// Facts gathers labelled values, leaving out empty ones.
type Facts struct{ fields []markup.Field }

// Add adds plain text. It is short when it fits beside another.
func (f *Facts) Add(title, text string) {
	if text = strings.TrimSpace(text); text != "" {
		f.add(title, Plain(text), len(text) <= 40 && !strings.Contains(text, "\n"))
	}
}

// AddLine adds inlines; none are left out.
func (f *Facts) AddLine(title string, content ...markup.Inline) {
	if strings.TrimSpace(markup.PlainInline(content)) != "" {
		f.add(title, []markup.Block{markup.Paragraph{Content: content}}, shownLength(content) <= 40)
	}
}

// shownLength is how many bytes of inlines are seen: of a link not where it leads.
func shownLength(content []markup.Inline) (n int) {
	for _, inline := range content {
		switch inline := inline.(type) {
		case markup.Text:
			n += len(inline)
		case markup.Code:
			n += len(inline)
		case markup.Link:
			if len(inline.Content) == 0 {
				n += len(inline.URL)
			}
			n += shownLength(inline.Content)
		default:
			n += shownLength(markup.Children(inline))
		}
	}
	return n
}

// AddLink adds a text that leads to a URL.
func (f *Facts) AddLink(title, url, text string) {
	if text != "" || IsWebURL(url) {
		f.AddLine(title, Link(url, text))
	}
}

// AddBlocks adds a long value.
func (f *Facts) AddBlocks(title string, blocks ...markup.Block) {
	if !(markup.Document{Blocks: blocks}).IsEmpty() {
		f.add(title, blocks, false)
	}
}

func (f *Facts) add(title string, value []markup.Block, short bool) {
	f.fields = append(f.fields, markup.Field{Title: []markup.Inline{markup.Text(title)}, Value: value, Short: short})
}

// Len is the number of values.
func (f *Facts) Len() int { return len(f.fields) }

// Blocks returns the values as blocks of a card; none when there are none.
func (f *Facts) Blocks() []markup.Block {
	if len(f.fields) == 0 {
		return nil
	}
	return []markup.Block{markup.Fields{Fields: f.fields}}
}

// Say makes a document of blocks.
func Say(blocks ...markup.Block) markup.Document { return markup.Document{Blocks: blocks} }

// Moment reads a time as senders write it: RFC 3339, with a space instead of the T
// or without a zone (then UTC), or a number of seconds, milliseconds, microseconds
// or nanoseconds since 1970. The zero time when it is none, or before 1980 or
// after 2200: senders write 0001-01-01 for "never".
func Moment(v Value) time.Time {
	s := v.Str()
	if s == "" || len(s) > 64 {
		return time.Time{}
	}
	t := moment(s)
	if t.Year() < 1980 || t.Year() > 2200 {
		return time.Time{}
	}
	return t.UTC()
}

var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
	time.RFC1123Z, time.RFC1123,
}

func moment(s string) time.Time {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return time.Time{}
		}
		for n >= 1e11 { // not seconds
			n /= 1000
		}
		if n < 1e8 {
			return time.Time{} // a number, not a time
		}
		return time.UnixMilli(int64(n * 1000))
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// When is a moment that each reader sees in their own time zone; just the text
// when it is none.
func When(v Value) markup.Inline {
	t := Moment(v)
	if t.IsZero() {
		return markup.Text(v.Str())
	}
	return markup.Timestamp{Time: t, Text: t.Format("2006-01-02 15:04:05 UTC")}
}

// Short returns the beginning of a commit's name.
func Short(sha string) string { return sha[:min(len(sha), 7)] }

// FirstLine returns the first line of a text that says something.
func FirstLine(s string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(first)
}

// Title writes a word of a program, as pull_request or buildFinished, for people.
func Title(word string) string {
	var b strings.Builder
	previous := ' '
	for i, r := range word {
		switch {
		case r == '_' || r == '-' || r == '.':
			r = ' '
		case i > 0 && r >= 'A' && r <= 'Z' && previous >= 'a' && previous <= 'z':
			b.WriteByte(' ')
			r += 'a' - 'A'
		case i == 0 && r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		}
		b.WriteRune(r)
		previous = r
	}
	return b.String()
}

// Count writes a number with a word: "1 file", "3 files".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
