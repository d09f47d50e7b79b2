package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMention bounds the length of a name in a text, in bytes.
const maxMention = 200

// broadcasts are the names that address everybody at once, with the one that
// the document uses.
var broadcasts = map[string]string{
	"here": BroadcastHere, "channel": BroadcastChannel, "everyone": BroadcastEveryone, "all": BroadcastChannel,
}

// mentionAt reads "@name" or "#channel" at byte i of s. It returns i as the
// end when there is none, as in "me@example.org" or "@types/node".
func mentionAt(s string, i int) (Mention, int) {
	if WordBefore(s, i) || i > 0 && strings.IndexByte("@#/&", s[i-1]) >= 0 {
		return Mention{}, i
	}
	end := nameEnd(s, i+1)
	if end == i+1 || end < len(s) && (s[end] == '@' || s[end] == '/' && alnumAfter(s, end+1)) {
		return Mention{}, i
	}
	name := s[i+1 : end]
	if s[i] == '#' {
		if r, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(r) || strings.ToLower(name) != name || strings.Contains(name, ".") {
			return Mention{}, i
		}
		return Mention{Target: TargetChannel, Name: name}, end
	}
	if all, ok := broadcasts[strings.ToLower(name)]; ok {
		return Mention{Target: TargetBroadcast, Name: all}, end
	}
	return Mention{Target: TargetUser, Name: name}, end
}

// nameEnd returns the end of the name at byte i of s: words with dots and
// hyphens between them.
func nameEnd(s string, i int) int {
	end := i
	for j := i; j < len(s) && j-i < maxMention; {
		r, size := utf8.DecodeRuneInString(s[j:])
		switch {
		case isWord(r) && r != utf8.RuneError:
			end = j + size
		case r != '.' && r != '-' || j == i:
			return end
		}
		j += size
	}
	return end
}
