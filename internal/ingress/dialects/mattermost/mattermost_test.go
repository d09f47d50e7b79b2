package mattermost_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/mattermost"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	dialecttest.Run(t, mattermost.Dialect, cases)
	dialecttest.Mutate(t, mattermost.Dialect, cases)
}

func TestForcedFixtures(t *testing.T) {
	forced := *mattermost.Dialect
	forced.Detect = func(*dialect.Request) string { return "the URL" }
	dialecttest.Run(t, &forced, dialecttest.Cases(t, "testdata/forced.txt"))
}

func read(t *testing.T, agent, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{"User-Agent": {agent}}, url.Values{}, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for _, test := range []struct{ agent, body, want string }{
		{"", `{"text":"a","channel":"b","username":"c"}`, ""},
		{"", `{"text":"a","priority":{"priority":"urgent"}}`, "the field priority"},
		{"", `{"text":"a","priority":"high"}`, ""},
		{"", `{"text":"a","props":{"card":"b"}}`, "the field props"},
		{"", `{"props":{"card":"b"}}`, ""},
		{"", `{"text":"a","type":"custom_build"}`, "a type that begins with custom_"},
		{"", `{"text":"a","type":"message"}`, ""},
		{"", `{"text":"a","silent":true}`, "the field silent"},
		{"Alertmanager/0.34", `{"attachments":[{"fallback":"a","text":"b"}]}`, "Alertmanager's attachments for Mattermost"},
		{"Alertmanager/0.34", `{"attachments":[{"fallback":"a","text":"b","callback_id":""}]}`, ""},
		{"Alertmanager/0.34", `{"attachments":[{"title":"a"}]}`, ""},
		{"curl/8", `{"attachments":[{"fallback":"a","text":"b"}]}`, ""},
		{"", `just text`, ""},
	} {
		if got := mattermost.Dialect.Detect(read(t, test.agent, test.body)); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.agent, test.body, got, test.want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want dialect.Post
		text string
	}{
		"one asterisk is not bold": {`{"text":"*a* **b**"}`, dialect.Post{}, "*a* **b**"},
		"look": {
			`{"text":"a","username":"CI","icon_url":"https://a.example/i.png","icon_emoji":":bear:"}`,
			dialect.Post{Username: "CI", AvatarURL: "https://a.example/i.png"},
			"a",
		},
		"emoji":          {`{"text":"a","username":"CI","icon_emoji":"bear"}`, dialect.Post{Username: "🐻 CI"}, "a"},
		"silent":         {`{"text":"a","silent":"true"}`, dialect.Post{NoMentions: true}, "a"},
		"Slack's links":  {`{"text":"<https://a.example/x|the *x*> <!here|here> <b> a <!channel>"}`, dialect.Post{}, "[the *x*](https://a.example/x) @here \\<b> a @channel"},
		"priority":       {`{"text":"a","priority":{"priority":"urgent","requested_ack":true}}`, dialect.Post{}, "❗ Urgent · please acknowledge\n\na"},
		"usual priority": {`{"text":"a","priority":{"priority":"standard"}}`, dialect.Post{}, "a"},
		"card":           {`{"text":"a","props":{"card":"# B\nc"}}`, dialect.Post{}, "a\n\n> # B\n>\n> c"},
		"attachments in props": {
			`{"props":{"attachments":[{"pretext":"p","author_name":"n","author_link":"https://a.example/n","title":"t","text":"**x**","footer":"f"}]}}`,
			dialect.Post{},
			"p\n\n> [n](https://a.example/n)\n>\n> **t**\n>\n> **x**\n>\n> f",
		},
		"only a fallback": {`{"attachments":[{"fallback":"f *x*"}]}`, dialect.Post{}, `f \*x\*`},
		"buttons": {
			`{"attachments":[{"text":"a","actions":[{"name":"Ack","integration":{}},{"name":"Open","url":"https://a.example"}],"image_url":"https://a.example/i"}]}`,
			dialect.Post{},
			"> a\n>\n> ![](https://a.example/i)\n>\n> [Ack] · [Open](https://a.example)",
		},
		"wrong types": {
			`{"text":7,"props":[],"priority":1,"attachments":[1,{"fields":{},"actions":[[]],"ts":{},"color":[]},{"text":["x"],"title":false}]}`,
			dialect.Post{},
			"7\n\n> **false**",
		},
		"plain text": {"a **b**\n", dialect.Post{}, "a **b**"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := mattermost.Dialect.Parse(read(t, "", test.body))
			if err != nil {
				t.Fatal(err)
			}
			if p.Username != test.want.Username || p.AvatarURL != test.want.AvatarURL || p.NoMentions != test.want.NoMentions {
				t.Errorf("author %q, picture %q, silent %v; want %+v", p.Username, p.AvatarURL, p.NoMentions, test.want)
			}
			got, _ := markup.PrintMarkdown(markup.Normal(p.Doc))
			if diff := cmp.Diff(test.text, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestManyAttachments(t *testing.T) {
	p, err := mattermost.Dialect.Parse(read(t, "", `{"attachments":[`+strings.Repeat(`{"text":"a"},`, dialect.MaxCards+1)+`{"text":"a"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := markup.Degradations{{Kind: markup.KindCard, Done: markup.Shortened, Count: 2}}
	if diff := cmp.Diff(want, p.Losses); diff != "" || len(p.Doc.Blocks) != dialect.MaxCards {
		t.Errorf("%d cards, losses (-want +got)\n%s", len(p.Doc.Blocks), diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, body := range []string{`{}`, `{"text":""}`, `{"attachments":[{}]}`, `{"priority":{"priority":"urgent"}}`} {
		_, err := mattermost.Dialect.Parse(read(t, "", body))
		failed, ok := errors.AsType[*dialect.Failure](err)
		if !ok || failed.Verdict != dialect.NoText {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	a := mattermost.Dialect.Succeeded(read(t, "", `{"text":"a"}`), dialect.Posted{})
	if a.Status != 200 || a.ContentType != "text/plain" || string(a.Body) != "ok" {
		t.Errorf("answers %d %s %q", a.Status, a.ContentType, a.Body)
	}
	for verdict, want := range map[dialect.Verdict]string{
		dialect.NoText:       `{"id":"web.incoming_webhook.text.app_error","message":"D.","detailed_error":"","request_id":"","status_code":400}`,
		dialect.UnknownToken: `{"id":"web.incoming_webhook.invalid.app_error","message":"D.","detailed_error":"","request_id":"","status_code":404}`,
		dialect.Unavailable:  `{"id":"web.incoming_webhook.general.app_error","message":"D.","detailed_error":"","request_id":"","status_code":503}`,
	} {
		a := mattermost.Dialect.Failed(&dialect.Failure{Verdict: verdict, Detail: "D."})
		if string(a.Body) != want || a.ContentType != "application/json" || !json.Valid(a.Body) {
			t.Errorf("%s: %s", verdict, a.Body)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"text":"*a* <https://a.example|b>","priority":{"priority":"urgent"},"props":{"card":"c"}}`,
		`{"attachments":[{"fallback":"f","text":"t","fields":[{"title":"t","value":1}],"actions":[{"name":"b"}],"ts":1}]}`,
		`payload=%7B%22text%22%3A%22hi%22%7D`, "plain **text**",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := dialect.Read(http.Header{}, url.Values{}, body)
		mattermost.Dialect.Detect(r)
		if err != nil {
			return
		}
		p, err := mattermost.Dialect.Parse(r)
		if err != nil {
			return
		}
		if text, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(text) == "" && len(p.Uploads) == 0 {
			t.Fatalf("an empty post of %q", body)
		}
	})
}
