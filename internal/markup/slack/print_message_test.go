package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// How blocks are written; what was written says the same when it is read.
func TestPrintMessage(t *testing.T) {
	text := func(s string) []markup.Inline { return []markup.Inline{markup.Text(s)} }
	para := func(s string) markup.Block { return p(markup.Text(s)) }
	item := func(blocks ...markup.Block) markup.ListItem { return markup.ListItem{Blocks: blocks} }
	for _, tc := range []struct {
		name   string
		blocks []markup.Block
		want   string
		lost   string
	}{
		{
			"paragraphs are one section",
			[]markup.Block{p(markup.Strong{Content: text("a")}, markup.Break{}, markup.Link{URL: "https://x.example", Content: []markup.Inline{markup.Code("b")}}), para("c <")},
			`{"text":"a\nb (https://x.example)\n\nc &lt;","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"bold":true}},{"type":"text","text":"\n"},` +
				`{"type":"link","text":"b","url":"https://x.example","style":{"code":true}},{"type":"text","text":"\n\n"},{"type":"text","text":"c <"}]}]}]}`, "[]",
		},
		{
			"leaves",
			[]markup.Block{p(markup.Mention{Target: markup.TargetUser, ID: "U1"}, markup.Mention{Target: markup.TargetBroadcast, Name: "here"}, markup.Emoji{Name: "own"}, markup.Timestamp{Time: time.Unix(0, 0)})},
			`{"text":"@U1@here:own:1970-01-01 00:00 UTC","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"user","user_id":"U1"},{"type":"broadcast","range":"here"},{"type":"emoji","name":"own"},` +
				`{"type":"date","timestamp":0,"format":"{date} {time}","fallback":"1970-01-01 00:00 UTC"}]}]}]}`, "[]",
		},
		{
			"a list goes on after the one within it",
			[]markup.Block{markup.List{Ordered: true, Start: 2, Items: []markup.ListItem{item(para("a"), markup.List{Items: []markup.ListItem{item(para("b"))}}), item()}}},
			`{"text":"2. a\n   • b\n3. ","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]}],"offset":1},` +
				`{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"b"}]}],"indent":1},` +
				`{"type":"rich_text_list","style":"ordered","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":" "}]}],"offset":2}]}]}`, "[]",
		},
		{
			"quotes",
			[]markup.Block{markup.Quote{Blocks: []markup.Block{para("a"), markup.CodeBlock{Language: "go", Text: "b"}}}, markup.Quote{Blocks: []markup.Block{para("c")}}},
			`{"text":"&gt; a\n&gt; \n&gt; b\n\n&gt; c","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"a"}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"b"}],"border":1,"language":"go"}]},` +
				`{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"c"}]}]}]}`, "[]",
		},
		{
			"layout",
			[]markup.Block{
				markup.Heading{Level: 1, Content: text("a :tada: &")},
				markup.Rule{},
				markup.Image{URL: "https://x.example/i", Title: "t"},
				markup.Context{Content: []markup.Inline{markup.Text("b "), markup.Image{URL: "https://x.example/j", Alt: "j"}, markup.Text(" c")}},
				markup.Fields{Fields: []markup.Field{{Title: text("k:"), Value: []markup.Block{para("v")}, Short: true}, {Title: text("l"), Short: true}, {Value: []markup.Block{para("w")}}}},
			},
			`{"text":"a :tada: &amp;\n\n———\n\nt (https://x.example/i)\n\nb j (https://x.example/j) c\n\nk:: v\nl: \nw","blocks":[{"type":"header","text":{"type":"plain_text","text":"a :tada: &amp;","emoji":false}},{"type":"divider"},` +
				`{"type":"image","image_url":"https://x.example/i","alt_text":"image","title":{"type":"plain_text","text":"t","emoji":false}},` +
				`{"type":"context","elements":[{"type":"mrkdwn","text":"b"},{"type":"image","image_url":"https://x.example/j","alt_text":"j"},{"type":"mrkdwn","text":"c"}]},` +
				`{"type":"section","fields":[{"type":"mrkdwn","text":"*k::*\nv"},{"type":"mrkdwn","text":"*l*"}]},{"type":"section","fields":[{"type":"mrkdwn","text":"w"}]}]}`, "[]",
		},
		{
			"what blocks have no room for",
			[]markup.Block{
				markup.Heading{Level: 2, Content: text("a")},
				markup.Heading{Level: 1, Content: text(strings.Repeat("b", 151))},
				markup.Image{URL: "/i", Alt: "i"},
				markup.List{Items: []markup.ListItem{{Task: markup.TaskOpen, Blocks: []markup.Block{para("c")}}}},
			},
			"", "[{heading flattened 1} {heading asText 1} {image asText 1} {list asText 1}]",
		},
		{
			"a card",
			[]markup.Block{para("before"), markup.Card{
				Color: "good", Author: markup.CardAuthor{Name: "a", URL: "https://x.example/a"}, Title: text("*t* <"), URL: "https://x.example/t",
				Blocks: []markup.Block{
					p(markup.Strong{Content: text("x")}),
					markup.List{Items: []markup.ListItem{item(para("y"))}},
					markup.Fields{Fields: []markup.Field{{Title: text("k"), Value: []markup.Block{para("v")}, Short: true}}},
					markup.Image{URL: "https://x.example/p"},
				},
				Thumbnail: markup.Image{URL: "https://x.example/q"}, Footer: text("f"), FooterIconURL: "https://x.example/j", Time: time.Unix(1392734382, 0),
			}, para("between"), markup.Card{Title: text("u")}},
			`{"text":"","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"before"}]}]}],"attachments":[{"fallback":"","color":"#2eb67d","author_name":"a","author_link":"https://x.example/a","title":"*t* &lt;","title_link":"https://x.example/t","text":"*x*\n• y",` +
				`"fields":[{"title":"k","value":"v","short":true}],"image_url":"https://x.example/p","thumb_url":"https://x.example/q","footer":"f","footer_icon":"https://x.example/j","ts":1392734382,"mrkdwn_in":["pretext","text","fields"]},` +
				`{"fallback":"","pretext":"between","title":"u","mrkdwn_in":["pretext","text","fields"]}]}`, "[]",
		},
		{
			"a card with more than an attachment has",
			[]markup.Block{markup.Card{Color: "#123456", Title: text("t"), Blocks: []markup.Block{markup.Rule{}}}, markup.Rule{}},
			`{"attachments":[{"fallback":"","color":"#123456","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"t","style":{"bold":true}}]}]},{"type":"divider"}]},` +
				`{"fallback":"","blocks":[{"type":"divider"}]}]}`, "[{card flattened 1}]",
		},
	} {
		d := markup.Normal(markup.Document{Blocks: tc.blocks})
		m, lost := PrintMessage(d)
		if fmt.Sprint(lost) != tc.lost {
			t.Errorf("%s: lost %v, want %s", tc.name, lost, tc.lost)
		}
		if err := withinLimits(m); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.want != "" {
			checkJSON(t, tc.name, m, tc.want)
		}
		if len(lost) > 0 {
			continue
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if again, _, err := ParseMessage(text); err != nil || !markup.Equal(again, d) {
			t.Errorf("%s: read back as %s (%v), want %s", tc.name, sketch(again.Blocks), err, sketch(d.Blocks))
		}
	}
}

// checkJSON compares a message with JSON, in which the texts that only
// notifications show may be empty.
func checkJSON(t *testing.T, name string, got Message, want string) {
	t.Helper()
	var wanted Message
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if wanted.Text == "" {
		got.Text = ""
	}
	for i := range got.Attachments {
		got.Attachments[i].Fallback = ""
	}
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(wanted)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%s\n got %s\nwant %s", name, a, b)
	}
}

