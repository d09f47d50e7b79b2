package console

import (
	"strings"
	"testing"
	"time"
)

// Whatever fits into a message must be rendered quickly: a page shows fifty.
func TestRenderIsBounded(t *testing.T) {
	const length = 64 << 10
	fill := func(unit string, n int) string { return strings.Repeat(unit, n/len(unit)) }
	sources := map[string]string{
		"a wide table with short rows": "|" + fill("a|", 8000) + "\n|" + fill("-|", 8000) + "\n" + fill("x\n", 32000),
		"a table of many lines":        "|a|b|\n|-|-|\n" + fill("x\n", length),
		"indented deeper and deeper":   deeper(length),
		"references":                   "[a]: https://example.org\n\n" + fill("[a] ", length),
		"just below the limits":        fill("[a](", 4*maxBrackets) + fill("*a_b", 2*maxEmphasis) + "\n" + fill("> ", 2*maxNesting),
	}
	for _, unit := range []string{
		"> ", "[", "*", "![](", "<", "`", "- ", "1. ", "1) ", "|", "~", "_a", "[a](", "**a *b", "\n|a|b|\n|-|-|", "http://a.b ", "a@b.c ", "\\", "&#",
		"\n> ", "* * a\n", "![[", "[](<", "[a][", "`a ``b ", "[^", "~~a ", "***a_", "[](((", "a*b**c***", "\n\n", "\t", "    a\n", "```\n", "+ ", ">",
	} {
		sources[unit] = fill(unit, length)
	}
	for name, source := range sources {
		began := time.Now()
		out := render(source)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%q takes %s", name, took)
		}
		if len(out) > 40*len(source) {
			t.Errorf("%q grows from %d to %d bytes", name, len(source), len(out))
		}
		if why := unsafe(out); why != "" {
			t.Errorf("%q: %s", name, why)
		}
	}
}

// deeper is a list in which each item is nested in the one before.
func deeper(length int) string {
	var b strings.Builder
	for depth := 0; b.Len() < length; depth++ {
		b.WriteString(strings.Repeat("  ", depth) + "- a\n")
	}
	return b.String()
}

func TestTooComplex(t *testing.T) {
	tests := map[string]struct {
		source string
		want   bool
	}{
		"nothing":          {"", false},
		"a message":        {"Hello **world**, see [this](https://example.org):\n\n> - 1. quoted list\n\n| a | b |\n|---|---|\n| 1 | 2 |", false},
		"a long log":       {strings.Repeat("2026-02-01 12:00:00 [info] request served in 12 ms\n", 300), false},
		"a table":          {"|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n" + strings.Repeat("|1|2|3|4|5|6|\n", 500), false},
		"brackets":         {strings.Repeat("[", maxBrackets+1), true},
		"emphasis":         {strings.Repeat("*a_b~", maxEmphasis), true},
		"quotes":           {strings.Repeat(">", maxNesting+1), true},
		"spaced quotes":    {"text\n" + strings.Repeat(" > ", maxNesting+1), true},
		"numbered":         {strings.Repeat("12) ", maxNesting+1), true},
		"mixed":            {strings.Repeat("> - 1. + * ", 7), true},
		"a wide table":     {strings.Repeat("|", 200) + strings.Repeat("\n", 101), true},
		"numbers in prose": {strings.Repeat("1 2 3 4 5 ", 100), false},
	}
	for name, test := range tests {
		if got := tooComplex(test.source); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestPlainHTML(t *testing.T) {
	if got, want := plainHTML("a <b>\n\"c\" & 'd'"), "<p>a &lt;b&gt;<br>\n&#34;c&#34; &amp; &#39;d&#39;</p>\n"; got != want {
		t.Errorf("got %q", got)
	}
}
