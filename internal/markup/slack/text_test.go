package slack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/markup"
)

// sketch writes a document in a few characters: the tags of HTML, and for
// every other node its kind and what it holds.
func sketch(blocks []markup.Block) string {
	var out []string
	for _, b := range blocks {
		out = append(out, sketchBlock(b))
	}
	return strings.Join(out, "")
}

func sketchBlock(b markup.Block) string {
	switch b := b.(type) {
	case markup.Paragraph:
		return tag("p", sketchInline(b.Content))
	case markup.Heading:
		return tag(fmt.Sprintf("h%d", b.Level), sketchInline(b.Content))
	case markup.Quote:
		return tag("q", sketch(b.Blocks))
	case markup.List:
		items := ""
		for _, item := range b.Items {
			items += tag("li", sketch(item.Blocks))
		}
		if b.Ordered {
			return fmt.Sprintf("<ol=%d>%s</ol>", b.Start, items)
		}
		return tag("ul", items)
	case markup.CodeBlock:
		return tag("pre", b.Language+"|"+b.Text)
	case markup.Rule:
		return "<hr>"
	case markup.Image:
		return sketchInline([]markup.Inline{b})
	case markup.Context:
		return tag("small", sketchInline(b.Content))
	case markup.Fields:
		out := ""
		for _, f := range b.Fields {
			name := "field"
			if f.Short {
				name = "short"
			}
			out += tag(name, sketchInline(f.Title)+"="+sketch(f.Value))
		}
		return out
	case markup.Table:
		out := fmt.Sprint(b.Align)
		for _, row := range append([]markup.Row{b.Header}, b.Rows...) {
			out += "/"
			for _, cell := range row {
				out += sketchInline(cell) + ","
			}
		}
		return tag("table", out)
	case markup.Card:
		out := string(b.Color) + "|" + b.Author.Name + "|" + b.Author.URL + "|" + b.Author.IconURL + "|" + sketchInline(b.Title) + "|" + b.URL + "|"
		out += sketch(b.Blocks) + "|" + b.Thumbnail.URL + "|" + sketchInline(b.Footer) + "|" + b.FooterIconURL
		if !b.Time.IsZero() {
			out += "|" + b.Time.Format("2006-01-02")
		}
		return tag("card", out)
	}
	return fmt.Sprintf("%T", b)
}

func tag(name, content string) string { return "<" + name + ">" + content + "</" + name + ">" }

func sketchInline(content []markup.Inline) string {
	out := ""
	for _, n := range content {
		switch n := n.(type) {
		case markup.Text:
			out += string(n)
		case markup.Code:
			out += tag("c", string(n))
		case markup.Strong:
			out += tag("b", sketchInline(n.Content))
		case markup.Emphasis:
			out += tag("i", sketchInline(n.Content))
		case markup.Strike:
			out += tag("s", sketchInline(n.Content))
		case markup.Underline:
			out += tag("u", sketchInline(n.Content))
		case markup.Link:
			out += tag("a", n.URL+"|"+sketchInline(n.Content))
		case markup.Mention:
			out += tag("@", string(n.Target)+"|"+n.ID+"|"+n.Name)
		case markup.Emoji:
			out += tag("e", n.Name)
		case markup.Timestamp:
			out += tag("t", fmt.Sprint(n.Time.Unix(), "|", n.Format, "|", n.Text))
		case markup.Image:
			out += tag("img", n.URL+"|"+n.Alt+"|"+n.Title)
		case markup.Break:
			out += "<br>"
		}
	}
	return out
}

