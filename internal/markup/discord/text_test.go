package discord_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/discord"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

var snowflake = rapid.SampledFrom([]string{"1", "80351110224678912", "18446744073709551615"})

// dialect is all of the model that Discord's Markdown has.
var dialect = markuptest.Dialect{
	Parse: discord.ParseText,
	Print: discord.PrintText,
	Subset: markuptest.Subset{
		Kinds: []markup.Kind{
			markup.KindHeading, markup.KindQuote, markup.KindList, markup.KindCodeBlock, markup.KindContext,
			markup.KindStrong, markup.KindEmphasis, markup.KindStrike, markup.KindUnderline, markup.KindSpoiler, markup.KindCode,
			markup.KindLink, markup.KindMention, markup.KindEmoji, markup.KindTimestamp, markup.KindBreak,
		},
		Depth:      4,
		NoTasks:    true,
		LinkTitles: true,
		Mention: rapid.Custom(func(t *rapid.T) markup.Mention {
			target := rapid.SampledFrom([]markup.Target{
				markup.TargetUser, markup.TargetGroup, markup.TargetChannel, markup.TargetBroadcast,
			}).Draw(t, "target")
			if target == markup.TargetBroadcast {
				return markup.Mention{
					Target: target,
					Name:   rapid.SampledFrom([]string{markup.BroadcastHere, markup.BroadcastEveryone}).Draw(t, "name"),
				}
			}
			return markup.Mention{Target: target, ID: snowflake.Draw(t, "id")}
		}),
		Emoji: rapid.Custom(func(t *rapid.T) markup.Emoji {
			e := markup.Emoji{
				Name: rapid.SampledFrom([]string{"mmLol", "b1nzy", "a_b__c", "_x_"}).Draw(t, "name"), ID: snowflake.Draw(t, "id"),
				Animated: rapid.Bool().Draw(t, "animated"),
			}
			e.URL = discord.EmojiURL(e.ID, e.Animated)
			return e
		}),
		Timestamp: rapid.Custom(func(t *rapid.T) markup.Timestamp {
			return markup.Timestamp{
				Time: time.Unix(rapid.Int64Range(-1e10, 1e10).Draw(t, "time"), 0).UTC(),
				Format: rapid.SampledFrom([]markup.TimeFormat{
					markup.FormatDateTime, markup.FormatDateTimeLong, markup.FormatDate, markup.FormatDateLong,
					markup.FormatTime, markup.FormatTimeSeconds, markup.FormatRelative,
				}).Draw(t, "format"),
			}
		}),
		URL: rapid.SampledFrom([]string{
			"https://example.org", "http://example.org/a_b_c?x=1&amp;y=*2*#frag", "https://en.example.org/wiki/A_(b)",
			"https://x.example/((", `https://x.example/a\b`, "https://x.example/[1]?q=|a|", "http://localhost:8080/x~y~",
			"https://[::1]/é%20ü", "https://x.example/a'b\"c", "http://www.example.org", "https://example.org/.",
			"https://x.example/__init__.py", "https://x.example/**a**`b`~~c~~||d||", "https://x.example/\u200b",
		}),
		Keep: writable,
	},
	Lossy: true,
}

// writable reports whether Discord has everything in the document: no quote
// within another one, no heading below the third level, no style over lines of
// small print, and nothing but words in the labels of links.
func writable(d markup.Document) bool {
	ok := writableBlocks(d.Blocks, false)
	markup.Walk(d, func(n markup.Node) bool {
		if l, isLink := n.(markup.Link); isLink {
			plain := markup.PlainInline(l.Content)
			bare := l.Title == "" && (plain == l.URL || "mailto:"+plain == l.URL)
			ok = ok && (bare || words.MatchString(plain))
		}
		return ok
	})
	return ok
}

var words = regexp.MustCompile(`^[\pL\pN\pM .,!?-]+$`)

