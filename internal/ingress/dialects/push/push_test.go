package push

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

var files = map[string]*dialect.Dialect{"testdata/gotify.txt": Gotify, "testdata/ntfy.txt": Ntfy, "testdata/telegram.txt": Telegram}

func TestFixtures(t *testing.T) {
	for file, d := range files {
		cases := dialecttest.Cases(t, file)
		dialecttest.Run(t, d, cases)
		for i := range cases {
			r := cases[i].Read(t)
			for _, other := range All {
				if why := other.Detect(r); other != d && why != "" {
					t.Errorf("%s: %s takes it for its own by %s", cases[i].Name, other.Name, why)
				}
			}
			if p, err := d.Parse(r); err != nil || r.Text != "" && !strings.Contains(dialecttest.Seen(&p), r.Text) {
				t.Errorf("%s: the text is missing (%v)", cases[i].Name, err)
			}
		}
	}
}

func TestMutations(t *testing.T) {
	for file, d := range files {
		dialecttest.Mutate(t, d, dialecttest.Cases(t, file))
	}
}

// TestOthersAreLeftAlone: the requests of all other senders are not taken.
func TestOthersAreLeftAlone(t *testing.T) {
	own := map[string]bool{}
	for file := range files {
		for _, c := range dialecttest.Cases(t, file) {
			own[c.Name] = true
		}
	}
	cases := dialecttest.Cases(t, "testdata/all.txt")
	for i := range cases {
		c := &cases[i]
		r, err := dialect.Read(c.Header, c.Query, c.Body)
		if err != nil || own[c.Name] {
			continue
		}
		for _, d := range All {
			if why := d.Detect(r); why != "" {
				t.Errorf("%s takes %s for its own by %s", d.Name, c.Name, why)
			}
		}
	}
}

type request struct {
	label, body string
	header      map[string]string
}

