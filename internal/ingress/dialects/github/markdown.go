package github

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// plainer rewrites the HTML that GitHub allows in its Markdown: what has a form in
// Markdown gets it, what only arranges things goes, and so do comments, which
// templates are full of. Code and what is no such tag stay as they are.
func plainer(source string) string {
	if !strings.Contains(source, "<") {
		return source
	}
	w := htmlWriter{}
	for rest := source; rest != ""; {
		rest = rest[w.next(rest):]
	}
	w.closeLink()
	return w.out.String()
}

type htmlWriter struct {
	out  strings.Builder
	href string // of the link that is open
	mark string // the end of the code that is open, as "```"
}

// next writes the beginning of the rest, and returns how much of it that was.
func (w *htmlWriter) next(rest string) int {
	switch {
	case rest[0] == '`' || strings.HasPrefix(rest, "~~~"):
		return w.code(rest)
	case rest[0] == '<' && w.mark == "":
		if n := w.tag(rest); n > 0 {
			return n
		}
	}
	n := strings.IndexAny(rest[1:], "<`~") + 1
	if n == 0 {
		n = len(rest)
	}
	w.out.WriteString(rest[:n])
	return n
}

// code passes the mark that begins or ends code.
func (w *htmlWriter) code(rest string) int {
	n := 1
	for n < len(rest) && rest[n] == rest[0] {
		n++
	}
	switch mark := rest[:n]; {
	case w.mark == mark:
		w.mark = ""
	case w.mark == "" && strings.Contains(rest[n:], mark):
		w.mark = mark
	}
	w.out.WriteString(rest[:n])
	return n
}

// tag writes what stands for the tag or the comment that begins the rest, and
// returns its length; 0 when it is none that we know.
func (w *htmlWriter) tag(rest string) int {
	if strings.HasPrefix(rest, "<!--") {
		end := strings.Index(rest, "-->")
		if end < 0 {
			return len(rest)
		}
		return end + len("-->")
	}
	const longest = 2000
	end := strings.IndexByte(rest[:min(len(rest), longest)], '>')
	if end < 0 {
		return 0
	}
	inside, closing := strings.CutPrefix(rest[1:end], "/")
	name, attributes, _ := strings.Cut(strings.TrimSuffix(inside, "/"), " ")
	name = strings.ToLower(name)
	switch {
	case name == "a":
		w.link(attribute(attributes, "href"))
	case name == "img":
		w.image(attribute(attributes, "alt"), attribute(attributes, "src"))
	default:
		form, known := tags[name]
		if !known {
			return 0
		}
		if closing {
			w.out.WriteString(form.close)
		} else {
			w.out.WriteString(form.open)
		}
	}
	return end + 1
}

// link begins a link, or ends the one that is open.
func (w *htmlWriter) link(href string) {
	w.closeLink()
	if dialect.IsWebURL(href) {
		w.href = href
		w.out.WriteByte('[')
	}
}

func (w *htmlWriter) closeLink() {
	if w.href != "" {
		w.out.WriteString("](<" + w.href + ">)")
		w.href = ""
	}
}

func (w *htmlWriter) image(alt, src string) {
	if dialect.IsWebURL(src) {
		w.out.WriteString("![" + alt + "](<" + src + ">)")
	}
}

// attribute finds the value of an attribute in what a tag holds.
func attribute(inside, name string) string {
	for _, quote := range [...]string{`"`, `'`} {
		if _, value, found := strings.Cut(inside, name+"="+quote); found {
			value, _, _ = strings.Cut(value, quote)
			return value
		}
	}
	return ""
}

// tags are the tags that GitHub allows, with what stands for them in Markdown.
var tags = map[string]struct{ open, close string }{
	"b": {"**", "**"}, "strong": {"**", "**"}, "i": {"*", "*"}, "em": {"*", "*"}, "del": {"~~", "~~"}, "s": {"~~", "~~"},
	"code": {"`", "`"}, "kbd": {"`", "`"}, "samp": {"`", "`"}, "tt": {"`", "`"}, "pre": {"\n```\n", "\n```\n"},
	"br": {"\n", ""}, "hr": {"\n\n---\n\n", ""}, "li": {"\n- ", ""}, "summary": {"**", "**\n\n"},
	"h1": {"\n\n# ", "\n\n"}, "h2": {"\n\n## ", "\n\n"}, "h3": {"\n\n### ", "\n\n"}, "h4": {"\n\n#### ", "\n\n"},
	"h5": {"\n\n##### ", "\n\n"}, "h6": {"\n\n###### ", "\n\n"},
	"p": {"\n\n", "\n\n"}, "div": {"\n\n", "\n\n"}, "details": {"\n\n", "\n\n"}, "blockquote": {"\n\n", "\n\n"}, "center": {"\n\n", "\n\n"},
	"ul": {"\n", "\n\n"}, "ol": {"\n", "\n\n"}, "table": {"\n\n", "\n\n"}, "tr": {"\n", ""}, "td": {" ", " "}, "th": {" ", " "},
	"thead": {}, "tbody": {}, "span": {}, "sub": {}, "sup": {}, "ins": {}, "picture": {}, "source": {},
}
