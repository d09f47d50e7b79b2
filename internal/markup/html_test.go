package markup_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

var spaces = regexp.MustCompile(`[ \t]+`)

// pageHTML reads back what is printed. Headings are three levels deeper in a
// page, and several spaces are one.
var pageHTML = markuptest.Dialect{
	Parse: func(s string) markup.Document {
		return markup.Normal(markup.Mapper{
			Block: func(b markup.Block) []markup.Block {
				if h, ok := b.(markup.Heading); ok {
					b = markup.Heading{Level: max(h.Level-3, 1), Content: h.Content}
				}
				return []markup.Block{b}
			},
			Inline: func(n markup.Inline) []markup.Inline {
				if text, ok := n.(markup.Text); ok {
					n = markup.Text(spaces.ReplaceAllString(string(text), " "))
				}
				return []markup.Inline{n}
			},
		}.Map(markup.ParseHTML(s)))
	},
	Print: markup.PrintHTML,
	Subset: markuptest.Subset{
		Kinds: []markup.Kind{
			markup.KindQuote, markup.KindList, markup.KindCodeBlock, markup.KindRule, markup.KindImage, markup.KindStrong, markup.KindEmphasis,
			markup.KindStrike, markup.KindUnderline, markup.KindSpoiler, markup.KindCode, markup.KindLink, markup.KindBreak,
		},
		Depth:      5,
		LinkTitles: true,
		URL:        rapid.SampledFrom([]string{"https://example.org/a?b=1&amp;c=<>\"'", "https://example.org", "https://x.example/é#y"}),
		Text:       rapid.Map(markuptest.Text(), func(s string) string { return strings.Join(strings.Fields(s), " ") }),
		Keep: func(d markup.Document) bool {
			keep := true
			markup.Walk(d, func(n markup.Node) bool {
				text, ok := n.(markup.Text)
				keep = keep && (!ok || spaces.ReplaceAllString(string(text), " ") == string(text))
				return true
			})
			return keep
		},
	},
}

func TestParseHTML(t *testing.T) {
	for name, example := range examples(t, "testdata/html.txt") {
		t.Run(name, func(t *testing.T) {
			got, _ := markup.PrintMarkdown(markup.ParseHTML(example.source))
			if diff := cmp.Diff(example.want, got); diff != "" {
				t.Errorf("%s\n-want +got\n%s", example.source, diff)
			}
		})
	}
}

// allowed is every tag that a page may get, with every attribute.
var allowed = regexp.MustCompile(`^</?(a|blockquote|br|code|dd|del|div|dl|dt|em|h[456]|hr|img|input|li|ol|p|pre|rect|section|span|strong|svg|table|tbody|td|` +
	`th|thead|time|tr|u|ul)(?: (align|alt|aria-hidden|aria-label|checked|class|data-format|datetime|dir|disabled|fill|height|href|loading|rel|src|start|tabindex|target|` +
	`title|type|width)(="[^"<>]*")?)*>`)

var leads = regexp.MustCompile(` (href|src)="([^"]*)"`)

// Whatever a document holds, only the elements of this package come out.
func TestHTMLIsSafe(t *testing.T) {
	everything := markuptest.Everything()
	hostile := rapid.SampledFrom([]string{
		"<script>", "</p>", "\"", "'", " onerror=alert(1) ", "<!--", "-->", "&lt;", "<svg/onload=x>", "javascript:x", "\x00", "{{", "]]>", "=", ">", "<",
	})
	everything.Text = rapid.Map(rapid.SliceOf(hostile), func(parts []string) string { return strings.Join(parts, "") })
	everything.URL = rapid.Map(rapid.SliceOf(rapid.OneOf(hostile, rapid.SampledFrom([]string{
		"https://", "http://", "mailto:", "JavaScript:", "data:", "//", "x.example", "\t", "/", "?",
	}))), func(parts []string) string { return strings.Join(parts, "") })
	documents := markuptest.Raw(everything)
	rapid.Check(t, func(t *rapid.T) {
		page, _ := markup.PrintHTML(documents.Draw(t, "document"))
		for rest := page; ; {
			i := strings.IndexByte(rest, '<')
			if i < 0 {
				break
			}
			rest = rest[i:]
			tag := allowed.FindString(rest)
			if tag == "" {
				t.Fatalf("a tag that is not allowed: %.200s", rest)
			}
			if m := leads.FindStringSubmatch(tag); m != nil && !strings.HasPrefix(m[2], "http") && !strings.HasPrefix(m[2], "mailto:") {
				t.Fatalf("leads to %s", m[2])
			}
			if strings.HasPrefix(tag, "<a ") && !strings.Contains(tag, ` rel="noopener nofollow" target="_blank"`) {
				t.Fatalf("tells where it comes from: %s", tag)
			}
			rest = rest[len(tag):]
		}
	})
}

