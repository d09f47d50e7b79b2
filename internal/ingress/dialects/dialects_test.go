package dialects_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/markup"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

const (
	asForm = "application/x-www-form-urlencoded"
	thread = "0190b3c8-7c4e-7a12-8000-000000000001"
)

// said is a post as the chat will have it.
type said struct {
	Content, Username, AvatarURL, Thread string
	Embeds                               []hub.Embed
	Files                                []hub.Attachment
}

func flat(p dialect.Post) said {
	text, cards := markup.Cards(markup.Normal(p.Doc))
	printed, _ := markup.PrintMarkdown(text)
	out := said{
		Content: strings.TrimSpace(p.Markdown + "\n\n" + printed), Username: p.Username, AvatarURL: p.AvatarURL, Thread: p.Thread, Files: p.Files,
	}
	for _, c := range cards {
		out.Embeds = append(out.Embeds, markup.CardEmbed(c))
	}
	return out
}

// understand reads, recognises and parses, as a call without suffix does.
func understand(h http.Header, body string) (string, said, error) {
	r, err := dialect.Read(h, nil, []byte(body))
	d, _ := dialects.Recognise(r)
	if err != nil {
		return d.Name, said{}, err
	}
	p, err := d.Parse(r)
	return d.Name, flat(p), err
}

