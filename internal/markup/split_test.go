package markup_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

// sizeIn is the length of a document's Markdown.
func sizeIn(unit func(string) int) func(markup.Document) int {
	return func(d markup.Document) int {
		s, _ := markup.PrintMarkdown(d)
		return unit(s)
	}
}

func printed(docs ...markup.Document) []string {
	out := []string{}
	for _, d := range docs {
		s, _ := markup.PrintMarkdown(d)
		out = append(out, s)
	}
	return out
}

func TestSplit(t *testing.T) {
	tests := map[string]struct {
		source string
		limit  int
		want   []string
	}{
		"nothing":         {"", 10, []string{}},
		"it fits":         {"a\n\nb", 10, []string{"a\n\nb"}},
		"blocks":          {"first one\n\nsecond one\n\nthird", 21, []string{"first one\n\nsecond one", "third"}},
		"lines":           {"first line\nsecond line\nthird", 25, []string{"first line\nsecond line", "third"}},
		"sentences":       {"One is here. Two is there. Three.", 30, []string{"One is here. Two is there.", "Three."}},
		"words":           {"several words of text", 15, []string{"several words", "of text"}},
		"no borders":      {"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		"styles":          {"**bold words here**", 12, []string{"**bold**", "**words**", "**here**"}},
		"fences":          {"```go\none\ntwo\nthree\n```", 21, []string{"```go\none\ntwo\n```", "```go\nthree\n```"}},
		"a last line end": {"```\nthis b\n\n```\n\n|cccc|\n|-|\n|d|", 14, []string{"```\nthis b\n```", "```\ncccc\nd\n```"}},
		"numbers go on":   {"9. aaaa\n10. bbbb\n11. cccc", 17, []string{"9. aaaa\n10. bbbb", "11. cccc"}},
		"within an item":  {"- aaaa bbbb cccc", 12, []string{"- aaaa bbbb", "- cccc"}},
		"quotes":          {"> aaaa bbbb\n> cccc", 12, []string{"> aaaa bbbb", "> cccc"}},
		"tables":          {"|a|\n|-|\n|1|\n|2|\n|3|", 30, []string{"| a |\n| --- |\n| 1 |\n| 2 |", "| a |\n| --- |\n| 3 |"}},
		"a family":        {"👨‍👩‍👧 👨‍👩‍👧", 8, []string{"👨‍👩‍👧", "👨‍👩‍👧"}},
		"marks":           {"e\u0301e\u0301e\u0301", 5, []string{"e\u0301e\u0301", "e\u0301"}},
		"flags":           {"🇩🇪🇫🇷", 3, []string{"🇩🇪", "🇫🇷"}},
		"a long URL":      {"[x](https://example.org/" + strings.Repeat("a", 20) + ")", 30, []string{"x (https://example.org/aaaaaaa", "aaaaaaaaaaaaa)"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			parts := markup.Split(markup.ParseMarkdown(test.source), test.limit, sizeIn(markup.Runes))
			if diff := cmp.Diff(test.want, printed(parts...)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestSplitFits(t *testing.T) {
	documents := markuptest.Documents(markuptest.Everything())
	units := map[string]func(string) int{"bytes": markup.Bytes, "runes": markup.Runes, "UTF-16": markup.UTF16}
	for name, unit := range units {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			doc, limit := documents.Draw(t, "document"), rapid.IntRange(80, 400).Draw(t, "limit")
			for _, p := range markup.Split(doc, limit, sizeIn(unit)) {
				if n := sizeIn(unit)(p); n > limit {
					t.Fatalf("a part of %d, more than %d:\n%s", n, limit, printed(p))
				}
			}
		}))
	}
}

// Without images, links and tables nothing is so long that it becomes plain text.
func TestSplitKeepsNodes(t *testing.T) {
	documents := markuptest.Documents(markuptest.Subset{
		Kinds: []markup.Kind{
			markup.KindHeading, markup.KindQuote, markup.KindList, markup.KindCodeBlock, markup.KindRule, markup.KindStrong, markup.KindEmphasis,
			markup.KindStrike, markup.KindUnderline, markup.KindSpoiler, markup.KindCode, markup.KindMention, markup.KindEmoji, markup.KindBreak,
		},
		Depth: 4,
	})
	rapid.Check(t, func(t *rapid.T) {
		doc := documents.Draw(t, "document")
		var got strings.Builder
		for _, p := range markup.Split(doc, rapid.IntRange(150, 400).Draw(t, "limit"), sizeIn(markup.Runes)) {
			got.WriteString(leaves(p))
		}
		if want := leaves(doc); got.String() != want {
			t.Fatalf("got  %q\nwant %q", got.String(), want)
		}
	})
}

// leaves returns everything that is not divided further, without white space.
func leaves(d markup.Document) string {
	var b strings.Builder
	markup.Walk(d, func(n markup.Node) bool {
		switch n := n.(type) {
		case markup.Text:
			b.WriteString(letters(string(n)))
		case markup.Code:
			b.WriteString(letters(string(n)))
		case markup.CodeBlock:
			b.WriteString(letters(n.Text))
		case markup.Mention, markup.Emoji, markup.Rule:
			fmt.Fprint(&b, n)
		}
		return true
	})
	return b.String()
}

// letters returns s without white space.
func letters(s string) string { return strings.Join(strings.Fields(s), "") }

func TestSplitKeepsText(t *testing.T) {
	texts := rapid.SliceOfN(markuptest.Text(), 1, 30)
	rapid.Check(t, func(t *rapid.T) {
		doc := markup.Normal(markup.Document{Blocks: []markup.Block{
			markup.Paragraph{Content: []markup.Inline{markup.Text(strings.Join(texts.Draw(t, "texts"), " "))}},
			markup.CodeBlock{Text: strings.Join(texts.Draw(t, "code"), "\n")},
		}})
		size := func(d markup.Document) int { return markup.Runes(markup.Plain(d)) }
		var got strings.Builder
		for _, p := range markup.Split(doc, rapid.IntRange(32, 200).Draw(t, "limit"), size) {
			got.WriteString(letters(markup.Plain(p)))
		}
		if want := letters(markup.Plain(doc)); got.String() != want {
			t.Fatalf("got  %q\nwant %q", got.String(), want)
		}
	})
}

func TestSplitCard(t *testing.T) {
	long := card
	long.Blocks = []markup.Block{long.Blocks[0], markup.CodeBlock{Text: strings.Repeat("line\n", 20) + "line"}, long.Blocks[1]}
	size := func(d markup.Document) int { return markup.Runes(markup.Plain(d)) }
	parts := markup.Split(markup.Document{Blocks: []markup.Block{long}}, 160, size)
	if len(parts) < 2 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, p := range parts {
		c, ok := p.Blocks[0].(markup.Card)
		if first, last := i == 0, i == len(parts)-1; !ok || len(p.Blocks) != 1 || c.Color != card.Color ||
			(len(c.Title) > 0) != first || (c.Thumbnail.URL != "") != first || (len(c.Footer) > 0) != last || c.Time.IsZero() == last {
			t.Errorf("part %d:\n%s", i, markup.Plain(p))
		}
	}
	// Its frame alone is longer than that.
	for _, p := range markup.Split(markup.Document{Blocks: []markup.Block{card}}, 60, size) {
		if n := size(p); n > 60 {
			t.Errorf("%d:\n%s", n, markup.Plain(p))
		}
	}
}

func TestClip(t *testing.T) {
	doc := markup.ParseMarkdown("one **two three** four")
	for limit, want := range map[int]string{100: "one **two three** four", 21: "one **two three**\n\n…", 3: "…"} {
		clipped, left := markup.Clip(doc, limit, sizeIn(markup.Runes))
		if got := printed(clipped)[0]; got != want || left != (limit != 100) {
			t.Errorf("%d: got %q, %v", limit, got, left)
		}
	}
}

func TestSplitIsLinear(t *testing.T) {
	for name, source := range map[string]string{
		"words":  strings.Repeat("some words. ", 1<<15),
		"blocks": strings.Repeat("a\n\n", 1<<16),
		"marks":  strings.Repeat("**a** ", 1<<15),
		"rows":   "|a|\n|-|\n" + strings.Repeat("|b|\n", 1<<16),
		"code":   "```\n" + strings.Repeat("code\n", 1<<16),
	} {
		parts := markup.Split(markup.ParseMarkdown(source), 2000, sizeIn(utf8.RuneCountInString))
		if len(parts) < 50 {
			t.Errorf("%s: %d parts", name, len(parts))
		}
	}
}

func ExampleSplit() {
	doc := markup.ParseMarkdown("```go\nfunc a() {}\nfunc b() {}\n```")
	size := func(d markup.Document) int {
		s, _ := markup.PrintMarkdown(d)
		return markup.UTF16(s)
	}
	for _, part := range markup.Split(doc, 25, size) {
		s, _ := markup.PrintMarkdown(part)
		fmt.Println(s)
	}
	// Output:
	// ```go
	// func a() {}
	// ```
	// ```go
	// func b() {}
	// ```
}
