package markup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/markup"
)

var card = markup.Card{
	Color:     "#e01e5a",
	Author:    markup.CardAuthor{Name: "CI", URL: "https://ci.example.org"},
	Title:     []markup.Inline{markup.Text("Build failed")},
	URL:       "https://ci.example.org/1",
	Thumbnail: markup.Image{URL: "https://ci.example.org/logo.png", Alt: "logo"},
	Blocks: append(markup.ParseMarkdown("*3 of 9* jobs").Blocks, markup.Fields{Fields: []markup.Field{
		{Title: []markup.Inline{markup.Text("Branch")}, Value: markup.ParseMarkdown("main").Blocks, Short: true},
		{Title: []markup.Inline{markup.Text("Log")}, Value: markup.ParseMarkdown("see below").Blocks, Short: true},
		{Title: []markup.Inline{markup.Text("Steps")}, Value: markup.ParseMarkdown("- one\n- two").Blocks},
	}}),
	Footer: []markup.Inline{markup.Text("ci")},
	Time:   time.Date(2026, 4, 20, 16, 20, 30, 0, time.UTC),
}

func TestPlain(t *testing.T) {
	doc := markup.ParseMarkdown("# Title\n\n**a** [b](https://b.example) <https://c.example> `d` ||e|| @ann #general :corp:\nf\n\n" +
		"> q\n\n3. x\n4. y\n   - [ ] z\n\n```\ncode\n```\n\n---\n\n| h | i |\n| - | - |\n| j | k |\n\n![alt](https://i.example)")
	doc.Blocks = append(doc.Blocks, card, markup.Unknown{Name: "poll", Fallback: "Tea?"})
	want := strings.Join([]string{
		"Title", "", "a b (https://b.example) https://c.example d ||e|| @ann #general :corp:", "f", "", "> q", "", "3. x", "4. y", "   • ☐ z", "",
		"code", "", "———", "", "h | i", "j | k", "", "alt (https://i.example)", "",
		"CI (https://ci.example.org)", "Build failed (https://ci.example.org/1)", "3 of 9 jobs", "Branch: main", "Log: see below", "Steps:", "• one", "• two",
		"logo (https://ci.example.org/logo.png)", "ci · 2026-04-20 16:20 UTC", "", "Tea?",
	}, "\n")
	if diff := cmp.Diff(want, markup.Plain(doc)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTimestampPlain(t *testing.T) {
	for format, want := range map[markup.TimeFormat]string{
		markup.FormatDateTime: "2026-04-20 16:20 UTC", markup.FormatDateTimeLong: "Monday, 20 April 2026 16:20 UTC", markup.FormatDate: "2026-04-20",
		markup.FormatDateLong: "20 April 2026", markup.FormatTime: "16:20 UTC", markup.FormatTimeSeconds: "16:20:30 UTC", markup.FormatRelative: "2026-04-20 16:20 UTC",
	} {
		if got := (markup.Timestamp{Time: card.Time, Format: format}).Plain(); got != want {
			t.Errorf("%q: %q, want %q", format, got, want)
		}
	}
	if got := (markup.Timestamp{Time: card.Time, Text: "today"}).Plain(); got != "today" {
		t.Errorf("got %q", got)
	}
}

func TestTableCode(t *testing.T) {
	table := markup.ParseMarkdown("| name | n |\n| --- | --: |\n| **Zoë** | 7 |\n| x | 1234 |\n| y |").Blocks[0].(markup.Table)
	want := "name     n\n----  ----\nZoë      7\nx     1234\ny"
	if diff := cmp.Diff(want, markup.TableCode(table).Text); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	wide := markup.ParseMarkdown("|a|\n|-|\n|" + strings.Repeat("b", 100_000) + "|\n" + strings.Repeat("|c|\n", 1000)).Blocks[0].(markup.Table)
	if n := len(markup.TableCode(wide).Text); n > 150_000 {
		t.Errorf("%d bytes", n)
	}
}

func TestColor(t *testing.T) {
	for s, want := range map[string]markup.Color{
		"#FF8000": "#ff8000", "ff8000": "#ff8000", "#f80": "#ff8800", "0x00ff00": "#00ff00", "16711680": "#ff0000", "good": "#2eb67d", " Danger ": "#e01e5a",
		"": "", "0": "", "mauve": "", "#12345": "", "-5": "", "99999999999": "", "16777216": "",
	} {
		if got := markup.ParseColor(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if got := markup.Color("#ff8000").RGB(); got != 0xff8000 {
		t.Errorf("got %x", got)
	}
	if markup.ColorRGB(0) != "" || markup.ColorRGB(0x1000000) != "" || markup.Color("x").RGB() != 0 || markup.Color("#gggggg").RGB() != 0 {
		t.Error("no colour became one")
	}
}

func TestSafeURL(t *testing.T) {
	for s, want := range map[string]bool{
		"https://x.example/y?z": true, "HTTP://x.example": true, "mailto:me@x.example": true, "http://a/%zz": true,
		"": false, "//x.example": false, "/x": false, "javascript:alert(1)": false, "JAVASCRIPT:x": false, "data:text/html,x": false, "file:///etc/passwd": false,
		"https:": false, "https://": false, "https:///x": false, "https:x": false, "mailto:": false, "https://a b": false, "ht\ntps://x": false, " https://x": false,
	} {
		if got := markup.SafeURL(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
