package dialect

import (
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                    "",
		0:                               "",
		300 * time.Microsecond:          "1 ms",
		850 * time.Millisecond:          "850 ms",
		42500 * time.Millisecond:        "42 s",
		time.Minute:                     "1 min",
		3*time.Minute + 5*time.Second:   "3 min 5 s",
		2*time.Hour + 10*time.Minute:    "2 h 10 min",
		28*time.Hour + 59*time.Second:   "1 d 4 h",
		48*time.Hour + 59*time.Minute:   "2 d",
		time.Hour + 59*time.Millisecond: "1 h",
	} {
		if got := Took(d); got != want {
			t.Errorf("Took(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`63`: 63 * time.Second, `"1.5"`: 1500 * time.Millisecond, `-1`: 0, `"NaN"`: 0, `1e300`: 0, `null`: 0, `{}`: 0,
	} {
		if got := Span(Value(text), time.Second); got != want {
			t.Errorf("Span(%s) = %v, want %v", text, got, want)
		}
	}
}

func TestRef(t *testing.T) {
	for ref, want := range map[string][2]string{
		"refs/heads/feature/x": {"branch", "feature/x"}, "refs/tags/v1": {"tag", "v1"}, "main": {"branch", "main"}, "": {"branch", ""},
	} {
		if kind, name := Ref(ref); kind != want[0] || name != want[1] {
			t.Errorf("Ref(%q) = %q, %q", ref, kind, name)
		}
	}
	if !NoCommit("0000") || !NoCommit("") || NoCommit("00a0") {
		t.Error("NoCommit is wrong")
	}
}

func TestCommits(t *testing.T) {
	one := Commit{ID: "0123456789", URL: "https://example.com/c", Message: "First line\n\nmore", Author: "Jo"}
	if got := markup.PlainInline(one.Line()); got != "0123456 (https://example.com/c) First line — Jo" {
		t.Errorf("got %q", got)
	}
	if Commits(nil, 3) != nil {
		t.Error("a list of nothing")
	}
	blocks := Commits(make([]Commit, 15), 0)
	if len(blocks) != 2 || len(blocks[0].(markup.List).Items) != 10 || markup.Plain(Say(blocks[1])) != "and 5 more" {
		t.Errorf("got %v", blocks)
	}
	if blocks := Commits(make([]Commit, 2), 2); len(blocks) != 1 {
		t.Errorf("got %v", blocks)
	}
}

func TestReport(t *testing.T) {
	if d := Report(Line(Txt("x")), markup.Card{Color: Red, Time: time.Unix(1e9, 0)}); len(d.Blocks) != 1 {
		t.Errorf("an empty card is shown: %v", d)
	}
	if d := Report(Line(Txt("x")), markup.Card{Blocks: Plain("y")}); len(d.Blocks) != 2 {
		t.Errorf("the card is missing: %v", d)
	}
}

func TestJoined(t *testing.T) {
	list := Value(`[{"name":"a"},{"title":"b"},{"name":null},7,{"name":"c","title":"no"}]`)
	if got := Joined(list, Named("name", "title")); got != "a, b, c" {
		t.Errorf("got %q", got)
	}
	if got := Joined(Value(`["a","b"]`), Value.Str); got != "a, b" {
		t.Errorf("got %q", got)
	}
	if got := Joined(Value(`[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7]`), Value.Str); got != "1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, and 2 more" {
		t.Errorf("got %q", got)
	}
}

func TestExcerpt(t *testing.T) {
	if got := Excerpt("*a* b", Markdown); markup.Plain(Say(got...)) != "a b" {
		t.Errorf("got %v", got)
	}
	got := markup.Plain(Say(Excerpt(strings.Repeat("é ", 1<<20), Plain)...))
	if n := markup.Runes(got); n > maxExcerpt || n < maxExcerpt-10 || !strings.HasSuffix(got, "…") {
		t.Errorf("an excerpt of %d characters that ends with %q", n, got[len(got)-10:])
	}
	if got := markup.Plain(Say(Excerpt("<b>a</b>", HTML)...)); got != "a" {
		t.Errorf("got %q", got)
	}
}
