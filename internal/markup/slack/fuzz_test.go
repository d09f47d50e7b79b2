package slack

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

func FuzzParseText(f *testing.F) {
	for _, s := range []string{
		"*bold* _it_ ~st~ `code` <https://x.example|*label*> <@U024BE7LH|bob> <#C1|general> <!here> <!subteam^S1|@team> :tada:",
		"> quote\n>>> rest\n```\ncode\n```\n", "• a\n    ◦ b\n\n  c\n1. d\n2) e", "<!date^1392734382^Posted {date_num} {time_secs}^https://x.example|fallback>",
		"\u00ad\u00ad*\u200b_x_\u00ad*", "<tel:1.2|1.2> <U1234|@cal> <b> &lt;&amp;gt;",
	} {
		f.Add(s)
	}
	markuptest.Fuzz(f, textDialect)
}

func FuzzParseMessage(f *testing.F) {
	for _, s := range messageSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkMessage(t, data)
	})
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkMessage checks what holds for every message.
func checkMessage(t failer, data []byte) {
	t.Helper()
	first, _, err := ParseMessage(data)
	if err != nil {
		return
	}
	if !markup.Equal(first, markup.Normal(first)) {
		t.Fatal("the document is not normal")
	}
	if _, lost := PrintText(first); len(lost) > 1000 {
		t.Fatalf("%d different degradations", len(lost))
	}
	m, lost := PrintMessage(first)
	if err := withinLimits(m); err != nil {
		t.Fatal(err)
	}
	printed, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := ParseMessage(printed)
	if err != nil {
		t.Fatalf("cannot read %s: %v", printed, err)
	}
	if want, got := said(first), said(second); len(lost) == 0 && got != want {
		t.Fatalf("printed as\n%s\nwhich says\n%s\ninstead of\n%s", printed, got, want)
	}
}

// said returns the characters of a document but white space, with the ids of
// mentions: rich text has no names.
func said(d markup.Document) string {
	d = markup.MapInlines(d, func(n markup.Inline) []markup.Inline {
		if m, ok := n.(markup.Mention); ok && m.ID != "" {
			m.Name = ""
			n = m
		}
		return []markup.Inline{n}
	})
	return strings.Join(strings.Fields(markup.Plain(d)), "")
}

// Any JSON with Slack's names in it is read, and printed within Slack's limits.
func TestAnyMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(anyObject(t, 5, rapid.SampledFrom(names)))
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, data)
	})
}

func anyObject(t *rapid.T, depth int, names *rapid.Generator[string]) map[string]any {
	o := map[string]any{}
	if rapid.IntRange(0, 4).Draw(t, "typed") > 0 {
		o["type"] = rapid.SampledFrom(kinds).Draw(t, "type")
	}
	for range rapid.IntRange(1, 5).Draw(t, "names") {
		o[names.Draw(t, "name")] = anyValue(t, depth-1, names)
	}
	return o
}

func anyValue(t *rapid.T, depth int, names *rapid.Generator[string]) any {
	switch n := rapid.IntRange(0, 12).Draw(t, "value"); {
	case n < 3 || depth <= 0:
		return rapid.OneOf(markuptest.Text(), markuptest.Source(), rapid.SampledFrom([]string{"https://x.example/a", "good", "U1", "ordered"})).Draw(t, "text")
	case n == 3:
		return rapid.SampledFrom([]any{true, false, nil, 0, 1, 2, -1, 1.5, 1e300, "1", "true", "1392734382.000001", "{date}"}).Draw(t, "odd")
	case n < 8:
		return anyObject(t, depth, names)
	}
	list := make([]any, rapid.IntRange(0, 4).Draw(t, "length"))
	for i := range list {
		list[i] = anyValue(t, depth-1, names)
	}
	return list
}

