package markup_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/markup"
)

// message is of the length and variety of what people and programs post.
const message = `**Deployment failed** on *production*, see [build 4711](https://ci.example.org/builds/4711) by @ann.bee

> exit status 1: ` + "`go vet ./...`" + ` found 3 problems

1. internal/api: unused result
2. internal/chat: ~~shadowed~~ fixed
   - nested
3. docs :warning:

` + "```go\nfunc main() {\n\tprintln(\"hello\")\n}\n```" + `

| job | took |
| --- | ---: |
| lint | 3 s |
| test | 120 s |

Next try at 16:20, ask in #releases or https://example.org/help.
`

func BenchmarkParseMarkdown(b *testing.B) {
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		markup.ParseMarkdown(message)
	}
}

func BenchmarkPrint(b *testing.B) {
	doc := markup.ParseMarkdown(message)
	for name, print := range map[string]func(){
		"Markdown": func() { markup.PrintMarkdown(doc) },
		"HTML":     func() { markup.PrintHTML(doc) },
		"plain":    func() { markup.Plain(doc) },
		"JSON":     func() { _, _ = json.Marshal(doc) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				print()
			}
		})
	}
}

func BenchmarkParseHTML(b *testing.B) {
	page, _ := markup.PrintHTML(markup.ParseMarkdown(message))
	b.ReportAllocs()
	for b.Loop() {
		markup.ParseHTML(page)
	}
}

func BenchmarkNormal(b *testing.B) {
	doc := markup.ParseMarkdown(message)
	b.ReportAllocs()
	for b.Loop() {
		markup.Normal(doc)
	}
}

func BenchmarkDecodeJSON(b *testing.B) {
	data, err := json.Marshal(markup.ParseMarkdown(message))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var doc markup.Document
		if err := json.Unmarshal(data, &doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	doc := markup.ParseMarkdown(strings.Repeat(message, 10))
	size := func(d markup.Document) int {
		s, _ := markup.PrintMarkdown(d)
		return markup.UTF16(s)
	}
	b.ReportAllocs()
	for b.Loop() {
		markup.Split(doc, 2000, size)
	}
}
