// Package words says what a word is to the search: how texts are cut into words,
// and which words are the same. The store finds messages by it, and the chat
// marks what was found.
package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Split returns the words of a text as they stand in it: runs of letters,
// digits, private-use characters and the marks on them.
func Split(text string) []string {
	fields := strings.FieldsFunc(text, func(r rune) bool { return !IsRune(r) })
	return slices.DeleteFunc(fields, func(word string) bool { // marks on nothing
		return !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsMark(r) })
	})
}

// IsRune reports whether a character can be a part of a word.
func IsRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || unicode.Is(unicode.Co, r))
}

// Fold takes case and accents off a word: canonical decomposition (UAX #15)
// without the marks that take no space, in simple case folding. Words are the
// same when they are so folded.
func Fold(word string) string {
	if isASCII(word) {
		return strings.ToLower(word)
	}
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r)) // upper first: several small letters have one capital
	}, norm.NFD.String(word))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