func TestPrintHTML(t *testing.T) {
	got, lost := markup.PrintHTML(markup.Document{Blocks: []markup.Block{
		card,
		markup.Context{Content: []markup.Inline{markup.Text("small")}},
		markup.Unknown{Name: "poll", Fallback: "Tea?"},
		markup.Paragraph{Content: []markup.Inline{
			markup.Emoji{Name: "corp", URL: "https://e.example/c.png"},
			markup.Emoji{Name: "lan", URL: "http://e.example/l.png"},
			markup.Image{URL: "http://i.example/i.png", Alt: "plain"},
			markup.Link{URL: "/x", Content: []markup.Inline{markup.Text("inside")}},
		}},
	}})
	want := `<section class="embed"><svg class="stripe" aria-hidden="true"><rect width="100%" height="100%" fill="#e01e5a"></rect></svg>
<img loading="lazy" class="thumb" src="https://ci.example.org/logo.png" alt="logo">
<p class="embed-author"><a href="https://ci.example.org" rel="noopener nofollow" target="_blank">CI</a></p>
<p class="embed-title"><a href="https://ci.example.org/1" rel="noopener nofollow" target="_blank">Build failed</a></p>
<p><em>3 of 9</em> jobs</p>
<dl>
<div class="inline"><dt>Branch</dt><dd>
<p>main</p>
</dd></div>
<div class="inline"><dt>Log</dt><dd>
<p>see below</p>
</dd></div>
<div><dt>Steps</dt><dd>
<ul dir="auto">
<li>one</li>
<li>two</li>
</ul>
</dd></div>
</dl>
<p class="embed-footer">ci <time datetime="2026-04-20T16:20:30Z">2026-04-20 16:20 UTC</time></p>
</section>
<p class="context">small</p>
<p>Tea?</p>
<p><img loading="lazy" class="emoji" src="https://e.example/c.png" alt=":corp:" title="corp">:lan:` +
		`<a href="http://i.example/i.png" rel="noopener nofollow" target="_blank">plain</a>inside</p>
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	wantLost := markup.Degradations{
		{Kind: "poll", Done: markup.AsText, Count: 1}, {Kind: markup.KindImage, Done: markup.AsLink, Count: 1}, {Kind: markup.KindLink, Done: markup.AsText, Count: 1},
	}
	if diff := cmp.Diff(wantLost, lost); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// What stands at a side of a text stands where the text begins.
func TestPrintHTMLDirection(t *testing.T) {
	got, _ := markup.PrintHTML(markup.ParseMarkdown("1. أ\n\n- [x] ب\n\n> ج\n\n| د |\n|---|"))
	want := `<ol dir="auto">
<li>أ</li>
</ol>
<ul dir="auto">
<li><input type="checkbox" checked disabled aria-label="Task"> ب</li>
</ul>
<blockquote dir="auto">
<p>ج</p>
</blockquote>
<table dir="auto">
<thead>
<tr>
<th>د</th>
</tr>
</thead>
<tbody>
</tbody>
</table>
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestHTML(t *testing.T) { markuptest.Run(t, pageHTML) }

func FuzzHTML(f *testing.F) { markuptest.Fuzz(f, pageHTML) }