// Whatever there is too much of is shown in another way, and nothing is lost.
func TestPrintMessageLimits(t *testing.T) {
	var blocks []markup.Block
	for i := range 80 {
		blocks = append(blocks, markup.Rule{}, markup.Heading{Level: 1, Content: []markup.Inline{markup.Text(fmt.Sprint("heading", i))}})
	}
	var fields markup.Fields
	for i := range 30 {
		value := strings.Repeat("x", i*100)
		fields.Fields = append(fields.Fields, markup.Field{Title: []markup.Inline{markup.Text(fmt.Sprint("field", i))}, Value: []markup.Block{p(markup.Text(value))}, Short: true})
	}
	var context markup.Context
	for i := range 15 {
		context.Content = append(context.Content, markup.Text(fmt.Sprint(" context", i, " ")), markup.Image{URL: "https://x.example/i"})
	}
	var cards []markup.Block
	for i := range 150 {
		cards = append(cards, markup.Card{Title: []markup.Inline{markup.Text(fmt.Sprint("card", i))}}, p(markup.Text("between")), markup.Rule{})
	}
	deep := markup.List{Items: []markup.ListItem{{Blocks: []markup.Block{p(markup.Text("deepest"))}}}}
	for range 12 {
		deep = markup.List{Items: []markup.ListItem{{Blocks: []markup.Block{p(markup.Text("deep")), deep}}}}
	}
	for name, blocks := range map[string][]markup.Block{
		"blocks": blocks, "fields": {fields}, "context": {context}, "cards": cards, "depth": {deep},
		"text": {markup.Context{Content: []markup.Inline{markup.Text(strings.Repeat("word ", 1000))}}, markup.Image{URL: "https://x.example/" + strings.Repeat("i", 3000), Alt: "long"}},
	} {
		d := markup.Document{Blocks: blocks}
		m, lost := PrintMessage(d)
		if err := withinLimits(m); err != nil || len(lost) == 0 {
			t.Errorf("%s: %v, lost %v", name, err, lost)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := ParseMessage(text)
		if err != nil {
			t.Fatal(err)
		}
		read := markup.Plain(again)
		for _, word := range strings.Fields(markup.Plain(d)) {
			if word = strings.Trim(word, "():"); !strings.Contains(read, word) {
				t.Errorf("%s: %.50q is missing", name, word)
			}
		}
	}
}

// Of what notifications show, only as much is sent as they can show.
func TestNotification(t *testing.T) {
	m, lost := PrintMessage(markup.Document{Blocks: []markup.Block{p(markup.Text(strings.Repeat("🎉", 3000)), markup.Mention{Target: markup.TargetBroadcast, Name: "here"})}})
	if n := markup.UTF16(m.Text); n > TextLimit/2 || !strings.HasSuffix(m.Text, "🎉…") || len(lost) > 0 {
		t.Errorf("%d characters, lost %v", n, lost)
	}
}

// withinLimits checks what Slack checks before it takes a message.
func withinLimits(m Message) error {
	if len(m.Attachments) > MaxAttachments {
		return fmt.Errorf("%d attachments", len(m.Attachments))
	}
	if err := blocksWithinLimits(m.Blocks); err != nil {
		return err
	}
	for _, a := range m.Attachments {
		if err := blocksWithinLimits(a.Blocks); err != nil {
			return fmt.Errorf("attachment: %w", err)
		}
	}
	return nil
}

func blocksWithinLimits(blocks []Block) error {
	if len(blocks) > MaxBlocks {
		return fmt.Errorf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		switch b.Type {
		case "header":
			if n := markup.UTF16(b.Text.Text); n == 0 || n > maxHeader {
				return fmt.Errorf("header of %d characters", n)
			}
		case "section":
			if len(b.Fields) == 0 || len(b.Fields) > maxSectionFields {
				return fmt.Errorf("section with %d fields", len(b.Fields))
			}
			for _, f := range b.Fields {
				if n := markup.UTF16(f.Text); n == 0 || n > maxSectionField {
					return fmt.Errorf("field of %d characters", n)
				}
			}
		case "context":
			if len(b.Elements) == 0 || len(b.Elements) > maxContextElements {
				return fmt.Errorf("context of %d elements", len(b.Elements))
			}
		case "image":
			if b.AltText == "" || b.ImageURL == "" || len(b.ImageURL) > 3*maxImageURL {
				return fmt.Errorf("image without text or URL")
			}
		case "rich_text":
			if err := richWithinLimits(b.Elements); err != nil {
				return err
			}
		}
	}
	return nil
}

func richWithinLimits(elements []Element) error {
	if len(elements) == 0 {
		return fmt.Errorf("empty list of elements")
	}
	for _, e := range elements {
		switch e.Type {
		case "rich_text_section", "rich_text_quote", "rich_text_list", "rich_text_preformatted":
			if e.Indent > 8 || e.Offset < 0 {
				return fmt.Errorf("indent %d, offset %d", e.Indent, e.Offset)
			}
			if err := richWithinLimits(e.Elements); err != nil {
				return fmt.Errorf("%s: %w", e.Type, err)
			}
		case "text":
			if e.Text == "" {
				return fmt.Errorf("empty text")
			}
		}
	}
	return nil
}
