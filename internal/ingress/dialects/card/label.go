package card

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// wrappers are names that say nothing about what they hold.
var wrappers = strings.Fields("data payload attributes labels tags annotations properties fields details metadata meta body object info event " +
	"content result params parameters commonlabels commonannotations grouplabels")

// labels counts the ends of the paths, to tell how much of one a label needs.
func (b *board) labels() map[string]int {
	count := make(map[string]int, 2*len(b.leaves))
	for i := range b.leaves {
		path := b.leaves[i].path
		for n := 1; n <= min(len(path), maxDeep); n++ {
			count[end(path, n)]++
		}
	}
	return count
}

// end is the end of a path of n names.
func end(path []string, n int) string { return strings.Join(path[len(path)-n:], "\x00") }

// label is the name of a value and of what it is in, and more of the path where that
// is not enough to tell it from others.
func (l *leaf) label(count map[string]int) string {
	n := 2
	if slices.Contains(wrappers, l.parent) {
		n = 1
	}
	for n = min(n, len(l.path)); n < min(len(l.path), maxDeep) && count[end(l.path, n)] > 1; {
		n++
	}
	var words []string
	for _, name := range l.path[len(l.path)-n:] {
		next := split(name)
		if len(next) > len(words) && slices.Equal(next[:len(words)], words) {
			words = next // "incident" and "incident id"
			continue
		}
		words = append(words, next...)
	}
	return dialect.Title(clipAt(strings.Join(words, " "), 80))
}

// split returns the words of a name of a program: of "createdAt", "created_at" and
// "HTTPStatus". Words in capitals stay so, unless all of a long name is.
func split(name string) []string {
	if len(name) > 4 && name == strings.ToUpper(name) {
		name = strings.ToLower(name)
	}
	var words []string
	runes, start := []rune(name), 0
	flush := func(i int) {
		if word := string(runes[start:i]); i > start {
			words = append(words, lowered(word))
		}
		start = i
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			flush(i)
			start = i + 1
		case i > start && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush(i)
		}
	}
	flush(len(runes))
	return words
}

// lowered writes a word small that only begins with a capital.
func lowered(word string) string {
	if rest := strings.TrimLeftFunc(word, unicode.IsUpper); len(word)-len(rest) <= 1 {
		return strings.ToLower(word)
	}
	return word
}
