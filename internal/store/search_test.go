package store

import (
	"log/slog"
	"path/filepath"
	"testing"
)

func TestMatchQuery(t *testing.T) {
	for want, terms := range map[string][]string{
		`"a"*`:               {"a"},
		`"a" "b"*`:           {"a", "b"},
		`"say ""hi"" OR"*`:   {`say "hi" OR`},
		`"a b" "NOT" """"*`:  {"a\x00b", "NOT", `"`},
		`"col:x" "^y" "z*"*`: {"col:x", "^y", "z*"},
	} {
		if got := matchQuery(terms); got != want {
			t.Errorf("%q became %s, want %s", terms, got, want)
		}
	}
}

// Whatever the terms, they are no query syntax.
func FuzzMatchQuery(f *testing.F) {
	for _, s := range []string{`"`, `a" OR "b`, "NEAR(a b)", "x:y", "a\x00b", `""`, "\xff", "*", "^", "-", "{", "ß", ""} {
		f.Add(s, "x")
		f.Add("x", s)
	}
	s, err := Open(f.Context(), Options{Path: filepath.Join(f.TempDir(), "hub.db"), Synchronous: "OFF", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	ctx := f.Context()
	f.Fuzz(func(t *testing.T, a, b string) {
		found, err := s.Search(ctx, []string{a, b}, "", true, nil, "", 1)
		if err != nil || len(found) != 0 {
			t.Errorf("%q, %q: %v, %v", a, b, found, err)
		}
	})
}
