package store

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/words"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                nil,
		" \n,.-…👍🏽":                       nil,
		"The café's DÉJÀ-vu, e\u0301":     {"the", "cafe", "s", "deja", "vu", "e"},
		"user_name@example.org/x1":        {"user", "name", "example", "org", "x1"},
		"a\x00b\xffc\uFFFDd":              {"a", "b", "c", "d"},
		"हिन्दी में":                      {"हिनदी", "म"},
		"مُحَمَّد":                        {"محمد"},
		"ΟΔΟΣ οδός ſtraße STRASSE":        {"οδοσ", "οδοσ", "straße", "strasse"},
		"ộ Й が \uac01":                    {"o", "и", "か", "\u1100\u1161\u11a8"},
		"1\ufe0f\u20e3 \u0301 ½ ² \ue000": {"1", "½", "²", "\ue000"},
		"世界，你好":                           {"世界", "你好"},
	} {
		if diff := cmp.Diff(want, foundBy(text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", text, diff)
		}
	}
	endless := strings.Repeat("あ", maxWord)
	long := foundBy(endless + " " + strings.Repeat("many ", maxWords/4+1))
	if !strings.HasPrefix(endless, long[0]) || len(long[0]) > maxWord || len(long[0]) < maxWord-len("あ") {
		t.Errorf("%d bytes of a long word are kept", len(long[0]))
	}
	if n := len(strings.Join(long, "")); n > maxWords || n < maxWords-len("many") {
		t.Errorf("%d bytes of a long text are kept", n)
	}
}

func TestSearchQueries(t *testing.T) {
	for _, tt := range []struct {
		words         []string
		fts5, tsearch string
	}{
		{[]string{"a"}, `"a"`, `'a'`},
		{[]string{"a", "or", "near"}, `"a" "or" "near"`, `'a' & 'or' & 'near'`},
	} {
		for _, got := range [][2]string{
			{matchQuery(tt.words, false), tt.fts5},
			{matchQuery(tt.words, true), tt.fts5 + "*"},
			{tsQuery(tt.words, false), tt.tsearch},
			{tsQuery(tt.words, true), tt.tsearch + ":*"},
		} {
			if got[0] != got[1] {
				t.Errorf("%q became %s, want %s", tt.words, got[0], got[1])
			}
		}
	}
}