func TestUnderstands(t *testing.T) {
	for name, test := range map[string]struct {
		header  http.Header
		body    string
		dialect string
		want    said
	}{
		"the guide's call": {
			header("Content-Type", "application/json"),
			`{
    "text": "Hello from external service!",
    "username": "External Bot",
    "icon_url": "https://example.com/icon.png"
  }`,
			"nself-chat",
			said{Content: "Hello from external service!", Username: "External Bot", AvatarURL: "https://example.com/icon.png"},
		},
		"bare text": {header(), `{"text":"hi"}`, "slack", said{Content: "hi"}},
		"text and name": {
			header("Content-Type", "text/plain"), `{"text":"hi","username":"CI","channel":"#ops"}`, "slack",
			said{Content: "hi", Username: "CI"},
		},
		"text, and only JSON accepted": {
			header("Accept", "application/json, application/problem+json"), `{"text":"hi"}`, "nself-chat", said{Content: "hi"},
		},
		"text, and JSON accepted among others": {
			header("Accept", "application/json, text/plain, */*"), `{"text":"hi"}`, "slack", said{Content: "hi"},
		},
		"content": {
			header(), `{"content":"hi","avatarUrl":"https://a.example/b.png"}`, "nself-chat",
			said{Content: "hi", AvatarURL: "https://a.example/b.png"},
		},
		"avatar in snake case": {
			header(), `{"text":"hi","avatar_url":"http://a.example/b.png"}`, "nself-chat",
			said{Content: "hi", AvatarURL: "http://a.example/b.png"},
		},
		"a picture that is no address is left out": {
			header(), `{"content":"hi","icon_url":"javascript:alert(1)"}`, "nself-chat",
			said{Content: "hi"},
		},
		"thread":             {header(), `{"text":"hi","threadId":"` + strings.ToUpper(thread) + `"}`, "nself-chat", said{Content: "hi", Thread: strings.ToUpper(thread)}},
		"number as text":     {header(), `{"content":12.50}`, "nself-chat", said{Content: "12.50"}},
		"boolean as text":    {header(), `{"content":true}`, "nself-chat", said{Content: "true"}},
		"null is absent":     {header(), `{"content":null,"text":"hi","username":null,"embeds":null}`, "slack", said{Content: "hi"}},
		"the last one wins":  {header(), `{"content":"a","content":"b"}`, "nself-chat", said{Content: "b"}},
		"escapes":            {header(), `{"content":"a\u00e9\n\ud83d\ude00\"\\"}`, "nself-chat", said{Content: "aé\n😀\"\\"}},
		"a lone surrogate":   {header(), `{"content":"a\ud800b"}`, "nself-chat", said{Content: "a\ufffdb"}},
		"escaped name":       {header(), `{"\u0063ontent":"hi"}`, "nself-chat", said{Content: "hi"}},
		"raw line feeds":     {header(), "{\"content\":\"a\nb\tc\"}", "nself-chat", said{Content: "a\nb\tc"}},
		"byte order mark":    {header(), "\ufeff{\"content\":\"hi\"}", "nself-chat", said{Content: "hi"}},
		"plain text":         {header("Content-Type", "text/plain"), "Deploy done\n", "nself-chat", said{Content: "Deploy done"}},
		"plain text by curl": {header("Content-Type", asForm), "50% = a & b are done; [ok]", "nself-chat", said{Content: "50% = a & b are done; [ok]"}},
		"bracketed text":     {header("Content-Type", "text/plain"), "[build] done", "nself-chat", said{Content: "[build] done"}},
		"JSON string":        {header("Content-Type", "application/json"), `"hi \"there\""`, "nself-chat", said{Content: `hi "there"`}},
		"form": {
			header("Content-Type", asForm), "text=Hello+w%C3%B6rld%21&username=CI", "slack",
			said{Content: "Hello wörld!", Username: "CI"},
		},
		"form in our words": {
			header("Content-Type", asForm+"; charset=utf-8"), "content=Hi&icon_url=https%3A%2F%2Fa.example%2Fb", "nself-chat",
			said{Content: "Hi", AvatarURL: "https://a.example/b"},
		},
		"payload":           {header(), `payload=%7B%22text%22%3A%22hi%22%7D`, "slack", said{Content: "hi"}},
		"payload, labelled": {header("Content-Type", asForm), `x=1&payload=%7B%22content%22%3A%22hi%22%2C%22text%22%3A%22ho%22%7D`, "slack", said{Content: "ho"}},
		"multipart": {
			header("Content-Type", `multipart/form-data; boundary=XX`),
			"--XX\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhi\r\n--XX\r\n" +
				"Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nbytes\r\n--XX--\r\n",
			"nself-chat",
			said{Content: "hi"},
		},
		"multipart, unlabelled, with JSON": {
			header(),
			"--XX\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n--XX--\r\n",
			"nself-chat",
			said{Content: "hi"},
		},
		"files": {
			header(), `{"text":"hi","attachments":[{"url":"https://a.example/x/report%20%231.pdf?v=1","contentType":"application/pdf"},
				{"url":"https://a.example/","filename":"b"}]}`, "nself-chat",
			said{Content: "hi", Files: []hub.Attachment{
				{URL: "https://a.example/x/report%20%231.pdf?v=1", Filename: "report #1.pdf", MimeType: "application/pdf"},
				{URL: "https://a.example/", Filename: "b"},
			}},
		},
		"embeds as in the guide": {
			header(), `{"embeds":[{"title":"T","description":"D","url":"https://a.example","color":"#00F","timestamp":"2026-02-01T13:00:00+01:00",
				"thumbnail":{"url":"https://a.example/t"},"image":{"url":"https://a.example/i"},"footer":{"text":"F","iconUrl":"x"},
				"author":{"name":"N","url":"x"},"fields":[{"name":"a","value":1,"inline":true},{"name":"b","value":"c"}]}]}`, "nself-chat",
			said{Embeds: []hub.Embed{{
				Title: "T", Description: "D", URL: "https://a.example", Color: "#0000ff", Timestamp: "2026-02-01T12:00:00Z",
				ThumbURL: "https://a.example/t", ImageURL: "https://a.example/i", Footer: "F", AuthorName: "N",
				Fields: []hub.EmbedField{{Name: "a", Value: "1", Inline: true}, {Name: "b", Value: "c"}},
			}}},
		},
		"flat embeds": {
			header(), `{"content":"x","embeds":[{"color":16711680,"imageUrl":"https://a.example/i","authorName":"N","footer":"F"},{"color":"good"}]}`, "nself-chat",
			said{Content: "x", Embeds: []hub.Embed{{Color: "#ff0000", ImageURL: "https://a.example/i", AuthorName: "N", Footer: "F"}}},
		},
		"Slack's cards": {
			header("Accept", "application/json"),
			`{"username":"Grafana","icon_url":"https://a.example/g","attachments":[{"fallback":"f","title":"Firing","title_link":"https://a.example/a",
				"text":"see <https://a.example/a(b)|the [alert]>","color":"danger","ts":1700000000,"pretext":"now",
				"fields":[{"title":"host","value":true,"short":"true"}],"footer":"g"}]}`,
			"slack",
			said{Content: "now", Username: "Grafana", AvatarURL: "https://a.example/g", Embeds: []hub.Embed{{
				Title: "Firing", URL: "https://a.example/a", Description: `see [the \[alert\]](https://a.example/a\(b\))`,
				Color: "#e01e5a", Timestamp: "2023-11-14T22:13:20Z", Footer: "g", Fields: []hub.EmbedField{{Name: "host", Value: "true", Inline: true}},
			}}},
		},
		"a file with a text": {
			header(), `{"content":"c","attachments":[{"url":"https://a.example/f","text":"t","title":"u"}]}`, "nself-chat",
			said{Content: "c", Files: []hub.Attachment{{URL: "https://a.example/f", Filename: "f"}}},
		},
		"only a fallback": {header(), `{"attachments":[{"fallback":"f"}]}`, "slack", said{Embeds: []hub.Embed{{Description: "f"}}}},
		"Slack's blocks": {
			header(), `{"blocks":[{"type":"header","text":{"type":"plain_text","text":"Title"}},
				{"type":"context","elements":[{"type":"mrkdwn","text":"a"},{"type":"image","image_url":"https://a.example/x"}]},
				{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"b"}]}]},{"type":"new"}]}`,
			"slack",
			said{Content: "# Title\n\na ![](https://a.example/x)\n\nb"},
		},
		"text before blocks": {
			header(), `{"text":"t","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"b"}}],"thread_ts":"1700.1"}`,
			"slack",
			said{Content: "b", Thread: "1700.1"},
		},
		"what is no link stays": {
			header(), `{"text":"a < b <https://a.example> <@U1> <x|y> <https://a.example|"}`, "slack",
			said{Content: `a < b https://a.example @U1 \<x|y> \<<https://a.example>|`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dialect, got, err := understand(test.header, test.body)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if dialect != test.dialect {
				t.Errorf("recognised as %s, want %s", dialect, test.dialect)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("post (-want +got):\n%s", diff)
			}
		})
	}
}

