package card

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialect/dialecttest"
	"github.com/nself-chat/hub/internal/markup"
)

func TestFixtures(t *testing.T) {
	dialecttest.Run(t, Dialect, dialecttest.Cases(t, "testdata/fields.txt"))
}

func TestMutations(t *testing.T) {
	dialecttest.Mutate(t, Dialect, dialecttest.Cases(t, "testdata/fields.txt"))
}

// TestEverySender: the card of what other dialects understand better is readable as
// well, and broken bodies break nothing.
func TestEverySender(t *testing.T) {
	cases := dialecttest.Cases(t, "testdata/all.txt")
	if len(cases) < 100 {
		t.Fatalf("only %d requests", len(cases))
	}
	for i := range cases {
		c := &cases[i]
		r, err := dialect.Read(c.Header, c.Query, c.Body)
		if err != nil || Dialect.Detect(r) == "" {
			if len(c.Body) > 0 && c.Body[0] == '{' {
				t.Errorf("%s is not known: %v", c.Name, err)
			}
			continue
		}
		p, err := Dialect.Parse(r)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		shown := dialecttest.Show(&p)
		if lines := strings.Count(shown, "\n"); lines < 2 || lines > 150 || len(shown) > 20000 {
			t.Errorf("%s: a message of %d lines and %d bytes", c.Name, lines, len(shown))
		}
		if text := markup.Plain(markup.Normal(p.Doc)); strings.Contains(text, `":`) && strings.Contains(text, `{"`) {
			t.Errorf("%s: raw JSON in the message:\n%s", c.Name, text)
		}
	}
	if !testing.Short() {
		for i := range cases {
			if i%40 == 0 {
				dialecttest.Mutate(t, Dialect, cases[i:i+1])
			}
		}
	}
}

