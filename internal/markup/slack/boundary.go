package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Characters that nobody sees, by which the printer keeps text text; see the
// package's documentation.
const (
	// softHyphen is no end of a word: beside it no style begins or ends.
	softHyphen = "\u00ad"
	// zeroSpace ends a word: beside it a style can begin and end.
	zeroSpace = "\u200b"
)

// opensAfter reports whether a style can begin after r: Slack has a list of
// punctuation, and all of "General Punctuation" and "Supplemental Punctuation".
func opensAfter(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("?.,-!^;:{([%$#+=\"", r) || isGeneralPunctuation(r)
}

// closesBefore reports whether a style can end before r.
func closesBefore(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("?.,'-!^;:})]%${[<#+=\"", r) || isGeneralPunctuation(r)
}

func isGeneralPunctuation(r rune) bool {
	return '\u2000' <= r && r <= '\u206f' || '\u2e00' <= r && r <= '\u2e7f'
}

// isStyleMark reports whether c begins and ends a style. Marks of different
// styles may stand beside each other, as in "*_both_*": what is before and
// after all of them counts.
func isStyleMark(c byte) bool { return c == '*' || c == '_' || c == '~' }

// opensAt reports whether a style or code can begin at byte i of s.
func opensAt(s string, i int) bool {
	for i > 0 && isStyleMark(s[i-1]) {
		i--
	}
	r, size := utf8.DecodeLastRuneInString(s[:i])
	return size == 0 || opensAfter(r)
}

// isMark reports whether c is one of the characters beside which invisible
// ones belong to the printer and not to the text. So do those at the ends of
// lines and beside tokens.
func isMark(c byte) bool { return isStyleMark(c) || c == '`' || c == ':' }

// invisibleAt returns the length of the invisible character at byte i of s.
func invisibleAt(s string, i int) int {
	switch {
	case strings.HasPrefix(s[i:], softHyphen):
		return len(softHyphen)
	case strings.HasPrefix(s[i:], zeroSpace):
		return len(zeroSpace)
	}
	return 0
}

// invisibleEnd returns the end of the invisible characters at byte i of s.
func invisibleEnd(s string, i int) int {
	for i < len(s) {
		n := invisibleAt(s, i)
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// halved returns a run of invisible characters without those of the printer,
// which wrote every one of the text twice.
func halved(run string) string { return eachRun(run, func(n int) int { return n / 2 }) }

// doubled is the opposite of halved.
func doubled(run string) string { return eachRun(run, func(n int) int { return 2 * n }) }

// eachRun repeats every character of run that is repeated n times f(n) times.
func eachRun(run string, f func(n int) int) string {
	var b strings.Builder
	for run != "" {
		char := run[:invisibleAt(run, 0)]
		rest := strings.TrimLeft(run, char)
		n := (len(run) - len(rest)) / len(char)
		b.WriteString(strings.Repeat(char, f(n)))
		run = rest
	}
	return b.String()
}
