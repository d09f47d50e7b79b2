package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// shows reports whether anything would be seen of blocks, which need not be normal.
func shows(blocks []markup.Block) bool {
	seen := false
	markup.Walk(markup.Document{Blocks: blocks}, func(n markup.Node) bool {
		seen = seen || isSeen(n)
		return !seen
	})
	return seen
}

// isSeen reports whether a node shows something by itself.
func isSeen(n markup.Node) bool {
	switch n := n.(type) {
	case markup.Text:
		return strings.TrimSpace(string(n)) != ""
	case markup.Code:
		return n != ""
	case markup.CodeBlock:
		return n.Text != ""
	case markup.Link:
		return n.URL != ""
	case markup.Image:
		return n.URL != "" || n.Alt != "" || n.Title != ""
	case markup.List:
		return len(n.Items) > 0
	case markup.Card:
		return n.Author.Name != "" || n.URL != "" || n.Thumbnail.URL != "" || !n.Time.IsZero()
	case markup.Rule, markup.Mention, markup.Emoji, markup.Timestamp, markup.Unknown:
		return true
	}
	return false
}
