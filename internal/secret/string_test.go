package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const value = "correct-horse-battery-staple"

// holder has a secret everywhere a printer may look for one.
type holder struct {
	Name    string
	Public  String
	Pointer *String
	Slice   []String
	Map     map[string]String
	Any     any
	private String
	deep    struct{ inner []String }
}

func newHolder() holder {
	s := New(value)
	h := holder{Name: "x", Public: s, Pointer: &s, Slice: []String{s}, Map: map[string]String{"k": s}, Any: s, private: s}
	h.deep.inner = []String{s}
	return h
}

func TestNothingPrintsTheValue(t *testing.T) {
	h := newHolder()
	subjects := map[string]any{
		"secret": h.Public, "pointer": h.Pointer, "slice": h.Slice, "map": h.Map,
		"struct": h, "struct pointer": &h, "nested": []any{h, &h, map[int]holder{1: h}},
	}
	printers := map[string]func(any) string{
		"json": func(v any) string { b, _ := json.Marshal(v); return string(b) },
		"yaml": func(v any) string { b, _ := yaml.Marshal(v); return string(b) },
		"xml":  func(v any) string { b, _ := xml.Marshal(v); return string(b) },
		"gob": func(v any) string {
			var b bytes.Buffer
			_ = gob.NewEncoder(&b).Encode(v)
			return b.String()
		},
		"print":   func(v any) string { return fmt.Sprint(v) },
		"println": func(v any) string { return fmt.Sprintln(v) },
		"wrapped": func(v any) string { return fmt.Errorf("connect with %v: %w", v, errMask).Error() },
		"slog text": func(v any) string {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", v, slog.Group("g", "v", v))
			return b.String()
		},
		"slog json": func(v any) string {
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", v, slog.Group("g", "v", v))
			return b.String()
		},
	}
	for _, flags := range []string{"", "+", "#", " ", "-40", "040", ".3", "+#"} {
		for verb := 'A'; verb <= 'z'; verb++ {
			format := "%" + flags + string(verb)
			printers[format] = func(v any) string { return fmt.Sprintf(format, v) }
		}
	}
	leaks := []string{
		value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value),
		fmt.Sprintf("%v", []byte(value)), value[:8],
	}
	for printerName, print := range printers {
		for subjectName, subject := range subjects {
			out := print(subject)
			for _, leak := range leaks {
				if strings.Contains(out, leak) {
					t.Errorf("%s of %s shows the value: %s", printerName, subjectName, out)
				}
			}
		}
	}
}

// The test above would also pass if nothing printed anything.
func TestMaskIsShown(t *testing.T) {
	s := New(value)
	encoded, err := json.Marshal(map[string]String{"set": s, "empty": {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{fmt.Sprint(s), Mask},
		{fmt.Sprintf("%q", s), `"` + Mask + `"`},
		{fmt.Sprintf("%d", s), Mask},
		{fmt.Sprintf("%#v", s), `secret.New("` + Mask + `")`},
		{fmt.Sprint(String{}), ""},
		{string(encoded), `{"empty":"","set":"` + Mask + `"}`},
		{s.LogValue().String(), Mask},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestReveal(t *testing.T) {
	if got := New(value).Reveal(); got != value {
		t.Errorf("got %q", got)
	}
	if got := (String{}).Reveal(); got != "" {
		t.Errorf("zero value reveals %q", got)
	}
	if New("x").IsZero() || !New("").IsZero() || !(String{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"abc", "ab", false}, {value, value, true},
	} {
		if got := New(c.a).Equal(New(c.b)); got != c.want {
			t.Errorf("Equal(%q, %q) = %t", c.a, c.b, got)
		}
	}
	if !(String{}).Equal(New("")) {
		t.Error("the zero value differs from the empty secret")
	}
}

func TestUnmarshal(t *testing.T) {
	var in struct{ Secret String }
	if err := json.Unmarshal([]byte(`{"Secret":"`+value+`"}`), &in); err != nil || in.Secret.Reveal() != value {
		t.Errorf("got %q, %v", in.Secret.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"Secret":"`+Mask+`"}`), &in); err == nil {
		t.Error("a mask was taken for a value")
	}
	if in.Secret.Reveal() != value {
		t.Error("a refused value replaced the former one")
	}
	if err := json.Unmarshal([]byte(`{"Secret":123456789}`), &in); err == nil || strings.Contains(err.Error(), "123456789") {
		t.Errorf("a number: %v", err)
	}
}
