package discord_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/discord"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

func mustTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// errorer is what *testing.T and *rapid.T have in common.
type errorer interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkMessages checks everything for which Discord refuses a message.
func checkMessages(t errorer, messages []discord.Message) {
	t.Helper()
	check := func(what, s string, least, most int) {
		if n := utf8.RuneCountInString(strings.TrimSpace(s)); n < least || n > most {
			t.Errorf("%s has %d characters: %+.80q", what, n, s)
		}
	}
	for _, m := range messages {
		check("content", m.Content, 0, discord.MaxContent)
		if strings.TrimSpace(m.Content) == "" && len(m.Embeds) == 0 || len(m.Embeds) > discord.MaxEmbeds {
			t.Errorf("%d embeds, content %q", len(m.Embeds), m.Content)
		}
		if m.AllowedMentions.Parse == nil {
			t.Errorf("everything may be mentioned")
		}
		total := 0
		for _, e := range m.Embeds {
			total += checkEmbed(t, e, check)
		}
		if total > discord.MaxEmbedTotal {
			t.Errorf("%d characters in embeds", total)
		}
	}
}

func checkEmbed(t errorer, e discord.Embed, check func(string, string, int, int)) (total int) {
	check("title", e.Title, 0, discord.MaxTitle)
	check("description", e.Description, 0, discord.MaxDescription)
	texts := []string{e.Title, e.Description}
	urls := []string{e.URL}
	if e.Author != nil {
		check("author", e.Author.Name, 1, discord.MaxAuthor)
		texts, urls = append(texts, e.Author.Name), append(urls, e.Author.URL, e.Author.IconURL)
	}
	if e.Footer != nil {
		check("footer", e.Footer.Text, 1, discord.MaxFooter)
		texts, urls = append(texts, e.Footer.Text), append(urls, e.Footer.IconURL)
	}
	for _, f := range e.Fields {
		check("name of field", f.Name, 1, discord.MaxFieldName)
		check("value of field", f.Value, 1, discord.MaxFieldValue)
		texts = append(texts, f.Name, f.Value)
	}
	if len(e.Fields) > discord.MaxFields {
		t.Errorf("%d fields", len(e.Fields))
	}
	for _, img := range []*discord.EmbedImage{e.Image, e.Thumbnail} {
		if img != nil {
			urls = append(urls, img.URL)
		}
	}
	for _, url := range urls {
		if url != "" && !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") || len(url) > discord.MaxURL {
			t.Errorf("URL %q", url)
		}
	}
	if strings.Join(texts, "") == "" && e.Image == nil && e.Thumbnail == nil {
		t.Errorf("an embed without anything: %+v", e)
	}
	return utf8.RuneCountInString(strings.Join(texts, ""))
}

// No document is too big or too strange to be sent, and of none a word is lost.
func TestPrintMessagesProperties(t *testing.T) {
	all := markuptest.Everything()
	all.URL = rapid.SampledFrom([]string{
		"https://example.org", "https://example.org/a_(b)", "mailto:me@example.org", "http://localhost/x", "slack://open", "/relative",
	})
	documents := markuptest.Documents(all)
	rapid.Check(t, func(t *rapid.T) {
		n := 0
		var words []string
		repeat := rapid.SampledFrom([]int{1, 1, 40, 400}).Draw(t, "repeat")
		d := markup.MapInlines(documents.Draw(t, "document"), func(inline markup.Inline) []markup.Inline {
			if _, ok := inline.(markup.Text); !ok || n > 20 {
				return []markup.Inline{inline}
			}
			n++
			words = append(words, "word"+strings.Repeat("a", n)+"z")
			return []markup.Inline{markup.Text(strings.Repeat(" "+words[n-1]+" ", repeat)), inline}
		})
		messages, _ := discord.PrintMessages(d, markup.Allow{})
		checkMessages(t, messages)
		sent, err := json.Marshal(messages)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words { // a few may be cut in two
			if got := strings.Count(string(sent), w); got < repeat-repeat/10 {
				t.Fatalf("%q %d times, want %d, in\n%s", w, got, repeat, sent)
			}
		}
		for _, m := range messages {
			if len(m.AllowedMentions.Parse)+len(m.AllowedMentions.Users)+len(m.AllowedMentions.Roles) > 0 {
				t.Fatalf("somebody would be notified: %+v", m)
			}
			body, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := discord.ParseMessage(body)
			if err != nil {
				t.Fatal(err)
			}
			markup.Walk(again, func(n markup.Node) bool {
				if m, ok := n.(markup.Mention); ok && m.Target == markup.TargetBroadcast {
					t.Fatalf("a broadcast in\n%s", body)
				}
				return true
			})
		}
	})
}

