package store

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxWord bounds a word, in bytes: a lexeme of Postgres is shorter than
	// 2 KiB, and a tsvector than 1 MiB ("Limitations" of its text search).
	maxWord = 2000
	// maxWords bounds the words of one message together, in bytes.
	maxWords = 1_000_000
)

// words returns the words of a text as messages are found by them: runs of
// letters, digits, private-use characters and the marks on them, whatever their
// case and accents. Both databases are given words instead of text, so that
// both find the same.
func words(text string) []string {
	fields := strings.FieldsFunc(text, func(r rune) bool { return !isWordRune(r) })
	found, size := fields[:0], 0
	for _, field := range fields {
		word := clipWord(fold(field))
		if !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsMark(r) }) {
			continue // marks on nothing
		}
		if size += len(word); size > maxWords {
			break
		}
		found = append(found, word)
	}
	return found
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || unicode.Is(unicode.Co, r))
}

// fold takes case and accents off a word: canonical decomposition (UAX #15)
// without the marks that take no space, in simple case folding.
func fold(word string) string {
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

// clipWord returns the beginning of a word that is too long.
func clipWord(word string) string {
	if len(word) <= maxWord {
		return word
	}
	end := maxWord
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}
