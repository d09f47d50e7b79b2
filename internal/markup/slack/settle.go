package slack

import (
	"strings"
	"unicode"

	"github.com/nself-chat/hub/internal/markup"
)

// settle gives a line break, and the white space beside it, the style and link
// that the text on both sides has. Nobody sees them there, and mrkdwn cannot
// say them: no style reaches over the end of a line.
func settle(runs []markup.Run) []markup.Run {
	for i := 0; i < len(runs); {
		if !isBlank(runs[i]) {
			i++
			continue
		}
		from, broken := i, false
		for ; i < len(runs) && isBlank(runs[i]); i++ {
			broken = broken || isBreak(runs[i])
		}
		if !broken || from == 0 || i == len(runs) {
			continue
		}
		before, after := runs[from-1], runs[i]
		for j := from; j < i; j++ {
			runs[j].Style = before.Style & after.Style
			if before.URL == after.URL && before.Title == after.Title {
				runs[j].URL, runs[j].Title = before.URL, before.Title
			}
		}
	}
	return runs
}

func isBreak(r markup.Run) bool { return r.Node == markup.Inline(markup.Break{}) }

func isBlank(r markup.Run) bool {
	text, ok := r.Node.(markup.Text)
	return isBreak(r) || ok && strings.TrimLeftFunc(string(text), unicode.IsSpace) == ""
}
