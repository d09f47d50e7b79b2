package store

import (
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/words"
)

const (
	// maxWord bounds a word, in bytes: a lexeme of Postgres is shorter than
	// 2 KiB, and a tsvector than 1 MiB ("Limitations" of its text search).
	maxWord = 2000
	// maxWords bounds the words of one message together, in bytes.
	maxWords = 1_000_000
)

// foundBy returns the words that a text is found by, folded. Both databases are
// given words instead of text, so that both find the same.
func foundBy(text string) []string {
	all := words.Split(text)
	found, size := all[:0], 0
	for _, word := range all {
		word = clipWord(words.Fold(word))
		if size += len(word); size > maxWords {
			break
		}
		found = append(found, word)
	}
	return found
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
