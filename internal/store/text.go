package store

import (
	"strings"
	"unicode/utf8"
)

// Postgres keeps no text with NUL or invalid UTF-8 in it, SQLite does. What such
// text may come from is checked where it comes in; what is left of it becomes
// U+FFFD on both, so that a forgotten check is no failure on one of them alone.

const replacement = "\uFFFD"

// storable makes the texts among a statement's arguments fit to be stored.
func storable(args []any) {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			if !isStorable(v) {
				args[i] = storableText(v)
			}
		case []string:
			for j := range v {
				if !isStorable(v[j]) {
					v[j] = storableText(v[j])
				}
			}
		case []*string:
			for j := range v {
				if v[j] != nil && !isStorable(*v[j]) {
					text := storableText(*v[j])
					v[j] = &text
				}
			}
		}
	}
}

func isStorable(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

func storableText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, replacement), "\x00", replacement)
}

// storableJSON replaces NUL in JSON text, where it is an escape sequence: jsonb
// does not take it ("JSON Types" of Postgres' manual).
func storableJSON(text string) string {
	const escape, instead = `\u0000`, `\ufffd`
	if !strings.Contains(text, escape) {
		return text
	}
	var b strings.Builder
	for {
		before, behind, found := strings.Cut(text, escape)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if backslashes := len(before) - len(strings.TrimRight(before, `\`)); backslashes%2 == 0 {
			b.WriteString(instead)
		} else { // the backslash is itself escaped; what follows are letters
			b.WriteString(escape)
		}
		text = behind
	}
}
