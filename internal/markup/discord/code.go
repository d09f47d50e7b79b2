package discord

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

const fence = "```"

// code reads a code block or a code span, and takes backticks that begin
// neither.
func (p *parser) code(end int, in context, missing *absent) bool {
	s := p.s[:end]
	if strings.HasPrefix(s[p.pos:], fence) && p.codeBlock(s, in, missing) {
		return true
	}
	n := runLength(s, p.pos)
	for ticks := min(n, 2); ticks > 0; ticks-- {
		known := &missing.oneTick
		if ticks == 2 {
			known = &missing.twoTicks
		}
		if *known {
			continue
		}
		close := closingTicks(s, p.pos+n, ticks)
		if close < 0 {
			*known = true
			continue
		}
		code := s[p.pos+ticks : close]
		return p.take(close+ticks-p.pos, markup.Code(unwrapCode(code, ticks)), in)
	}
	p.pos += n
	return true
}

// closingTicks returns where the next run of n backticks begins; -1: nowhere.
func closingTicks(s string, i, n int) int {
	for {
		next := strings.IndexByte(s[i:], '`')
		if next < 0 {
			return -1
		}
		i += next
		length := runLength(s, i)
		if length == n {
			return i
		}
		i += length
	}
}

// codeBlock reads "```language\ntext```". Within one line it becomes a span.
func (p *parser) codeBlock(s string, in context, missing *absent) bool {
	start := p.pos + len(fence)
	if missing.fence || start >= len(s) {
		return false
	}
	n := strings.Index(s[start+1:], fence)
	if n < 0 {
		missing.fence = true
		return false
	}
	close := start + 1 + n
	block := codeBlockOf(s[start:close])
	if in.oneLine || in.link.url != "" {
		return p.take(close+len(fence)-p.pos, markup.Code(block.Text), in)
	}
	p.flush(in)
	if in.style&markup.StyleSpoiler != 0 {
		p.hideCode(block.Text, in)
	} else {
		p.endParagraph()
		p.blocks = append(p.blocks, block)
	}
	p.skipTo(close + len(fence))
	return true
}

// hideCode makes code spans of the lines of a code block, which stay within the
// spoiler.
func (p *parser) hideCode(s string, in context) {
	for line := range strings.SplitSeq("\n"+s+"\n", "\n") {
		if line != "" {
			p.add(markup.Code(line), in)
		}
		p.add(markup.Break{}, in)
	}
}

// codeBlockOf returns the block of what stands between the fences: a language
// is a word that a line feed follows, and the empty lines at both ends do not
// count.
func codeBlockOf(s string) markup.CodeBlock {
	var b markup.CodeBlock
	n := 0
	for n < len(s) && isLanguage(s[n]) {
		n++
	}
	if text := strings.TrimLeft(s[n:], "\n"); n > 0 && text != "" && text != s[n:] {
		b.Language, s = s[:n], text
	}
	b.Text = unguard(strings.Trim(s, "\n"))
	return b
}

func isLanguage(c byte) bool { return isWordByte(c) || strings.IndexByte("+-.#", c) >= 0 }

// guard returns the text of a code block such that nothing in it ends the
// block, and the empty lines at its ends count: U+200B stands between two
// backticks and a third one, before a line feed at the start and after one at
// the end, and before such a U+200B of the text's own.
func guard(s string) string {
	if strings.HasPrefix(s, "\n") || strings.HasPrefix(s, separator) {
		s = separator + s
	}
	if strings.HasSuffix(s, "\n") || strings.HasSuffix(s, separator) {
		s += separator
	}
	return guardTicks(s, 2)
}

// unguard is the inverse of guard.
func unguard(s string) string {
	s = unguardTicks(s, 2)
	if len(s) > len(separator) {
		s = strings.TrimSuffix(s, separator)
	}
	return strings.TrimPrefix(s, separator)
}

// guardTicks writes U+200B after each n backticks in a row that another one,
// or U+200B and another one, follows.
func guardTicks(s string, n int) string {
	return rewriteTicks(s, n, func(separators int) int { return separators + 1 })
}

// unguardTicks is the inverse of guardTicks.
func unguardTicks(s string, n int) string {
	return rewriteTicks(s, n, func(separators int) int { return max(separators-1, 0) })
}

// rewriteTicks changes how many U+200B stand between n backticks and the next
// one.
func rewriteTicks(s string, n int, change func(int) int) string {
	if strings.Count(s, "`") <= n {
		return s
	}
	var b strings.Builder
	ticks := 0
	for i := 0; i < len(s); {
		if ticks == n {
			after := i
			for strings.HasPrefix(s[after:], separator) {
				after += len(separator)
			}
			if strings.HasPrefix(s[after:], "`") {
				b.WriteString(strings.Repeat(separator, change((after-i)/len(separator))))
				i, ticks = after, 0
			}
		}
		if s[i] == '`' {
			ticks++
		} else {
			ticks = 0
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// wrapCode writes a code span: between one backtick if no other one stands by
// itself in it, else between two.
func wrapCode(s string) string {
	ticks := "`"
	guarded := guardTicks(s, 2)
	if closingTicks(guarded, 0, 1) >= 0 {
		ticks, guarded = "``", guardTicks(s, 1)
	}
	if strings.HasPrefix(strings.TrimLeft(guarded, " "), "`") {
		guarded = " " + guarded
	}
	if strings.HasSuffix(strings.TrimRight(guarded, " "), "`") {
		guarded += " "
	}
	return ticks + guarded + ticks
}

// unwrapCode returns the text of a code span: a space that keeps backticks
// apart from the delimiter does not count.
func unwrapCode(s string, ticks int) string {
	if strings.HasPrefix(s, " ") && strings.HasPrefix(strings.TrimLeft(s, " "), "`") {
		s = s[1:]
	}
	if strings.HasSuffix(s, " ") && strings.HasSuffix(strings.TrimRight(s, " "), "`") {
		s = s[:len(s)-1]
	}
	return unguardTicks(s, 3-ticks)
}
