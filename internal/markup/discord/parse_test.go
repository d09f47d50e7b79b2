package discord_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/discord"
)

type inlines = []markup.Inline

func para(content ...markup.Inline) markup.Block { return markup.Paragraph{Content: content} }
func strong(s markup.Text) markup.Inline         { return markup.Strong{Content: inlines{s}} }
func em(s markup.Text) markup.Inline             { return markup.Emphasis{Content: inlines{s}} }
func spoiler(n ...markup.Inline) markup.Inline   { return markup.Spoiler{Content: n} }
func quote(blocks ...markup.Block) markup.Block  { return markup.Quote{Blocks: blocks} }

func link(url string, content ...markup.Inline) markup.Inline {
	return markup.Link{URL: url, Content: content}
}

func list(items ...[]markup.Block) markup.List {
	var l markup.List
	for _, blocks := range items {
		l.Items = append(l.Items, markup.ListItem{Blocks: blocks})
	}
	return l
}

func ordered(start int, items ...[]markup.Block) markup.List {
	l := list(items...)
	l.Ordered, l.Start = true, start
	return l
}

func item(blocks ...markup.Block) []markup.Block { return blocks }

// What Discord's clients show, above all where CommonMark says something else.
func TestParseText(t *testing.T) {
	text := func(s string) markup.Text { return markup.Text(s) }
	user := func(id string) markup.Inline { return markup.Mention{Target: markup.TargetUser, ID: id} }
	at := func(format markup.TimeFormat) markup.Inline {
		return markup.Timestamp{Time: time.Unix(1_700_000_000, 0).UTC(), Format: format}
	}
	everyone := markup.Mention{Target: markup.TargetBroadcast, Name: markup.BroadcastEveryone}
	here := markup.Mention{Target: markup.TargetBroadcast, Name: markup.BroadcastHere}

	for source, want := range map[string][]markup.Block{
		// Styles. The longer one of two wins, and emphasis of two alike.
		"**a** *b* _c_":       {para(strong("a"), text(" "), em("b"), text(" "), em("c"))},
		"***a***":             {para(markup.Strong{Content: inlines{em("a")}})},
		"__a__ ~~b~~ ||c||":   {para(markup.Underline{Content: inlines{text("a")}}, text(" "), markup.Strike{Content: inlines{text("b")}}, text(" "), spoiler(text("c")))},
		"a*b*c":               {para(text("a"), em("b"), text("c"))},
		"snake_case_name":     {para(text("snake_case_name"))},
		"2 * 3 * 4":           {para(text("2 * 3 * 4"))},
		"** a **":             {para(strong("a"))},
		"**a\n# b**":          {para(markup.Strong{Content: inlines{text("a"), markup.Break{}, text("# b")}})},
		"||a\n\nb||":          {para(spoiler(text("a"))), para(spoiler(text("b")))},
		"~~a~~_":              {para(text("~~a~~_"))},
		`\*a\* \_b\_ \\ \d`:   {para(text(`*a* _b_ \ \d`))},
		`¯\_(ツ)_/¯`:           {para(text(`¯\_(ツ)_/¯`))},
		"**a *b** c*":         {para(strong("a *b"), text(" c*"))},
		"unclosed **a __b ||": {para(text("unclosed **a __b ||"))},

		// Code.
		"`a\\`b":               {para(markup.Code(`a\`), text("b"))},
		"``a`b``":              {para(markup.Code("a`b"))},
		"`` ` ``":              {para(markup.Code("`"))},
		"```go\nx\n```":        {markup.CodeBlock{Language: "go", Text: "x"}},
		"```go x```":           {markup.CodeBlock{Text: "go x"}},
		"```\n\n  x\n\n```":    {markup.CodeBlock{Text: "  x"}},
		"a ```\n# x\n``` b":    {para(text("a")), markup.CodeBlock{Text: "# x"}, para(text("b"))},
		"||```\na\n\nb\n```||": {para(spoiler(markup.Code("a"))), para(spoiler(markup.Code("b")))},
		"```\nopen":            {para(text("```"), markup.Break{}, text("open"))},

		// Blocks.
		"# a\n## b\n### c\n#### d":   {markup.Heading{Level: 1, Content: inlines{text("a")}}, markup.Heading{Level: 2, Content: inlines{text("b")}}, markup.Heading{Level: 3, Content: inlines{text("c")}}, para(text("#### d"))},
		"#a\na # b":                  {para(text("#a"), markup.Break{}, text("a # b"))},
		"-# a\n-# **b**\nc":          {markup.Context{Content: inlines{text("a"), markup.Break{}, strong("b")}}, para(text("c"))},
		"-# a\n\n-# b":               {markup.Context{Content: inlines{text("a")}}, markup.Context{Content: inlines{text("b")}}},
		"> a\n> b\nc":                {quote(para(text("a"), markup.Break{}, text("b"))), para(text("c"))},
		">a\n> > b":                  {para(text(">a")), quote(para(text("> b")))},
		">>> a\n> b\n\n# c":          {quote(para(text("a"), markup.Break{}, text("> b")), markup.Heading{Level: 1, Content: inlines{text("c")}})},
		"> - a\n>   - b":             {quote(list(item(para(text("a")), list(item(para(text("b")))))))},
		"> ```\n> a\n> ```":          {quote(markup.CodeBlock{Text: "a"})},
		"---\n===\n| a |\n|---|":     {para(text("---"), markup.Break{}, text("==="), markup.Break{}, text("| a |"), markup.Break{}, text("|---|"))},
		"    not code":               {para(text("\u00a0\u00a0\u00a0\u00a0not code"))},
		"- a\n* b\n  - c\n   - d\ne": {list(item(para(text("a"))), item(para(text("b")), list(item(para(text("c")), list(item(para(text("d")))))))), para(text("e"))},
		"- a\n\n- b\n  more":         {list(item(para(text("a"))), item(para(text("b"), markup.Break{}, text("more"))))},
		"+ a":                        {para(text("+ a"))},
		"3. a\n3. b":                 {ordered(3, item(para(text("a"))), item(para(text("b"))))},
		"1) a":                       {para(text("1) a"))},
		"- a\n1. b":                  {list(item(para(text("a")))), ordered(1, item(para(text("b"))))},
		"- ```\n- x\n```\n- b":       {list(item(markup.CodeBlock{Text: "- x"}), item(para(text("b"))))},
		"text\n - a":                 {para(text("text")), list(item(para(text("a"))))},

		// Links.
		"[a *b*](https://e.org/x_(y) \"t\")":   {para(markup.Link{URL: "https://e.org/x_(y)", Title: "t", Content: inlines{text("a "), em("b")}})},
		"[a](<https://e.org>) <https://e.org>": {para(link("https://e.org", text("a")), text(" "), link("https://e.org", text("https://e.org")))},
		"(https://e.org/a_b_c).":               {para(text("("), link("https://e.org/a_b_c", text("https://e.org/a_b_c")), text(")."))},
		"a[i](j) [x](javascript:alert(1))":     {para(text("a[i](j) [x](javascript:alert(1))"))},
		"[\u200b](https://e.org)":              {para(link("https://e.org", text("https://e.org")))},
		"**https://e.org**":                    {para(markup.Strong{Content: inlines{link("https://e.org", text("https://e.org"))}})},
		"ops@here.example":                     {para(link("mailto:ops@here.example", text("ops@here.example")))},

		// Formats of Discord's own.
		"<@1><@!2> <@&3> <#4>": {para(
			user("1"), user("2"), text(" "), markup.Mention{Target: markup.TargetGroup, ID: "3"},
			text(" "), markup.Mention{Target: markup.TargetChannel, ID: "4"},
		)},
		"@everyone, @here": {para(everyone, text(", "), here)},
		"@\u200beveryone":  {para(text("@everyone"))},
		"<:n_1:5> <a:n:6>": {para(
			markup.Emoji{Name: "n_1", ID: "5", URL: discord.EmojiURL("5", false)}, text(" "),
			markup.Emoji{Name: "n", ID: "6", URL: discord.EmojiURL("6", true), Animated: true},
		)},
		":tada: :nope: 10:30:45":                        {para(text("🎉 :nope: 10:30:45"))},
		"<t:1700000000> <t:1700000000:R>":               {para(at(markup.FormatDateTime), text(" "), at(markup.FormatRelative))},
		"<t:1700000000:S> <t:9999999999999:R>":          {para(at(markup.FormatDateTime), text(" <t:9999999999999:R>"))},
		"</a b c:7> <id:customize> <id:linked-roles:8>": {para(text("/a b c Channels & Roles Linked Roles"))},
		"<@x> <#> <:n:> <@$9> <t:> < a":                 {para(text("<@x> <#> <:n:> <@$9> <t:> < a"))},
	} {
		got := discord.ParseText(source)
		if diff := cmp.Diff(markup.Document{Blocks: want}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", source, diff)
		}
	}
}

// Lists in lists in quotes end somewhere, with the rest as text.
func TestParseTextDepth(t *testing.T) {
	source := strings.Repeat("- ", 500) + "bottom"
	d := discord.ParseText("> " + source)
	if !strings.HasSuffix(markup.Plain(d), "bottom") {
		t.Errorf("lost the text: %q", markup.Plain(d))
	}
	deepest := 0
	var measure func([]markup.Block, int)
	measure = func(blocks []markup.Block, depth int) {
		deepest = max(deepest, depth)
		for _, b := range blocks {
			switch b := b.(type) {
			case markup.Quote:
				measure(b.Blocks, depth+1)
			case markup.List:
				for _, i := range b.Items {
					measure(i.Blocks, depth+1)
				}
			}
		}
	}
	measure(d.Blocks, 0)
	if deepest > markup.MaxDepth {
		t.Errorf("%d levels", deepest)
	}
}

func BenchmarkParseText(b *testing.B) {
	source := strings.Repeat("# Deploy **v2.1** of `api`\n- done <t:1700000000:R> by <@80351110224678912>\n  - see https://example.org/run/12\n"+
		"> it ~~never~~ works, ||mostly||\n```go\nfunc main() {}\n```\n[log](https://example.org/log) :tada:\n", 10)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		discord.ParseText(source)
	}
}

func BenchmarkPrintText(b *testing.B) {
	d := discord.ParseText(strings.Repeat("**bold _and_** snake_case [log](https://example.org/log)\n- a\n  - b `c`\n", 20))
	for b.Loop() {
		discord.PrintText(d)
	}
}
