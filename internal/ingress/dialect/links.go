package dialect

import "github.com/nself-chat/hub/internal/markup"

// maxLinks is how many places stand in one row.
const maxLinks = 10

// Links is a row of places to go, each with a word for it: "Runbook · Dashboard".
type Links struct{ row []markup.Inline }

// Add adds a place. What is no web address, what is there already, and more than
// anybody would try, is left out.
func (l *Links) Add(word, url string) {
	if len(l.row) >= 2*maxLinks-1 || !IsWebURL(url) || l.has(url) {
		return
	}
	if len(l.row) > 0 {
		l.row = append(l.row, markup.Text(" · "))
	}
	l.row = append(l.row, Link(url, word))
}

func (l *Links) has(url string) bool {
	for _, n := range l.row {
		if link, ok := n.(markup.Link); ok && link.URL == url {
			return true
		}
	}
	return false
}

// Row returns the places as part of a line; none when there are none.
func (l *Links) Row() []markup.Inline { return l.row }

// Blocks returns the places as a line of their own; none when there are none.
func (l *Links) Blocks() []markup.Block {
	if len(l.row) == 0 {
		return nil
	}
	return []markup.Block{markup.Paragraph{Content: l.row}}
}
