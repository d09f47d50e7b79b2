package dialects_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/markup"
)

var seeds = []string{
	`{"text":"Hello","username":"Bot","icon_url":"https://example.com/icon.png"}`,
	`{"content":"a","embeds":[{"title":"t","color":255,"fields":[{"name":"n","value":1}],"footer":{"text":"f"}}],"threadId":"` + thread + `"}`,
	`{"attachments":[{"fallback":"f","text":"<https://a.example|b>","ts":"1.5","fields":[{"title":"t","value":null}]}],"blocks":[{"text":{"text":"x"}}]}`,
	`{"attachments":[{"url":"https://a.example/f"}]}`,
	`payload=%7B%22text%22%3A%22hi%22%7D`, "text=a+b&username=%FF", "plain", "\"s\"", "[1,2]", "{\"text\":\"a\nb\"}", "\ufeff{}", `{"text":"\u0000\ud800"}`,
	"--X\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n--X--\r\n",
	strings.Repeat("[", 100), `{"a":` + strings.Repeat(`{"a":`, 70), "\xff\xfe", `{"text":1e400,"username":-0}`, `{"":"","text":"x","text":{}}`,
}

func addSeeds(f *testing.F) {
	for _, s := range seeds {
		for _, label := range []string{"", "application/json", asForm, "multipart/form-data; boundary=X"} {
			f.Add(label, []byte(s))
		}
	}
}

// parses holds what must be true of everything that a dialect makes of a body.
func parses(t *testing.T, d *dialect.Dialect, r *dialect.Request) {
	p, err := d.Parse(r)
	if err == nil {
		checkPost(t, &p)
		return
	}
	failed, ok := errors.AsType[*dialect.Failure](err)
	if !ok {
		t.Fatalf("error %T, want *Failure", err)
	}
	if failed.Status() != http.StatusBadRequest || failed.Detail == "" {
		t.Fatalf("refused with %d %q", failed.Status(), failed.Detail)
	}
	if a := d.Failed(failed); a.Status/100 > 4 || strings.HasSuffix(a.ContentType, "json") && !json.Valid(a.Body) {
		t.Fatalf("%s answers %d %s %q", d.Name, a.Status, a.ContentType, a.Body)
	}
}

func checkPost(t *testing.T, p *dialect.Post) {
	if p.Empty() {
		t.Fatalf("an empty post was taken: %+v", p)
	}
	said := flat(*p)
	for _, s := range []string{said.Content, said.Username, said.Thread} {
		if !utf8.ValidString(s) {
			t.Fatalf("text %q is not UTF-8", s)
		}
	}
	html, _ := markup.PrintHTML(markup.Normal(p.Doc))
	if strings.Contains(html, "<script") || strings.Contains(html, "javascript:") && strings.Contains(html, `href="javascript:`) {
		t.Fatalf("HTML of the sender's: %s", html)
	}
	for _, l := range []string{p.AvatarURL} {
		if l != "" && !dialect.IsWebURL(l) {
			t.Fatalf("link %q is no web address", l)
		}
	}
	for _, f := range p.Files {
		if !dialect.IsWebURL(f.URL) || f.Filename == "" {
			t.Fatalf("a file without address or name: %+v", f)
		}
	}
}

// FuzzDialects lets every dialect read whatever comes, as if the address asked for
// it, and the one that is recognised.
func FuzzDialects(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, label string, body []byte) {
		before := bytes.Clone(body)
		h := http.Header{}
		h.Set("Content-Type", label)
		r, err := dialect.Read(h, url.Values{}, body)
		d, why := dialects.Recognise(r)
		if d == nil || why == "" {
			t.Fatal("nobody's")
		}
		if err == nil {
			for _, d := range dialects.All() {
				parses(t, d, r)
			}
		}
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
	})
}

// FuzzParseJSON compares with encoding/json: what it takes, within our bounds,
// we take, and members and elements have the values that it finds.
func FuzzParseJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := dialect.ParseJSON(body)
		if err != nil {
			if json.Valid(body) && utf8.Valid(body) && depth(body) <= 64 {
				t.Fatalf("%q refused: %v", body, err)
			}
			return
		}
		if depth(v) > 64 {
			t.Fatal("deeper than 64")
		}
		compare(t, v)
	})
}

// depth is the nesting of valid JSON.
func depth(b []byte) int {
	dec := json.NewDecoder(bytes.NewReader(b))
	deepest, now := 0, 0
	for {
		tok, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			now++
			deepest = max(deepest, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

func compare(t *testing.T, v dialect.Value) {
	t.Helper()
	switch {
	case v.IsObject():
		var want map[string]json.RawMessage
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		o := v.Object()
		for name, raw := range want {
			got := o.Get(name)
			if string(raw) == "null" {
				if got != nil {
					t.Fatalf("%q: member %q is %q, want absent", v, name, got)
				}
				continue
			}
			if !bytes.Equal(got, raw) && len(o) < 1000 {
				t.Fatalf("%q: member %q is %q, want %q", v, name, got, raw)
			}
			if got != nil {
				compare(t, got)
			}
		}
	case v.IsArray():
		var want []json.RawMessage
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		i := 0
		for e := range v.Elements() {
			if i >= len(want) || !bytes.Equal(e, want[i]) {
				t.Fatalf("%q: element %d is %q", v, i, e)
			}
			i++
			compare(t, e)
		}
		if i != len(want) {
			t.Fatalf("%q: %d elements, want %d", v, i, len(want))
		}
	case len(v) > 0 && v[0] == '"':
		var want string
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		if got, ok := v.Text(); !ok || got != want {
			t.Fatalf("%q: text %q, want %q", v, got, want)
		}
	}
}