func (q request) read(t testing.TB) *dialect.Request {
	t.Helper()
	h := http.Header{"Content-Type": {q.label}}
	for name, value := range q.header {
		h.Set(name, value)
	}
	r, err := dialect.Read(h, nil, []byte(q.body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
	asText = "text/plain"
)

// TestParse: requests that the products document, and how the message looks.
func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		dialect *dialect.Dialect
		request
		want string
	}{
		"gotify's form":  {Gotify, request{label: asForm, body: "title=Backup&message=done&priority=2"}, "> **Backup**\n>\n> done\n>\n> Priority 2"},
		"gotify's title": {Gotify, request{label: asJSON, body: `{"title":"x","message":"","priority":0,"extras":{}}`}, "> **x**"},
		"gotify's extras": {
			Gotify,
			request{label: asJSON, body: `{"message":"**hi**","priority":8,"extras":{"client::display":{"contentType":"text/markdown"},
			"client::notification":{"click":{"url":"https://a.example"},"bigImageUrl":"https://a.example/b.png"}},"title":"T"}`},
			"> **[T](https://a.example)**\n>\n> **hi**\n>\n> ![](https://a.example/b.png)\n>\n> Priority 8",
		},
		"gotify's key":          {Gotify, request{asForm, "message=hi", map[string]string{"X-Gotify-Key": "k"}}, "> hi"},
		"gotify with odd types": {Gotify, request{label: asJSON, body: `{"message":5,"priority":"high","extras":[1]}`}, "> 5\n>\n> Priority high"},

		"ntfy's text": {
			Ntfy,
			request{asText, "done", map[string]string{"X-Tags": "warning,db-1", "Priority": "urgent", "Click": "https://a.example"}},
			"> ⚠️ done\n>\n> **Tags**: db-1\n>\n> [Open](https://a.example)\n>\n> highest priority\n\ncolour: #e8912d",
		},
		"ntfy's title in code": {
			Ntfy,
			request{asText, "*done*", map[string]string{"Title": "=?UTF-8?B?8J+OiSBGw6p0ZQ==?=", "Markdown": "yes", "Icon": "https://a.example/i.png"}},
			"> **🎉 Fête**\n>\n> *done*\n>\n> ![](https://a.example/i.png)",
		},
		"ntfy's actions in short": {
			Ntfy,
			request{asText, "x", map[string]string{
				"Actions": "view, Open, https://a.example, clear=true; http, Stop, https://a.example/stop; copy, Code, 123; " +
					"action=view, label=B, url=https://b.example",
			}},
			"> x\n>\n> [Open](https://a.example) · [Stop] · Code: `123` · [B](https://b.example)",
		},
		"ntfy's actions in JSON": {
			Ntfy,
			request{asText, "x", map[string]string{"Actions": `[{"action":"view","label":"Open","url":"https://a.example"}]`}},
			"> x\n>\n> [Open](https://a.example)",
		},
		"ntfy's attachment": {
			Ntfy,
			request{label: asJSON, body: `{"topic":"a","attach":"https://a.example/b/c.jpg?x=1","tags":["tada"],"priority":3}`},
			"> 🎉\n>\n> a\n\ncolour: #2da44e\n\nfile: c.jpg https://a.example/b/c.jpg?x=1",
		},
		"ntfy with odd types": {
			Ntfy,
			request{label: asJSON, body: `{"topic":5,"message":["x"],"title":"T","tags":"db-1,db-2","actions":"view","click":7,"priority":"max"}`},
			"> **T**\n>\n> **Tags**: db-1, db-2\n>\n> 5 · highest priority\n\ncolour: #d1242f",
		},
		"ntfy with nothing": {Ntfy, request{label: asJSON, body: `{"topic":"a","message":""}`}, ""},

		"telegram's form": {Telegram, request{label: asForm, body: "chat_id=%40ops&text=hi+%3Cb%3E"}, "hi \\<b>"},
		"telegram's HTML": {
			Telegram,
			request{label: asJSON, body: `{"chat_id":1,"parse_mode":"HTML","text":"<b>a</b>\nb <tg-spoiler>c</tg-spoiler>` +
				`\n<pre><code class=\"language-go\">x\n\ny</code></pre>\n<a href=\"https://a.example\">d</a> &lt;"}`},
			"**a**\nb ||c||\n\n```go\nx\n\ny\n```\n\n[d](https://a.example) <",
		},
		"telegram's Markdown": {
			Telegram,
			request{label: asJSON, body: `{"chat_id":1,"parse_mode":"MarkdownV2","text":"*a* _b_ __c__ ~d~ ||e|| ` + "`f*`" + ` \\*g\\. [h\\-i](https://a.example/j\\)k)\n>q\n>r\ns_t"}`},
			"**a** *b* <u>c</u> ~~d~~ ||e|| `f*` \\*g. [h-i](https://a.example/j\\)k)\n\n> q\n> r\n\ns_t",
		},
		"telegram's code": {Telegram, request{label: asJSON, body: "{\"chat_id\":1,\"parse_mode\":\"Markdown\",\"text\":\"```sh\\nls *\\n```\"}"}, "```sh\nls *\n```"},
		"telegram's photo": {
			Telegram,
			request{label: asJSON, body: `{"chat_id":1,"photo":"https://a.example/p.png","caption":"c","document":"https://a.example/d.pdf",
			"reply_markup":{"inline_keyboard":[[{"text":"Open","url":"https://a.example"},{"text":"Ack","callback_data":"x"}]]}}`},
			"c\n\n![](https://a.example/p.png)\n\n[Open](https://a.example) · [Ack]\n\nfile: d.pdf https://a.example/d.pdf",
		},
		"telegram's keyboard in a form": {
			Telegram,
			request{label: asForm, body: `chat_id=1&text=a&reply_markup={"inline_keyboard":[[{"text":"Open","url":"https://a.example"}]]}`},
			"a\n\n[Open](https://a.example)",
		},
		"telegram with nothing": {Telegram, request{label: asJSON, body: `{"chat_id":1,"text":{}}`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := test.read(t)
			if test.dialect.Detect(r) == "" {
				t.Error("it is not known")
			}
			p, err := test.dialect.Parse(r)
			if (err != nil) != (test.want == "") {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(dialecttest.Show(&p)); err == nil && got != test.want {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestSilent: who asks Telegram not to notify, notifies nobody here.
func TestSilent(t *testing.T) {
	p, err := Telegram.Parse(request{label: asForm, body: "chat_id=1&text=a&disable_notification=true"}.read(t))
	if err != nil || !p.NoMentions {
		t.Errorf("%+v %v", p, err)
	}
}

// TestNotOurs: what others send is not taken.
func TestNotOurs(t *testing.T) {
	for _, q := range []request{
		{label: asJSON, body: `{"message":"hi"}`},
		{label: asJSON, body: `{"message":"hi","priority":1,"user":"u","token":"t"}`},
		{label: asJSON, body: `{"topic":"a","message":"b","repository":{}}`},
		{label: asJSON, body: `{"topic":"a"}`},
		{label: asJSON, body: `{"chat_id":1,"name":"x"}`},
		{asText, "hi", map[string]string{"Priority": "u=1, i"}},
		{label: asText, body: "hi"},
		{asJSON, `{"text":"hi"}`, map[string]string{"Title": "T"}},
	} {
		for _, d := range All {
			if why := d.Detect(q.read(t)); why != "" {
				t.Errorf("%s takes %s by %s", d.Name, q.body, why)
			}
		}
	}
}

// TestAnswers: what the products answer.
func TestAnswers(t *testing.T) {
	posted := dialect.Posted{Message: hub.Message{ID: "0190b3c8-7c4e-7a12-8000-000000000001", ChannelID: "c", CreatedAt: time.Unix(1700000000, 5e8)}}
	for name, test := range map[string]struct {
		dialect *dialect.Dialect
		request
		want string
	}{
		"gotify": {
			Gotify,
			request{label: asJSON, body: `{"title":"t","message":"m","priority":5,"extras":{"a":1}}`},
			`{"id":1700000000,"appid":1,"message":"m","title":"t","priority":5,"extras":{"a":1},"date":"2023-11-14T22:13:20.5Z"}`,
		},
		"ntfy": {
			Ntfy,
			request{label: asJSON, body: `{"topic":"a","message":"m","title":"t","priority":4,"tags":["x","y"]}`},
			`{"id":"0190b3c8-7c4e-7a12-8000-000000000001","time":1700000000,"event":"message","topic":"a","title":"t","message":"m","priority":4,"tags":["x","y"]}`,
		},
		"ntfy's text": {
			Ntfy,
			request{asText, "m", map[string]string{"Title": "t"}},
			`{"id":"0190b3c8-7c4e-7a12-8000-000000000001","time":1700000000,"event":"message","topic":"c","title":"t","message":"m"}`,
		},
		"telegram": {
			Telegram,
			request{label: asForm, body: "chat_id=-100123&text=m"},
			`{"ok":true,"result":{"message_id":1700000000,"date":1700000000,"chat":{"id":-100123,"type":"channel","title":"c"},"text":"m"}}`,
		},
		"telegram's channel": {
			Telegram,
			request{label: asJSON, body: `{"chat_id":"@ops","photo":"https://a.example/p.png","caption":"m"}`},
			`{"ok":true,"result":{"message_id":1700000000,"date":1700000000,"chat":{"id":0,"type":"channel","title":"c","username":"ops"},"caption":"m"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := test.dialect.Succeeded(test.read(t), posted)
			if a.Status != http.StatusOK || a.ContentType != "application/json" || string(a.Body) != test.want {
				t.Errorf("answered %d %s\n%s\nwant\n%s", a.Status, a.ContentType, a.Body, test.want)
			}
		})
	}
}

// TestFailures: how the products refuse.
func TestFailures(t *testing.T) {
	limited := &dialect.Failure{Verdict: dialect.RateLimited, Detail: "Too often.", RetryAfter: 1500 * time.Millisecond}
	for d, want := range map[*dialect.Dialect]string{
		Gotify:   `{"error":"Too Many Requests","errorCode":429,"errorDescription":"Too often."}`,
		Ntfy:     `{"code":42901,"http":429,"error":"Too often."}`,
		Telegram: `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 2","parameters":{"retry_after":2}}`,
	} {
		if a := d.Failed(limited); a.Status != 429 || string(a.Body) != want {
			t.Errorf("%s answered %d %s", d.Name, a.Status, a.Body)
		}
	}
	if a := Telegram.Failed(dialect.Nothing()); a.Status != 400 || !strings.Contains(string(a.Body), `"description":"Bad Request: `) || !json.Valid(a.Body) {
		t.Errorf("answered %d %s", a.Status, a.Body)
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"chat_id":1,"parse_mode":"HTML","text":"<b>a<pre>\n"}`, `{"chat_id":1,"parse_mode":"Markdown","text":"*a_ [b](c) ` + "```x\\n`" + ` \\"}`,
		`{"topic":"a","tags":["x"],"actions":[{"action":"view"}],"message":"b"}`, `{"message":"a","priority":8,"extras":{}}`, "plain",
	} {
		f.Add(body, "view, a, https://b.example; c=d")
	}
	f.Fuzz(func(t *testing.T, body, actions string) {
		h := http.Header{"Content-Type": {asText}, "Title": {actions}, "Actions": {actions}}
		r, err := dialect.Read(h, nil, []byte(body))
		if err != nil {
			return
		}
		for _, d := range All {
			d.Detect(r)
			if p, err := d.Parse(r); err == nil {
				if p.Empty() {
					t.Fatal("an empty message")
				}
				_, _ = markup.PrintMarkdown(markup.Normal(p.Doc))
			}
			if a := d.Succeeded(r, dialect.Posted{}); !json.Valid(a.Body) {
				t.Fatalf("%s answers %q", d.Name, a.Body)
			}
		}
	})
}

// TestPathOfTheClient: Gotify's clients add "message" to their address, ntfy's a topic.
func TestPathOfTheClient(t *testing.T) {
	body := request{"application/json", `{"message":"m","priority":5}`, nil}
	for method, ok := range map[string]bool{"": true, "message": true, "application": false} {
		r := body.read(t)
		r.Method = method
		if _, err := Gotify.API.Parse(r); (err == nil) != ok {
			t.Errorf("Gotify's %q: %v", method, err)
		}
	}
	r := request{"text/plain", "done", nil}.read(t)
	r.Method = "backups"
	p, err := Ntfy.API.Parse(r)
	if err != nil || !strings.Contains(dialecttest.Seen(&p), "backups") {
		t.Errorf("ntfy's topic is not in the message: %v\n%s", err, dialecttest.Seen(&p))
	}
	if a := Ntfy.API.Succeeded(r, dialect.Posted{}); !strings.Contains(string(a.Body), `"topic":"backups"`) {
		t.Errorf("ntfy's topic is not in the answer: %s", a.Body)
	}
}
