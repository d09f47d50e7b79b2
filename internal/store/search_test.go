package store

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/nself-chat/hub"
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

// What nobody can read any more is not kept in the index either.
func TestDeletedMessagesLeaveTheIndex(t *testing.T) {
	now := noon
	s := openWithUsers(t, &now)
	ctx := t.Context()
	if err := s.CreateChannel(ctx, &hub.Channel{ID: "c", Name: "c", Type: hub.ChannelPublic, CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	indexed := func(want int) {
		t.Helper()
		var n int
		err := each(ctx, s.readers, func(row scanner) error { return row.Scan(&n) }, `SELECT count(*) FROM nchat_message_search`)
		if err != nil || n != want {
			t.Errorf("%d messages are indexed, %v; want %d", n, err, want)
		}
	}
	for _, id := range []hub.MessageID{"a", "b", "empty"} {
		m := &hub.Message{ID: id, ChannelID: "c", Author: hub.Author{ID: "ann"}, Type: hub.MessageText, Revision: 1, CreatedAt: now}
		text := "words"
		if id == "empty" {
			text = ""
		}
		if ok, err := s.PostMessage(ctx, m, 0, text, nil, nil); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	indexed(2)
	if ok, err := s.DeleteMessage(ctx, "a", now, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	indexed(1)
	if err := s.DeleteChannel(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if last, err := s.ClearChannel(ctx, "c", "", 10, nil); last != "" || err != nil {
		t.Fatal(last, err)
	}
	indexed(0)
}

// Whatever the terms, they are no query syntax.
func FuzzMatchQuery(f *testing.F) {
	for _, s := range []string{`"`, `a" OR "b`, "NEAR(a b)", "x:y", "a\x00b", `""`, "\xff", "*", "^", "-", "{", "ß", ""} {
		f.Add(s, "x")
		f.Add("x", s)
	}
	s, err := Open(f.Context(), Options{
		Path: filepath.Join(f.TempDir(), "hub.db"), Synchronous: "OFF",
		Log: slog.New(slog.DiscardHandler),
	})
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
