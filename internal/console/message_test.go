package console

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

var update = flag.Bool("update", false, "write what the messages look like now into testdata; then read it")

// everything is written in the chat's Markdown.
const everything = "# Release **1.4**\n" +
	"Hello @ann, see #general; ~~old~~ *new* ||hidden|| :tada: `code`\n\n" +
	"- [x] migrate\n- [ ] deploy\n\n> quoted\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```go\nif a < b {}\n```\n\n---\n\nhttps://example.org/?a=1&b=2"

// alert is what a monitor posts: a card, timestamps in and below it.
func alert(t testing.TB) json.RawMessage {
	b, err := json.Marshal(markup.Document{Blocks: []markup.Block{
		markup.Paragraph{Content: []markup.Inline{markup.Text("Down since "), markup.Timestamp{Time: noon, Format: markup.FormatRelative}}},
		markup.Card{
			Color: "#e01e5a", Author: markup.CardAuthor{Name: "Monitor", IconURL: "https://example.org/i.png"},
			Title: []markup.Inline{markup.Text("Checkout <API>")}, URL: "https://example.org/7",
			Blocks: []markup.Block{
				markup.Fields{Fields: []markup.Field{{
					Title: []markup.Inline{markup.Text("Host")}, Value: []markup.Block{markup.Paragraph{Content: []markup.Inline{markup.Code("db-7")}}}, Short: true,
				}}},
				markup.Image{URL: "https://example.org/graph.png", Alt: "graph"},
				markup.Context{Content: []markup.Inline{markup.Text("every minute")}},
			},
			Thumbnail: markup.Image{URL: "https://example.org/t.png"}, Footer: []markup.Inline{markup.Text("prod")}, Time: noon,
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What the messages look like is in testdata, as somebody last read it.
func TestMessages(t *testing.T) {
	messages := map[string]hub.Message{
		"everything": {Content: everything},
		"embeds":     {Content: "With a card", Embeds: fullMessage().Embeds},
		"document":   {Content: "Not shown: the document is", Document: alert(t)},
		"attack":     {Content: attack, Embeds: []hub.Embed{attackEmbed(attack)}},
	}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			got := viewer{}.message(&m).HTML
			file := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			checkNesting(t, got)
			if why := unsafe(got); why != "" {
				t.Error(why)
			}
		})
	}
}

// attack is what would run in a careless page.
const attack = `<script>alert(1)</script><img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](JaVa&#x0A;Script:x) [c](data:text/html,x) ` +
	`[d](/logout) [e](//evil.example) ![f](data:image/png;base64,AA) ![" onerror="x](https://example.org/"onload=) <javascript:x> ` +
	"`</code><script>`\n\n```\"><script>\nx\n```"

func attackEmbed(text string) hub.Embed {
	return hub.Embed{
		Title: text, URL: "javascript:x", Color: `red" onload="x`, Description: text, AuthorName: text, AuthorURL: text, AuthorIcon: `https://e.org/"onload="x`,
		ImageURL: "http://example.org/i.png", ThumbURL: "data:image/png,x", Footer: text, FooterIcon: "javascript:x", Timestamp: text,
		Fields: []hub.EmbedField{{Name: text, Value: text}},
	}
}

// What people write may make these elements with these attributes, and no
// others. Package markup holds the same of all documents; this is about what
// reaches the page.
var allowedTags = []string{
	"a", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h4", "h5", "h6", "hr", "img", "input", "li", "ol", "p", "pre", "rect",
	"section", "span", "strong", "svg", "table", "tbody", "td", "th", "thead", "time", "tr", "u", "ul",
}

var (
	tagExpr       = regexp.MustCompile(`^</?([a-z0-9]+)((?: [a-z-]+(?:="[^"<>]*")?)*)>`)
	attributeExpr = regexp.MustCompile(` ([a-z-]+)(?:="([^"]*)")?`)
	colorExpr     = regexp.MustCompile(`^#[0-9a-f]{6}$`)
)

// unsafe returns what is wrong with the HTML of a message; "" when nothing is.
func unsafe(html string) string {
	for rest := html; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 {
			return ""
		}
		rest = rest[i:]
		m := tagExpr.FindStringSubmatch(rest)
		if m == nil {
			return "malformed tag: " + clipped(rest)
		}
		if !slices.Contains(allowedTags, m[1]) {
			return "element " + m[1]
		}
		for _, attribute := range attributeExpr.FindAllStringSubmatch(m[2], -1) {
			if why := unsafeAttribute(m[1], attribute[1], attribute[2]); why != "" {
				return why
			}
		}
		rest = rest[1:]
	}
}

func unsafeAttribute(tag, name, value string) string {
	lower := strings.ToLower(value)
	switch tag + " " + name {
	case "a href":
		for _, scheme := range []string{"http://", "https://", "mailto:"} {
			if strings.HasPrefix(lower, scheme) {
				return ""
			}
		}
		return "link to " + clipped(value)
	case "img src":
		if strings.HasPrefix(lower, "https://") {
			return ""
		}
		return "image from " + clipped(value)
	case "rect fill":
		if colorExpr.MatchString(value) {
			return ""
		}
		return "color " + clipped(value)
	case "a rel", "a target", "a title", "img alt", "img loading", "img title", "img class", "code class", "td align", "th align", "ol start",
		"blockquote dir", "ol dir", "table dir", "ul dir", "input aria-label",
		"div class", "input checked", "input disabled", "input type", "p class", "rect height", "rect width", "section class", "span class",
		"span tabindex", "svg aria-hidden", "svg class", "time data-format", "time datetime":
		return ""
	default:
		return "attribute " + name + " of " + tag
	}
}

func clipped(s string) string { return s[:min(len(s), 60)] }

func FuzzMessage(f *testing.F) {
	for _, seed := range []string{everything, attack, "|a|\n|-|\n|<b>|", "<a\x00b:c>", "www.\"x.org", "![![a](https://b)](https://c)", "\\<b> &lt;b> &#60;b>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		html := viewer{}.message(&hub.Message{Content: text, Embeds: []hub.Embed{attackEmbed(text)}}).HTML
		if why := unsafe(html); why != "" {
			t.Errorf("%q: %s\n%s", text, why, html)
		}
	})
}

