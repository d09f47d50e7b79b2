package discord

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// target is where a link leads.
type target struct{ url, title string }

// schemes are where a masked link may lead: to the web, to Discord, and to a
// mailbox, which Discord itself does not show as a link.
var schemes = []string{"http://", "https://", "discord://", "mailto:"}

// maskedLink reads `[label](url "title")`. Discord knows no other
// targets; then everything in brackets is text.
func (p *parser) maskedLink(end int, in context) bool {
	if in.link.url != "" || in.title {
		return false
	}
	close, ok := p.closingBracket(p.pos)
	if !ok || close >= end {
		return false
	}
	to, n := targetOf(p.s[close+1 : end])
	if n == 0 {
		return false
	}
	p.flush(in)
	in.link = to
	in.oneLine = true
	before := len(p.runs)
	p.pos++
	p.span(close, in)
	if !slices.ContainsFunc(p.runs[before:], visible) {
		p.add(markup.Text(to.url), in)
	}
	p.skipTo(close + 1 + n)
	return true
}

func visible(r markup.Run) bool {
	text, ok := r.Node.(markup.Text)
	return !ok || strings.Trim(string(text), " \t\n"+separator) != ""
}

// closingBracket returns the "]" of the "[" at byte i, when "(" follows it.
func (p *parser) closingBracket(i int) (int, bool) {
	if p.brackets == nil {
		p.brackets = brackets(p.s)
	}
	close, ok := p.brackets[i]
	return close, ok
}

// brackets pairs all brackets of s, and returns those that a "(" follows.
func brackets(s string) map[int]int {
	pairs := map[int]int{}
	if !strings.Contains(s, "](") {
		return pairs
	}
	var open []int
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			open = append(open, i)
		case ']':
			if last := len(open) - 1; last >= 0 {
				if strings.HasPrefix(s[i+1:], "(") {
					pairs[open[last]] = i
				}
				open = open[:last]
			}
		}
	}
	return pairs
}

// targetOf reads `(url "title")`, and returns its length; 0 when s begins with
// nothing of the kind.
func targetOf(s string) (to target, n int) {
	rest := strings.TrimLeft(s[1:], " \n")
	rest, angled := strings.CutPrefix(rest, "<")
	if !slices.ContainsFunc(schemes, func(scheme string) bool { return hasScheme(rest, scheme) }) {
		return target{}, 0
	}
	size := urlLength(rest)
	to.url = unescapeTarget(rest[:size])
	if rest = rest[size:]; angled {
		rest = strings.TrimPrefix(rest, ">")
	}
	if spaced := strings.TrimLeft(rest, " \n"); spaced != rest {
		rest = spaced
		if title, after, ok := titleOf(rest); ok {
			to.title, rest = title, after
		}
	}
	if !strings.HasPrefix(rest, ")") || !markup.SafeURL(to.url) && !hasScheme(to.url, "discord://") {
		return target{}, 0
	}
	return to, len(s) - len(rest) + 1
}

// urlLength returns the length of the URL that begins s. Parentheses in it
// match, or have a backslash before them.
func urlLength(s string) int {
	parens := 0
	for i := 0; i < min(len(s), 2*MaxURL); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			parens++
		case ')':
			if parens--; parens < 0 {
				return i
			}
		case ' ', '\n', '\t', '<', '>':
			return i
		}
	}
	return min(len(s), 2*MaxURL)
}

// titleOf reads a title between quotes, up to the one that ends the link.
func titleOf(s string) (title, rest string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", "", false
	}
	const longest = 1024
	for i := 1; i < min(len(s), longest); i++ {
		if s[i] == '"' || s[i] == '\'' {
			if rest := strings.TrimLeft(s[i+1:], " \n"); strings.HasPrefix(rest, ")") {
				return s[1:i], rest, true
			}
		}
	}
	return "", "", false
}

func unescapeTarget(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && isMark(s[i+1]) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
