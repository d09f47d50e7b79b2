package markup_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

func TestJSONIsReadBack(t *testing.T) {
	documents := markuptest.Documents(markuptest.Everything())
	rapid.Check(t, func(t *rapid.T) {
		doc := documents.Draw(t, "document")
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		var got markup.Document
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if !markup.Equal(got, doc) {
			t.Fatalf("%s\n(-want +got)\n%s", data, cmp.Diff(doc, got))
		}
	})
}

// The encoding is stored: this is what version 1 looks like.
func TestJSONForm(t *testing.T) {
	const form = `{"v":1,"blocks":[` +
		`{"type":"heading","level":2,"content":["Title"]},` +
		`{"type":"paragraph","content":["a ",{"type":"strong","content":["b"]},{"type":"break"},{"type":"code","text":"c"}]},` +
		`{"type":"paragraph","content":[{"type":"link","url":"https://x.example","title":"t","content":["l"]}," ",` +
		`{"type":"mention","target":"user","id":"7","name":"ann"}," ",{"type":"emoji","id":"8","name":"party","animated":true}," ",` +
		`{"type":"timestamp","time":"2026-04-20T16:20:00Z","format":"relative","text":"then"}]},` +
		`{"type":"list","ordered":true,"start":0,"items":[{"type":"item","task":"done","blocks":[{"type":"paragraph","content":["i"]}]}]},` +
		`{"type":"codeBlock","language":"go","text":"<x>"},{"type":"rule"},` +
		`{"type":"table","align":["left"],"header":[["h"]],"rows":[[["r"]]]},` +
		`{"type":"image","url":"https://x.example/i","alt":"a","title":"t"},` +
		`{"type":"card","color":"#ff0000","url":"https://x.example","title":["T"],"author":{"name":"A","url":"https://a.example"},` +
		`"thumbnail":{"type":"image","url":"https://x.example/t"},"footer":["F"],"time":"2026-04-20T16:20:00.5Z",` +
		`"blocks":[{"type":"fields","items":[{"type":"field","title":["k"],"short":true,"blocks":[{"type":"paragraph","content":["v"]}]}]}]}]}`
	var doc markup.Document
	if err := json.Unmarshal([]byte(form), &doc); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var want, have any
	if json.Unmarshal([]byte(form), &want) != nil || json.Unmarshal(got, &have) != nil {
		t.Fatal("not JSON")
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestJSONOfLaterVersions(t *testing.T) {
	const later = `{"v":9,"mood":"calm","blocks":[{"type":"poll","fallback":"Tea or coffee?","options":["tea",{"n":1.50}],"id":12345678901234567890},` +
		`{"type":"paragraph","weight":3,"content":["see ",{"type":"math","fallback":"x²","tex":"x^2"},{"type":"sub","text":"2"}]}]}`
	var doc markup.Document
	if err := json.Unmarshal([]byte(later), &doc); err != nil {
		t.Fatal(err)
	}
	if got, want := markup.Plain(doc), "Tea or coffee?\n\nsee x²2"; got != want {
		t.Errorf("shown as %q, want %q", got, want)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{
		`{"fallback":"Tea or coffee?","id":12345678901234567890,"options":["tea",{"n":1.50}],"type":"poll"}`, `{"fallback":"x²","tex":"x^2","type":"math"}`,
	} {
		if !strings.Contains(string(data), kept) {
			t.Errorf("%s is not in %s", kept, data)
		}
	}
}

func TestJSONIsTolerant(t *testing.T) {
	tests := map[string]string{
		`{"blocks":[]}`:                                                                           "",
		`{"blocks":[1,"x",null,[]]}`:                                                              "",
		`{"blocks":[{"type":"paragraph","content":"x"}]}`:                                         "",
		`{"blocks":[{"type":"paragraph","content":[1,["a"],"x"]}]}`:                               "x",
		`{"blocks":[{"type":"heading","level":"2","content":["x"]}]}`:                             "x",
		`{"blocks":[{"type":"table","rows":[["a"],7,[["b"]]]}]}`:                                  "b",
		`{"blocks":[{"content":["x"]},{"type":"text","text":"y"}]}`:                               "y",
		`{"blocks":[{"type":"paragraph","content":[{"type":"link","content":["x"],"title":7}]}]}`: "x",
	}
	for source, want := range tests {
		var doc markup.Document
		if err := json.Unmarshal([]byte(source), &doc); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if got := markup.Plain(doc); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestJSONLimits(t *testing.T) {
	nest := func(n int, open, inner, closing string) string {
		return `{"blocks":[` + strings.Repeat(open, n) + inner + strings.Repeat(closing, n) + `]}`
	}
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"a",`, n), ",") }
	tests := map[string]struct {
		source string
		ok     bool
	}{
		"not an object":    {`[]`, false},
		"no document":      {`{"v":1}`, false},
		"broken":           {`{"blocks":[`, false},
		"deep blocks":      {nest(60, `{"type":"quote","blocks":[`, `{"type":"rule"}`, `]}`), true},
		"too deep blocks":  {nest(70, `{"type":"quote","blocks":[`, `{"type":"rule"}`, `]}`), false},
		"very deep blocks": {nest(100_000, `{"type":"quote","blocks":[`, `{"type":"rule"}`, `]}`), false},
		"deep inlines":     {nest(1, `{"type":"paragraph","content":[`+strings.Repeat(`{"type":"strong","content":[`, 60)+`"x"`+strings.Repeat(`]}`, 60), "", `]}`), true},
		"too deep inlines": {nest(1, `{"type":"paragraph","content":[`+strings.Repeat(`{"type":"strong","content":[`, 70)+`"x"`+strings.Repeat(`]}`, 70), "", `]}`), false},
		"many nodes":       {nest(1, `{"type":"paragraph","content":[`+many(90_000), "", `]}`), true},
		"too many nodes":   {nest(1, `{"type":"paragraph","content":[`+many(110_000), "", `]}`), false},
		"too many items":   {`{"blocks":[{"type":"list","items":[` + strings.TrimSuffix(strings.Repeat(`{},`, 110_000), ",") + `]}]}`, false},
		"too many bytes":   {`{"blocks":["` + strings.Repeat("a", markup.MaxBytes) + `"]}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var doc markup.Document
			if err := json.Unmarshal([]byte(test.source), &doc); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
			if !test.ok && len(doc.Blocks) > 0 {
				t.Error("refused and decoded")
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"v":1,"blocks":[{"type":"paragraph","content":["a",{"type":"strong","content":["b"]}]}]}`))
	f.Add([]byte(`{"v":2,"blocks":[{"type":"poll","fallback":"x"},{"type":"list","items":[{"blocks":[{"type":"rule"}]}]}]}`))
	f.Add([]byte(`{"blocks":[{"type":"card","time":"2026-01-01T00:00:00Z","title":["t"],"blocks":[{"type":"fields","items":[{"title":["k"]}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first markup.Document
		if json.Unmarshal(data, &first) != nil {
			return
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		var second markup.Document
		if err := json.Unmarshal(again, &second); err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if !markup.Equal(first, second) {
			t.Fatalf("%s\n(-first +second)\n%s", again, cmp.Diff(first, second))
		}
		markup.PrintHTML(first)
		markup.PrintMarkdown(first)
		markup.Plain(first)
	})
}
