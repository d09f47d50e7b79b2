package console

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// outline writes a tree on one line: what can be picked with its pointer.
func outline(n node, pointer string) string {
	if n.Open == "" {
		return pointer + "=" + n.Text + " "
	}
	var b strings.Builder
	for _, child := range n.Children {
		b.WriteString(outline(child, pointer+"/"+strings.ReplaceAll(strings.ReplaceAll(child.Step, "~", "~0"), "/", "~1")))
	}
	return b.String()
}

func TestPayload(t *testing.T) {
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	tests := map[string]struct{ body, label, tree, text, note string }{
		"JSON":              {`{"b":1.50,"a":["x",null,{"c/d":true}],"e":{}}`, "text/plain", `/b=1.50 /a/0="x" /a/1=null /a/2/c~1d=true `, "", ""},
		"an array":          {"\ufeff [1] ", "", "/0=1 ", "", ""},
		"HTML in it":        {`{"<b>":"\u003ci>&"}`, "", `/<b>="<i>&" `, "", ""},
		"JSON in a string":  {`{"p":"{\"q\":\"[1]\"}","s":"{no"}`, "", `/p/q/0=1 /s="{no" `, "", ""},
		"a form":            {"b=2&a=%7B%22x%22%3A1%7D", form, `/a/x=1 /b="2" `, "", textForm},
		"payload of a form": {"payload=%7B%22x%22%3A1%7D", "", `/x=1 `, "", textPayloadField},
		"a text as a form":  {"just text", form, "", "just text", ""},
		"broken JSON":       {`{"a":`, "application/json", "", `{"a":`, ""},
		"a JSON string":     {`"a"`, "application/json", "", `"a"`, ""},
		"not UTF-8":         {"a\xff", "", "", "a\uFFFD", ""},
		"nothing":           {"", "", "", "", ""},
	}
	for name, test := range tests {
		p := payloadOf([]byte(test.body), test.label)
		got := ""
		if p.Tree.Open != "" {
			got = outline(p.Tree, "")
		}
		if got != test.tree || p.Text != test.text || p.Note != test.note {
			t.Errorf("%s: %q %q %q", name, got, p.Text, p.Note)
		}
	}
}

// What is nested deeper than browsers nest elements is shown as it is.
func TestDeepPayload(t *testing.T) {
	const depth = 3000
	for name, body := range map[string]string{
		"arrays":  strings.Repeat("[", depth) + strings.Repeat("]", depth),
		"objects": strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth),
	} {
		var b bytes.Buffer
		if err := value(payloadOf([]byte(body), "").Tree).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "<ul>"); n != maxDepth {
			t.Errorf("%s: %d levels", name, n)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(`{"a":[1,"{\"b\":2}"]}`), "application/json")
	f.Add([]byte("payload=%7B%7D&x=[1]"), "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		var out bytes.Buffer
		p := payloadOf(b, label)
		if err := body(p).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if json.Valid(b) && len(b) > 0 && b[0] == '{' && p.Tree.Open == "" {
			t.Errorf("%q is no tree", b)
		}
		if strings.Contains(out.String(), "<script") {
			t.Errorf("%q: %s", b, out.String())
		}
	})
}
