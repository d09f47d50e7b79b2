package fieldmap

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

const (
	asJSON = "application/json"
	alert  = `{"host":"db-1","alert":{"name":"Disk *full*","state":"firing","a/b":{"m~n":7}},"tags":["x",null,2],"none":null,"empty":"",
		"inner":"{\"list\":[{\"v\":true}]}","url":"https://a.example/1","object":{"x":1}}`
)

func read(t testing.TB, label, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{"Content-Type": {label}}, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestExpand: templates, and what they become; "": a value is not there.
func TestExpand(t *testing.T) {
	r := read(t, asJSON, alert)
	for template, want := range map[Template]string{
		"":                          "",
		"/host":                     "db-1",
		"/alert/a~1b/m~0n":          "7",
		"/tags":                     "x, 2",
		"/tags/2":                   "2",
		"/inner/list/0/v":           "true",
		"/object":                   "",
		"/none":                     "",
		"/empty":                    "",
		"/not/there":                "",
		"just a text":               "just a text",
		"{/host}: {/alert/name}":    "db-1: Disk *full*",
		"{/host}: {/not}":           "",
		"{{{/host}}} }}":            "{db-1} }",
		"/path/{/host}":             "/path/db-1",
		"{/host":                    "",
		" {/host} ":                 "db-1",
		"{/host}{/alert/a~1b/m~0n}": "db-17",
	} {
		if got := template.Expand(r); got != want {
			t.Errorf("%q is %q, want %q", template, got, want)
		}
	}
}

// TestCheck: what is wrong with a template.
func TestCheck(t *testing.T) {
	for template, want := range map[string]string{
		"/a/b":                           "",
		"/":                              "",
		"{/a} {{x}}":                     "",
		"text":                           "",
		"{a}":                            "begins with",
		"{}":                             "begins with",
		"{/a":                            `without a "}"`,
		"a}":                             `without a "{"`,
		"{/a~2}":                         `"~"`,
		"/a~":                            `"~"`,
		strings.Repeat("x", 1001):        "1000 bytes",
		strings.Repeat("{/a}", 21):       "20 pointers",
		strings.Repeat("{/a}", 20) + "x": "",
	} {
		errs := Map{Text: template}.Check()
		switch {
		case want == "" && errs != nil, want != "" && len(errs) != 1:
			t.Errorf("%.40q: %v", template, errs)
		case want != "" && (errs[0].Field != "text" || !strings.Contains(errs[0].Detail, want)):
			t.Errorf("%.40q: %v, want %q", template, errs, want)
		}
	}
}

func TestDecode(t *testing.T) {
	m, errs := Decode([]byte(` {"title":"/a","text":null,"color":"red","link":"{/b}","key":"k","image":"/i","author":"/u","thread":"/t"} `))
	if want := (Map{Title: "/a", Color: "red", Link: "{/b}", Key: "k", Image: "/i", Author: "/u", Thread: "/t"}); m != want || errs != nil {
		t.Errorf("read %+v, %v", m, errs)
	}
	for body, field := range map[string]string{
		`{"titel":"/a"}`: "", `{"title":5}`: "title", `{"text":["/a"]}`: "text", `[]`: "", `{`: "", ``: "", `{"key":"{"}`: "key",
	} {
		if _, errs := Decode([]byte(body)); len(errs) != 1 || errs[0].Field != field {
			t.Errorf("%s: %v", body, errs)
		}
	}
	b, err := json.Marshal(m)
	if again, errs := Decode(b); err != nil || again != m || errs != nil {
		t.Errorf("%s became %+v, %v, %v", b, again, errs, err)
	}
	if m.IsZero() || !(Map{}).IsZero() {
		t.Error("what is zero is not known")
	}
}

// TestApply: maps, and how the message looks.
func TestApply(t *testing.T) {
	for name, test := range map[string]struct {
		m           Map
		label, body string
		want        string
	}{
		"title and text": {
			Map{Title: "{/host}: {/alert/name}", Text: "**{/alert/state}** {/tags}", Color: "/alert/state", Link: "/url"},
			asJSON, alert,
			"> **[db-1: Disk \\*full\\*](https://a.example/1)**\n>\n> **firing** x, 2\n\ncolour: #d1242f",
		},
		"a text": {Map{Text: "/alert/name"}, asJSON, alert, "Disk *full*"},
		"a text, with a link": {
			Map{Text: "hi", Link: "/url", Image: "https://a.example/{/host}.png"},
			asJSON, alert,
			"hi\n\n![](https://a.example/db-1.png)\n\nhttps://a.example/1",
		},
		"who, key and thread": {
			Map{Title: "/alert/name", Author: "/host", Key: "{/host}/{/alert/name}", Thread: "t-{/host}"},
			asJSON, alert,
			"thread: t-db-1\nkey: map:db-1/Disk *full*\n\n> db-1\n>\n> __Disk \\*full\\*__",
		},
		"some is not there": {
			Map{Title: "{/host} {/not}", Text: "was {/not}", Key: "{/host}{/not}", Link: "/host", Color: "/host", Image: "/host"},
			asJSON, alert,
			"> **db-1**",
		},
		"colour":     {Map{Title: "a", Color: "#123456"}, asJSON, `{}`, "> **a**\n\ncolour: #123456"},
		"grade":      {Map{Title: "a", Color: "/p"}, asJSON, `{"p":"P3"}`, "> **a**\n\ncolour: #e8912d"},
		"a list":     {Map{Title: "/0/a"}, asJSON, `[{"a":1},{"a":2}]`, "> **1**"},
		"a form":     {Map{Title: "/a", Text: "/data/b"}, "application/x-www-form-urlencoded", `a=1&data={"b":"c"}`, "> **1**\n>\n> c"},
		"payload":    {Map{Text: "/a"}, "", `payload={"a":"x"}`, "x"},
		"nothing":    {Map{Title: "/not", Key: "/a", Color: "red"}, asJSON, `{"a":1,"title":"t"}`, "key: map:1\n\n> **t**\n>\n> **A**: 1"},
		"plain text": {Map{Title: "/not"}, "text/plain", " *hi* ", "*hi*"},
		"no script":  {Map{Text: "/t", Link: "/l"}, asJSON, `{"t":"[a](javascript:alert)","l":"javascript:alert"}`, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			if errs := test.m.Check(); errs != nil {
				t.Fatal(errs)
			}
			p, err := test.m.Apply(read(t, test.label, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(dialecttest.Show(&p)); got != test.want {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
	if _, err := (Map{Title: "/not"}).Apply(read(t, asJSON, `{"a":null}`)); err == nil {
		t.Error("a post of nothing")
	}
}

func TestUnfilled(t *testing.T) {
	m := Map{
		Title: "{/host} {/not}", Text: "said", Color: "/host", Link: "/host", Key: "{/host}{/not}", Image: "/url", Author: "/not", Thread: "{/host}",
	}
	got := m.Unfilled(read(t, asJSON, alert))
	if want := []string{"color", "link", "key", "author"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (Map{Title: "/host"}).Unfilled(read(t, asJSON, alert)); got != nil {
		t.Errorf("got %v", got)
	}
}

func FuzzApply(f *testing.F) {
	for _, template := range []string{"/a", "{/a}{{{/b/0}", "/a~1~0/", "{", "x}}"} {
		f.Add(template, []byte(`{"a":{"b":[1,"{\"c\":2}"]},"b":["x"]}`))
	}
	f.Fuzz(func(t *testing.T, template string, body []byte) {
		r, err := dialect.Read(http.Header{"Content-Type": {asJSON}}, nil, body)
		if err != nil {
			return
		}
		template = strings.ToValidUTF8(template, "?") // it comes in JSON
		m := Map{template, template, template, template, template, template, template, template}
		wrong := m.Check() != nil
		if got := Template(template).Expand(r); wrong && got != "" {
			t.Fatalf("a wrong template became %q", got)
		}
		p, err := m.Apply(r)
		if err == nil && p.Empty() {
			t.Fatal("an empty post")
		}
		_, _ = markup.PrintMarkdown(markup.Normal(p.Doc))
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, errs := Decode(b); (errs != nil) != wrong {
			t.Fatalf("%s: %v", b, errs)
		}
	})
}
