package markup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
	. "github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

func TestNormalIsStable(t *testing.T) {
	all := markuptest.Everything()
	all.Text = rapid.Custom(func(t *rapid.T) string { return markuptest.Source().Draw(t, "source") })
	documents := markuptest.Raw(all)
	rapid.Check(t, func(t *rapid.T) {
		once := Normal(documents.Draw(t, "document"))
		if diff := cmp.Diff(once, Normal(once), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-once +twice\n%s", diff)
		}
	})
}

func TestNormalDoesNotChangeItsArgument(t *testing.T) {
	documents := markuptest.Raw(markuptest.Everything())
	rapid.Check(t, func(t *rapid.T) {
		doc := documents.Draw(t, "document")
		copied := Mapper{Inline: func(n Inline) []Inline { return []Inline{n} }}.Map(doc)
		Normal(doc)
		if diff := cmp.Diff(copied, doc, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-before +after\n%s", diff)
		}
	})
}

func paragraph(content ...Inline) Document {
	return Document{Blocks: []Block{Paragraph{Content: content}}}
}

func TestNormal(t *testing.T) {
	text := func(s ...string) (out []Block) {
		for _, line := range s {
			out = append(out, Paragraph{[]Inline{Text(line)}})
		}
		return out
	}
	items := func(names ...string) (out []ListItem) {
		for _, n := range names {
			out = append(out, ListItem{Blocks: text(n)})
		}
		return out
	}
	tests := map[string]struct {
		in   Document
		want []Block
	}{
		"nothing":                  {Document{}, nil},
		"neighbours":               {paragraph(Text("a"), Text(""), Text("b")), text("ab")},
		"white space only":         {paragraph(Text(" \n\t"), Break{}), nil},
		"a blank line":             {paragraph(Text("a\n \nb")), text("a", "b")},
		"a blank line in a style":  {paragraph(Strong{[]Inline{Text("a\n\nb")}}), []Block{Paragraph{[]Inline{Strong{[]Inline{Text("a")}}}}, Paragraph{[]Inline{Strong{[]Inline{Text("b")}}}}}},
		"line ends":                {paragraph(Text("a\r\nb\rc\u2028d")), []Block{Paragraph{[]Inline{Text("a"), Break{}, Text("b"), Break{}, Text("c"), Break{}, Text("d")}}}},
		"control characters":       {paragraph(Text("a\x00b\x07c\x1b[1md\xff\uFEFF")), text("a\uFFFDbc[1md\uFFFD")},
		"indented":                 {paragraph(Text("  a\n\tb\n c")), []Block{Paragraph{[]Inline{Text("\u00a0\u00a0a"), Break{}, Text("\u00a0\u00a0\u00a0\u00a0b"), Break{}, Text("c")}}}},
		"edges of styles":          {paragraph(Text("a"), Strong{[]Inline{Text(" b ")}}, Text("c")), []Block{Paragraph{[]Inline{Text("a "), Strong{[]Inline{Text("b")}}, Text(" c")}}}},
		"an empty style":           {paragraph(Text("a"), Strong{[]Inline{Emphasis{nil}}}), text("a")},
		"styles in one order":      {paragraph(Emphasis{[]Inline{Strong{[]Inline{Text("a")}}}}), []Block{Paragraph{[]Inline{Strong{[]Inline{Emphasis{[]Inline{Text("a")}}}}}}}},
		"styles side by side":      {paragraph(Strong{[]Inline{Text("a")}}, Strong{[]Inline{Emphasis{[]Inline{Text("b")}}}}), []Block{Paragraph{[]Inline{Strong{[]Inline{Text("a"), Emphasis{[]Inline{Text("b")}}}}}}}},
		"code side by side":        {paragraph(Code("a"), Code("b\nc")), []Block{Paragraph{[]Inline{Code("ab c")}}}},
		"a link in a link":         {paragraph(Link{URL: "https://a.example", Content: []Inline{Link{URL: "https://b.example", Content: []Inline{Text("x")}}}}), []Block{Paragraph{[]Inline{Link{URL: "https://a.example", Content: []Inline{Text("x")}}}}}},
		"a link without text":      {paragraph(Link{URL: "https://a.example"}), []Block{Paragraph{[]Inline{Link{URL: "https://a.example", Content: []Inline{Text("https://a.example")}}}}}},
		"a link that runs":         {paragraph(Link{URL: "Java\nScript:alert(1)", Content: []Inline{Text("x")}}), text("x")},
		"a URL with spaces":        {paragraph(Link{URL: " https://a.example/b c\t<d>", Content: []Inline{Text("x")}}), []Block{Paragraph{[]Inline{Link{URL: "https://a.example/b%20c%3Cd%3E", Content: []Inline{Text("x")}}}}}},
		"a bare URL":               {paragraph(Text("see https://a.example/x.")), []Block{Paragraph{[]Inline{Text("see "), Link{URL: "https://a.example/x", Content: []Inline{Text("https://a.example/x")}}, Text(".")}}}},
		"a mail address":           {paragraph(Text("<me@a.example>")), []Block{Paragraph{[]Inline{Text("<"), Link{URL: "mailto:me@a.example", Content: []Inline{Text("me@a.example")}}, Text(">")}}}},
		"an image by itself":       {paragraph(Text(" "), Image{URL: "https://a.example"}), []Block{Image{URL: "https://a.example"}}},
		"an image of nothing":      {Document{[]Block{Image{Alt: "a cat"}}}, text("a cat")},
		"a heading":                {Document{[]Block{Heading{9, []Inline{Text(" a\nb ")}}, Heading{0, nil}}}, []Block{Heading{6, []Inline{Text("a b")}}}},
		"empty blocks":             {Document{[]Block{Quote{}, List{}, Table{}, Fields{}, Card{Color: "#fff"}, CodeBlock{}, Context{}, nil}}, nil},
		"lists in a row":           {Document{[]Block{List{Items: items("a")}, List{Items: items("b")}, List{Ordered: true, Start: 4, Items: items("c")}, List{Ordered: true, Start: 5, Items: items("d")}}}, []Block{List{Items: items("a", "b")}, List{Ordered: true, Start: 4, Items: items("c", "d")}}},
		"code":                     {Document{[]Block{CodeBlock{"go lang", "\ta\r\n\x00\x1b"}}}, []Block{CodeBlock{"go", "\ta\n\uFFFD\x1b"}}},
		"a ragged table":           {Document{[]Block{Table{Header: Row{{Text("a")}}, Rows: []Row{{{Text("b")}, {Text("c")}, nil}, {nil}}}}}, []Block{Table{Align: []Align{"", ""}, Header: Row{{Text("a")}, nil}, Rows: []Row{{{Text("b")}, {Text("c")}}, {}}}}},
		"known emoji":              {paragraph(Emoji{Name: ":tada:"}, Emoji{Name: "wave::skin-tone-3"}, Emoji{Name: "corp"}), []Block{Paragraph{[]Inline{Text("🎉👋🏼"), Emoji{Name: "corp"}}}}},
		"mentions":                 {paragraph(Mention{}, Mention{Target: "planet", Name: "mars"}, Mention{Target: TargetUser, Name: " ann\n"}), []Block{Paragraph{[]Inline{Text("@mars"), Mention{Target: TargetUser, Name: "ann"}}}}},
		"moments":                  {paragraph(Timestamp{Text: "once"}, Timestamp{Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), Format: "x"}), []Block{Paragraph{[]Inline{Text("once"), Timestamp{Time: time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)}}}}},
		"an unknown that is known": {Document{[]Block{Unknown{Name: KindQuote, Fallback: "x"}}}, text("x")},
		"a card": {
			Document{[]Block{Card{Color: "RED", Title: []Inline{Text("a\nb")}, URL: "javascript:x", Thumbnail: Image{Alt: "x"}}}},
			[]Block{Card{Color: "#e01e5a", Title: []Inline{Text("a b")}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Normal(test.in).Blocks, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// depthOf returns how deep quotes and list items are nested.
func depthOf(blocks []Block) (depth int) {
	for _, b := range blocks {
		switch b := b.(type) {
		case Quote:
			depth = max(depth, 1+depthOf(b.Blocks))
		case List:
			for _, item := range b.Items {
				depth = max(depth, 1+depthOf(item.Blocks))
			}
		}
	}
	return depth
}

func TestNestingIsBounded(t *testing.T) {
	var b Block = Paragraph{[]Inline{Text("bottom")}}
	for range 1000 {
		b = Quote{[]Block{List{Items: []ListItem{{Blocks: []Block{b}}}}}}
	}
	for name, doc := range map[string]Document{
		"Normal":        Normal(Document{[]Block{b}}),
		"Markdown":      ParseMarkdown(strings.Repeat("> - ", 1000) + "bottom"),
		"HTML":          ParseHTML(strings.Repeat("<blockquote><ul><li>", 1000) + "bottom" + strings.Repeat("</li></ul></blockquote>", 1000) + "<p>end</p>"),
		"unclosed":      ParseHTML(strings.Repeat("<ol><li>", 1000) + "bottom"),
		"Markdown list": ParseMarkdown(strings.Repeat("- ", 1000) + "bottom"),
	} {
		if depth := depthOf(doc.Blocks); depth > MaxDepth || depth < MaxDepth/2 {
			t.Errorf("%s: %d deep", name, depth)
		}
		if !strings.Contains(Plain(doc), "bottom") {
			t.Errorf("%s: the text is lost", name)
		}
		if name == "HTML" {
			if p, ok := doc.Blocks[len(doc.Blocks)-1].(Paragraph); !ok || PlainInline(p.Content) != "end" {
				t.Error("what is too deep was closed wrongly")
			}
		}
	}
}

func TestRunsAreNested(t *testing.T) {
	documents := markuptest.Documents(markuptest.Everything())
	rapid.Check(t, func(t *rapid.T) {
		Walk(documents.Draw(t, "document"), func(n Node) bool {
			p, ok := n.(Paragraph)
			if ok {
				runs := Runs(p.Content)
				if diff := cmp.Diff(p.Content, Nest(runs)); diff != "" {
					t.Fatalf("-content +nested\n%s", diff)
				}
				if diff := cmp.Diff(runs, Runs(Nest(runs))); diff != "" {
					t.Fatalf("-runs +again\n%s", diff)
				}
			}
			return true
		})
	})
}

func TestCheck(t *testing.T) {
	var content []Inline
	for range MaxNodes {
		content = append(content, Text("a"), Break{})
	}
	if err := Check(paragraph(content[:100]...)); err != nil {
		t.Error(err)
	}
	if err := Check(paragraph(content...)); hub.CodeOf(err) != hub.TooLarge {
		t.Errorf("got %v", err)
	}
}

func TestEqual(t *testing.T) {
	a := paragraph(Strong{[]Inline{Text("a")}}, Text("b"))
	for name, test := range map[string]struct {
		other Document
		want  bool
	}{
		"itself":        {a, true},
		"not normal":    {paragraph(Text(""), Strong{[]Inline{Text("a")}}, Text("b"), Break{}), true},
		"another text":  {paragraph(Strong{[]Inline{Text("a")}}, Text("c")), false},
		"another style": {paragraph(Emphasis{[]Inline{Text("a")}}, Text("b")), false},
		"another block": {Document{[]Block{Quote(a)}}, false},
		"nothing":       {Document{}, false},
	} {
		if got := Equal(a, test.other); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !(Document{}).IsEmpty() || a.IsEmpty() {
		t.Error("IsEmpty")
	}
}
