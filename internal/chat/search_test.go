package chat

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/words"
)

func TestSearch(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	ch := must(w.CreateChannel(ctx, NewChannel{Name: "ops", Type: hub.ChannelPrivate}, Cause{By: w.ann.ID}))(t)
	hidden := must(w.Post(ctx, Post{ChannelID: ch.ID, Author: hub.Author{ID: w.ann.ID}, Content: "The Café is open"}))(t)
	open := w.post("a café, and cafés")
	card := must(w.Post(ctx, Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID},
		Embeds: []hub.Embed{{Title: "Alert", Fields: []hub.EmbedField{{Name: "host", Value: "db-7.example.org"}}}},
	}))(t)
	search := func(text string, v Viewer) []Hit {
		t.Helper()
		hits, _, err := w.Search(ctx, SearchQuery{Text: text, Viewer: v})
		if err != nil {
			t.Fatal(err)
		}
		return hits
	}
	ids := func(hits []Hit) (out []hub.MessageID) {
		for _, h := range hits {
			out = append(out, h.Message.ID)
		}
		return out
	}
	same(t, "a member", ids(search("cafe", Viewer{UserID: w.ann.ID})), []hub.MessageID{open.ID, hidden.ID})
	same(t, "no member", ids(search("CAFÉ", Viewer{UserID: w.bob.ID})), []hub.MessageID{open.ID})
	same(t, "in a card", ids(search("db-7", Viewer{})), []hub.MessageID{card.ID})
	same(t, "half a word", ids(search("exam", Viewer{})), []hub.MessageID{card.ID})
	// One letter is a word, not the beginning of one: that would read the whole index.
	same(t, "one letter", ids(search("A", Viewer{})), []hub.MessageID{open.ID})
	for _, letter := range []string{"e", "c", "c\u0327", "e\u0301"} {
		same(t, letter, ids(search(letter, Viewer{All: true})), []hub.MessageID(nil))
	}
	same(t, "two letters", ids(search("ca", Viewer{})), []hub.MessageID{open.ID})
	same(t, "operators", ids(search(`"cafe" -open OR (open)`, Viewer{All: true})), []hub.MessageID(nil))

	hits, more, err := w.Search(ctx, SearchQuery{Text: "cafe", Viewer: Viewer{All: true}, Limit: 1})
	if err != nil || !more || len(hits) != 1 {
		t.Fatalf("first page: %v, %v, %v", hits, more, err)
	}
	hits, more, err = w.Search(ctx, SearchQuery{Text: "cafe", Viewer: Viewer{All: true}, Limit: 1, Before: hits[0].Message.ID})
	if err != nil || more || len(hits) != 1 || hits[0].Message.ID != hidden.ID {
		t.Fatalf("second page: %v, %v, %v", hits, more, err)
	}
	for _, text := range []string{"", "  ", "?!", "\u0301", strings.Repeat("a", 257), strings.Repeat("a ", 17)} {
		_, _, err := w.Search(ctx, SearchQuery{Text: text})
		wantCode(t, err, hub.Invalid)
	}
}

func TestSnippet(t *testing.T) {
	for _, test := range []struct {
		name, query, text, want string
	}{
		{"all of a short text", "fox", "a quick\n\n brown fox", "a quick brown [fox]"},
		{"prefix of the last word only", "qui bro", "a quick brown fox", "a quick [brown] fox"},
		{"case and accents", "cafe UBER", "Café über É", "[Café] [über] É"},
		{"letters with more than one small form", "ΟΔΟΣ", "η ὁδός", "η [ὁδός]"},
		{"one letter is a whole word", "a", "a quick alarm", "[a] quick alarm"},
		{"no match in sight", "zzz", "abc", "abc"},
		{"around the first match", "needle", strings.Repeat("hay ", 50) + "needle" + strings.Repeat(" hay", 100), "…" +
			strings.Repeat("hay ", 10) + "[needle]" + strings.Repeat(" hay", 28) + " h…"},
	} {
		got, marks := newMatcher(words.Split(test.query)).snippet(test.text)
		for i := len(marks) - 1; i >= 0; i-- {
			got = got[:marks[i].Start] + "[" + got[marks[i].Start:marks[i].End] + "]" + got[marks[i].End:]
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add("fox", "a quick brown fox")
	f.Add("é", "\xff\xfe e\u0301 x")
	f.Fuzz(func(t *testing.T, query, text string) {
		terms := words.Split(query)
		if len(terms) == 0 {
			return
		}
		got, marks := newMatcher(terms).snippet(text)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > snippetLength+2 {
			t.Errorf("snippet %q", got)
		}
		last := 0
		for _, m := range marks {
			if m.Start < last || m.End <= m.Start || m.End > len(got) {
				t.Errorf("marks %v in %q", marks, got)
			}
			last = m.End
		}
	})
}

// What a person types is never query syntax: it finds or does not find, and a
// text finds itself.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		`"`, `a" OR "b`, "NEAR(a b)", "content:x", "a AND NOT b", "x*", "^x", "{a}:b", "a\x00b", "ßẞ", "हिन्दी", "世界", "e\u0301",
		"Ⅷ", "\U000F0000", "İ", "ﬁ",
	} {
		f.Add(s)
	}
	w, ctx := open(f), f.Context()
	f.Fuzz(func(t *testing.T, text string) {
		_, err := w.Post(ctx, Post{ChannelID: w.d.General, Author: hub.Author{ID: w.ann.ID}, Content: text, AllowMentions: true})
		if err != nil && hub.CodeOf(err) != hub.Invalid {
			t.Fatal(err)
		}
		posted := err == nil
		hits, _, err := w.Search(ctx, SearchQuery{Text: text, Viewer: Viewer{All: true}, Limit: 1})
		if err != nil && hub.CodeOf(err) != hub.Invalid {
			t.Fatal(err)
		}
		if posted && err == nil && !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) && (len(hits) == 0 || hits[0].Message.Content != cleanText(text)) {
			t.Errorf("%q does not find itself", text)
		}
		w.router.types() // not to keep them all
	})
}

// TestSearchPages: a page has no more than maxHits, whatever is asked for, and
// the next ones the rest.
func TestSearchPages(t *testing.T) {
	w := open(t)
	for range maxHits + 3 {
		w.post("common")
	}
	q := SearchQuery{Text: "common", Limit: 500}
	first, more, err := w.Search(t.Context(), q)
	if err != nil || len(first) != maxHits || !more {
		t.Fatalf("%d messages, more: %v, %v", len(first), more, err)
	}
	q.Before = first[maxHits-1].Message.ID
	rest, more, err := w.Search(t.Context(), q)
	if err != nil || len(rest) != 3 || more {
		t.Errorf("then %d messages, more: %v, %v", len(rest), more, err)
	}
}