// A card goes to an embed and back without a difference.
func TestPrintMessagesCard(t *testing.T) {
	card := markup.Card{
		Color: "#ff8800", Author: markup.CardAuthor{Name: "ci_bot", URL: "https://ci.example.org", IconURL: "https://ci.example.org/i.png"},
		Title: inlines{markup.Text("build_12 of my_app [main]")}, URL: "https://ci.example.org/12",
		Blocks: []markup.Block{
			para(strong("failed"), markup.Text(" after 3 min")),
			list(item(para(markup.Text("unit")))),
			markup.Fields{Fields: []markup.Field{
				{Title: inlines{markup.Text("Branch")}, Value: item(para(markup.Text("main_2"))), Short: true},
				{Title: inlines{markup.Text("Log")}, Value: item(markup.CodeBlock{Text: "exit 1"})},
			}},
			markup.Image{URL: "https://ci.example.org/graph.png", Alt: "graph"},
			markup.Image{URL: "https://ci.example.org/graph2.png"},
		},
		Thumbnail: markup.Image{URL: "https://ci.example.org/t.png"},
		Footer:    inlines{markup.Text("ci.example")}, FooterIconURL: "https://ci.example.org/f.png",
		Time: mustTime("2026-03-04T05:06:07Z"),
	}
	want := markup.Document{Blocks: []markup.Block{para(markup.Text("hello")), card}}
	messages, lost := discord.PrintMessages(want, markup.Allow{})
	if len(lost) > 0 || len(messages) != 1 {
		t.Fatalf("%d messages, lost %v", len(messages), lost)
	}
	checkMessages(t, messages)
	if got := messages[0].Embeds[0].Title; got != "build_12 of my_app [main]" {
		t.Errorf("title %q", got)
	}
	body, err := json.Marshal(messages[0])
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := discord.ParseMessage(body)
	if err != nil {
		t.Fatal(err)
	}
	if !markup.Equal(got, want) {
		t.Errorf("(-want +got)\n%s", cmp.Diff(markup.Normal(want), got))
	}
}

// What is too much for one embed goes on in another one, with its colour, and
// what is too much for one message in another one.
func TestPrintMessagesLimits(t *testing.T) {
	long := func(n int) inlines { return inlines{markup.Text(strings.TrimSpace(strings.Repeat("word ", n/5)))} }
	var fields markup.Fields
	for i := range 30 {
		fields.Fields = append(fields.Fields, markup.Field{
			Title: inlines{markup.Text(fmt.Sprint("f", i))}, Value: item(para(markup.Text("v"))),
		})
	}
	fields.Fields = append(fields.Fields, markup.Field{Title: long(300), Value: item(para(long(2500)...))})
	d := markup.Document{Blocks: []markup.Block{
		para(long(5000)...),
		markup.Card{
			Color: "#123456", Title: long(400), URL: "https://e.org/1", Author: markup.CardAuthor{Name: string(long(500)[0].(markup.Text))},
			Blocks: []markup.Block{para(long(9000)...), fields, para(markup.Text("after"))}, Footer: long(3000),
		},
		markup.Card{Title: inlines{markup.Text("same URL")}, URL: "https://e.org/2"},
		markup.Card{Title: inlines{markup.Text("same URL again")}, URL: "https://e.org/2"},
		para(markup.Text("after the cards")),
	}}
	messages, lost := discord.PrintMessages(d, markup.Allow{})
	checkMessages(t, messages)
	if len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
	words := 0
	for _, m := range messages {
		for i, e := range m.Embeds {
			if e.Description != "" && e.Color != 0x123456 && !strings.HasPrefix(e.Title, "same") {
				t.Errorf("embed without its colour: %.100q", e.Description)
			}
			same := func(other discord.Embed) bool { return e.URL != "" && other.URL == e.URL }
			if slices.ContainsFunc(m.Embeds[:i], same) {
				t.Errorf("two embeds with %s, of which one is not shown", e.URL)
			}
		}
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		words += strings.Count(string(body), "word")
	}
	if want := (5000 + 400 + 500 + 9000 + 300 + 2500 + 3000) / 5; words != want {
		t.Errorf("%d words, want %d", words, want)
	}
	last := messages[len(messages)-1]
	if last.Content != "after the cards" || len(last.Embeds) > 0 {
		t.Errorf("last message: %+v", last)
	}
}

