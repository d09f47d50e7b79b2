package words

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                           nil,
		"Hello, world! 42":           {"Hello", "world", "42"},
		"a-b_c":                      {"a", "b", "c"},
		"\u0301 \u0301\u0301":        nil, // accents on nothing
		"cafe\u0301 ":                {"cafe\u0301"},
		"x\uFFFDy\xffz":              {"x", "y", "z"},
		"\ue000\ue001 in their font": {"\ue000\ue001", "in", "their", "font"},
	} {
		if got := Split(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	for word, want := range map[string]string{
		"Deploy": "deploy", "CAFÉ": "cafe", "cafe\u0301": "cafe", "ὈΔΌΣ": "οδοσ", "ὁδός": "οδοσ", "1\u20e3": "1", "日本": "日本", "ſ": "s",
	} {
		if got := Fold(word); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}
