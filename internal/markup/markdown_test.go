package markup_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

var markdown = markuptest.Dialect{
	Parse: markup.ParseMarkdown,
	Print: markup.PrintMarkdown,
	Subset: markuptest.Subset{
		Kinds: []markup.Kind{
			markup.KindHeading, markup.KindQuote, markup.KindList, markup.KindCodeBlock, markup.KindRule, markup.KindTable, markup.KindImage,
			markup.KindStrong, markup.KindEmphasis, markup.KindStrike, markup.KindUnderline, markup.KindSpoiler, markup.KindCode,
			markup.KindLink, markup.KindMention, markup.KindEmoji, markup.KindBreak,
		},
		Depth:      5,
		LinkTitles: true,
	},
	Lossy: true,
}

func TestMarkdown(t *testing.T) { markuptest.Run(t, markdown) }

func FuzzMarkdown(f *testing.F) { markuptest.Fuzz(f, markdown) }

// leftOut is in the HTML of all lists, quotes and tables, and not in the examples.
var leftOut = strings.NewReplacer(` dir="auto"`, "", ` aria-label="Task"`, "")

// What is read, shown as HTML.
func TestParseMarkdown(t *testing.T) {
	for name, example := range examples(t, "testdata/markdown.txt") {
		t.Run(name, func(t *testing.T) {
			got, _ := markup.PrintHTML(markup.ParseMarkdown(example.source))
			if diff := cmp.Diff(example.want, strings.TrimSuffix(leftOut.Replace(got), "\n")); diff != "" {
				t.Errorf("%s\n-want +got\n%s", example.source, diff)
			}
		})
	}
	for source, want := range map[string]string{
		"": "", " \n\t\n": "", "\uFEFFa": "<p>a</p>\n", "a\r\nb\rc\x00\xff": "<p>a<br>\nb<br>\nc\uFFFD\uFFFD</p>\n",
	} {
		if got, _ := markup.PrintHTML(markup.ParseMarkdown(source)); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

type example struct{ source, want string }

// examples reads a file of names, sources and what is wanted of them.
func examples(t *testing.T, file string) map[string]example {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]example{}
	for _, s := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n=== ")[1:] {
		name, s, _ := strings.Cut(s, "\n")
		source, want, ok := strings.Cut(s, "\n=>\n")
		if _, double := out[name]; double || !ok {
			t.Fatalf("%s: %s", file, name)
		}
		out[name] = example{source, want}
	}
	return out
}

// What is printed reads well: nothing is escaped that need not be.
func TestPrintMarkdownIsReadable(t *testing.T) {
	for _, s := range []string{
		"Fixed in v1.2.3 (see #123): snake_case, 2 * 3, a || b, ~5 minutes, C:\\dir, f(x) -> y & z < 3; 100%!",
		"**Bold**, *italic*, ~~old~~, <u>underlined</u> and ||hidden||.",
		"See https://example.org/a_b?c=d, [here](https://example.org/x \"t\") and www.example.org (me@example.org).",
		"@ann in #general :corp: 🎉",
		"# Heading",
		"- a\n- b\n  - c\n\n1. x\n2. y",
		"- [ ] open\n- [x] done",
		"> quote\n>\n> > nested",
		"```go\nfunc main() {}\n```",
		"| a | b |\n| --- | ---: |\n| 1 | `x\\|y` |",
		"std::vector::size at 10:30:45",
		"a[i] = b[j](k)"[:11],
	} {
		if got, lost := markup.PrintMarkdown(markup.ParseMarkdown(s)); got != s || len(lost) > 0 {
			t.Errorf("%s\nwas printed as\n%s\n%v", s, got, lost)
		}
	}
}

func TestPrintMarkdownDegrades(t *testing.T) {
	doc := markup.Document{Blocks: []markup.Block{
		card,
		markup.Context{Content: []markup.Inline{markup.Text("small")}},
		markup.Unknown{Name: "poll", Fallback: "Tea?"},
		markup.Paragraph{Content: []markup.Inline{
			markup.Timestamp{Time: card.Time, Format: markup.FormatDate},
			markup.Text(" "),
			markup.Emoji{Name: "corp", ID: "7"},
			markup.Text(" x"),
			markup.Mention{Target: markup.TargetUser, Name: "ann"},
		}},
	}}
	got, lost := markup.PrintMarkdown(doc)
	want := strings.Join([]string{
		"> [CI](https://ci.example.org)", ">", "> **[Build failed](https://ci.example.org/1)**", ">", "> *3 of 9* jobs", ">",
		"> **Branch**: main", "> **Log**: see below", ">", "> **Steps**:", ">", "> - one", "> - two", ">",
		"> ![logo](https://ci.example.org/logo.png)", ">", "> ci · 2026-04-20 16:20 UTC", "",
		"small", "", "Tea?", "", "2026-04-20 :corp: x\\@ann",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	wantLost := markup.Degradations{
		{Kind: markup.KindFields, Done: markup.AsText, Count: 1},
		{Kind: markup.KindCard, Done: markup.AsQuote, Count: 1},
		{Kind: markup.KindTimestamp, Done: markup.AsText, Count: 2},
		{Kind: markup.KindContext, Done: markup.AsText, Count: 2},
		{Kind: "poll", Done: markup.AsText, Count: 1},
		{Kind: markup.KindEmoji, Done: markup.AsText, Count: 1},
		{Kind: markup.KindMention, Done: markup.AsText, Count: 1},
	}
	if diff := cmp.Diff(wantLost, lost); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
