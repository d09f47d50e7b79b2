package dialect

import "unicode/utf8"

// A message shows some thousand characters. What is far beyond is cut before it is
// read as markup, so that a body of ten megabytes costs no more than one of one.
const (
	shortenFrom  = 256 << 10 // bytes of JSON from which on strings are looked at
	longestText  = 64 << 10  // bytes of one string
	textBudget   = 256 << 10 // bytes of all strings together; then only
	shortestText = 256       // bytes of each are left: names and titles
)

// shorten cuts the long strings of a large value. The names of members stay.
func shorten(v Value) Value {
	if len(v) < shortenFrom {
		return v
	}
	out, budget := make(Value, 0, shortenFrom), textBudget
	for i := 0; i < len(v); {
		if v[i] != '"' {
			out = append(out, v[i])
			i++
			continue
		}
		end := endOfString(v, i)
		if next := skipSpace(v, end); next < len(v) && v[next] == ':' {
			out = append(out, v[i:end]...)
		} else {
			kept := cutString(v[i:end], min(longestText, max(budget, shortestText)))
			budget -= len(kept)
			out = append(out, kept...)
		}
		i = end
	}
	return out
}

// cutText cuts a text that is far longer than what a message shows.
func cutText(s string) string {
	if len(s) <= longestText {
		return s
	}
	end := longestText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// cutString returns a JSON string of at most limit bytes and a few, which ends with
// an ellipsis when it was cut. No escape and no character is cut in two.
func cutString(s Value, limit int) Value {
	if len(s) <= limit {
		return s
	}
	end := 1
	for end < limit {
		switch {
		case s[end] == '\\' && s[end+1] == 'u':
			end += 6
		case s[end] == '\\':
			end += 2
		default:
			_, n := utf8.DecodeRune(s[end:])
			end += n
		}
	}
	if end >= len(s)-1 {
		return s
	}
	return append(append(make(Value, 0, end+4), s[:end]...), `…"`...)
}
