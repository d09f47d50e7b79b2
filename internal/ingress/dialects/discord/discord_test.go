package discord_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/discord"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	dialecttest.Run(t, discord.Dialect, cases)
	dialecttest.Mutate(t, discord.Dialect, cases)
}

func read(t *testing.T, query, label, body string) *dialect.Request {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dialect.Read(http.Header{"Content-Type": {label}}, values, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

const asJSON = "application/json"

func TestDetect(t *testing.T) {
	for _, test := range []struct{ query, body, want string }{
		{"", `{"content":"a"}`, ""},
		{"", `{"content":"a","username":"b"}`, ""},
		{"wait=true", `{"content":"a"}`, "the parameter wait of the URL"},
		{"thread_id=1", `{"content":"a"}`, "the parameter thread_id of the URL"},
		{"wait=true", `{"text":"a"}`, ""},
		{"wait=true", `{"embeds":[{"color":"#ff0000"}]}`, "the parameter wait of the URL"},
		{"", `{"content":"a","avatar_url":"https://a.example/i.png"}`, "the field avatar_url"},
		{"", `{"content":"a","avatar_url":"https://a.example/i.png","threadId":"x"}`, ""},
		{"", `{"text":"a","avatar_url":"https://a.example/i.png"}`, ""},
		{"", `{"embeds":[{"title":"t","color":255}]}`, "an embed whose colour is a number"},
		{"", `{"embeds":[{"title":"t","color":"#0000ff"}],"avatar_url":"https://a.example/i.png"}`, ""},
		{"", `{"embeds":[{"title":"t"}]}`, ""},
		{"", `{"content":"a","allowed_mentions":{"parse":[]}}`, "the field allowed_mentions"},
		{"", `{"content":"a","tts":false}`, "the field tts"},
		{"", `{"content":"a","flags":4096}`, "the field flags"},
		{"", `{"content":"a","thread_name":"n"}`, "the field thread_name"},
		{"", `{"components":[{"type":10,"content":"a"}]}`, "the field components"},
		{"", `{"components":["api"],"flags":1}`, ""},
		{"", `{"poll":{"question":{"text":"q"}}}`, "the field poll"},
		{"", `{"flags":1,"tts":true}`, ""},
		{"", `{"update_id":1,"poll":{"question":"q"}}`, ""},
		{"", `{"content":"a","tts":false,"attachments":[{"url":"https://a.example/f"}]}`, ""},
		{"", `just text`, ""},
	} {
		if got := discord.Dialect.Detect(read(t, test.query, "text/plain", test.body)); got != test.want {
			t.Errorf("?%s %s: %q, want %q", test.query, test.body, got, test.want)
		}
	}
}

func multipart(parts ...string) string {
	return "--XX\r\nContent-Disposition: form-data; " + strings.Join(parts, "\r\n--XX\r\nContent-Disposition: form-data; ") + "\r\n--XX--\r\n"
}

const asParts = "multipart/form-data; boundary=XX"

func TestMultipart(t *testing.T) {
	for name, test := range map[string]struct {
		body, why, text string
		files           []string
	}{
		"JSON": {multipart("name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}"), "a part that is called payload_json", "hi", nil},
		"JSON and files": {
			multipart(`name="payload_json"`+"\r\n\r\n"+`{"content":"hi","attachments":[{"id":1,"filename":"b.png","description":"a bee"},{"id":"0","description":"an ant"}]}`,
				`name="files[0]"; filename="a.png"`+"\r\n\r\nA", `name="files[1]"; filename="x"`+"\r\n\r\nB"),
			"parts that are called files[n]", "hi\n\nb.png: a bee\n\na.png: an ant",
			[]string{"a.png", "b.png"},
		},
		"only a file": {multipart(`name="files[0]"; filename="a.txt"` + "\r\n\r\nA"), "parts that are called files[n]", "", []string{"a.txt"}},
		"fields": {
			multipart("name=\"content\"\r\n\r\nhi **there**", "name=\"tts\"\r\n\r\ntrue", `name="file"; filename="a.txt"`+"\r\n\r\nA"),
			"the field tts", "hi there",
			[]string{"a.txt"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, "", asParts, test.body)
			if why := discord.Dialect.Detect(r); why != test.why {
				t.Errorf("known by %q, want %q", why, test.why)
			}
			p, err := discord.Dialect.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := markup.Plain(p.Doc); got != test.text {
				t.Errorf("says %q, want %q", got, test.text)
			}
			var names []string
			for _, u := range p.Uploads {
				names = append(names, u.Filename)
			}
			if diff := cmp.Diff(test.files, names); diff != "" {
				t.Errorf("files (-want +got)\n%s", diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	const id = "0190b3c8-7c4e-7a12-8000-000000000001"
	for name, test := range map[string]struct {
		query, body string
		want        dialect.Post
		text        string
	}{
		"look": {
			"", `{"content":"**a**","username":"CI","avatar_url":"https://a.example/i.png"}`,
			dialect.Post{Username: "CI", AvatarURL: "https://a.example/i.png"},
			"a",
		},
		"a thread of ours":      {"thread_id=" + dialect.Decimal(id), `{"content":"a"}`, dialect.Post{Thread: id}, "a"},
		"a thread of Discord's": {"thread_id=1012224565567125544", `{"content":"a"}`, dialect.Post{Thread: "1012224565567125544"}, "a"},
		"a post in a forum":     {"", `{"content":"a","thread_name":"Release *1*"}`, dialect.Post{}, "Release *1*\n\na"},
		"nobody is notified":    {"", `{"content":"<@1>","allowed_mentions":{"parse":[]}}`, dialect.Post{NoMentions: true}, "@1"},
		"silent":                {"", `{"content":"a","flags":4100}`, dialect.Post{NoMentions: true}, "a"},
		"links are not shown":   {"", `{"content":"a","flags":4}`, dialect.Post{}, "a"},
		"users only": {
			"", `{"content":"<@1> <@&2> @everyone","allowed_mentions":{"parse":["users"]}}`, dialect.Post{}, "@1 @\u200b2 @\u200beveryone",
		},
		"somebody":   {"", `{"content":"<@1> @here","allowed_mentions":{"users":["1"]}}`, dialect.Post{}, "@1 @\u200bhere"},
		"everybody":  {"", `{"content":"@everyone","allowed_mentions":{"parse":["everyone","roles","users"]}}`, dialect.Post{}, "@everyone"},
		"plain text": {"", "a **b**\n", dialect.Post{}, "a b"},
		"a poll": {
			"", `{"poll":{"question":{"text":"Lunch?"},"answers":[{"poll_media":{"text":"Pizza"}}],"duration":4}}`,
			dialect.Post{},
			"Lunch?\n• Pizza\nPoll · 4 h",
		},
		"a button": {
			"", `{"components":[{"type":1,"components":[{"type":2,"label":"Docs","url":"https://a.example"},{"type":2,"label":"Go"}]}]}`,
			dialect.Post{},
			"Docs (https://a.example) · [Go]",
		},
		"wrong types": {
			"thread_id=", `{"content":12,"username":[],"embeds":{"title":7,"color":"red","fields":3},"allowed_mentions":[],"flags":"x","attachments":"y"}`,
			dialect.Post{},
			"12\n\n7",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := discord.Dialect.Parse(read(t, test.query, "text/plain", test.body))
			if err != nil {
				t.Fatal(err)
			}
			if p.Username != test.want.Username || p.AvatarURL != test.want.AvatarURL || p.Thread != test.want.Thread || p.NoMentions != test.want.NoMentions {
				t.Errorf("author %q, picture %q, thread %q, silent %v; want %+v", p.Username, p.AvatarURL, p.Thread, p.NoMentions, test.want)
			}
			if got := markup.Plain(markup.Normal(p.Doc)); got != test.text {
				t.Errorf("says %q, want %q", got, test.text)
			}
		})
	}
}

// A message that is sent on as it came has its files elsewhere.
func TestFilesElsewhere(t *testing.T) {
	p, err := discord.Dialect.Parse(read(t, "", asJSON,
		`{"content":"","attachments":[{"id":"1","url":"https://cdn.example/a.png","filename":"a.png","content_type":"image/png"},{"id":"2","url":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []hub.Attachment{{URL: "https://cdn.example/a.png", Filename: "a.png", MimeType: "image/png"}}
	if diff := cmp.Diff(want, p.Files); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The request is not changed by what its post has.
func TestUploadsAreCopied(t *testing.T) {
	r := read(t, "", asParts, multipart(`name="payload_json"`+"\r\n\r\n"+`{"attachments":[{"id":0,"filename":"b"}]}`,
		`name="files[0]"; filename="a"`+"\r\n\r\nA"))
	if _, err := discord.Dialect.Parse(r); err != nil {
		t.Fatal(err)
	}
	if r.Uploads[0].Filename != "a" {
		t.Errorf("the request's file is called %q", r.Uploads[0].Filename)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, body := range []string{`{}`, `{"content":""}`, `{"content":" ","embeds":[]}`, `{"embeds":[{}]}`, `{"content":{}}`} {
		_, err := discord.Dialect.Parse(read(t, "", asJSON, body))
		failed, ok := errors.AsType[*dialect.Failure](err)
		if !ok || failed.Verdict != dialect.NoText {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if got := show(discord.Dialect.Failed(failed)); got != `400 {"message":"Cannot send an empty message","code":50006}` {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func message() hub.Message {
	return hub.Message{
		ID: "0190b3c8-7c4e-7a12-8000-000000000001", ChannelID: "ffffffff-ffff-8fff-bfff-ffffffffffff",
		Author: hub.Author{ID: "0190b3c8-7c4e-7a12-8000-000000000002", Username: "CI"}, Content: "**a** [b](https://b.example)",
		Embeds: []hub.Embed{
			{
				Title: "T", Description: "D", URL: "https://a.example", Color: "#ff0000", AuthorName: "N", ImageURL: "https://a.example/i",
				ThumbURL: "https://a.example/t", Footer: "F", Timestamp: "2026-02-01T12:00:00Z", Fields: []hub.EmbedField{{Name: "a", Value: "b", Inline: true}},
			},
			{Timestamp: "yesterday"},
		},
		Files: []hub.Attachment{
			{ID: "0190b3c8-7c4e-7a12-8000-000000000003", Filename: "f.txt", Size: 3, MimeType: "text/plain"},
			{ID: "0190b3c8-7c4e-7a12-8000-000000000004", Filename: "g", URL: "https://a.example/g"},
		},
		Origin:    hub.Origin{Kind: hub.OriginIncoming, ID: "0190b3c8-7c4e-7a12-8000-000000000005"},
		CreatedAt: time.Date(2026, 2, 1, 13, 0, 0, 7_654_321, time.FixedZone("", 3600)), IsPinned: true,
	}
}

func TestSuccess(t *testing.T) {
	posted := dialect.Posted{Message: message()}
	for query, want := range map[string]int{"": 204, "wait=false": 204, "wait=x": 204, "wait=true": 200, "wait=1": 200} {
		a := discord.Dialect.Succeeded(read(t, query, asJSON, `{"content":"a"}`), posted)
		if a.Status != want || (a.ContentType == "") != (want == 204) || (len(a.Body) == 0) != (want == 204) {
			t.Errorf("?%s: %d %s %s", query, a.Status, a.ContentType, a.Body)
		}
	}
}

func TestMessage(t *testing.T) {
	m := message()
	var got struct {
		ID, Content, Timestamp       string
		Channel                      string `json:"channel_id"`
		Webhook                      string `json:"webhook_id"`
		Edited                       any    `json:"edited_timestamp"`
		Author                       struct{ ID, Username string }
		Embeds                       []struct{ Color int }
		Attachments                  []struct{ URL string }
		Pinned, TTS, MentionEveryone bool
	}
	if err := json.Unmarshal(discord.Message(&m), &got); err != nil {
		t.Fatal(err)
	}
	hook := dialect.Decimal(m.Origin.ID)
	if got.ID != dialect.Decimal(string(m.ID)) || got.Channel != dialect.Decimal(string(m.ChannelID)) || got.Webhook != hook || got.Author.ID != hook {
		t.Errorf("ids: %+v", got)
	}
	if got.Content != "**a** [b](https://b.example)" || got.Author.Username != "CI" || got.Timestamp != "2026-02-01T12:00:00.007654321Z" ||
		got.Edited != nil || got.Embeds[0].Color != 0xff0000 || !got.Pinned {
		t.Errorf("got %+v", got)
	}
	if got.Attachments[0].URL != "/api/files/0190b3c8-7c4e-7a12-8000-000000000003" || got.Attachments[1].URL != "https://a.example/g" {
		t.Errorf("files: %+v", got.Attachments)
	}
	m.ThreadID, m.EditedAt, m.Origin, m.Author.Username, m.Author.DisplayName = m.ID, m.CreatedAt, hub.Origin{}, "", "Deploy"
	if err := json.Unmarshal(discord.Message(&m), &got); err != nil {
		t.Fatal(err)
	}
	if got.Channel != got.ID || got.Edited != "2026-02-01T12:00:00.007654321Z" || got.Webhook != dialect.Decimal(string(m.Author.ID)) || got.Author.Username != "Deploy" {
		t.Errorf("in a thread: %+v", got)
	}
}

const schemas = "#/components/schemas/"

// What we answer is what Discord's description of its API promises.
func TestContract(t *testing.T) {
	c := dialecttest.LoadContract(t, "discord/openapi.json")
	m := message()
	c.Check(t, schemas+"MessageResponse", discord.Message(&m))
	m.EditedAt = m.CreatedAt
	c.Check(t, schemas+"MessageResponse", discord.Message(&m))
	c.Check(t, schemas+"MessageResponse", discord.Message(&hub.Message{}))
	c.Check(t, schemas+"GuildIncomingWebhookResponse", discord.Hook(&hub.IncomingWebhook{
		ID: hub.IncomingID(m.Origin.ID), Name: "Deploys", ChannelID: m.ChannelID,
	}, "token", "https://hub.example/api/webhooks/incoming/token"))
	for _, verdict := range verdicts {
		c.Check(t, schemas+"Error", discord.Dialect.Failed(&dialect.Failure{Verdict: verdict, Detail: "D."}).Body)
	}
	c.Check(t, schemas+"RatelimitedResponse", discord.Dialect.Failed(&dialect.Failure{Verdict: dialect.RateLimited}).Body)
}

var verdicts = []dialect.Verdict{
	dialect.BadBody, dialect.NoText, dialect.TooLarge, dialect.LoopDetected, dialect.UnknownToken, dialect.AddressRefused, dialect.RateLimited,
	dialect.BadSignature, dialect.ChannelMissing, dialect.ChannelArchived, dialect.NotFound, dialect.Forbidden, dialect.Conflict,
	dialect.StorageFull, dialect.Unavailable, dialect.Internal, "unheard of",
}

func TestHook(t *testing.T) {
	got := string(discord.Hook(&hub.IncomingWebhook{
		ID: "0190b3c8-7c4e-7a12-8000-000000000001", Name: "Deploys", ChannelID: "0190b3c8-7c4e-7a12-8000-000000000002",
	}, "t", "https://hub.example/api/webhooks/incoming/t"))
	const want = `{"id":"2080565178836501455038008856301010945","type":1,"name":"Deploys","avatar":null,` +
		`"channel_id":"2080565178836501455038008856301010946","guild_id":"2080565178836501455038008856301010946","application_id":null,` +
		`"token":"t","url":"https://hub.example/api/webhooks/incoming/t"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFailure(t *testing.T) {
	for want, f := range map[string]dialect.Failure{
		`404 {"message":"Unknown Webhook","code":10015}`:                                           {Verdict: dialect.UnknownToken},
		`404 {"message":"Unknown Message","code":10008}`:                                           {Verdict: dialect.NotFound},
		`401 {"message":"Invalid Webhook Token","code":50027}`:                                     {Verdict: dialect.BadSignature},
		`400 {"message":"The request body contains invalid JSON.","code":50109}`:                   {Verdict: dialect.BadBody},
		`429 {"message":"You are being rate limited.","code":0,"retry_after":1.25,"global":false}`: {Verdict: dialect.RateLimited, RetryAfter: 1250 * time.Millisecond},
		`503 {"message":"The database is busy.","code":0}`:                                         {Verdict: dialect.Unavailable, Detail: "The database is busy."},
		`413 {"message":"Request entity too large","code":40005}`:                                  {Verdict: dialect.TooLarge},
		`400 {"message":"Invalid Form Body","code":50035,"errors":{"a":{"_errors":[{"code":"BASE_TYPE_BAD","message":"b"}]}}}`: {
			Verdict: dialect.BadBody, Fields: []hub.FieldError{{Field: "a", Detail: "b"}},
		},
	} {
		if got := show(discord.Dialect.Failed(&f)); got != want {
			t.Errorf("%s: %s, want %s", f.Verdict, got, want)
		}
	}
}

func show(a dialect.Answer) string {
	b, _ := json.Marshal(a.Status)
	return string(b) + " " + string(a.Body)
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"content":"**a** <@1>","embeds":[{"title":"t","color":255,"fields":[{"name":"n","value":"v"}]}],"allowed_mentions":{"parse":["users"]}}`,
		`{"components":[{"type":17,"components":[{"type":10,"content":"x"}]}],"flags":36864}`,
		`{"poll":{"question":{"text":"q"}},"thread_name":"n","attachments":[{"id":0,"description":"d"}]}`, "plain **text**",
		multipart("name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}", `name="files[0]"; filename="a"`+"\r\n\r\nA"),
	} {
		f.Add("wait=true", asJSON, []byte(body))
		f.Add("thread_id=1", asParts, []byte(body))
	}
	f.Fuzz(func(t *testing.T, query, label string, body []byte) {
		values, _ := url.ParseQuery(query)
		r, err := dialect.Read(http.Header{"Content-Type": {label}}, values, body)
		discord.Dialect.Detect(r)
		if err != nil {
			return
		}
		p, err := discord.Dialect.Parse(r)
		if err != nil {
			return
		}
		if text, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(text) == "" && len(p.Uploads)+len(p.Files) == 0 {
			t.Fatalf("an empty post of %q", body)
		}
	})
}
