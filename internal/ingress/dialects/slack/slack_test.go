package slack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/slack"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	dialecttest.Run(t, slack.Dialect, cases)
	dialecttest.Mutate(t, slack.Dialect, cases)
}

func TestPlainFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/plain.txt")
	dialecttest.Run(t, slack.Plain, cases)
	dialecttest.Mutate(t, slack.Plain, cases)
	for _, c := range cases {
		if why := slack.Dialect.Detect(c.Read(t)); why != "" {
			t.Errorf("%s is known as Slack's by %s", c.Name, why)
		}
	}
}

const form = "application/x-www-form-urlencoded"

func read(t *testing.T, label, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{"Content-Type": {label}}, url.Values{}, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for body, want := range map[string]string{
		`{"blocks":[{"type":"divider"}]}`:                                          "the field blocks",
		`{"blocks":[{"hash":"x"}]}`:                                                "",
		`{"attachments":[{"title":"t"}]}`:                                          "attachments that are cards",
		`{"attachments":[{"url":"https://a.example/f","title":"t"}]}`:              "",
		`{"attachments":[{"id":0,"description":"d"}]}`:                             "",
		`{"attachments":[{"contentType":"application/x","title":"t"}]}`:            "",
		`{"text":"a","icon_emoji":":x:"}`:                                          "the field icon_emoji",
		`{"text":"a","thread_ts":"1.2"}`:                                           "the field thread_ts",
		`{"text":"a","link_names":"1"}`:                                            "the field link_names",
		`{"text":"a","unfurl_links":false}`:                                        "the field unfurl_links",
		`{"text":"a","response_type":"in_channel"}`:                                "the field response_type",
		`{"text":"a","mrkdwn":null}`:                                               "",
		`{"thread_ts":"1.2","event":"x"}`:                                          "",
		`{"text":"a"}`:                                                             "",
		`payload=%7B%22text%22%3A%22a%22%7D`:                                       "a form with the field payload",
		`payload=%7B%22repository%22%3A%7B%7D%7D`:                                  "",
		`text=a&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D`:                     "the field blocks",
		`channel=C1&text=a&attachments=%5B%7B%22text%22%3A%22x%22%7D%5D&as_user=1`: "attachments that are cards",
		`just text`: "",
	} {
		if got := slack.Dialect.Detect(read(t, form, body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestDetectPlain(t *testing.T) {
	for body, want := range map[string]string{
		`{"text":"a"}`: "text",
		`{"text":"a","username":"CI","channel":"#ops"}`: "text",
		`{"text":"a","content":null,"embeds":null}`:     "text",
		`{"text":12}`:                    "text",
		`text=a&username=CI`:             "text",
		`{"text":""}`:                    "text",
		`{"text":{"a":1}}`:               "",
		`{"text":"a","status":"failed"}`: "",
		`{"text":"a","username":"CI","blocks":[],"attachments":[]}`:   "text",
		`{"text":"a","channel_id":"C1"}`:                              "text",
		`{"username":"CI","channel":"#ops"}`:                          "",
		`just text`:                                                   "",
		`{"text":"a","attachments":[{"url":"https://a.example/f"}]}`:  "",
		`{"text":"a","avatarUrl":"https://a.example/i.png"}`:          "",
		`{"text":"a","type":"message","channel":"C1","parse":"full"}`: "text",
	} {
		if got := slack.Plain.Detect(read(t, form, body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// A broken payload is refused as Slack would refuse it.
func TestDetectBrokenPayload(t *testing.T) {
	r, err := dialect.Read(http.Header{}, nil, []byte("payload=nothing"))
	if err == nil || slack.Dialect.Detect(r) == "" {
		t.Errorf("error %v, kind %s", err, r.Kind)
	}
}

func TestParse(t *testing.T) {
	const id = "0190b3c8-7c4e-7a12-8000-000000000001"
	for name, test := range map[string]struct {
		label, body string
		want        dialect.Post
		text        string
	}{
		"text": {"application/json", `{"text":"*a* <https://a.example|b>"}`, dialect.Post{}, "a b (https://a.example)"},
		"the picture wins over the emoji": {
			"application/json", `{"text":"a","username":"CI","icon_emoji":":bear:","icon_url":"https://a.example/i.png"}`,
			dialect.Post{Username: "CI", AvatarURL: "https://a.example/i.png"},
			"a",
		},
		"a picture that is no address": {"application/json", `{"text":"a","icon_url":"javascript:x"}`, dialect.Post{}, "a"},
		"an emoji":                     {"application/json", `{"text":"a","username":"CI","icon_emoji":":bear:"}`, dialect.Post{Username: "🐻 CI"}, "a"},
		"a thread of ours":             {"application/json", `{"text":"a","thread_ts":"` + dialect.Decimal(id) + `"}`, dialect.Post{Thread: id}, "a"},
		"a thread of Slack's":          {"application/json", `{"text":"a","thread_ts":1503435956.000247}`, dialect.Post{Thread: "1503435956.000247"}, "a"},
		"no mrkdwn, as text":           {form, "text=*a*&mrkdwn=false", dialect.Post{}, "*a*"},
		"link_names, as text":          {form, "text=hi+%40ann&link_names=1", dialect.Post{}, "hi @ann"},
		"blocks in a form": {
			form, "channel=C1&text=t&blocks=" + url.QueryEscape(`[{"type":"section","text":{"type":"mrkdwn","text":"*b*"}}]`), dialect.Post{}, "b",
		},
		"attachments in a string": {"application/json", `{"text":"t","attachments":"[{\"text\":\"x\"}]"}`, dialect.Post{}, "t\n\nx"},
		"Markdown":                {"application/json", `{"markdown_text":"**a** [b](https://b.example)"}`, dialect.Post{}, "a b (https://b.example)"},
		"only text":               {"text/plain", "*a* <!here>\n", dialect.Post{}, "a @here"},
		"a number":                {"application/json", `{"text":12.50}`, dialect.Post{}, "12.50"},
		"wrong types": {
			"application/json", `{"text":["a"],"username":{},"blocks":7,"attachments":{"text":"x","ts":[],"fields":"no","color":{}},"thread_ts":[]}`,
			dialect.Post{},
			"x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := slack.Dialect.Parse(read(t, test.label, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if p.Username != test.want.Username || p.AvatarURL != test.want.AvatarURL || p.Thread != test.want.Thread {
				t.Errorf("author %q, picture %q, thread %q; want %+v", p.Username, p.AvatarURL, p.Thread, test.want)
			}
			if got := markup.Plain(markup.Normal(p.Doc)); got != test.text {
				t.Errorf("says %q, want %q", got, test.text)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for body, want := range map[string]dialect.Verdict{
		`{}`: dialect.NoText, `{"text":" \n"}`: dialect.NoText, `{"blocks":[]}`: dialect.NoText, `{"text":{}}`: dialect.NoText,
	} {
		_, err := slack.Dialect.Parse(read(t, "application/json", body))
		if failed, ok := errors.AsType[*dialect.Failure](err); !ok || failed.Verdict != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	r := read(t, form, "channel=C1&ts=1&text=a")
	r.Method = "chat.update"
	_, err := slack.API.Parse(r)
	failed, ok := errors.AsType[*dialect.Failure](err)
	if !ok {
		t.Fatalf("chat.update: %v", err)
	}
	if a := slack.API.Failure(failed); string(a.Body) != `{"ok":false,"error":"unknown_method"}` || a.Status != 200 {
		t.Errorf("chat.update answers %d %s", a.Status, a.Body)
	}
}

func TestSuccess(t *testing.T) {
	r := read(t, "application/json", `{"text":"a"}`)
	posted := dialect.Posted{Message: hub.Message{
		ID: "0190b3c8-7c4e-7a12-8000-000000000001", ChannelID: "ffffffff-ffff-8fff-bfff-ffffffffffff", Content: "**a**",
		ThreadID: "ffffffff-ffff-8fff-bfff-ffffffffffff", Author: hub.Author{DisplayName: "CI"},
	}}
	a := slack.Dialect.Succeeded(r, posted)
	if a.Status != 200 || a.ContentType != "text/plain" || string(a.Body) != "ok" {
		t.Errorf("answers %d %s %q", a.Status, a.ContentType, a.Body)
	}
	r.Method = "chat.postMessage"
	a = slack.API.Succeeded(r, posted)
	const want = `{"ok":true,"channel":"C340282366920937934553716840013076889599","ts":"2080565178836501455038008856301010945",` +
		`"message":{"type":"message","subtype":"bot_message","text":"**a**","username":"CI","ts":"2080565178836501455038008856301010945",` +
		`"thread_ts":"340282366920937934553716840013076889599"}}`
	if a.Status != 200 || a.ContentType != "application/json" || string(a.Body) != want {
		t.Errorf("the method answers %d %s\n%s, want\n%s", a.Status, a.ContentType, a.Body, want)
	}
}

// What the method answers is what Slack's description of its API promises.
func TestContract(t *testing.T) {
	c := dialecttest.LoadContract(t, "slack/slack_web_openapi_v3.1.converted.json")
	r := read(t, form, "channel=C1&text=a")
	r.Method = "chat.postMessage"
	const answers = "#/paths/~1chat.postMessage/post/responses/"
	c.Check(t, answers+"200/content/application~1json/schema", slack.API.Succeeded(r, dialect.Posted{}).Body)
}

var verdicts = []dialect.Verdict{
	dialect.BadBody, dialect.NoText, dialect.TooLarge, dialect.LoopDetected, dialect.UnknownToken, dialect.AddressRefused, dialect.RateLimited,
	dialect.BadSignature, dialect.ChannelMissing, dialect.ChannelArchived, dialect.NotFound, dialect.Forbidden, dialect.Conflict,
	dialect.StorageFull, dialect.Unavailable, dialect.Internal, "unheard of",
}

func TestFailure(t *testing.T) {
	for verdict, want := range map[dialect.Verdict]string{
		dialect.BadBody: "400 invalid_payload", dialect.NoText: "400 no_text", dialect.UnknownToken: "404 no_service",
		dialect.ChannelArchived: "410 channel_is_archived", dialect.ChannelMissing: "404 channel_not_found",
		dialect.AddressRefused: "403 action_prohibited", dialect.Internal: "500 rollup_error", "unheard of": "500 rollup_error",
	} {
		a := slack.Dialect.Failure(&dialect.Failure{Verdict: verdict, Detail: "D."})
		if got := show(a); got != want || a.ContentType != "text/plain" {
			t.Errorf("%s: %s as %s, want %s", verdict, got, a.ContentType, want)
		}
	}
	a := slack.Dialect.Failure(&dialect.Failure{Verdict: dialect.RateLimited, RetryAfter: 1500 * time.Millisecond})
	if got := show(a); got != `429 {"retry_after":2,"ok":false,"error":"rate_limited"}` || a.ContentType != "application/json" {
		t.Errorf("limited: %s as %s", got, a.ContentType)
	}
}

// Slack's client tries again whatever is not answered with 200.
func TestAPIFailure(t *testing.T) {
	for _, verdict := range verdicts {
		a := slack.API.Failure(&dialect.Failure{Verdict: verdict, Detail: "D."})
		again := verdict == dialect.RateLimited || verdict == dialect.StorageFull || verdict == dialect.Unavailable || verdict == dialect.Internal ||
			verdict == "unheard of"
		if (a.Status != 200) != again {
			t.Errorf("%s: answered with %d", verdict, a.Status)
		}
		var body struct {
			OK    *bool
			Error string
		}
		if err := json.Unmarshal(a.Body, &body); err != nil || body.OK == nil || *body.OK || body.Error == "" {
			t.Errorf("%s: %s (%v)", verdict, a.Body, err)
		}
	}
}

func show(a dialect.Answer) string {
	b, _ := json.Marshal(a.Status)
	return string(b) + " " + string(a.Body)
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"text":"*a* <@U1> <!here|here>","username":"CI","icon_emoji":":bear:","thread_ts":"1.2"}`,
		`{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"button"}}]}`,
		`{"attachments":[{"fallback":"f","ts":"1.5","fields":[{"title":"t","value":null}],"actions":[{"text":"b"}]}]}`,
		`payload=%7B%22text%22%3A%22hi%22%7D`, "text=a+b&blocks=%5B%7B%7D%5D", "plain *text*",
	} {
		f.Add(form, []byte(body))
		f.Add("application/json", []byte(body))
	}
	f.Fuzz(func(t *testing.T, label string, body []byte) {
		r, err := dialect.Read(http.Header{"Content-Type": {label}}, url.Values{}, body)
		slack.Dialect.Detect(r)
		slack.Plain.Detect(r)
		if err != nil {
			return
		}
		p, err := slack.Dialect.Parse(r)
		if err != nil {
			return
		}
		if text, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(text) == "" && len(p.Uploads) == 0 {
			t.Fatalf("an empty post of %q", body)
		}
	})
}
