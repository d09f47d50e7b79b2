package discord

import (
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// marks are the bytes at which something other than text may begin.
var marks = [256]bool{
	'\\': true, '`': true, '*': true, '_': true, '~': true, '|': true, '[': true, '<': true, '@': true, ':': true,
	'h': true, 'H': true, separatorByte: true, shrugByte: true,
}

// shrug is the one text with a backslash that Discord leaves alone.
const shrug = `¯\_(ツ)_/¯`

// The first bytes of both in UTF-8.
const (
	separatorByte = 0xe2
	shrugByte     = 0xc2
)

// span reads the string up to byte end.
func (p *parser) span(end int, in context) {
	top := in == context{}
	var missing absent
	p.textFrom, p.atomEnd = p.pos, p.pos
	for p.pos < end {
		if top && (p.pos == 0 || p.s[p.pos-1] == '\n') && p.block() {
			continue
		}
		if !marks[p.s[p.pos]] || !p.mark(end, in, &missing) {
			p.pos++
		}
	}
	p.flush(in)
}

// mark takes what begins at pos, and reports whether it is more than text.
func (p *parser) mark(end int, in context, missing *absent) bool {
	switch p.s[p.pos] {
	case '\\':
		return p.escape(end, in)
	case '`':
		return p.code(end, in, missing)
	case '*', '_', '~', '|':
		return p.style(end, in, missing)
	case '[':
		return p.maskedLink(end, in)
	case '<':
		return p.angle(end, in)
	case '@':
		return p.broadcast(end, in)
	case ':':
		return p.shortcode(end, in)
	case separatorByte:
		return p.separator(end, in)
	case shrugByte:
		if strings.HasPrefix(p.s[p.pos:end], shrug) {
			p.pos += len(shrug) // text
			return true
		}
	default:
		return p.bareURL(end, in)
	}
	return false
}

// add appends a run with what applies to it.
func (p *parser) add(n markup.Inline, in context) {
	p.runs = append(p.runs, markup.Run{Node: n, Style: in.style, URL: in.link.url, Title: in.link.title})
}

// flush makes a run of the text before pos.
func (p *parser) flush(in context) {
	if p.textFrom < p.pos {
		p.add(markup.Text(p.s[p.textFrom:p.pos]), in)
	}
	p.textFrom = p.pos
}

// take makes a run of the next n bytes.
func (p *parser) take(n int, node markup.Inline, in context) bool {
	p.flush(in)
	p.add(node, in)
	p.skipTo(p.pos + n)
	return true
}

// escape reads a backslash before anything but ASCII letters, digits and white
// space.
func (p *parser) escape(end int, in context) bool {
	r, size := utf8.DecodeRuneInString(p.s[p.pos+1 : end])
	if size == 0 || isSpace(r) || r < utf8.RuneSelf && isWordByte(byte(r)) && r != '_' {
		return false
	}
	p.flush(in)
	p.textFrom = p.pos + 1
	p.pos += 1 + size
	return true
}

// isWordByte reports whether c is one of "\w" in a JavaScript pattern.
func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// isSpace reports whether r is one of "\s" in a JavaScript pattern.
func isSpace(r rune) bool {
	switch {
	case '\t' <= r && r <= '\r', r == ' ', r == 0xa0, r == 0x1680, 0x2000 <= r && r <= 0x200a,
		r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000, r == 0xfeff:
		return true
	}
	return false
}

// style reads text between delimiters.
func (p *parser) style(end int, in context, missing *absent) bool {
	const maxDepth = 16
	if in.depth >= maxDepth {
		return false
	}
	found, ok := styleAt(p.s[:end], p.pos, missing)
	if !ok {
		return false
	}
	p.flush(in)
	inner := in
	inner.style |= found.style
	inner.depth++
	p.pos = p.pos + found.width
	p.span(found.end-found.width, inner)
	p.skipTo(found.end)
	return true
}

// broadcast reads "@everyone" and "@here", wherever they stand but in an
// e-mail address.
func (p *parser) broadcast(end int, in context) bool {
	rest := p.s[p.pos+1 : end]
	for _, name := range []string{markup.BroadcastEveryone, markup.BroadcastHere} {
		after, ok := strings.CutPrefix(rest, name)
		if !ok || in.title {
			continue
		}
		within := p.pos > p.atomEnd && markup.WordBefore(p.s, p.pos)
		if within && after != "" && (isWordByte(after[0]) || after[0] == '.' || after[0] == '-') {
			return false
		}
		return p.take(1+len(name), markup.Mention{Target: markup.TargetBroadcast, Name: name}, in)
	}
	return false
}

// shortcode reads the name of a standard emoji: ":tada:".
func (p *parser) shortcode(end int, in context) bool {
	s, from := p.s[:end], 0
	if p.pos == p.atomEnd {
		s, from = s[p.pos:], p.pos
	}
	after := from + markup.ShortcodeEnd(s, p.pos-from)
	if after == p.pos {
		return false
	}
	chars, ok := markup.LookupEmoji(p.s[p.pos+1 : after-1])
	return ok && p.take(after-p.pos, markup.Text(chars), in)
}

// bareURL reads a URL without marks around it.
func (p *parser) bareURL(end int, in context) bool {
	if in.link.url != "" || in.title {
		return false
	}
	s, from := p.s[:end], 0
	if p.pos == p.atomEnd {
		s, from = s[p.pos:], p.pos
	}
	after := from + markup.URLEnd(s, p.pos-from)
	if after == p.pos {
		return false
	}
	url := p.s[p.pos:after]
	in.link.url = url
	p.flush(context{style: in.style})
	return p.take(len(url), markup.Text(url), in)
}

// separator reads U+200B in a row, of which half are meant as text beside
// punctuation and at the ends of lines.
func (p *parser) separator(end int, in context) bool {
	if !strings.HasPrefix(p.s[p.pos:end], separator) {
		return false
	}
	after := p.pos
	for strings.HasPrefix(p.s[after:end], separator) {
		after += len(separator)
	}
	n := (after - p.pos) / len(separator)
	if separates(p.s[p.lineStart:], p.pos-p.lineStart, after-p.lineStart) {
		n /= 2
	}
	return p.take(after-p.pos, markup.Text(strings.Repeat(separator, n)), in)
}

// separates reports whether what is between two bytes of s stands beside
// punctuation or the end of a line.
func separates(s string, from, to int) bool {
	return from == 0 || isMark(s[from-1]) || to == len(s) || isMark(s[to])
}

// isMark reports whether c is a line feed or ASCII punctuation.
func isMark(c byte) bool {
	return c == '\n' || '!' <= c && c <= '~' && !(isWordByte(c) && c != '_')
}
