package chat

import (
	"context"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/words"
)

// Bounds of a search.
const (
	maxQuery      = 256 // characters
	maxTerms      = 16
	maxHits       = 200 // of one page: each is cut and marked
	minPrefix     = 2   // characters, accents not counted
	snippetLength = 160 // characters
	snippetLead   = 40  // characters before the first match
)

// SearchQuery asks for messages that contain words.
type SearchQuery struct {
	// Text is what to look for: all its words, in any order, the last one also
	// as the beginning of a word when it has two letters or more. Case and
	// accents do not matter, and there are no operators.
	Text   string
	Viewer Viewer
	// Before selects what was posted before this message: the next page.
	Before hub.MessageID
	Limit  int // at most 500; 0 stands for 50
}

// Hit is a message that was found.
type Hit struct {
	Message hub.Message
	// Snippet is a part of its text around the first match, in one line.
	Snippet string
	// Marks are the matches in Snippet, in bytes, in order.
	Marks []Mark
}

// Mark is a part of a snippet: Snippet[Start:End].
type Mark struct{ Start, End int }

// Search finds messages in the channels that the viewer sees, newest first,
// and says whether there are more. A text without a word in it is Invalid.
func (s *Service) Search(ctx context.Context, q SearchQuery) (hits []Hit, more bool, err error) {
	var errs hub.FieldErrors
	terms := words.Split(q.Text)
	switch {
	case utf8.RuneCountInString(q.Text) > maxQuery || len(terms) > maxTerms:
		errs.Add("q", "at most %d characters and %d words", maxQuery, maxTerms)
	case len(terms) == 0:
		errs.Add("q", "must contain a letter or a digit")
	}
	if err := errs.Err(); err != nil {
		return nil, false, err
	}
	limit := min(pageSize(q.Limit), maxHits)
	v := q.Viewer
	match := newMatcher(terms)
	found, err := s.Store.Search(ctx, terms, match.prefix != "", v.UserID, v.All, v.Only, q.Before, limit+1)
	if err != nil {
		return nil, false, err
	}
	found, more = cut(found, limit)
	for i := range found {
		h := Hit{Message: found[i]}
		h.Snippet, h.Marks = match.snippet(searchable(&found[i]))
		hits = append(hits, h)
	}
	return hits, more, nil
}

// matcher finds words in a text as the index does: whatever their case and
// accents.
type matcher struct {
	whole  map[string]bool
	prefix string // "": none
}

func newMatcher(terms []string) *matcher {
	m := &matcher{whole: make(map[string]bool, len(terms))}
	for _, t := range terms {
		m.whole[words.Fold(t)] = true
	}
	// A single letter begins words in most messages: reading them all would
	// take long and find nothing.
	if last := words.Fold(terms[len(terms)-1]); utf8.RuneCountInString(norm.NFC.String(last)) >= minPrefix {
		m.prefix = last
	}
	return m
}

func (m *matcher) matches(word string) bool {
	word = words.Fold(word)
	return m.whole[word] || m.prefix != "" && strings.HasPrefix(word, m.prefix)
}

// marks returns where the matching words of a text are.
func (m *matcher) marks(text string) (marks []Mark) {
	start := -1
	end := func(i int) {
		if start >= 0 && m.matches(text[start:i]) {
			marks = append(marks, Mark{start, i})
		}
		start = -1
	}
	for i, r := range text {
		switch {
		case !words.IsRune(r):
			end(i)
		case start < 0:
			start = i
		}
	}
	end(len(text))
	return marks
}

// snippet returns the part of the text around its first match, with the
// matches in it.
func (m *matcher) snippet(text string) (string, []Mark) {
	text = oneLine(text)
	first := 0
	if marks := m.marks(text); len(marks) > 0 {
		first = marks[0].Start
	}
	from := back(text, first, snippetLead)
	to := ahead(text, from, snippetLength)
	part := text[from:to]
	if from > 0 {
		part = "…" + part
	}
	if to < len(text) {
		part += "…"
	}
	return part, m.marks(part)
}

// oneLine replaces every run of white space by one space. The result is valid UTF-8.
func oneLine(text string) string {
	return strings.Join(strings.Fields(cleanText(text)), " ")
}

// back returns the place n characters before i.
func back(s string, i, n int) int {
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return i
}

// ahead returns the place n characters after i.
func ahead(s string, i, n int) int {
	for ; n > 0 && i < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}
