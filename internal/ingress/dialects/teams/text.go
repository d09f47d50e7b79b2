package teams

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// What Teams puts into texts beside Markdown: mentions, and times that each reader
// sees in their own zone ("Text features in Adaptive Cards").
var (
	mention = regexp.MustCompile(`<at>([^<>]{1,200})</at>`)
	moment  = regexp.MustCompile(`\{\{(DATE|TIME)\(([^(),{}]{1,40})[^(){}]{0,20}\)\}\}`)
)

// text reads a text in Markdown. Lines ended by \r, as some senders write them, are
// lines.
func text(s string) []markup.Block {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if strings.Contains(s, "<at>") {
		s = mention.ReplaceAllString(s, "@$1")
	}
	if strings.Contains(s, "{{") {
		s = moment.ReplaceAllStringFunc(s, timestamp)
	}
	return dialect.Markdown(s)
}

func timestamp(s string) string {
	parts := moment.FindStringSubmatch(s)
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(parts[2]))
	if err != nil {
		return s
	}
	style := "D"
	if parts[1] == "TIME" {
		style = "t"
	}
	return "<t:" + strconv.FormatInt(t.Unix(), 10) + ":" + style + ">"
}

// line reads a text that has one line: its words, and where its first link leads.
func line(s string) (words, url string) {
	doc := markup.Normal(dialect.Say(text(s)...))
	markup.Walk(doc, func(n markup.Node) bool {
		if link, ok := n.(markup.Link); ok && url == "" {
			url = link.URL
		}
		return true
	})
	doc = markup.MapInlines(doc, func(n markup.Inline) []markup.Inline {
		if link, ok := n.(markup.Link); ok {
			return link.Content
		}
		return []markup.Inline{n}
	})
	return strings.Join(strings.Fields(markup.Plain(doc)), " "), url
}

// facts reads pairs of a title and a value.
func facts(list dialect.Value, title string) []markup.Block {
	var f dialect.Facts
	for e := range list.Elements() {
		if f.Len() == dialect.MaxFields {
			break
		}
		fact := e.Object()
		name, _ := line(fact.Str(title))
		name = strings.TrimSuffix(name, ":")
		value := text(fact.Str("value"))
		if short := markup.Plain(dialect.Say(value...)); len(short) <= 40 && !strings.Contains(short, "\n") {
			f.AddLine(name, inlines(value)...)
			continue
		}
		f.AddBlocks(name, value...)
	}
	return f.Blocks()
}

// inlines returns the content of a single paragraph, and the text of anything else.
func inlines(blocks []markup.Block) []markup.Inline {
	if len(blocks) == 1 {
		if p, ok := blocks[0].(markup.Paragraph); ok {
			return p.Content
		}
	}
	return dialect.Line(dialect.Txt(markup.Plain(dialect.Say(blocks...))))
}

// spaced puts links beside each other.
func spaced(links []markup.Inline) []markup.Block {
	if len(links) == 0 {
		return nil
	}
	content := []markup.Inline{links[0]}
	for _, l := range links[1:] {
		content = append(content, dialect.Txt(" · "), l)
	}
	return []markup.Block{markup.Paragraph{Content: content}}
}
