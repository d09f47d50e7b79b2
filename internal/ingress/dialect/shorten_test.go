package dialect

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShorten(t *testing.T) {
	long := strings.Repeat(`a\"é\u00e9`, 40_000)
	body := `{"` + strings.Repeat("k", 100_000) + `":"short","text":"` + long + `","list":[` + strings.Repeat(`"`+long+`",`, 5) + `1]}`
	v, _, err := parseJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := shorten(v)
	if !json.Valid(got) || !utf8.Valid(got) || len(got) > 2*textBudget+100_000 {
		t.Fatalf("%d bytes, valid JSON: %v", len(got), json.Valid(got))
	}
	text := got.Object().Str("text")
	if !strings.HasSuffix(text, "…") || !strings.HasPrefix(text, `a"éé`) || len(text) > longestText {
		t.Errorf("a text of %d bytes that ends in %q", len(text), text[len(text)-10:])
	}
	if got.Object().Str(strings.Repeat("k", 100_000)) != "short" || got.At("list", "5").Str() != "1" {
		t.Error("what is short has changed")
	}
	small := Value(`{"text":"x"}`)
	if got, left := shorten(small); string(got) != string(small) || left != 0 {
		t.Error("a small body has changed")
	}
}

// FuzzShorten: whatever is cut stays JSON.
func FuzzShorten(f *testing.F) {
	f.Add(`"a\"b\u00e9é"`, 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		s = strings.TrimSpace(s) // which JSON takes around a string
		if !json.Valid([]byte(s)) || len(s) == 0 || s[0] != '"' || !utf8.ValidString(s) {
			return
		}
		if got := cutString(Value(s), max(limit, 1)); !json.Valid(got) {
			t.Fatalf("%q", got)
		}
	})
}

// TestLongTextsAreCut: neither a form nor a text is read to its end where nobody
// would see it.
func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("é ", 1<<20)
	r, err := Read(nil, nil, []byte(long))
	if err != nil || len(r.Text) > longestText+3 || !utf8.ValidString(r.Text) {
		t.Errorf("a text of %d bytes, %v", len(r.Text), err)
	}
	r, err = Read(nil, nil, []byte("text="+strings.Repeat("a", 1<<20)+"&more="+strings.Repeat("b", 1<<20)))
	if err != nil || len(r.Fields.Str("text")) > longestText || len(r.Fields.Str("more")) > longestText {
		t.Errorf("fields of %d and %d bytes, %v", len(r.Fields.Str("text")), len(r.Fields.Str("more")), err)
	}
}

// TestMomentOfNoNumber: what calls itself a number is not always one.
func TestMomentOfNoNumber(t *testing.T) {
	for _, s := range []string{"Inf", "+Infinity", "-inf", "NaN", "1e400", "9e307"} {
		if at := Moment(Value(`"` + s + `"`)); !at.IsZero() && at.Year() > 2200 {
			t.Errorf("%s is %s", s, at)
		}
	}
}

// parts counts the values in v.
func parts(v Value) int {
	n := 1
	for e := range v.Elements() {
		n += parts(e)
	}
	for _, m := range v.Object() {
		n += parts(m.value)
	}
	return n
}

// list writes an array of n times the same.
func list(n int, element string) string {
	return "[" + strings.Repeat(element+",", n-1) + element + "]"
}

// TestManyValues: of what has more parts than anybody would look at a bounded number
// is left, whatever they are in, and it is known how many are not.
func TestManyValues(t *testing.T) {
	members := strings.Repeat(`"k":{"a":{}},`, 100_000) + `"k":0`
	for name, test := range map[string]struct {
		body string
		left int
	}{
		"an array":           {`{"list":` + list(200_000, `{"text": "a"}`) + `, "text":"end"}`, 199_000},
		"of arrays":          {`{"list":` + list(1000, list(1000, "[]")) + `,"text":"end"}`, -1},
		"an object":          {`{"text":"end",` + members + `}`, 99_002},
		"objects in objects": {`{"list":` + list(900, `{`+strings.Repeat(`"a":1,`, 900)+`"b":2}`) + `,"text":"end"}`, -1},
		"an object inside":   {`{"list":{` + members + `}, "text" : "end"}`, 99_001},
		"long strings":       {`{"list":` + list(100_000, `"`+strings.Repeat("a", 20)+`,"`) + `,"text":"end"}`, 99_000},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Read(nil, nil, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(r.JSON) || parts(r.JSON) > maxValues+2 {
				t.Errorf("%d values are left; valid JSON: %v", parts(r.JSON), json.Valid(r.JSON))
			}
			if r.LeftOut == 0 || test.left > 0 && r.LeftOut != test.left {
				t.Errorf("%d are said to be left out, want %d", r.LeftOut, test.left)
			}
			if r.Fields.Str("text") != "end" {
				t.Error("what is beside them is lost")
			}
		})
	}
}

// TestFewValuesStay: as many as are taken stay as they are, byte for byte.
func TestFewValuesStay(t *testing.T) {
	for _, body := range []string{
		list(maxElements, ` {"a" : 1}`), `{"a" : ` + list(maxElements, `[1, 2]`) + `}`, `[` + list(1000, "[[[]]]") + `]`,
		`{"text":"` + strings.Repeat(`,[{\"`, 20_000) + `", "b":1}`,
	} {
		if got, left := shorten(Value(body)); left != 0 || string(got) != body {
			t.Errorf("%.20s: %d left out of %d bytes, %d stay", body, left, len(body), len(got))
		}
	}
}

// FuzzShortenValues: wherever the values are too many, what is left is JSON.
func FuzzShortenValues(f *testing.F) {
	f.Add(`{"a": [1, "]", {"b": [ ]}, 2 ], "c" : null }`, valueBudget-2)
	f.Add(`[[1,2],{"a":{"b":1,"c":2}}]`, maxValues-2)
	f.Fuzz(func(t *testing.T, s string, used int) {
		v, err := ParseJSON([]byte(s))
		if err != nil {
			return
		}
		short := shortener{in: v, values: used}
		short.value(0)
		if !json.Valid(short.out) || short.i != len(v) || short.left == 0 && parts(short.out) != parts(v) {
			t.Fatalf("%s became %s, %d left out", v, short.out, short.left)
		}
	})
}