func read(t testing.TB, label, body string) *dialect.Request {
	t.Helper()
	r, err := dialect.Read(http.Header{"Content-Type": {label}}, nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestParse: bodies, and how the message looks.
func TestParse(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"only a text":         {`{"message":"hi\nthere"}`, "hi\nthere"},
		"only a title":        {`{"title":"hi"}`, "> **hi**"},
		"the same twice":      {`{"title":"hi","message":"hi"}`, "> **hi**"},
		"names in any case":   {`{"HeadLine":"hi","Message_Text":"x","DESCRIPTION":"there"}`, "> **hi**\n>\n> there\n>\n> **Message text**: x"},
		"one level down":      {`{"data":{"title":"hi","text":"there"},"source":"cron"}`, "> **hi**\n>\n> there\n>\n> **Source**: cron"},
		"a wrapper":           {`{"alert":{"name":"Disk","host":"db-1"}}`, "> **Disk**\n>\n> **Host**: db-1"},
		"a link":              {`{"title":"hi","html_url":"https://a.example/1"}`, "> **[hi](https://a.example/1)**"},
		"a link and no title": {`{"message":"hi","url":"https://a.example/1"}`, "> hi\n>\n> **Url**: [a.example/1](https://a.example/1)"},
		"severity":            {`{"title":"hi","severity":"critical"}`, "> **hi**\n>\n> **Severity**: critical\n\ncolour: #d1242f"},
		"over": {
			`{"title":"hi","severity":"critical","status":"resolved"}`,
			"> **hi**\n>\n> **Severity**: critical\n> **Status**: resolved\n\ncolour: #2da44e",
		},
		"firing": {
			`{"title":"hi","level":"warning","state":"firing"}`,
			"> **hi**\n>\n> **Level**: warning\n> **State**: firing\n\ncolour: #e8912d",
		},
		"status of HTTP": {`{"title":"hi","status":503}`, "> **hi**\n>\n> **Status**: 503\n\ncolour: #d1242f"},
		"success":        {`{"title":"hi","success":false}`, "> **hi**\n>\n> **Success**: no\n\ncolour: #d1242f"},
		"colour":         {`{"title":"hi","colour":"#123456"}`, "> **hi**\n\ncolour: #123456"},
		"time":           {`{"title":"hi","created_at":"2026-01-02T03:04:05Z"}`, "> **hi**\n>\n> 2026-01-02 03:04 UTC"},
		"picture":        {`{"title":"hi","image":"https://a.example/i.png"}`, "> **hi**\n>\n> ![](https://a.example/i.png)"},
		"who":            {`{"title":"hi","user":"jane"}`, "> jane\n>\n> **hi**"},
		"who, as an object": {
			`{"title":"hi","author":{"name":"Jane","html_url":"https://a.example/jane"}}`,
			"> [Jane](https://a.example/jane)\n>\n> **hi**",
		},
		"an event":    {`{"event":"backup.finished","host":"db-1"}`, "> **backup.finished**\n>\n> **Host**: db-1"},
		"only values": {`{"cpu":97.5,"host":"db-1","spare":null,"empty":"","none":[],"x":{}}`, "> **Cpu**: 97.5\n> **Host**: db-1"},
		"flags":       {`{"a":true,"b":false}`, "> **A**: yes\n> **B**: no"},
		"nested": {
			`{"title":"hi","host":{"name":"db-1","disk":{"free":"5%"}}}`,
			"> **hi**\n>\n> **Host name**: db-1\n> **Disk free**: 5%",
		},
		"the same name twice": {`{"title":"hi","a":{"b":{"c":1}},"d":{"b":{"c":2}}}`, "> **hi**\n>\n> **A b c**: 1\n> **D b c**: 2"},
		"the first of an ID":  {`{"title":"hi","id":5,"host":"db-1"}`, "> **hi**\n>\n> **Host**: db-1\n> **Id**: 5"},
		"an array":            {`{"title":"hi","hosts":["a","b",null,3]}`, "> **hi**\n>\n> **Hosts**: a, b, 3"},
		"pairs":               {`{"title":"hi","tags":[["os","linux"],["cpu",4]]}`, "> **hi**\n>\n> **Tags**: os: linux, cpu: 4"},
		"an array of one":     {`{"title":"hi","hosts":[{"ip":"10.0.0.1"}]}`, "> **hi**\n>\n> **Hosts ip**: 10.0.0.1"},
		"JSON in a string":    {`{"subject":"hi","data":"{\"host\":\"db-1\"}"}`, "> **hi**\n>\n> **Host**: db-1"},
		"for machines":        {`{"title":"hi","sum":"0123456789abcdef0123456789abcdef"}`, "> **hi**\n>\n> and 1 more"},
		"a checksum": {
			`{"title":"Deployed","commit":"0123456789abcdef0123456789abcdef01234567","env":"prod"}`,
			"> **Deployed**\n>\n> **Env**: prod\n> **Commit**: 0123456789abcdef0123456789abcdef01234567",
		},
		"a UUID":           {`{"name":"deploy","id":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c04"}`, "> **deploy**\n>\n> **Id**: 019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c04"},
		"said twice":       {`{"event":"backup","job":"backup"}`, "> **backup**\n>\n> **Event**: backup"},
		"only a checksum":  {`{"sum":"0123456789abcdef0123456789abcdef"}`, "> **Sum**: 0123456789abcdef0123456789abcdef"},
		"a secret":         {`{"title":"hi","token":"abc"}`, "> **hi**"},
		"never":            {`{"title":"hi","ended":"0001-01-01T00:00:00Z"}`, "> **hi**"},
		"a title in lines": {`{"title":"hi\nthere\n\nyou","text":"text"}`, "> **hi**\n>\n> there\n>\n> you\n>\n> text"},
		"a list":           {`[{"title":"a"},{"title":"b"}]`, "> **a**\n\n> **b**"},
		"a long list":      {`[{"text":"a"},{"text":"b"},{"text":"c"},{"text":"d"},{"text":"e"},{"text":"f"},{"text":"g"}]`, "a\n\nb\n\nc\n\nd\n\ne\n\nand 2 more"},
		"a list of values": {`["a",["b",1],true]`, "a, b, 1, yes"},
		"no markup":        {`{"title":"*hi* <b>","text":"[a](javascript:b) @all"}`, "> **\\*hi\\* \\<b>**\n>\n> [a]\\(javascript:b) \\@all"},
		"many objects": {
			`{"title":"hi","jobs":[` + strings.Repeat(`{"name":"a","n":1},`, 8) + `{"name":"z"}]}`,
			"> **hi**\n>\n> **Jobs**:\n>\n" + strings.Repeat("> - a · N: 1\n", 5) + ">\n> and 4 more",
		},
		"what an object holds": {
			`{"title":"hi","jobs":[{"name":"a","steps":[{"x":1},{"x":2}]},{"url":"https://a.example/b"}]}`,
			"> **hi**\n>\n> **Jobs**:\n>\n> - a · Steps: 2 entries\n> - https://a.example/b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Dialect.Parse(read(t, "application/json", test.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(dialecttest.Show(&p)); got != test.want {
				t.Errorf("%s\n got %q\nwant %q", test.body, got, test.want)
			}
		})
	}
}

