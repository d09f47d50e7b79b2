package markup

import (
	"slices"
	"strings"
)

// linkify makes links of the bare URLs and e-mail addresses in texts that are
// no part of a link.
func linkify(runs []Run) []Run {
	if !slices.ContainsFunc(runs, mayHoldURL) {
		return runs
	}
	out := make([]Run, 0, len(runs))
	for _, r := range runs {
		if mayHoldURL(r) {
			out = appendLinkified(out, r, string(r.Node.(Text)))
		} else {
			out = append(out, r)
		}
	}
	return out
}

// mayHoldURL reports whether r is a text with a character that every URL, host
// and mail address has.
func mayHoldURL(r Run) bool {
	text, ok := r.Node.(Text)
	return ok && r.URL == "" && strings.ContainsAny(string(text), ".:@")
}

func appendLinkified(out []Run, r Run, s string) []Run {
	done := 0
	add := func(start, end int, url string) {
		if done < start {
			r.Node, r.URL = Text(s[done:start]), ""
			out = append(out, r)
		}
		if start < end {
			r.Node, r.URL = Text(s[start:end]), url
			out = append(out, r)
		}
		done = end
	}
	for i := 0; i < len(s); {
		end := i
		switch s[i] | 0x20 {
		case 'h', 'w', 'm':
			if end = URLEnd(s, i); end > i {
				add(i, end, urlOf(s[i:end]))
			}
		case '@' | 0x20:
			if s[i] != '@' {
				break
			}
			start := i
			for start > done && isLocal(s[start-1]) {
				start--
			}
			for start < i && !isAlnum(s[start]) {
				start++
			}
			if n := emailEnd(s, start); n > 0 && !WordBefore(s, start) && !WordAfter(s, n) {
				end = n
				add(start, end, "mailto:"+s[start:end])
			}
		}
		i = max(end, i+1)
	}
	add(len(s), len(s), "")
	return out
}