func writableBlocks(blocks []markup.Block, inQuote bool) bool {
	for _, b := range blocks {
		switch b := b.(type) {
		case markup.Heading:
			if b.Level > 3 {
				return false
			}
		case markup.Context:
			for _, n := range b.Content {
				if strings.Contains(markup.PlainInline(markup.Children(n)), "\n") {
					return false
				}
			}
		case markup.Quote:
			if inQuote || !writableBlocks(b.Blocks, true) {
				return false
			}
		case markup.List:
			for _, item := range b.Items {
				if !writableBlocks(item.Blocks, inQuote) {
					return false
				}
			}
		}
	}
	return true
}

func TestDialect(t *testing.T) { markuptest.Run(t, dialect) }

func FuzzParseText(f *testing.F) { markuptest.Fuzz(f, dialect) }

// What is printed where it takes a choice, and what stands for what Discord
// does not have.
func TestPrintText(t *testing.T) {
	text := func(s string) markup.Inline { return markup.Text(s) }
	code := func(s string) markup.Inline { return markup.Code(s) }
	none := markup.Degradations(nil)
	lost := func(kind markup.Kind, done markup.Action) markup.Degradations {
		return markup.Degradations{{Kind: kind, Done: done, Count: 1}}
	}
	for _, c := range []struct {
		blocks []markup.Block
		want   string
		lost   markup.Degradations
	}{
		// Delimiters that would run into each other, or into words.
		{[]markup.Block{para(em("a"), strong("b"))}, "_a_**b**", none},
		{[]markup.Block{para(em("a"), text("b"))}, "*a*b", none},
		{[]markup.Block{para(strong("a"), em("b"), text("c"))}, "**a**_b_\u200bc", none},
		{[]markup.Block{para(markup.Strong{Content: inlines{em("a"), text(" b")}})}, "**_a_ b**", none},
		{[]markup.Block{para(spoiler(text("a|")))}, "||a\\|\u200b||", none},
		{[]markup.Block{para(markup.Strong{Content: inlines{text("a "), code("x**y"), text(" b")}})}, "**a **`x**y`** b**", markup.Degradations{
			{Kind: markup.KindStrong, Done: markup.Flattened, Count: 1}, {Kind: markup.KindStrong, Done: markup.AsText, Count: 1},
		}},
		{[]markup.Block{para(spoiler(code("a || b")))}, "||a \\|\\| b||", lost(markup.KindCode, markup.AsText)},

		// Text that would be markup.
		{[]markup.Block{para(text("*a* _b ~~c~~ ~5 a|b `d` \\e"))}, "\\*a\\* \\_b \\~\\~c\\~\\~ ~5 a|b \\`d\\` \\\\e", none},
		{[]markup.Block{para(text("# a"), markup.Break{}, text("#b"), markup.Break{}, text("- c"), markup.Break{}, text("1. d"), markup.Break{}, text("> e"))}, "\\# a\n#b\n\\- c\n1\\. d\n\\> e", none},
		{[]markup.Block{para(text("[a](b) <@1> a < b :tada: @everyone"))}, "[a]\\(b) \\<@1> a < b \\:tada: @\u200beveryone", none},

		// Code.
		{[]markup.Block{para(code("a`b"), text(" "), code("`"), text(" "), code("``"))}, "``a`b`` `` ` `` ` `` `", none},
		{[]markup.Block{markup.CodeBlock{Text: "\n```\n"}}, "```\n\u200b\n``\u200b`\n\u200b\n```", none},
		{[]markup.Block{markup.CodeBlock{Language: "c/c++", Text: "x"}}, "```\nx\n```", lost(markup.KindCodeBlock, markup.Unreadable)},

		// Links.
		{[]markup.Block{para(link("https://e.org/a_(b)", text("a_b")))}, "[a_b](https://e.org/a_(b))", none},
		{[]markup.Block{para(link("https://e.org/(", text("a")))}, "[a](https://e.org/\\()", none},
		{[]markup.Block{para(link("https://e.org"), text("b"))}, "<https://e.org>b", none},
		{[]markup.Block{para(link("https://e.org", text("*a*")))}, "\\*a\\* (https://e.org)", lost(markup.KindLink, markup.AsText)},
		{[]markup.Block{para(link("https://e.org", text("https://other.example")))}, "https://other.example (https://e.org)", lost(markup.KindLink, markup.AsText)},
		{[]markup.Block{para(link("https://e.org", markup.Image{URL: "https://e.org/i.png", Alt: "a"}))}, "a (https://e.org/i.png) (https://e.org)", markup.Degradations{
			{Kind: markup.KindImage, Done: markup.AsLink, Count: 1}, {Kind: markup.KindLink, Done: markup.AsText, Count: 1},
		}},
		{[]markup.Block{para(link("slack://open", text("a")))}, "a (slack://open)", lost(markup.KindLink, markup.AsText)},

		// What Discord does not have.
		{[]markup.Block{markup.Heading{Level: 5, Content: inlines{text("a")}}}, "### a", lost(markup.KindHeading, markup.Flattened)},
		{[]markup.Block{markup.Rule{}}, "———", lost(markup.KindRule, markup.AsText)},
		{[]markup.Block{quote(para(text("a")), quote(para(text("b"))))}, "> a\n> \n> b", lost(markup.KindQuote, markup.Flattened)},
		{[]markup.Block{markup.List{Items: []markup.ListItem{{Task: markup.TaskDone, Blocks: item(para(text("a")))}}}}, "- ☑ a", lost(markup.KindList, markup.AsText)},
		{[]markup.Block{markup.Image{URL: "https://e.org/i.png", Alt: "a", Title: "b"}}, `[a](https://e.org/i.png "b")`, lost(markup.KindImage, markup.AsLink)},
		{[]markup.Block{markup.Image{URL: "https://e.org/i.png"}}, "https://e.org/i.png", lost(markup.KindImage, markup.AsLink)},
		{[]markup.Block{markup.Image{URL: "https://e.org/i.png", Alt: "a"}}, "[a](https://e.org/i.png)", lost(markup.KindImage, markup.AsLink)},
		{[]markup.Block{markup.Table{Header: markup.Row{inlines{text("a")}, inlines{text("b")}}, Rows: []markup.Row{{inlines{text("1")}, inlines{text("2")}}}}}, "```\na  b\n-  -\n1  2\n```", lost(markup.KindTable, markup.AsCode)},
		{[]markup.Block{para(markup.Mention{Target: markup.TargetUser, ID: "U1", Name: "a_b"})}, "@a\\_b", lost(markup.KindMention, markup.AsText)},
		{[]markup.Block{para(markup.Emoji{Name: "kekw"})}, ":kekw:", lost(markup.KindEmoji, markup.AsText)},
		{[]markup.Block{markup.Card{Title: inlines{text("a")}, URL: "https://e.org", Blocks: item(para(text("b")))}}, "> **[a](https://e.org)**\n> \n> b", lost(markup.KindCard, markup.AsQuote)},

		// Blocks that would be one.
		{[]markup.Block{quote(para(text("a"))), quote(para(text("b")))}, "> a\n\n> b", none},
		{[]markup.Block{ordered(1, item(para(text("a")))), ordered(1, item(para(text("b"))))}, "1. a\n\u200b\n1. b", none},
		{[]markup.Block{list(item(para(text("a")), markup.CodeBlock{Text: "b\n\nc"}), nil)}, "- a\n  ```\n  b\n\n  c\n  ```\n- \u200b", none},
	} {
		got, lost := discord.PrintText(markup.Document{Blocks: c.blocks})
		if got != c.want {
			t.Errorf("got %q\nwant %q", got, c.want)
		}
		if diff := cmp.Diff(c.lost, lost); diff != "" {
			t.Errorf("%q: losses (-want +got)\n%s", got, diff)
		}
	}
}

// Sizes are in code points, as Discord counts.
func TestSize(t *testing.T) {
	d := markup.Document{Blocks: []markup.Block{para(markup.Text("é🎉"), strong("x"))}}
	if got := discord.Size(d); got != len("é🎉**x**")-4 {
		t.Errorf("%d", got)
	}
}
