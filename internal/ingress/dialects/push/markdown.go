package push

import (
	"html"
	"strings"
)

// styles are the signs around a text in Telegram's MarkdownV2 and the tags that they
// stand for, longer signs first. The older Markdown has some of them.
var styles = []struct{ sign, open, close string }{
	{"||", `<span class="tg-spoiler">`, "</span>"},
	{"__", "<u>", "</u>"},
	{"_", "<i>", "</i>"},
	{"*", "<b>", "</b>"},
	{"~", "<s>", "</s>"},
}

// converter writes Telegram's Markdown as its HTML.
type converter struct {
	rest  string
	out   strings.Builder
	open  [5]bool // of the styles
	quote bool
	line  bool // a line begins
}

// markdownHTML returns a text in Telegram's Markdown as HTML. A sign without its
// other half is text.
func markdownHTML(s string) string {
	c := converter{rest: s, line: true}
	for c.rest != "" {
		begins := c.line
		c.line = false
		switch {
		case begins && c.quoted():
		case c.escaped(), c.fixed("```", "<pre>", "</pre>"), c.fixed("`", "<code>", "</code>"), c.link(), c.style():
		default:
			c.text(1)
		}
	}
	return c.out.String()
}

// text writes n bytes as they are.
func (c *converter) text(n int) {
	c.line = c.rest[n-1] == '\n'
	c.out.WriteString(html.EscapeString(c.rest[:n]))
	c.rest = c.rest[n:]
}

// quoted begins a quote with the first line that has a ">", and ends it before the
// first without.
func (c *converter) quoted() bool {
	has := strings.HasPrefix(c.rest, ">")
	switch {
	case has && !c.quote:
		c.out.WriteString("<blockquote>")
	case !has && c.quote:
		c.out.WriteString("</blockquote>")
	}
	c.quote = has
	if has {
		c.rest = c.rest[1:]
	}
	return has
}

// escaped writes the punctuation behind a backslash.
func (c *converter) escaped() bool {
	if len(c.rest) < 2 || c.rest[0] != '\\' || c.rest[1] <= ' ' || c.rest[1] >= 0x7f || isAlnum(c.rest[1]) {
		return false
	}
	c.rest = c.rest[1:]
	c.text(1)
	return true
}

func isAlnum(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// fixed writes what stands between two of these signs as it is.
func (c *converter) fixed(sign, open, end string) bool {
	inner, found := strings.CutPrefix(c.rest, sign)
	if !found {
		return false
	}
	inner, rest, found := strings.Cut(inner, sign)
	if !found || inner == "" {
		c.text(len(sign))
		return true
	}
	if sign == "```" {
		language, code, ok := strings.Cut(inner, "\n")
		if ok && !strings.ContainsAny(language, " \t") {
			inner = code
			open += `<code class="language-` + html.EscapeString(language) + `">`
			end = "</code>" + end
		}
	}
	c.out.WriteString(open + html.EscapeString(strings.NewReplacer("\\`", "`", `\\`, `\`).Replace(inner)) + end)
	c.rest = rest
	return true
}

// maxLink bounds the length of a link.
const maxLink = 4096

// link writes [text](url), and of a custom emoji its text.
func (c *converter) link() bool {
	start := strings.TrimPrefix(c.rest, "!")
	if !strings.HasPrefix(start, "[") {
		return false
	}
	text, rest, found := strings.Cut(start[1:min(len(start), maxLink)], "](")
	end := endOfURL(rest)
	if !found || end < 0 || text == "" {
		return false
	}
	url := rest[:end]
	if strings.HasPrefix(c.rest, "!") {
		c.out.WriteString(markdownHTML(text))
	} else {
		c.out.WriteString(`<a href="` + html.EscapeString(unescape(url)) + `">` + markdownHTML(text) + "</a>")
	}
	c.rest = start[1+len(text)+2+len(url)+1:]
	return true
}

// endOfURL is where the URL ends that begins s; -1 when it does not.
func endOfURL(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ')':
			return i
		}
	}
	return -1
}

// unescape takes the backslashes from before punctuation.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && !isAlnum(s[i+1]) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// style opens or closes a style.
func (c *converter) style() bool {
	for i, s := range styles {
		if !strings.HasPrefix(c.rest, s.sign) {
			continue
		}
		switch {
		case c.open[i]:
			c.out.WriteString(s.close)
		case strings.Contains(c.rest[len(s.sign):], s.sign):
			c.out.WriteString(s.open)
		default:
			c.text(len(s.sign))
			return true
		}
		c.open[i] = !c.open[i]
		c.rest = c.rest[len(s.sign):]
		return true
	}
	return false
}
