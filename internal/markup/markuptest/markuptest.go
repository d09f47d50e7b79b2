// Package markuptest holds what every dialect of package markup must do, as
// property tests and fuzz targets.
//
//	func TestDialect(t *testing.T) { markuptest.Run(t, dialect) }
//	func FuzzDialect(f *testing.F) { markuptest.Fuzz(f, dialect) }
package markuptest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is a parser and a printer that belong together.
type Dialect struct {
	Parse  func(string) markup.Document
	Print  func(markup.Document) (string, markup.Degradations)
	Subset Subset // what goes both ways
	// Lossy is set when a few documents of the subset cannot be written without
	// a degradation, such as mentions within words. At most one in ten may.
	Lossy bool
}

// Run tests a dialect.
func Run(t *testing.T, d Dialect) {
	t.Run("a document is read back as it was printed", func(t *testing.T) { d.roundTrip(t) })
	t.Run("code is not touched", func(t *testing.T) { d.code(t) })
	t.Run("what was read is printed the same way", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { d.stable(t, Source().Draw(t, "source")) })
	})
	t.Run("no word is lost", func(t *testing.T) { d.words(t) })
	t.Run("no text becomes a mention", func(t *testing.T) { d.mentions(t) })
	t.Run("hostile input takes linear time", func(t *testing.T) { d.hostile(t) })
}

// Fuzz looks for input that breaks a dialect.
func Fuzz(f *testing.F, d Dialect) {
	for _, s := range snippets {
		f.Add(s)
	}
	for _, s := range hostilePatterns {
		f.Add(strings.Repeat(s, 20))
	}
	f.Fuzz(func(t *testing.T, source string) { d.stable(t, source) })
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (d Dialect) roundTrip(t *testing.T) {
	documents := Documents(d.Subset)
	printed, lossy := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		doc := documents.Draw(t, "document")
		source, lost := d.Print(doc)
		if printed++; len(lost) > 0 {
			if lossy++; !d.Lossy {
				t.Fatalf("printed with losses: %v\n%s", lost, source)
			}
			return
		}
		if got := d.Parse(source); !markup.Equal(got, doc) {
			t.Fatalf("printed as\n%s\nand read back (-want +got)\n%s", source, diff(doc, got))
		}
	})
	if lossy*10 > printed {
		t.Errorf("%d of %d documents were printed with losses", lossy, printed)
	}
}

// diff compares the encodings, line by line: comparing deep trees takes long.
func diff(want, got markup.Document) string {
	return cmp.Diff(strings.Split(encoded(want), "\n"), strings.Split(encoded(got), "\n"))
}

func encoded(d markup.Document) string {
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (d Dialect) code(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := Code().Draw(t, "code")
		doc := markup.Normal(markup.Document{Blocks: []markup.Block{
			markup.Paragraph{Content: []markup.Inline{markup.Text("before "), markup.Code(strings.ReplaceAll(text, "\n", " ")), markup.Text(" after")}},
			markup.CodeBlock{Text: text},
			markup.Paragraph{Content: []markup.Inline{markup.Text("end")}},
		}})
		source, lost := d.Print(doc)
		if got, want := codeOf(d.Parse(source)), codeOf(doc); len(lost) == 0 && !cmp.Equal(got, want) {
			t.Fatalf("printed as\n%s\n%s", source, cmp.Diff(want, got))
		}
	})
}

// codeOf returns all code of a document.
func codeOf(d markup.Document) (out []string) {
	markup.Walk(d, func(n markup.Node) bool {
		switch n := n.(type) {
		case markup.Code:
			out = append(out, string(n))
		case markup.CodeBlock:
			out = append(out, n.Text)
		}
		return true
	})
	return out
}

// stable checks that reading and printing comes to rest after one round.
func (d Dialect) stable(t failer, source string) {
	t.Helper()
	first := d.Parse(source)
	if again := markup.Normal(first); encoded(first) != encoded(again) {
		t.Fatalf("not normal (-parsed +normal)\n%s", diff(first, again))
	}
	printed, lost := d.Print(first)
	if !utf8.ValidString(printed) {
		t.Fatalf("printed as invalid UTF-8: %q", printed)
	}
	second := d.Parse(printed)
	if len(lost) == 0 && !markup.Equal(first, second) {
		t.Fatalf("printed as\n%s\nand read back (-first +second)\n%s", printed, diff(first, second))
	}
	reprinted, _ := d.Print(second)
	if third := d.Parse(reprinted); !markup.Equal(second, third) {
		t.Fatalf("printed as\n%s\nthen as\n%s\n(-second +third)\n%s", printed, reprinted, diff(second, third))
	}
}

