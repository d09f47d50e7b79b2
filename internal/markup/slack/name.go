package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// name reads "@name" or "#channel".
func (p *lineParser) name() bool {
	start := p.pos
	if start > 0 && (strings.IndexByte("@#&/.<", p.s[start-1]) >= 0 || markup.WordBefore(p.s, start)) {
		return false
	}
	end := nameEnd(p.s, start+1)
	name := p.s[start+1 : end]
	if name == "" || end < len(p.s) && p.s[end] == '@' {
		return false
	}
	m := markup.Mention{Target: markup.TargetUser, Name: name}
	if broadcast, ok := broadcasts[name]; ok && p.s[start] == '@' {
		m = markup.Mention{Target: markup.TargetBroadcast, Name: broadcast}
	}
	if p.s[start] == '#' {
		if r, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(r) || strings.ToLower(name) != name {
			return false // "#123" is no channel
		}
		m.Target = markup.TargetChannel
	}
	return p.leaf(end, markup.Run{Node: m})
}

// nameEnd returns the end of the name at byte i of s: at most 80 letters,
// digits and _ with . and - between them.
func nameEnd(s string, i int) int {
	const longest = 80
	end := i
	for j, n := i, 0; j < len(s) && n < longest; n++ {
		r, size := utf8.DecodeRuneInString(s[j:])
		j += size
		switch {
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			end = j
		case r != '.' && r != '-':
			return end
		}
	}
	return end
}
