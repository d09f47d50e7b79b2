package dialects_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialects"
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
func parses(t *testing.T, name, label string, body []byte) {
	before := bytes.Clone(body)
	h := http.Header{}
	h.Set("Content-Type", label)
	r, err := dialects.Read(h, body)
	recognised := dialects.Recognise(r)
	d := dialects.ByName(name)
	var p dialects.Post
	if err == nil {
		p, err = d.Parse(r)
	}
	if !bytes.Equal(before, body) {
		t.Fatal("the body was changed")
	}
	if err == nil {
		checkPost(t, &p)
		return
	}
	failed, ok := errors.AsType[*dialects.Failure](err)
	if !ok {
		t.Fatalf("error %T, want *Failure", err)
	}
	if failed.Status() != http.StatusBadRequest || failed.Detail == "" {
		t.Fatalf("refused with %d %q", failed.Status(), failed.Detail)
	}
	for _, d := range []*dialects.Dialect{d, recognised} {
		if a := d.Failure(failed); a.Status/100 != 4 || len(a.Body) == 0 || strings.HasSuffix(a.ContentType, "json") && !json.Valid(a.Body) {
			t.Fatalf("%s answers %d %s %q", d.Name, a.Status, a.ContentType, a.Body)
		}
	}
}

func checkPost(t *testing.T, p *dialects.Post) {
	if p.Empty() || strings.TrimSpace(p.Content) != p.Content {
		t.Fatalf("an empty or untrimmed post was taken: %+v", p)
	}
	if len(p.Embeds) > 10 || len(p.Files) > 10 {
		t.Fatalf("%d embeds and %d files", len(p.Embeds), len(p.Files))
	}
	if p.ThreadID != "" && !hub.ValidID(string(p.ThreadID)) {
		t.Fatal("a thread id that is none")
	}
	texts := []string{p.Content, p.Username}
	links := []string{p.AvatarURL}
	for _, e := range p.Embeds {
		texts = append(texts, e.Title, e.Description, e.Footer, e.AuthorName)
		links = append(links, e.URL, e.ImageURL, e.ThumbURL)
		if e.Color != "" && (len(e.Color) != 7 || e.Color[0] != '#') {
			t.Fatalf("colour %q", e.Color)
		}
		for _, f := range e.Fields {
			texts = append(texts, f.Name, f.Value)
		}
	}
	for _, f := range p.Files {
		links = append(links, f.URL)
		if f.URL == "" || f.Filename == "" {
			t.Fatal("a file without address or name")
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) {
			t.Fatalf("text %q is not UTF-8", s)
		}
	}
	for _, l := range links {
		if l != "" && !dialects.IsWebURL(l) {
			t.Fatalf("link %q is no web address", l)
		}
	}
}

func FuzzParseNself(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, label string, body []byte) { parses(t, "nself-chat", label, body) })
}

func FuzzParseSlack(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, label string, body []byte) { parses(t, "slack", label, body) })
}

// FuzzParseJSON compares with encoding/json: what it takes, within our bounds,
// we take, and members and elements have the values that it finds.
func FuzzParseJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := dialects.ParseJSON(body)
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

func compare(t *testing.T, v dialects.Value) {
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