// The check of the fuzz target must itself be able to fail.
func TestUnsafe(t *testing.T) {
	for _, html := range []string{
		"<script>", "<p onclick=\"x\">", `<a href="javascript:x">`, `<a href="/x">`, `<img src="http://x">`, "<p", "<p style=\"x\">", "<!-- x -->", "<P>",
		`<rect fill="url(x)">`, `<input name="x">`,
	} {
		if unsafe(html) == "" {
			t.Errorf("%s passes", html)
		}
	}
	if why := unsafe(`<p>a &lt; b <a href="https://x" rel="noopener">c</a><br><input type="checkbox" checked disabled></p>`); why != "" {
		t.Error(why)
	}
}

// Whatever fits into a message must be rendered quickly: a page shows fifty.
func TestMessagesAreBounded(t *testing.T) {
	for _, unit := range []string{"> ", "[", "*", "![](", "<", "`", "- ", "|", "_a", "**a *b", "\n|a|b|\n|-|-|", "http://a.b ", "\\", "||", "@a ", "![["} {
		began := time.Now()
		html := viewer{}.message(&hub.Message{Content: strings.Repeat(unit, 16000/len(unit))}).HTML
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q takes %s", unit, took)
		}
		if why := unsafe(html); why != "" {
			t.Errorf("%q: %s", unit, why)
		}
	}
}

// A document that cannot be read leaves the content.
func TestBrokenDocument(t *testing.T) {
	got := viewer{}.message(&hub.Message{Content: "the text", Document: json.RawMessage(`{"v":1,"blocks":7}`)}).HTML
	if got != "<p>the text</p>\n" {
		t.Errorf("%q", got)
	}
}

// The link to a message leads to where it belongs, whatever page it stands on.
func TestPermalink(t *testing.T) {
	root, reply := hub.Message{ID: "r", ChannelID: "c"}, hub.Message{ID: "m", ChannelID: "c", ThreadID: "r"}
	for _, test := range []struct {
		viewer  viewer
		message *hub.Message
		want    string
	}{
		{viewer{}, &root, "/channels/c?at=r#m-r"},
		{viewer{inThread: true}, &root, "/channels/c/threads/r?at=r#m-r"},
		{viewer{}, &reply, "/channels/c/threads/r?at=m#m-m"},
		{viewer{inThread: true}, &reply, "/channels/c/threads/r?at=m#m-m"},
	} {
		if got := test.viewer.message(test.message).Permalink; got != test.want {
			t.Errorf("%+v: %s, want %s", test.viewer, got, test.want)
		}
	}
}