// What mrkdwn means.
func TestParseText(t *testing.T) {
	for _, tc := range []struct{ source, want string }{
		// Styles, and where they begin and end.
		{"*bold* _it_ ~st~ `co*d*e`", "<p><b>bold</b> <i>it</i> <s>st</s> <c>co*d*e</c></p>"},
		{"*_both_* _*~all~*_ *a _b_ c*", "<p><b><i>both</i></b> <s><b><i>all</i></b></s> <b>a <i>b</i> c</b></p>"},
		{"a*b*c snake_case_name 2 * 3 * 4 ~5 **x**", "<p>a*b*c snake_case_name 2 * 3 * 4 ~5 **x**</p>"},
		{`(*a*), "_b_"! -~c~… *d*'s *e*/f`, `<p>(<b>a</b>), "<i>b</i>"! -<s>c</s>… <b>d</b>'s *e*/f</p>`},
		{"*When: *<!here> *first *second*", "<p><b>When:</b> <@>broadcast||here</@> <b>first *second</b></p>"},
		{"*a\nb* *a _b* c_", "<p>*a<br>b* <b>a _b</b> c_</p>"},
		{"`a` x`y` ``z`` ` ` `&lt;<https://x.example|b>`", "<p><c>a</c> x`y` ``z`` ` ` <c><b</c></p>"},
		{"這是*粗體*文字 *粗體* 文字", "<p>這是*粗體*文字 <b>粗體</b> 文字</p>"},
		// Characters.
		{"&lt;b&gt; &amp;amp; &quot; <b>x</b> a < b > c", "<p><b> &amp; &quot; <b>x</b> a < b > c</p>"},
		{":tada: :wave::skin-tone-3: :party_parrot: 10:30:45 a:tada:", "<p>🎉 👋🏼 <e>party_parrot</e> 10:30:45 a:tada:</p>"},
		{"_:xy:_ :a_b:", "<p><i><e>xy</e></i> <e>a_b</e></p>"},
		// Tokens.
		{
			"<@U024BE7LH> <@W12|bob> <@cal> <U1234|@cal> <@here>",
			"<p><@>user|U024BE7LH|</@> <@>user|W12|bob</@> <@>user||cal</@> <@>user|U1234|cal</@> @here</p>",
		},
		{"<#C024BE7LR|general> <#G1> <#general>", "<p><@>channel|C024BE7LR|general</@> <@>channel|G1|</@> <@>channel||general</@></p>"},
		{
			"<!here|here> <!channel> <!everyone> <!group> <!subteam^S1|@team> <!subteam^S2>",
			"<p><@>broadcast||here</@> <@>broadcast||channel</@> <@>broadcast||everyone</@> <@>broadcast||channel</@> <@>group|S1|team</@> <@>group|S2|</@></p>",
		},
		{"<!foo|label> <!foo>", "<p>label <!foo></p>"},
		{
			"<https://x.example?a=1&amp;b=2|a *b* `c`> <https://x.example> <mailto:a@b.cc|mail> <x.example|y>",
			"<p><a>https://x.example?a=1&b=2|a <b>b</b> <c>c</c></a> <a>https://x.example|https://x.example</a> <a>mailto:a@b.cc|mail</a> <a>http://x.example|y</a></p>",
		},
		{"<javascript:alert(1)|x> <div class=\"a\"> <> <|> <", "<p><javascript:alert(1)|x> <div class=\"a\"> <> <|> <</p>"},
		{"https://x.example/_a_=_b_. *https://x.example*", "<p><a>https://x.example/_a_=_b|https://x.example/_a_=_b</a>_. <b><a>https://x.example|https://x.example</a></b></p>"},
		// Dates.
		{"<!date^1392734382^{date} at {time}|Feb 18> <!date^1^{date_num}|x>", "<p><t>1392734382||Feb 18</t> <t>1|date|x</t></p>"},
		{"<!date^1^Posted {date_long} {time_secs} by^https://x.example|fallback>", "<p><a>https://x.example|Posted <t>1|dateTimeLong|</t> by</a></p>"},
		{"<!date^1^{ago}|x><!date^1^{_}|*><!date^x^{date}|bad><!date^1^{date}>", "<p><t>1|relative|x</t>*bad<t>1|dateLong|</t></p>"},
		// Blocks.
		{"> a\n&gt; b\nc\n\n> d", "<q><p>a<br>b</p></q><p>c</p><q><p>d</p></q>"},
		{"> > a\n >b", "<q><p>> a</p></q><p>>b</p>"},
		{"a\n>>> b\n\n- c\n> d", "<p>a</p><q><p>b</p><ul><li><p>c</p></li></ul><p>> d</p></q>"},
		{"a ```b *c*\n <https://x.example>``` d", "<p>a</p><pre>|b *c*\n https://x.example</pre><p>d</p>"},
		{"```\ncode\n```\n```x```", "<pre>|code</pre><pre>|x</pre>"},
		{"> ```\n> a\n> b\n> ```\nc", "<q><pre>|a\nb</pre></q><p>c</p>"},
		{"```a `````` x```y", "<pre>|a </pre><pre>| x</pre><p>y</p>"},
		{
			"Fruit:\n• a\n    ◦ b\n        ▪︎ c\n• d\n\n- e\n- f\n   more\n\nend",
			"<p>Fruit:</p><ul><li><p>a</p><ul><li><p>b</p><ul><li><p>c</p></li></ul></li></ul></li><li><p>d</p></li><li><p>e</p></li><li><p>f<br>more</p></li></ul><p>end</p>",
		},
		{"3. a\n4) b\n1. c\n* d", "<ol=3><li><p>a</p></li><li><p>b</p></li></ol><ol=1><li><p>c</p></li></ol><ul><li><p>d</p></li></ul>"},
		{"1. a\n\n   b\n2. c\nd", "<ol=1><li><p>a</p><p>b</p></li><li><p>c</p></li></ol><p>d</p>"},
		{"-a\n-\n1.5 x\n•", "<p>-a<br>-<br>1.5 x</p><ul><li></li></ul>"},
		{"a\r\nb\rc", "<p>a<br>b<br>c</p>"},
	} {
		if got := sketch(ParseText(tc.source).Blocks); got != tc.want {
			t.Errorf("%q\n got %s\nwant %s", tc.source, got, tc.want)
		}
	}
}

