package markup

import (
	"strings"
)

type bracket struct {
	leaf     int
	isImage  bool
	top      int // the last delimiter before it
	nestings int // of images within
}

func (p *inlineParser) bracket(isImage bool) {
	n := 1
	if isImage {
		n = 2
	}
	p.take(n, Text(p.s[p.pos:p.pos+n]))
	if len(p.brackets) == maxBrackets {
		p.brackets = append(p.brackets[:0], p.brackets[maxBrackets/2:]...)
		p.inactive = max(p.inactive-maxBrackets/2, 0)
	}
	p.brackets = append(p.brackets, bracket{leaf: len(p.leaves) - 1, isImage: isImage, top: p.top})
}

// maxBrackets bounds how many open brackets are remembered: of more, the first
// ones are text.
const maxBrackets = 1000

// maxImageNesting bounds images in the descriptions of images.
const maxImageNesting = 3

// closeBracket ends a link or an image (CommonMark §6.3, §6.4).
func (p *inlineParser) closeBracket() bool {
	last := len(p.brackets) - 1
	if last < 0 {
		return false
	}
	b := p.brackets[last]
	p.brackets = p.brackets[:last]
	active := b.isImage && b.nestings < maxImageNesting || !b.isImage && last >= p.inactive
	p.inactive = min(p.inactive, last)
	if !active {
		return false
	}
	url, title, n := linkTarget(p.s[p.pos+1:])
	if n == 0 {
		return false
	}
	p.flush()
	p.match(b.top)
	if b.isImage {
		p.image(b, url, title)
	} else {
		p.leaves[b.leaf].Node = nil
		if b.leaf == len(p.leaves)-1 {
			p.leaves = append(p.leaves, Run{Node: Text(url)})
		}
		p.links = append(p.links, span{from: b.leaf, to: len(p.leaves), url: url, title: title})
		p.inactive = len(p.brackets)
	}
	p.pos += 1 + n
	p.textFrom, p.atomEnd = p.pos, p.pos
	return true
}

// image makes one leaf of all leaves since the bracket.
func (p *inlineParser) image(b bracket, url, title string) {
	var alt strings.Builder
	for _, r := range p.leaves[b.leaf+1:] {
		alt.WriteString(altText(r.Node))
	}
	p.leaves = append(p.leaves[:b.leaf], Run{Node: Image{URL: url, Alt: alt.String(), Title: title}})
	for len(p.spans) > 0 && p.spans[len(p.spans)-1].from >= b.leaf {
		p.spans = p.spans[:len(p.spans)-1]
	}
	for len(p.links) > 0 && p.links[len(p.links)-1].from >= b.leaf {
		p.links = p.links[:len(p.links)-1]
	}
	if n := len(p.brackets); n > 0 {
		p.brackets[n-1].nestings = max(p.brackets[n-1].nestings, b.nestings+1)
	}
}

func altText(n Inline) string {
	switch n := n.(type) {
	case nil:
		return ""
	case Break:
		return " "
	case Image:
		return n.Alt
	}
	return PlainInline([]Inline{n})
}

// linkTarget reads `(url "title")` and returns its length; 0 when s does not
// begin with one.
func linkTarget(s string) (url, title string, n int) {
	if s == "" || s[0] != '(' {
		return "", "", 0
	}
	rest := trimLinkSpace(s[1:])
	url, rest, ok := linkURL(rest)
	if !ok {
		return "", "", 0
	}
	if spaced := trimLinkSpace(rest); spaced != rest {
		if title, spaced, ok = linkTitle(spaced); !ok {
			return "", "", 0
		}
		rest = trimLinkSpace(spaced)
	}
	if !strings.HasPrefix(rest, ")") {
		return "", "", 0
	}
	return unescape(url), unescape(title), len(s) - len(rest) + 1
}

func trimLinkSpace(s string) string { return strings.TrimLeft(s, " \t\n") }

// linkURL reads "<url>" or a URL without spaces whose parentheses match.
func linkURL(s string) (url, rest string, ok bool) {
	if strings.HasPrefix(s, "<") {
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '>':
				return s[1:i], s[i+1:], true
			case '<', '\n':
				return "", "", false
			}
		}
		return "", "", false
	}
	const maxParens = 32
	parens, i := 0, 0
loop:
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && isASCIIPunct(s[i+1]):
			i++
		case c == '(':
			if parens++; parens > maxParens {
				return "", "", false
			}
		case c == ')':
			if parens--; parens < 0 {
				break loop
			}
		case c <= ' ' || c == 0x7f:
			break loop
		}
	}
	return s[:i], s[i:], parens <= 0
}

// linkTitle reads a title in quotes or parentheses, which may be missing.
func linkTitle(s string) (title, rest string, ok bool) {
	if s == "" || strings.IndexByte(`"'(`, s[0]) < 0 {
		return "", s, true
	}
	end := s[0]
	if end == '(' {
		end = ')'
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case end:
			return s[1:i], s[i+1:], true
		case '(':
			if end == ')' {
				return "", "", false
			}
		}
	}
	return "", "", false
}