// Names and links that Discord would refuse, or not show, are text.
func TestPrintMessagesFallbacks(t *testing.T) {
	d := markup.Document{Blocks: []markup.Block{
		markup.Card{
			Author: markup.CardAuthor{Name: "bot", URL: "http://ci/bot"}, URL: "http://alertmanager:9093/#x",
			Title:  inlines{markup.Mention{Target: markup.TargetUser, ID: "1", Name: "ann"}, markup.Text(" did "), link("https://e.org/pr", markup.Text("this"))},
			Blocks: []markup.Block{markup.Table{Header: markup.Row{inlines{markup.Text("a")}, inlines{markup.Text("b")}}}},
		},
		markup.Card{Time: mustTime("2026-03-04T05:06:07Z")},
	}}
	messages, _ := discord.PrintMessages(d, markup.Allow{})
	checkMessages(t, messages)
	want := []discord.Embed{
		{
			Title:       "@ann did this (https://e.org/pr)",
			Description: "[bot](http://ci/bot)\n\nhttp://alertmanager:9093/#x\n```\na  b\n-  -\n```",
		},
		{Description: "<t:1772600767>"},
	}
	if len(messages) != 1 {
		t.Fatalf("%d messages", len(messages))
	}
	if diff := cmp.Diff(want, messages[0].Embeds); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMentions(t *testing.T) {
	user := func(id string) markup.Inline { return markup.Mention{Target: markup.TargetUser, ID: id} }
	here := markup.Mention{Target: markup.TargetBroadcast, Name: markup.BroadcastHere}
	d := markup.Document{Blocks: []markup.Block{
		para(user("1"), markup.Text(" @everyone <@7> "), user("2"), markup.Text(" "), user("1"), markup.Text(" "),
			markup.Mention{Target: markup.TargetGroup, ID: "3"}, markup.Text(" "), here),
		markup.Card{Blocks: []markup.Block{para(user("4"))}},
	}}
	for _, c := range []struct {
		allow   markup.Allow
		content string
		want    discord.AllowedMentions
	}{
		{markup.Allow{}, "<@1> @\u200beveryone \\<@7> <@2> <@1> <@&3> @\u200bhere", discord.AllowedMentions{Parse: []string{}}},
		{
			markup.Allow{Users: true, Groups: true, Broadcast: true},
			"<@1> @\u200beveryone \\<@7> <@2> <@1> <@&3> @here",
			discord.AllowedMentions{Parse: []string{"everyone"}, Users: []string{"1", "2"}, Roles: []string{"3"}},
		},
	} {
		messages, lost := discord.PrintMessages(d, c.allow)
		if len(messages) != 1 {
			t.Fatalf("%d messages", len(messages))
		}
		if got := messages[0].Content; got != c.content {
			t.Errorf("%+v: content %q, want %q", c.allow, got, c.content)
		}
		if diff := cmp.Diff(c.want, messages[0].AllowedMentions); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", c.allow, diff)
		}
		if defused := len(lost) > 0; defused != (c.allow == markup.Allow{}) {
			t.Errorf("%+v: lost %v", c.allow, lost)
		}
	}
	if body, err := json.Marshal(discord.Mentions(d, markup.Allow{})); err != nil || string(body) != `{"parse":[]}` {
		t.Errorf("%s %v", body, err)
	}
}

// The limits are those of Discord's own description of its API.
func TestLimits(t *testing.T) {
	var api struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					MaxLength int `json:"maxLength"`
					MaxItems  int `json:"maxItems"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(shared(t, "contracts/discord/openapi.json"), &api); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"IncomingWebhookRequestPartial.content": discord.MaxContent, "IncomingWebhookRequestPartial.embeds": discord.MaxEmbeds,
		"RichEmbed.title": discord.MaxTitle, "RichEmbed.description": discord.MaxDescription, "RichEmbed.fields": discord.MaxFields,
		"RichEmbed.url": discord.MaxURL, "RichEmbedField.name": discord.MaxFieldName, "RichEmbedField.value": discord.MaxFieldValue,
		"RichEmbedFooter.text": discord.MaxFooter, "RichEmbedAuthor.name": discord.MaxAuthor, "RichEmbedImage.url": discord.MaxURL,
		"MessageAllowedMentionsRequest.users": discord.MaxMentions, "MessageAllowedMentionsRequest.roles": discord.MaxMentions,
	} {
		schema, member, _ := strings.Cut(name, ".")
		p := api.Components.Schemas[schema].Properties[member]
		if got := max(p.MaxLength, p.MaxItems); got != want {
			t.Errorf("%s: %d, but the API says %d", name, want, got)
		}
	}
}