// TestForm: the fields of a form are a card too.
func TestForm(t *testing.T) {
	r := read(t, "application/x-www-form-urlencoded", "subject=Contact&email=jane%40a.example&message=Hello%21%0AYou&phone=")
	if Dialect.Detect(r) == "" {
		t.Error("a form is not known")
	}
	p, err := Dialect.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(dialecttest.Show(&p)), "> **Contact**\n>\n> Hello!\n> You\n>\n> **Email**: jane@a.example"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBounds: a large body makes a message that can be read.
func TestBounds(t *testing.T) {
	var b strings.Builder
	for range 3000 {
		b.WriteString(`{"a` + strings.Repeat("x", b.Len()%7) + `":{"b":"`)
		b.WriteString(strings.Repeat("word ", 500) + `"}},`)
	}
	for _, body := range []string{
		`{"list":[` + b.String() + `{}]}`, `[` + b.String() + `{}]`,
		`{` + strings.Repeat(`"long name":"`+strings.Repeat("x y", 1000)+`",`, 300) + `"z":1}`,
	} {
		p, err := Dialect.Parse(read(t, "application/json", body))
		if err != nil {
			t.Fatalf("%.50s: %v", body, err)
		}
		if n := len(dialecttest.Show(&p)); n > 40000 {
			t.Errorf("a message of %d bytes", n)
		}
	}
	var many strings.Builder
	for i := range 60 {
		many.WriteString(`"n` + strings.Repeat("i", i) + `":"v` + strings.Repeat("i", i) + `",`)
	}
	p, err := Dialect.Parse(read(t, "", `{"title":"hi","id":1,`+many.String()+`"deep":{"x":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	shown := dialecttest.Show(&p)
	if strings.Count(shown, "> **") != maxFacts+1 || !strings.Contains(shown, "and 37 more") {
		t.Errorf("shown:\n%s", shown)
	}
}

// TestNothing: there is nothing to show.
func TestNothing(t *testing.T) {
	for _, body := range []string{`{}`, `[]`, `{"a":null,"b":"","c":[[]]}`, `[null]`, `{"token":"x"}`} {
		if p, err := Dialect.Parse(read(t, "application/json", body)); err == nil {
			t.Errorf("%s became %q", body, dialecttest.Show(&p))
		}
	}
	for _, r := range []*dialect.Request{{}, {Text: "hi", Kind: dialect.KindText}} {
		if Dialect.Detect(r) != "" {
			t.Error("plain text is known")
		}
		if _, err := Dialect.Parse(r); err == nil {
			t.Error("a card of nothing")
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"title":"a","text":"b","status":"ok","url":"https://a.example","when":1700000000,"x":[{"a":1},{"b":[2,[3,4]]}]}`,
		`[{"user":{"first_name":"a","avatar":"https://a.example/b"}},1,"{\"a\":{}}"]`, "a=b&title=c", `{"":{"":""},"A_B-c":"\u0000"}`,
	} {
		f.Add("application/x-www-form-urlencoded", []byte(body))
	}
	f.Fuzz(func(t *testing.T, label string, body []byte) {
		r, err := dialect.Read(http.Header{"Content-Type": {label}}, nil, body)
		if err != nil {
			return
		}
		known := Dialect.Detect(r)
		p, err := Dialect.Parse(r)
		if err == nil && p.Empty() {
			t.Fatal("an empty message")
		}
		if err == nil && known == "" {
			t.Fatal("a message of what is not known")
		}
		_, _ = markup.PrintMarkdown(markup.Normal(p.Doc))
	})
}