// Whatever the text, words hold nothing that means something in a query, and
// are words of themselves.
func FuzzWords(f *testing.F) {
	for _, s := range []string{`"`, `a" OR "b`, "NEAR(a b)", "x:y", "a\x00b", `'\`, "\xff", "*", "^", "-", "{", "ßẞ", "", "İı", "q̣̈ ạ̈"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := foundBy(text)
		for _, w := range found {
			if w == "" || strings.ContainsFunc(w, func(r rune) bool { return !words.IsRune(r) }) {
				t.Errorf("%q has the word %q", text, w)
			}
		}
		if diff := cmp.Diff(found, foundBy(strings.Join(found, " ")), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the words of the words of %q (-once +twice):\n%s", text, diff)
		}
	})
}

// addIndexed makes words findable on SQLite.
func addIndexed(t *testing.T, s *Store, words ...string) {
	t.Helper()
	err := s.write(t.Context(), func(t *tx) error {
		_, err := t.exec(`INSERT INTO nchat_message_search (rowid, content) VALUES (1, $1)`, strings.Join(words, " "))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The tokenizer of SQLite takes the hub's words as they are, whatever letters
// they are made of: it finds what Postgres finds.
func TestTokenizerTakesWordsAsTheyAre(t *testing.T) {
	s := openTest(t, Options{})
	missing := map[string]bool{}
	var all []string
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !words.IsRune(r) || r >= 0x3400 && r%0x20 != 0 { // of the large scripts a part is enough
			continue
		}
		for _, w := range foundBy("x" + string(r)) {
			if !missing[w] {
				missing[w], all = true, append(all, w)
			}
		}
	}
	addIndexed(t, s, all...)
	err := s.write(t.Context(), func(tx *tx) error {
		if _, err := tx.exec(`CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'nchat_message_search', 'row')`); err != nil {
			return err
		}
		return each(t.Context(), tx, func(row scanner) error {
			w, err := scanText(row)
			delete(missing, w)
			return err
		}, `SELECT term FROM temp.terms`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) > 0 || len(all) < 10_000 {
		t.Errorf("%d of %d words are indexed as others: %v", len(missing), len(all), missing)
	}
}

// Both databases find the same messages, whatever is said and asked for.
func TestBothFindTheSame(t *testing.T) {
	stores := map[string]*Store{"sqlite": openTest(t, Options{}), "postgres": openTest(t, EmptyPostgres(t))}
	ids := hub.IDs{}
	letters := []rune("aaabbcçÇßſσςΣйИがか한हिन्दمَ1½👍 \u0301\u20e3'\"\\*:&|!()<->-\x00\t")
	var n int
	rapid.Check(t, func(r *rapid.T) {
		n++
		c := &hub.Channel{ID: hub.ChannelID(ids.New()), Name: numbered(n), Type: hub.ChannelPublic, CreatedAt: noon}
		text := rapid.StringOfN(rapid.SampledFrom(append(letters, []rune("       ")...)), 0, 12, -1)
		said := rapid.SliceOfN(text, 1, 4).Draw(r, "said")
		posted := make([]*hub.Message, len(said))
		for i := range said {
			posted[i] = &hub.Message{ID: hub.MessageID(ids.New()), ChannelID: c.ID, Type: hub.MessageText, Revision: 1, CreatedAt: noon}
		}
		for name, s := range stores {
			if err := s.CreateChannel(t.Context(), c); err != nil {
				r.Fatalf("%s: %v", name, err)
			}
			for i := range said {
				if ok, err := s.PostMessage(t.Context(), posted[i], 0, said[i], nil, nil, nil); !ok || err != nil {
					r.Fatalf("%s: %v, %v", name, ok, err)
				}
			}
		}
		asked, prefix := rapid.SliceOfN(text, 1, 2).Draw(r, "asked"), rapid.Bool().Draw(r, "prefix")
		found := map[string][]hub.MessageID{}
		for name, s := range stores {
			page, err := s.Search(t.Context(), asked, prefix, "", true, []hub.ChannelID{c.ID}, "", 10)
			if err != nil {
				r.Fatalf("%s: %v", name, err)
			}
			for i := range page {
				found[name] = append(found[name], page[i].ID)
			}
		}
		if diff := cmp.Diff(found["sqlite"], found["postgres"]); diff != "" {
			r.Errorf("-sqlite +postgres:\n%s", diff)
		}
	})
}

// Beginnings of words are answered from an index of their own: it holds the
// word itself and its first two and three letters (SQLite FTS5 §4.2).
func TestPrefixesAreIndexed(t *testing.T) {
	s := openTest(t, Options{})
	addIndexed(t, s, "deployment")
	var found int
	err := each(t.Context(), s.readers, func(row scanner) error {
		var block []byte
		if err := row.Scan(&block); err != nil {
			return err
		}
		// A term is kept as the number of its index, in ASCII, and its text.
		for _, term := range []string{"0deployment", "1de", "2dep"} {
			if bytes.Contains(block, []byte(term)) {
				found++
			}
		}
		return nil
	}, `SELECT block FROM nchat_message_search_data WHERE id > 10`)
	if err != nil || found != 3 {
		t.Errorf("%d of 3 terms are in the index, %v", found, err)
	}
}

// What nobody can read any more is not kept in the index either.
func TestDeletedMessagesLeaveTheIndex(t *testing.T) { onBoth(t, testDeletedMessagesLeaveTheIndex) }

func testDeletedMessagesLeaveTheIndex(t *testing.T, s *Store, now *time.Time) {
	ctx := t.Context()
	addUsers(t, s)
	if err := s.CreateChannel(ctx, &hub.Channel{ID: id1, Name: "c", Type: hub.ChannelPublic, CreatedAt: *now}); err != nil {
		t.Fatal(err)
	}
	indexed := func(want int) {
		t.Helper()
		if n := count(t, s, `SELECT count(*) FROM nchat_message_search`); n != want {
			t.Errorf("%d messages are indexed, want %d", n, want)
		}
	}
	for _, id := range []hub.MessageID{id1, id2, id3} {
		m := &hub.Message{ID: id, ChannelID: id1, Author: hub.Author{ID: ann}, Type: hub.MessageText, Revision: 1, CreatedAt: *now}
		text := "words"
		if id == id3 {
			text = "…"
		}
		if ok, err := s.PostMessage(ctx, m, 0, text, nil, nil, nil); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	indexed(2)
	if ok, err := s.DeleteMessage(ctx, id1, nil, *now, nil, nil, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	indexed(1)
	if err := s.DeleteChannel(ctx, id1, nil); err != nil {
		t.Fatal(err)
	}
	if last, err := s.ClearChannel(ctx, id1, "", 10, nil); last != "" || err != nil {
		t.Fatal(last, err)
	}
	indexed(0)
}