// kinds and names are those that Slack has, and one that it has not.
var (
	kinds = []string{
		"section", "header", "divider", "image", "context", "actions", "rich_text", "markdown", "video", "input", "file", "table", "data_table",
		"data_visualization", "card", "container", "alert", "call", "novelty", "mrkdwn", "plain_text", "button", "overflow", "static_select",
		"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted", "text", "link", "user", "usergroup", "channel",
		"broadcast", "emoji", "date", "color", "canvas", "raw_text", "raw_number",
	}
	names = []string{
		"text", "text", "blocks", "blocks", "attachments", "elements", "elements", "elements", "fields", "title", "image_url", "alt_text", "accessory", "options",
		"option_groups", "label", "placeholder", "url", "style", "bold", "code", "border", "indent", "offset", "rows", "column_settings",
		"child_blocks", "chart", "series", "data", "segments", "fallback", "color", "pretext", "author_name", "author_link", "title_link", "footer",
		"ts", "thumb_url", "mrkdwn_in", "actions", "value", "short", "message_blocks", "message", "files", "name", "unicode", "skin_tone",
		"user_id", "range", "timestamp", "format", "mrkdwn", "parse", "link_names", "level", "description", "initial_value", "initial_user",
	}
)

// messageSeeds have one of everything.
var messageSeeds = []string{
	`{"text":"<@U1> & *x*","mrkdwn":false,"link_names":"1","parse":"full"}`,
	`{"blocks":[{"type":"header","text":{"type":"plain_text","text":"T :tada:"}},{"type":"divider"},{"type":"section","text":{"type":"mrkdwn","text":"*a*"},
	"fields":[{"type":"mrkdwn","text":"*K:* v"},{"type":"mrkdwn","text":"*K*\nv"}],"accessory":{"type":"overflow","options":[{"text":{"type":"plain_text","text":"o"},"url":"https://x.example"}]}},
	{"type":"context","elements":[{"type":"image","image_url":"https://x.example/i.png","alt_text":"i"},{"type":"mrkdwn","text":"c"}]},
	{"type":"image","image_url":"https://x.example/i.png","alt_text":"i","title":{"type":"plain_text","text":"t"}},
	{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"b"},"url":"https://x.example"},{"type":"static_select","placeholder":{"type":"plain_text","text":"p"},"option_groups":[{"label":{"type":"plain_text","text":"g"},"options":[{"text":{"type":"plain_text","text":"o"}}]}]}]}]}`,
	`{"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a\n\nb","style":{"bold":true,"code":true}},{"type":"link","url":"https://x.example"},
	{"type":"emoji","name":"wave","skin_tone":3},{"type":"user","user_id":"U1"},{"type":"broadcast","range":"here"},{"type":"date","timestamp":1392734382,"format":"{date}"}]},
	{"type":"rich_text_list","style":"ordered","offset":2,"indent":1,"border":1,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"i"}]}]},
	{"type":"rich_text_quote","elements":[{"type":"text","text":"q"}]},{"type":"rich_text_preformatted","language":"go","elements":[{"type":"text","text":"x\n"}]}]}]}`,
	`{"blocks":[{"type":"table","column_settings":[null,{"align":"right"}],"rows":[[{"type":"raw_text","text":"h"},{"type":"raw_number","value":1.50}],[{"type":"rich_text","elements":[]}]]},
	{"type":"markdown","text":"# h\n- [ ] x"},{"type":"video","title":{"type":"plain_text","text":"v"},"video_url":"https://x.example","thumbnail_url":"https://x.example/t.png","alt_text":"a"},
	{"type":"container","title":{"type":"plain_text","text":"t"},"child_blocks":[{"type":"container","child_blocks":[{"type":"new","text":"x"}]}]},
	{"type":"input","label":{"type":"plain_text","text":"l"},"element":{"type":"datepicker","initial_date":"2026-01-02"}},{"type":"file","external_id":"F1"},
	{"type":"data_visualization","title":"t","chart":{"type":"bar","series":[{"name":"s","data":[{"label":"a","value":1}]}],"axis_config":{"categories":["a","b"]}}}]}`,
	`{"attachments":[{"fallback":"f","color":"good","pretext":"p","author_name":"a","author_link":"https://x.example","title":"t","title_link":"https://x.example","text":"*x*","mrkdwn_in":["text"],
	"fields":[{"title":"k","value":1,"short":"true"}],"image_url":"https://x.example/i.png","thumb_url":"https://x.example/t.png","footer":"f","ts":"1392734382.5",
	"actions":[{"type":"button","text":"b","url":"https://x.example"},{"type":"select","text":"s","options":[{"text":"o"}]}]},{"blocks":[{"type":"divider"}],"color":"#123456"},{"fallback":"only"}]}`,
}
