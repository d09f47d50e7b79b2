package rocketchat_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/ingress/dialects/rocketchat"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/fields.txt")
	dialecttest.Run(t, rocketchat.Dialect, cases)
	dialecttest.Mutate(t, rocketchat.Dialect, cases)
}

func read(t *testing.T, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{}, url.Values{}, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func TestDetect(t *testing.T) {
	for body, want := range map[string]string{
		`{"text":"a","channel":"#b","username":"c"}`:            "",
		`{"text":"a","roomId":"GENERAL"}`:                       "the field roomId",
		`{"text":"a","alias":"CI"}`:                             "the field alias",
		`{"alias":"CI"}`:                                        "",
		`{"text":"a","emoji":":bear:"}`:                         "the field emoji",
		`{"text":"a","emoji":"happy"}`:                          "",
		`{"text":"a","avatar":"https://a.example/i.png"}`:       "the field avatar",
		`{"text":"a","avatar":{"url":"https://a.example/i"}}`:   "",
		`{"attachments":[{"title":"a"}],"tmid":"x"}`:            "the field tmid",
		`{"text":"a","avatar":"","alias":"","emoji":null}`:      "",
		`{"attachments":[{"title":"a"}],"avatar":"javascript"}`: "",
		`just text`: "",
	} {
		if got := rocketchat.Dialect.Detect(read(t, body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	const id = "0190b3c8-7c4e-7a12-8000-000000000001"
	for name, test := range map[string]struct {
		body string
		want dialect.Post
		text string
	}{
		"look": {
			`{"text":"**a**","alias":"CI","username":"x","avatar":"https://a.example/i.png","emoji":":bear:"}`,
			dialect.Post{Username: "CI", AvatarURL: "https://a.example/i.png"},
			"**a**",
		},
		"emoji":         {`{"text":"a","alias":"CI","emoji":":bear:"}`, dialect.Post{Username: "🐻 CI"}, "a"},
		"Slack's names": {`{"text":"a","username":"CI","icon_emoji":":bear:"}`, dialect.Post{Username: "🐻 CI"}, "a"},
		"a thread":      {`{"text":"a","tmid":"` + dialect.Decimal(id) + `"}`, dialect.Post{Thread: id}, "a"},
		"an attachment": {
			`{"text":"see <https://a.example|this>","attachments":[{"title":"t","title_link":"https://a.example/t","text":"x","color":"#ff0000",` +
				`"ts":"2016-12-09T16:53:06.761Z","audio_url":"https://a.example/a.mp3","fields":[{"title":"f","value":"*v*","short":true}]}]}`,
			dialect.Post{},
			"see [this](https://a.example)\n\n> **[t](https://a.example/t)**\n>\n> x\n>\n> **f**: *v*\n>\n> https://a.example/a.mp3\n>\n> 2016-12-09 16:53 UTC",
		},
		"wrong types": {`{"text":true,"alias":[],"attachments":{},"tmid":{}}`, dialect.Post{}, "true"},
		"plain text":  {"a **b**", dialect.Post{}, "a **b**"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := rocketchat.Dialect.Parse(read(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if p.Username != test.want.Username || p.AvatarURL != test.want.AvatarURL || p.Thread != test.want.Thread {
				t.Errorf("author %q, picture %q, thread %q; want %+v", p.Username, p.AvatarURL, p.Thread, test.want)
			}
			got, _ := markup.PrintMarkdown(markup.Normal(p.Doc))
			if diff := cmp.Diff(test.text, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	_, err := rocketchat.Dialect.Parse(read(t, `{"alias":"a"}`))
	failed, ok := errors.AsType[*dialect.Failure](err)
	if !ok || failed.Verdict != dialect.NoText {
		t.Fatalf("nothing to show: %v", err)
	}
	a := rocketchat.Dialect.Failed(&dialect.Failure{Verdict: dialect.NoText, Detail: `Say "something".`})
	if a.Status != 400 || string(a.Body) != `{"success":false,"error":"Say \"something\"."}` {
		t.Errorf("refused with %d %s", a.Status, a.Body)
	}
	a = rocketchat.Dialect.Succeeded(read(t, `{"text":"a"}`), dialect.Posted{})
	if a.Status != 200 || a.ContentType != "application/json" || string(a.Body) != `{"success":true}` {
		t.Errorf("answers %d %s %s", a.Status, a.ContentType, a.Body)
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"text":"*a* <https://a.example|b>","alias":"CI","emoji":":bear:","tmid":"1"}`,
		`{"attachments":[{"title":"f","text":"t","fields":[{"title":"t","value":1}],"actions":[{"text":"b"}],"ts":1}]}`,
		"plain **text**",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := dialect.Read(http.Header{}, url.Values{}, body)
		rocketchat.Dialect.Detect(r)
		if err != nil {
			return
		}
		p, err := rocketchat.Dialect.Parse(r)
		if err != nil {
			return
		}
		if text, _ := markup.PrintMarkdown(markup.Normal(p.Doc)); strings.TrimSpace(text) == "" && len(p.Uploads) == 0 {
			t.Fatalf("an empty post of %q", body)
		}
	})
}
