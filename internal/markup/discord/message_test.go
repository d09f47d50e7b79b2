package discord_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/discord"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shared returns a file of the recorded payloads, which are not part of the
// project.
func shared(t *testing.T, path string) []byte {
	t.Helper()
	path = filepath.Join("..", "..", "..", "..", "shared", filepath.FromSlash(path))
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skipf("recorded payloads are not here (%s)", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fixtures are the recorded payloads that hold text, with what people have to
// be able to read of each.
var fixtures = []struct {
	file     string
	messages func(value) []any // nil: the file is one
	texts    []string
}{
	{"discord/docs-examples/message.00.example-message.json", nil, []string{"Supa Hot"}},
	{"discord/docs-examples/message.01.example-crossposted-message.json", nil, []string{"Big news! In this #big-news channel!"}},
	{"discord/docs-examples/message.03.allowed-mentions-examples.json", nil, []string{"@here Hello @1234 and @5678 👋"}},
	{"discord/docs-examples/message.04.allowed-mentions-examples.json", nil, []string{"@everyone @1234 @5678 @789 👋"}},
	{"discord/docs-examples/message.06.allowed-mentions-examples.json", nil, []string{"@123 Time for some memes 🤠"}},
	{"discord/docs-examples/message.09.example-request-body-application-json.json", nil, []string{
		"Hello, World!", "Hello, Embed!", "This is an embedded message.",
	}},
	{"discord/docs-examples/reference.00.examples.json", at("data"), []string{"Select which roles to assign"}},
	{"discord/docs-examples/reference.01.examples.json", at("data"), []string{"Who gets mentioned?"}},
	{"discord/docs-examples/reference.03.examples.json", at("data"), []string{
		"take away all their permissions for 1 hour.", "Choose a user", "Where should they be sent?",
	}},
	{"discord/docs-examples/reference.04.legacy-message-component-behavior.json", nil, []string{
		"This is a message with legacy components", "[Click Me]",
	}},
	{"discord/docs-examples/using-message-components.01.sending-a-message-with-multiple-components.json", nil, []string{
		"This is a Text Display component.", "This is another Text Display component!",
	}},
	{"discord/docs-examples/using-message-components.02.nesting-components-with-layout-components.json", nil, []string{
		"This is a message with v2 components", "[Click Me] · [Click Me Too]",
	}},
	{"discord/docs-examples/application-commands.04.example-interaction.json", at("data", "resolved", "messages", "867793854505943041"), []string{
		"some message",
	}},
	{"discord/docs-examples/sticker.00.example-sticker.json", in("sticker_items"), []string{"Wave", "Wumpus waves hello"}},
	{"discord/rest/discord-json/CreateMessageResponse.json", nil, []string{"@quantic x"}},
	{"discord/rest/discord-json/Message.json", nil, []string{"Scared", "Wumpus looks up and screams in horror"}},
	{"discord/rest/discord-json/EmbedData.NullAuthorUrl.json", in("embeds"), []string{
		"Reacton", "Name: quantictf", "Avatar URL: https://cdn.discordapp.com/avatars/134127815531560960/25a09a99ac0487bf846125084d9c7346.png",
	}},
	{"discord/gateway/discord-json/MessageCreate.Type0.json", at("d"), []string{".ping"}},
	{"discord/gateway/discord-json/MessageCreate.Type19.json", both(at("d"), at("d", "referenced_message")), []string{
		"cool.", "Channels: 136", "Emojis: 75", "Guilds: 6", "Members: 4", "Messages: 136", "Presences: 4", "Roles: 12299", "Users: 1", "VoiceStates: 2",
	}},
	{"discord/gateway/discord-json/MessageUpdate.Embeds.json", at("d"), []string{
		"My Content (https://www.youtube.com/channel/UCxJjWP3n-ztOm9EVBdPuQGA)", "YouTube (https://www.youtube.com)",
		"Jake Chudnow - Moon Men (Instrumental) (https://www.youtube.com/watch?v=TN25ghkfgQA)", "This is the instrumental",
		"https://i.ytimg.com/vi/TN25ghkfgQA/maxresdefault.jpg", "https://www.youtube.com/embed/TN25ghkfgQA",
	}},
	{"discord/gateway/discord-json/MessageUpdate.NoEmbeds.json", at("d"), []string{"test message please ignore"}},
	{"discord/export/dce-example-guild/Example-guild-Text-Channels-general-1012224565567721552-.json", at("messages"), []string{
		"Welcome to the DiscordChatExporter-frontend example!", "pepecute", "Hello 👏", "You will understand it later :kekw:",
		"1. Use DiscordChatExporter to export Discord chat. Don't forget to choose HTML JSON format.", "the true offline experience :thisisfine:",
		"https://github.com/Tyrrrz/DiscordChatExporter/wiki", "Home · Tyrrrz/DiscordChatExporter Wiki", "Exports Discord chat logs to a file.",
		"2. Then move your exports to the exports folder", "3. close all \"black boxes\" named nginx", "4. And run START_VIEWER again",
		"https://tenor.com/view/magic-gif-26166638", "Have you seen this impressive book scanner?", "My computer right now",
		"@Thomas that is a little bit off topic", "print(\"Hello World!\")", "if __name__ == \"__main__\":", "||EZ||, thanks :pepeheart:",
		"please consider starring ⭐ it on GitHub.", "simply delete the folder exports/example_guild.", "Thanks for using DiscordChatExporter-frontend!",
	}},
	{"discord/export/dce-example-guild/Example-guild-Text-Channels-chill-talk-1012224565567125544-.json", at("messages"), nil},
	{"discord/export/dce-example-guild/Example-guild-Text-Channels-chill-talk-1012224565567125544-without-deleted-message.json", at("messages"), nil},
	{"discord/export/dce-example-guild/Example-guild-general-Thomas-is-Thomas-1060927310439657577-.json", at("messages"), []string{
		"@Adam Threads are not in my own exports.", "You export them the same way", "--channel CHANNEL_ID command line argument.", "Thank you!",
	}},
	{"senders/alertmanager/discord-default.005.request.json", body, []string{
		"[FIRING:1] DiskFull (db-1:9100 /var/lib/postgresql warning)", "• alertname = DiskFull", "• summary = Диск заполнен на 91% 🚨",
	}},
	{"senders/alertmanager/discord-default.027.request.json", body, []string{
		"[FIRING:2] HighErrorRate eu-1 (api critical)", "• description = Error ratio is 7.3% & rising", "since 10m",
		"• runbook_url = https://runbooks.example.org/HighErrorRate", "• summary = 5xx rate above 5% on \"api\" <checkout>",
		"Source: http://prometheus.example.org/graph?g0.expr=rate(x%5B5m%5D)", "instance = api-8c2:8080",
	}},
	{"senders/alertmanager/discord-default.049.request.json", body, []string{"[RESOLVED] HighErrorRate eu-1 (api critical)", "Alerts Resolved:"}},
	{"senders/uptime-kuma/discord-normal-down.2.request.json", body, []string{
		"@123", "❌ Your service Checkout API went down. ❌", "Service Name: Checkout API", "Service URL: https://shop.example.org/health",
		"Went Offline: Wednesday, 4 March 2026 05:06 UTC", "Time (Europe/Berlin): 2026-03-04 06:06:07",
		"Error: connect ECONNREFUSED 10.0.0.5:443", "2026-03-04 05:06 UTC",
	}},
	{"senders/uptime-kuma/discord-normal-test.2.request.json", body, []string{"Testing \"quotes\" & <b>tags</b> 🚦"}},
	{"senders/uptime-kuma/discord-normal-up.2.request.json", body, []string{
		"✅ Your service Checkout API is up! ✅", "Downtime Duration: 7m", "Ping: 123 ms",
	}},
	{"senders/uptime-kuma/discord-thread-down.2.request.json", body, []string{"❌ Your service Checkout API went down. ❌"}},
	{"senders/uptime-kuma/discord-thread-test.2.request.json", body, []string{"Testing \"quotes\" & <b>tags</b> 🚦"}},
	{"senders/uptime-kuma/discord-thread-up.2.request.json", body, []string{"✅ Your service Checkout API is up! ✅", "Ping: 123 ms"}},
}

type value = any

// at returns the message, or the messages, under the given names.
func at(names ...string) func(value) []any {
	return func(v value) []any {
		for _, name := range names {
			v = v.(map[string]any)[name]
		}
		if list, ok := v.([]any); ok {
			return list
		}
		return []any{v}
	}
}

// in returns a message that holds the value under a name.
func in(name string) func(value) []any {
	return func(v value) []any { return []any{map[string]any{name: []any{v}}} }
}

func both(a, b func(value) []any) func(value) []any {
	return func(v value) []any { return append(a(v), b(v)...) }
}

// body returns the message in the body of a recorded request.
func body(v value) []any {
	var message any
	if err := json.Unmarshal([]byte(v.(map[string]any)["body"].(string)), &message); err != nil {
		return nil
	}
	return []any{message}
}

// Of every recorded message all is there that people could read, it stays the
// same from one version to the next, and can be sent again.
func TestFixtures(t *testing.T) {
	for _, fixture := range fixtures {
		name := strings.TrimSuffix(filepath.Base(fixture.file), ".json")
		t.Run(name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal(shared(t, "fixtures/"+fixture.file), &v); err != nil {
				t.Fatal(err)
			}
			messages := []any{v}
			if fixture.messages != nil {
				messages = fixture.messages(v)
			}
			var plain, golden strings.Builder
			for i, m := range messages {
				data, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				d, lost, err := discord.ParseMessage(data)
				if err != nil {
					t.Fatal(err)
				}
				plain.WriteString(markup.Plain(d) + "\n")
				sent, sendLost := discord.PrintMessages(d, markup.Allow{Users: true, Groups: true, Broadcast: true})
				checkMessages(t, sent)
				entry := fmt.Sprintf("%s\n-- read, without %v\n%s\n-- sent, without %v\n%s",
					markup.Plain(d), lost, compact(t, d), sendLost, indented(t, sent))
				if strings.Contains(fixture.file, "/export/") {
					entry = fmt.Sprintf("%x", sha256.Sum256([]byte(entry))) // of whole conversations no copy is kept
				}
				fmt.Fprintf(&golden, "== %d\n%s\n", i, entry)
			}
			for _, s := range fixture.texts {
				if !strings.Contains(plain.String(), s) {
					t.Errorf("%q is not in\n%s", s, plain.String())
				}
			}
			checkGolden(t, name, golden.String())
		})
	}
}

func indented(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func compact(t *testing.T, d markup.Document) []byte {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s (-want +got)\n%s", path, diff)
	}
}

// Everything that a message can hold, at once.
func TestParseMessage(t *testing.T) {
	const message = `{
		"content": "hi <@1> <#2> <@&3> @everyone", "mention_everyone": false,
		"mentions": [{"id": "1", "username": "ann", "global_name": "Ann"}], "mention_channels": [{"id": "2", "name": "ops"}],
		"attachments": [{"filename": "a.png", "url": "https://cdn.example/a.png"}],
		"embeds": [
			{"title": "**T** <@1>", "url": "https://e.org", "color": "16711680", "description": "d", "type": "rich",
				"author": {"name": "A*", "url": "https://a.org", "icon_url": "https://a.org/i"}, "provider": {"name": "P", "url": "https://p.org"},
				"fields": [{"name": "N", "value": 7, "inline": true}, {"name": "\u200b", "value": "- x"}],
				"image": {"url": "attachment://a.png", "description": "alt"}, "thumbnail": {"url": "attachment://none.png"},
				"video": {"url": "https://v.org"}, "footer": {"text": "F_", "icon_url": "https://f.org"}, "timestamp": "yesterday"},
			{"url": "https://e.org", "image": {"url": "https://e.org/2.png"}},
			{"title": "other", "timestamp": "2026-03-04T05:06:07.890+01:00"}
		],
		"poll": {"question": {"text": "Q?"}, "answers": [{"answer_id": 1, "poll_media": {"text": "yes", "emoji": {"name": "👍"}}}],
			"allow_multiselect": true, "expiry": "2026-03-04T00:00:00Z", "results": {"answer_counts": [{"id": 1, "count": 5}]}},
		"sticker_items": [{"id": "9", "name": "S", "format_type": 1}, {"id": "8", "name": "Lottie", "format_type": 3}],
		"message_snapshots": [{"message": {"content": "forwarded **text**"}}],
		"components": [
			{"type": 1, "components": [{"type": 2, "style": 5, "label": "Docs", "url": "https://docs.org", "emoji": {"id": "6", "name": "e"}},
				{"type": 2, "style": 1, "label": "Press"}]},
			{"type": 1, "components": [{"type": 3, "placeholder": "Pick", "options": [{"label": "One", "description": "first"}]}]},
			{"type": 17, "accent_color": 255, "components": [
				{"type": 9, "components": [{"type": 10, "content": "# Head"}], "accessory": {"type": 11, "media": {"url": "https://t.org/t.png"}}},
				{"type": 14}, {"type": 14, "divider": false},
				{"type": 12, "items": [{"media": {"url": "https://g.org/1.png"}, "description": "one", "spoiler": true}]},
				{"type": 13, "file": {"url": "attachment://a.png"}, "name": "a.png"}]},
			{"type": 99, "content": "later", "components": [{"type": 10, "content": "inside"}]}
		]}`
	text := func(s string) markup.Text { return markup.Text(s) }
	img := func(url, alt string) markup.Image { return markup.Image{URL: url, Alt: alt} }
	want := markup.Normal(markup.Document{Blocks: []markup.Block{
		para(text("hi "), markup.Mention{Target: markup.TargetUser, ID: "1", Name: "Ann"}, text(" "),
			markup.Mention{Target: markup.TargetChannel, ID: "2", Name: "ops"}, text(" "), markup.Mention{Target: markup.TargetGroup, ID: "3"},
			text(" @everyone")),
		markup.Context{Content: inlines{text("Forwarded")}},
		quote(para(text("forwarded "), strong("text"))),
		markup.Card{Title: inlines{text("Q?")}, Blocks: []markup.Block{
			list(item(para(text("👍 yes (5)")))),
			markup.Context{Content: inlines{
				text("Poll · several answers · until "), markup.Timestamp{Time: mustTime("2026-03-04T00:00:00Z")},
			}},
		}},
		markup.Card{
			Color: "#ff0000", Author: markup.CardAuthor{Name: "A*", URL: "https://a.org", IconURL: "https://a.org/i"},
			Title: inlines{strong("T"), text(" <@1>")}, URL: "https://e.org",
			Blocks: []markup.Block{
				markup.Context{Content: inlines{link("https://p.org", text("P"))}},
				para(text("d")),
				markup.Fields{Fields: []markup.Field{
					{Title: inlines{text("N")}, Value: item(para(text("7"))), Short: true}, {Value: item(list(item(para(text("x")))))},
				}},
				img("https://cdn.example/a.png", "alt"),
				para(link("https://v.org", text("https://v.org"))),
				img("https://e.org/2.png", ""),
			},
			Thumbnail: markup.Image{Alt: "none.png"},
			Footer:    inlines{text("F_ yesterday")}, FooterIconURL: "https://f.org",
		},
		markup.Card{Title: inlines{text("other")}, Time: mustTime("2026-03-04T04:06:07.890Z")},
		img("https://cdn.discordapp.com/stickers/9.png", "S"),
		para(text("Lottie")),
		para(link("https://docs.org", markup.Emoji{Name: "e", ID: "6", URL: discord.EmojiURL("6", false)}, text(" Docs")), text(" · [Press]")),
		para(text("Pick")),
		list(item(para(text("One – first")))),
		markup.Card{Color: "#0000ff", Blocks: []markup.Block{
			markup.Heading{Level: 1, Content: inlines{text("Head")}},
			img("https://t.org/t.png", ""),
			markup.Rule{},
			para(spoiler(img("https://g.org/1.png", "one"))), para(link("https://cdn.example/a.png", text("a.png"))),
		}},
		para(text("later")),
		para(text("inside")),
	}})
	got, lost, err := discord.ParseMessage([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wantLost := markup.Degradations{
		{Kind: discord.KindPoll, Done: markup.AsList, Count: 1},
		{Kind: discord.KindSticker, Done: markup.AsText, Count: 1},
		{Kind: discord.KindButton, Done: markup.AsText, Count: 1},
		{Kind: discord.KindInput, Done: markup.AsText, Count: 2},
	}
	if diff := cmp.Diff(wantLost, lost); diff != "" {
		t.Errorf("losses (-want +got)\n%s", diff)
	}
}

func TestParsePollResult(t *testing.T) {
	d, _, err := discord.ParseMessage([]byte(`{"embeds": [{"type": "poll_result", "fields": [
		{"name": "poll_question_text", "value": "Lunch?"}, {"name": "victor_answer_votes", "value": "3"}, {"name": "total_votes", "value": "4"},
		{"name": "victor_answer_text", "value": "Pizza"}, {"name": "victor_answer_emoji_name", "value": "🍕"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := markup.Plain(d), "Lunch?\n🍕 Pizza\n3 of 4 votes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseMessageNotObject(t *testing.T) {
	for _, data := range []string{"", "null", "[]", `"x"`, "{", "\xff"} {
		if d, _, err := discord.ParseMessage([]byte(data)); err == nil {
			t.Errorf("%q: %+v", data, d)
		}
	}
}

// Whatever text stands where people would see it, is in the document.
func TestParseMessageKeepsTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 0
		var words []string
		var make func(depth int) any
		make = func(depth int) any {
			o := map[string]any{}
			for _, name := range shownMembers {
				if rapid.IntRange(0, 3).Draw(t, "has") == 0 {
					n++
					words = append(words, fmt.Sprintf("word%dend", n))
					o[name] = words[n-1]
				}
			}
			for name, types := range shownLists {
				if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nested") == 0 {
					child := make(depth - 1).(map[string]any)
					child["type"] = rapid.SampledFrom(types).Draw(t, "type")
					o[name] = []any{child}
				}
			}
			return o
		}
		component := make(3)
		data, err := json.Marshal(map[string]any{"content": "x", "components": []any{component}})
		if err != nil {
			t.Fatal(err)
		}
		d, _, err := discord.ParseMessage(data)
		if err != nil {
			t.Fatal(err)
		}
		plain := markup.Plain(d)
		for _, w := range words {
			if !strings.Contains(plain, w) {
				t.Fatalf("%q of\n%s\nis not in\n%s", w, data, plain)
			}
		}
	})
}

// Members that components of unknown types may have, and show.
var (
	shownMembers = []string{"label", "description", "content", "placeholder", "value"}
	shownLists   = map[string][]int{"components": {3, 4, 5, 18, 21, 99}, "component": {3, 23}, "accessory": {22}}
)

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"content":"**a**","embeds":[{"title":"t","fields":[{"name":"n","value":"v"}],"color":1}]}`))
	f.Add([]byte(`{"components":[{"type":17,"components":[{"type":9,"accessory":{"type":2,"url":"https://e.org"}}]}]}`))
	f.Add([]byte(`{"poll":{"question":{"text":1},"answers":[{}],"expiry":"x"},"message_snapshots":[{"message":{"stickers":[{}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, _, err := discord.ParseMessage(data)
		if err != nil {
			return
		}
		if !markup.Equal(d, markup.Normal(d)) {
			t.Errorf("not normal: %+v", d)
		}
		sent, _ := discord.PrintMessages(d, markup.Allow{})
		checkMessages(t, sent)
	})
}

func BenchmarkParseMessage(b *testing.B) {
	data := []byte(`{"content":"<@&123>","embeds":[{"title":"❌ Checkout API went down. ❌","color":16711680,"timestamp":"2026-03-04T05:06:07Z",
		"fields":[{"name":"Service URL","value":"https://shop.example.org/health"},{"name":"Went Offline","value":"<t:1772600767:F>"},
		{"name":"Error","value":"connect ECONNREFUSED 10.0.0.5:443"}]}]}`)
	for b.Loop() {
		if _, _, err := discord.ParseMessage(data); err != nil {
			b.Fatal(err)
		}
	}
}
