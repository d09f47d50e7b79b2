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
	v, err := ParseJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got := shorten(v)
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
	if string(shorten(small)) != string(small) {
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
