package github

import (
	"strings"
	"testing"
	"time"
)

func TestPlainer(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"no tags", "no tags"},
		{"a <!-- template\n -->b<!-- open", "a b"},
		{"<b>x</b> <i>y</i><br>z", "**x** *y*\nz"},
		{"<details><summary>More</summary>text</details>", "\n\n**More**\n\ntext\n\n"},
		{`<a href="https://a.example/?b=1">t</a> <a href='javascript:x'>u</a>`, "[t](<https://a.example/?b=1>) u"},
		{`<a href="https://a.example">open`, "[open](<https://a.example>)"},
		{`<img width="3" alt="A" src="https://a.example/i.png" />`, "![A](<https://a.example/i.png>)"},
		{"Vec<T> 1 < 2 <https://a.example>", "Vec<T> 1 < 2 <https://a.example>"},
		{"`<b>` and ``<!-- ` -->``", "`<b>` and ``<!-- ` -->``"},
		{"```html\n<b>x</b>\n```\n<b>y</b>", "```html\n<b>x</b>\n```\n**y**"},
		{"~~old~~ ~~~\n<p>\n~~~", "~~old~~ ~~~\n<p>\n~~~"},
		{"a ` lone mark <b>x</b>", "a ` lone mark **x**"},
	} {
		if got := plainer(test.source); got != test.want {
			t.Errorf("plainer(%q) = %q, want %q", test.source, got, test.want)
		}
	}
}

func TestPlainerTakesLinearTime(t *testing.T) {
	for _, unit := range []string{"<", "<a ", "`", "<!--", `<a href="https://a.example">`, "~~~", "``` `"} {
		began := time.Now()
		plainer(strings.Repeat(unit, 64<<10/len(unit)))
		if took := time.Since(began); took > time.Second {
			t.Errorf("64 KB of %q took %v", unit, took)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		200 * time.Millisecond: "less than 1 s", 17 * time.Second: "17 s", 60 * time.Second: "1 min", 198 * time.Second: "3 min 18 s",
		2*time.Hour + 30*time.Second: "2 h", 26 * time.Hour: "1 d 2 h", 59500 * time.Millisecond: "1 min",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestEmoji(t *testing.T) {
	for s, want := range map[string]string{":bug: Bugfix": "🐛 Bugfix", "at 10:30:45": "at 10:30:45", ":nosuchthing:": ":nosuchthing:", "a:": "a:"} {
		if got := emoji(s); got != want {
			t.Errorf("emoji(%q) = %q, want %q", s, got, want)
		}
	}
}