// Products of which there are no recordings (those are posted to a hub by package
// e2e) are known for themselves among all the others, too.
func TestKnows(t *testing.T) {
	for name, body := range map[string]string{
		"dockerhub": `{"callback_url":"https://registry.hub.docker.com/u/owls/nest/hook/1a2b/","push_data":{"pushed_at":1417566161,"pusher":"jo","tag":"v2"},
			"repository":{"repo_name":"owls/nest","repo_url":"https://hub.docker.com/r/owls/nest","name":"nest","description":"A nest","status":"Active"}}`,
		"jenkins": `{"name":"nest","url":"job/nest/","build":{"full_url":"https://ci.test/job/nest/7/","number":7,"phase":"FINALIZED","status":"FAILURE",
			"url":"job/nest/7/","scm":{"url":"git@code.test:owls/nest.git","commit":"1a2b3c4d5e"},"log":"","artifacts":{}}}`,
	} {
		if got, _, err := understand(header("Content-Type", "application/json"), body); err != nil || got != name {
			t.Errorf("%s is taken for %s: %v", name, got, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	deep := func(n int) string { return `{"text":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }
	for name, test := range map[string]struct {
		header  http.Header
		body    string
		dialect string
		verdict dialect.Verdict
		fields  string // the names, joined
	}{
		"empty":               {header(), "", "nself-chat", dialect.NoText, ""},
		"space":               {header(), " \r\n\t", "nself-chat", dialect.NoText, ""},
		"labelled JSON":       {header("Content-Type", "application/json"), `hello`, "nself-chat", dialect.BadBody, ""},
		"too deep":            {header(), deep(65), "nself-chat", dialect.BadBody, ""},
		"much too deep":       {header(), strings.Repeat(`{"a":`, 100_000), "nself-chat", dialect.BadBody, ""},
		"broken":              {header(), `{"text":`, "card", dialect.NoText, ""},
		"nothing":             {header(), `{"foo":null}`, "card", dialect.NoText, ""},
		"null":                {header("Content-Type", "application/json"), `null`, "nself-chat", dialect.NoText, ""},
		"content is an array": {header(), `{"content":["a"],"embeds":{}}`, "nself-chat", dialect.BadBody, "content embeds"},
		"only a useless file": {header(), `{"attachments":[{"url":"file:///etc/passwd"}]}`, "nself-chat", dialect.NoText, ""},
		"payload is an array": {header(), `payload=[]`, "slack", dialect.NoText, ""},
		"empty content":       {header(), `{"content":""}`, "nself-chat", dialect.NoText, ""},
		"embed is a string":   {header(), `{"content":"a","embeds":["x",{"title":{}}]}`, "nself-chat", dialect.BadBody, "embeds[0] embeds[1].title"},
		"field of an embed":   {header(), `{"embeds":[{"fields":[{"name":"a","value":[]}]}]}`, "nself-chat", dialect.BadBody, "embeds[0].fields[0].value"},
		"multipart, cut":      {header("Content-Type", "multipart/form-data; boundary=X"), "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "nself-chat", dialect.BadBody, ""},
	} {
		t.Run(name, func(t *testing.T) {
			name, _, err := understand(test.header, test.body)
			failed, ok := errors.AsType[*dialect.Failure](err)
			if !ok {
				t.Fatalf("error %v, want a *Failure", err)
			}
			if name != test.dialect || failed.Verdict != test.verdict {
				t.Errorf("%s in %s, want %s in %s", failed.Verdict, name, test.verdict, test.dialect)
			}
			if failed.Status() != http.StatusBadRequest {
				t.Errorf("status %d, want 400", failed.Status())
			}
			var names []string
			for _, f := range failed.Fields {
				names = append(names, f.Field)
			}
			if got := strings.Join(names, " "); got != test.fields {
				t.Errorf("fields %q, want %q", got, test.fields)
			}
			if failed.Detail == "" || strings.Contains(failed.Error(), "passwd") {
				t.Errorf("detail %q: must say something, and nothing of the input", failed.Error())
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	posted := dialect.Posted{
		Message:  hub.Message{ID: "m1", ChannelID: "c1", CreatedAt: time.Date(2026, 2, 1, 12, 0, 0, 7_654_321, time.FixedZone("", 3600))},
		Duration: 1234 * time.Microsecond, Done: "Message posted successfully",
	}
	limited := &dialect.Failure{Verdict: dialect.RateLimited, Detail: "Slow.", RetryAfter: 1500 * time.Millisecond}
	for name, test := range map[string]struct{ got, want dialect.Answer }{
		"nself-chat posted": {
			dialects.ByName("nself-chat").Succeeded(&dialect.Request{}, posted),
			dialect.Answer{Status: 200, ContentType: "application/json", Body: []byte(`{"success":true,"message":"Message posted successfully",` +
				`"messageId":"m1","channelId":"c1","timestamp":"2026-02-01T11:00:00.007Z","duration":1.234}`)},
		},
		"slack posted": {
			dialects.ByName("slack").Succeeded(&dialect.Request{}, posted), dialect.Answer{Status: 200, ContentType: "text/plain", Body: []byte("ok")},
		},
		"nself-chat refused": {
			dialects.ByName("nself-chat").Failed(&dialect.Failure{
				Verdict: dialect.BadBody, Detail: "D <b>.", Fields: []hub.FieldError{{Field: "f", Detail: "d"}},
			}),
			dialect.Answer{Status: 400, ContentType: "application/problem+json", Body: []byte(`{"type":"about:blank","title":"Bad Request",` +
				`"status":400,"detail":"D \u003cb\u003e.","code":"invalid","errors":[{"field":"f","detail":"d"}]}`)},
		},
		"nself-chat refused, no field": {
			dialects.ByName("nself-chat").Failed(&dialect.Failure{Verdict: dialect.UnknownToken, Detail: "D."}),
			dialect.Answer{
				Status: 404, ContentType: "application/problem+json",
				Body: []byte(`{"type":"about:blank","title":"Not Found","status":404,"detail":"D.","code":"not_found","errors":[]}`),
			},
		},
		"slack limited": {
			dialects.ByName("slack").Failed(limited),
			dialect.Answer{Status: 429, ContentType: "application/json", Body: []byte(`{"retry_after":2,"ok":false,"error":"rate_limited"}`)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlackTokens(t *testing.T) {
	for verdict, want := range map[dialect.Verdict]string{
		dialect.BadBody: "400 invalid_payload", dialect.NoText: "400 no_text", dialect.UnknownToken: "404 no_service",
		dialect.ChannelArchived: "410 channel_is_archived", dialect.ChannelMissing: "404 channel_not_found",
		dialect.AddressRefused: "403 action_prohibited", dialect.BadSignature: "401 invalid_token", dialect.Internal: "500 rollup_error",
		dialect.StorageFull: "507 storage_full", dialect.LoopDetected: "508 loop_detected", dialect.TooLarge: "413 payload_too_large",
		dialect.Unavailable: "503 service_unavailable", "unheard of": "500 rollup_error",
	} {
		a := dialects.ByName("slack").Failed(&dialect.Failure{Verdict: verdict, Detail: "D."})
		if got := jsonNumber(a.Status) + " " + string(a.Body); got != want || a.ContentType != "text/plain" {
			t.Errorf("%s: %s %s, want %s as text/plain", verdict, got, a.ContentType, want)
		}
	}
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestNamesForceADialect(t *testing.T) {
	for _, name := range dialects.Names() {
		if d := dialects.ByName(name); d == nil || d.Name != name {
			t.Errorf("ByName(%q) = %v", name, d)
		}
	}
	seen := make(map[string]bool)
	for _, d := range dialects.All() {
		seen[d.Name] = true
	}
	if len(seen) != len(dialects.Names()) {
		t.Errorf("Names lists %d dialects, All has %d", len(dialects.Names()), len(seen))
	}
	if d := dialects.ByName("telegraph"); d != nil {
		t.Errorf("ByName of an unknown name = %v", d.Name)
	}
}

// Text full of marks that open nothing takes time in proportion to its length: a
// second or two. Quadratic time would be hours, and the end of the test run.
func TestLinksTakeLinearTime(t *testing.T) {
	for _, unit := range []string{"<", "<http://a.example|", "<mailto:a"} {
		text := "<http" + strings.Repeat(unit, 4<<20/len(unit))
		for _, end := range []string{"", ">"} {
			body, err := json.Marshal(map[string]any{"text": text + end, "mrkdwn": true})
			if err != nil {
				t.Fatal(err)
			}
			if name, _, err := understand(header(), string(body)); name != "slack" || err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}
