package discord

import (
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// styled is a text between delimiters.
type styled struct {
	style markup.Style
	width int // of each delimiter
	end   int // after the second delimiter
}

// absent remembers for a part of a string what does not occur in the rest of
// it, so that nobody looks for it twice.
type absent struct {
	strong, underline, strike, spoiler, fence, oneTick, twoTicks bool
}

// styleAt returns the text between delimiters that begins at byte i of s. Of
// two that could begin there Discord takes the longer one, and prefers
// emphasis.
func styleAt(s string, i int, missing *absent) (styled, bool) {
	doubled := i+1 < len(s) && s[i+1] == s[i]
	switch s[i] {
	case '~':
		if end := strikeEnd(s, i, missing); doubled && end > 0 {
			return styled{markup.StyleStrike, 2, end}, true
		}
		return styled{}, false
	case '|':
		if end := spoilerEnd(s, i, missing); doubled && end > 0 {
			return styled{markup.StyleSpoiler, 2, end}, true
		}
		return styled{}, false
	}
	end := emphasisEnd(s, i)
	style, known := markup.StyleStrong, &missing.strong
	if s[i] == '_' {
		style, known = markup.StyleUnderline, &missing.underline
	}
	if doubled && !*known {
		double := doubleEnd(s, i)
		if double > end {
			return styled{style, 2, double}, true
		}
		*known = double == 0
	}
	return styled{markup.StyleEmphasis, 1, end}, end > 0
}

// doubleEnd returns the end of "**text**" or "__text__": after the last two of
// a run of delimiters. 0: it has none.
func doubleEnd(s string, i int) int {
	c, start := s[i], i+2
	for k := start; k < len(s); {
		switch s[k] {
		case '\\':
			k += 2
		case c:
			n := runLength(s, k)
			k += n
			if n >= 2 && k-2 > start {
				return k
			}
		default:
			k++
		}
	}
	return 0
}

// strikeEnd returns the end of "~~text~~", which no "_" may follow.
func strikeEnd(s string, i int, missing *absent) int {
	if missing.strike {
		return 0
	}
	for k := i + 3; k < len(s); k++ {
		n := strings.Index(s[k:], "~~")
		if n < 0 {
			break
		}
		if k += n; k+2 == len(s) || s[k+2] != '_' {
			return k + 2
		}
	}
	missing.strike = true
	return 0
}

// spoilerEnd returns the end of "||text||".
func spoilerEnd(s string, i int, missing *absent) int {
	if missing.spoiler || i+3 > len(s) {
		return 0
	}
	n := strings.Index(s[i+3:], "||")
	if n < 0 {
		missing.spoiler = true
		return 0
	}
	return i + 3 + n + 2
}

// emphasisEnd returns the end of "*text*" or "_text_"; 0: it has none. Pairs of
// delimiters are part of the text, so the last one of an odd run ends it.
func emphasisEnd(s string, i int) int {
	c := s[i]
	if r, size := utf8.DecodeRuneInString(s[i+1:]); size == 0 || c == '*' && isSpace(r) {
		return 0
	}
	spaced := true // white space, or the opening delimiter, is before k
	for k := i + 1; k < len(s); {
		switch {
		case s[k] == '\\':
			_, size := utf8.DecodeRuneInString(s[k+1:])
			k += 1 + size
			spaced = false
		case s[k] == c:
			n := runLength(s, k)
			k += n
			if n%2 == 0 {
				spaced = false
				continue
			}
			if n == 1 && spaced && (c == '*' || k == i+2) || c == '_' && k < len(s) && isWordByte(s[k]) {
				return 0
			}
			return k
		default:
			r, size := utf8.DecodeRuneInString(s[k:])
			spaced = isSpace(r)
			k += size
		}
	}
	return 0
}

func runLength(s string, i int) int { return len(s[i:]) - len(strings.TrimLeft(s[i:], s[i:i+1])) }