func TestParsePlain(t *testing.T) {
	got := sketch(ParsePlain("*a* <@U1> &lt;b&gt; :tada: https://x.example\n> c\n\n- d").Blocks)
	want := "<p>*a* <@U1> <b> 🎉 <a>https://x.example|https://x.example</a><br>> c</p><p>- d</p>"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func p(content ...markup.Inline) markup.Paragraph { return markup.Paragraph{Content: content} }

// How mrkdwn is written.
func TestPrintText(t *testing.T) {
	const shy, zwsp = softHyphen, zeroSpace
	bold := func(content ...markup.Inline) markup.Inline { return markup.Strong{Content: content} }
	for _, tc := range []struct {
		blocks []markup.Block
		want   string
		lost   string
	}{
		{[]markup.Block{p(bold(markup.Text("a")), markup.Text("b "), markup.Emphasis{Content: []markup.Inline{bold(markup.Text("c"))}})}, "*a*" + zwsp + "b *_c_*", "[]"},
		{[]markup.Block{p(markup.Text("*a* _b 2 * 3 <&> :tada: snake_case"))}, shy + "*a* " + shy + "_b 2 * 3 &lt;&amp;&gt; :" + shy + "tada: snake_case", "[]"},
		{[]markup.Block{p(bold(markup.Text("a* b")))}, "*a*" + shy + " b*", "[]"},
		{[]markup.Block{p(markup.Text("> a")), p(markup.Text("- b"), markup.Break{}, markup.Text("1. c"))}, shy + "&gt; a\n\n" + shy + "- b\n" + shy + "1. c", "[]"},
		{[]markup.Block{p(markup.Code("a<b"), markup.Text(" "), markup.Code("`"))}, "`a&lt;b` " + shy + "`", "[{code asText 1}]"},
		{[]markup.Block{p(markup.Mention{Target: markup.TargetUser, ID: "4711", Name: "bob"})}, "@bob", "[{mention defused 1}]"},
		{[]markup.Block{p(markup.Link{URL: "/a", Content: []markup.Inline{markup.Text("b")}})}, "b (/a)", "[{link asText 1}]"},
		{[]markup.Block{p(markup.Image{URL: "https://x.example/i.png", Alt: "i"}, markup.Text(" j"))}, "<https://x.example/i.png|i> j", "[{image asLink 1}]"},
		{[]markup.Block{p(markup.Spoiler{Content: []markup.Inline{markup.Underline{Content: []markup.Inline{markup.Text("a")}}}})}, "a", "[{spoiler asText 1} {underline asText 1}]"},
		{[]markup.Block{markup.Heading{Level: 2, Content: []markup.Inline{markup.Text("a")}}, markup.Rule{}, p(markup.Text("b"))}, "*a*\n\n———\n\nb", "[{heading asText 1} {rule asText 1}]"},
		{[]markup.Block{markup.CodeBlock{Language: "go", Text: "a\n```"}}, "```\na\n``" + zwsp + "`\n```", "[{codeBlock asText 1}]"},
		{
			[]markup.Block{markup.Quote{Blocks: []markup.Block{p(markup.Text("a")), markup.CodeBlock{Text: "b"}, markup.Quote{Blocks: []markup.Block{p(markup.Text("c"))}}}}},
			"> a\n```\nb\n```\n> " + shy + "&gt; c", "[{quote flattened 1} {quote asText 1}]",
		},
		{
			[]markup.Block{markup.List{Items: []markup.ListItem{{Task: markup.TaskDone, Blocks: []markup.Block{p(markup.Text("a")), markup.List{Ordered: true, Start: 2, Items: []markup.ListItem{{}}}}}, {Blocks: []markup.Block{markup.CodeBlock{Text: "b"}, p(markup.Text("c"))}}}}},
			"• ☑ a\n    2.\n•\n```\nb\n```\nc", "[{list asText 1} {list flattened 1}]",
		},
		{
			[]markup.Block{markup.Table{Align: []markup.Align{"", markup.AlignRight}, Header: markup.Row{{markup.Text("a")}, {markup.Text("bcd")}}, Rows: []markup.Row{{{markup.Text("ef")}, {markup.Text("1")}}}}},
			"```\na   bcd\n--  ---\nef    1\n```", "[{table asCode 1}]",
		},
		{
			[]markup.Block{markup.Card{Color: "good", Title: []markup.Inline{markup.Text("t")}, URL: "https://x.example", Blocks: []markup.Block{markup.Fields{Fields: []markup.Field{{Title: []markup.Inline{markup.Text("k")}, Value: []markup.Block{p(markup.Text("v"))}}}}}, Footer: []markup.Inline{markup.Text("f")}}},
			"> *<https://x.example|t>*\n>\n> *k*: v\n>\n> f", "[{card asQuote 1} {fields asText 1} {context asText 1}]",
		},
	} {
		got, lost := PrintText(markup.Document{Blocks: tc.blocks})
		if got != tc.want || fmt.Sprint(lost) != tc.lost {
			t.Errorf("%s\n got %q %v\nwant %q %s", sketch(tc.blocks), got, lost, tc.want, tc.lost)
		}
	}
}

func TestSize(t *testing.T) {
	if n := Size(markup.Document{Blocks: []markup.Block{p(markup.Text("<🎉>"))}}); n != len("&lt;")+2+len("&gt;") {
		t.Errorf("got %d", n)
	}
}