// words checks that whatever a document holds can be read in what is printed.
func (d Dialect) words(t *testing.T) {
	documents := Documents(Everything())
	rapid.Check(t, func(t *rapid.T) {
		n := 0
		var words []string
		doc := markup.MapInlines(documents.Draw(t, "document"), func(inline markup.Inline) []markup.Inline {
			if _, ok := inline.(markup.Text); ok {
				n++
				words = append(words, "word"+strings.Repeat("a", n)+"z")
				return []markup.Inline{markup.Text(" " + words[len(words)-1] + " "), inline}
			}
			return []markup.Inline{inline}
		})
		source, _ := d.Print(doc)
		for _, w := range words {
			if !strings.Contains(source, w) {
				t.Fatalf("%q is not in\n%s", w, source)
			}
		}
	})
}

// mentions checks that texts stay texts.
func (d Dialect) mentions(t *testing.T) {
	all := Everything()
	all.Mention = rapid.Just(markup.Mention{})
	documents := Documents(all)
	rapid.Check(t, func(t *rapid.T) {
		source, _ := d.Print(documents.Draw(t, "document"))
		markup.Walk(d.Parse(source), func(n markup.Node) bool {
			if m, ok := n.(markup.Mention); ok {
				t.Fatalf("a mention %+v out of a text, printed as\n%s", m, source)
			}
			return true
		})
	})
}

// hostilePatterns are repeated to make input that careless parsers take
// quadratic time or endless stack for.
var hostilePatterns = []string{
	"[", "]", "[]", "![", "](", "[](", "[a](b", "[a](<b", "[a](b \"c", "![a](b)", "[a](b)", "![[a](b)](c) ", "*", "**a", "*a_b~c|", "a**b", "_ _a", "**a *b ",
	"a*b_c**d__e", "~a~~b~~~c", "||a|", "`", "`a``b```c", "`` ` ", "<", "<a:", "<@", "<!", "<b>", "<b><i>", "</b>", "<!here|", "&", "&a", "&#", "\\", ">", "> ",
	"> - ", "- ", "1. ", " - a\n", "- a\n  ", "> a\n", ">\n", "\n", " ", "\t", "|", "|-", "| a\n", "a|b\n-|-\n", "|a|\n|-|\n", "# ", "#\n", "```\n", "```a\n~~~\n", "~~~\n> ",
	":", ":a", ":a:", "@", "@a", "@a.", "a@b.", "http://", "http://a", "http://a)", "www.", "www.a.", "mailto:a@", "h", "{", "{code}", "\x00", "\xff", "é", "🎉", "\u0301", "\u202e",
	"***", "*_", "__a ", "<u>a", "<t:1>", "<p>", "<ul><li>", "<div ", "<a href=\"", "<!--", "</", "<table><tr><td>", "\r", "\r\n>",
}

// hostile checks that a long text of anything is read and printed soon: with
// quadratic time it would be minutes to hours.
func (d Dialect) hostile(t *testing.T) {
	const size, limit = 1 << 18, 20 * time.Second
	for _, pattern := range hostilePatterns {
		for _, source := range []string{
			strings.Repeat(pattern, size/len(pattern)),
			strings.Repeat(pattern, size/2/len(pattern)) + strings.Repeat(mirrored(pattern), size/2/len(pattern)),
		} {
			start := time.Now()
			printed, _ := d.Print(d.Parse(source))
			took := time.Since(start)
			if took > time.Second {
				t.Logf("%q repeated: %v for %d bytes", pattern, took, len(source))
			}
			if took > limit {
				t.Errorf("%q repeated: %v for %d bytes", pattern, took, len(source))
			}
			if len(printed) > 64*len(source)+1<<16 {
				t.Errorf("%q repeated: %d bytes printed for %d", pattern, len(printed), len(source))
			}
		}
	}
}

var mirror = strings.NewReplacer("[", "]", "(", ")", "<", ">", "{", "}")

func mirrored(s string) string { return mirror.Replace(s) }
