package markup_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/markuptest"
)

func TestURLEnd(t *testing.T) {
	for _, s := range []string{ // up to the bar
		"https://x.example|", "http://localhost:8080/a|", "HTTPS://X.example/a|", "https://x.example/a| b", "https://x.example/a|.", "https://x.example|?", "https://x.example/|?", "https://x.example/?a|",
		"https://x.example/a_(b)|", "https://x.example/a|)", "https://x.example/(a|", "https://x.example/a|!?**", "https://x.example/a|&amp;", "https://x.example/a;b|",
		"https://x.example/a|<b", "https://x.example/a|\"b", "https://x.example/a|`b", "https://x.example/a|\\", "https://[::1]:80/a|", "https://x.example|[a](b)", "|https://[x", "|https://[]", "https://x.example/[a]|", "https://x.example|,https://y",
		"https://x.example/日本|。", "https://x.example:80|: no", "https://user@x.example/a|", "www.x.example/a|.", "mailto:me@x.example|.", "https://x.example/a|\u00a0b",
		"|http://", "|https:/x", "|http:// x", "|ftp://x.example", "|www.", "|www.x", "|www.-", "|mailto:me", "|mailto:@x.example", "|mailto:me@x", "|hello", "|",
	} {
		want := strings.IndexByte(s, '|')
		source := s[:want] + s[want+1:]
		if got := markup.URLEnd(source, 0); got != want {
			t.Errorf("%q: %q", source, source[:got])
		}
	}
	if markup.URLEnd("xhttps://x.example", 1) != 1 || markup.URLEnd("(https://x.example)", 1) != 18 {
		t.Error("the character before does not count")
	}
}

func TestShortcodeEnd(t *testing.T) {
	for s, want := range map[string]int{
		":tada:": 6, ":+1:!": 4, ":a-b_c:": 7, ":wave::skin-tone-6:": 19, ":wave::skin-tone-9:": 6, ":100:": 5, ":x::y:": 3, ":A:": 3,
		"": 0, ":": 0, "::": 0, ":::": 0, ":30:": 0, ":a b:": 0, ":a:b": 0, ":é:": 0, ":" + strings.Repeat("a", 200) + ":": 0,
	} {
		if s != "" && markup.ShortcodeEnd(s, 0) != want {
			t.Errorf("%q: %d, want %d", s, markup.ShortcodeEnd(s, 0), want)
		}
	}
	if markup.ShortcodeEnd("a:tada:", 1) != 1 || markup.ShortcodeEnd("::tada:", 1) != 1 || markup.ShortcodeEnd(" :tada:", 1) != 7 {
		t.Error("the character before does not count")
	}
}

func TestEmoji(t *testing.T) {
	for name, want := range map[string]string{
		"tada": "🎉", "+1": "👍", "thumbsup": "👍", "warning": "⚠️", "flag-de": "🇩🇪", "de": "🇩🇪", "hash": "#️⃣", "keycap_star": "*️⃣", "simple_smile": "🙂",
		"wave::skin-tone-2": "👋🏻", "male-detective::skin-tone-3": "🕵🏼‍♂️", "point_up::skin-tone-6": "☝🏿", "tada::skin-tone-3": "🎉",
		"nothing": "", "wave::skin-tone-9": "", "": "", "#": "",
	} {
		if got, ok := markup.LookupEmoji(name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for chars, want := range map[string]string{
		"🎉": "tada", "⚠️": "warning", "⚠": "warning", "👍": "+1", "👋🏼": "wave::skin-tone-3", "☝🏿": "point_up::skin-tone-6", "x": "", "": "",
	} {
		if got, ok := markup.EmojiName(chars); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", chars, got, want)
		}
	}
}

func TestUTF16(t *testing.T) {
	texts := rapid.OneOf(markuptest.Text(), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		s := strings.ToValidUTF8(texts.Draw(t, "text"), "")
		units := utf16.Encode([]rune(s))
		if got := markup.UTF16(s); got != len(units) {
			t.Fatalf("%q is %d long, want %d", s, got, len(units))
		}
		o := markup.NewUTF16(s)
		at := rapid.IntRange(0, len(units)+2).Draw(t, "unit")
		want := min(at, len(units))
		if 0 < want && want < len(units) && utf16.IsSurrogate(rune(units[want])) && utf16.DecodeRune(rune(units[want-1]), rune(units[want])) != utf8.RuneError {
			want-- // between the halves
		}
		bytes := len(string(utf16.Decode(units[:want])))
		if got := o.Byte(at); got != bytes {
			t.Fatalf("unit %d of %q: byte %d, want %d", at, s, got, bytes)
		}
		if got := o.Unit(bytes); got != want {
			t.Fatalf("byte %d of %q: unit %d, want %d", bytes, s, got, want)
		}
		if got := o.Unit(0) + o.Byte(0); got != 0 {
			t.Fatalf("the start is at %d", got)
		}
		if got := o.Unit(len(s)); got != len(units) {
			t.Fatalf("the end is at %d, want %d", got, len(units))
		}
	})
	o := markup.NewUTF16("a👩‍👧e\u0301")
	for unit, want := range []int{0, 1, 1, 5, 8, 8, 12, 13, 15, 15} {
		if got := o.Byte(unit); got != want {
			t.Errorf("unit %d: byte %d, want %d", unit, got, want)
		}
	}
}
