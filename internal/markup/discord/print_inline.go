package discord

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// place is where inlines are written.
type place int

const (
	inLine      place = iota // after the mark of a block
	atLineStart              // where a block could begin
)

// While inlines are written, these stand for U+200B that separates, and for
// U+200B that the parser does not look at. No document has them in its texts.
const (
	separating = "\x00"
	literal    = "\x01"
)

// inline writes content. U+200B in it is written twice where the parser looks
// for separators.
func (p *printer) inline(content []markup.Inline, at place) string {
	w := inlineWriter{lost: p.lost}
	return separated(w.inlines(content, at == atLineStart, ""))
}

// separated writes U+200B for what stands for it.
func separated(s string) string {
	if !strings.ContainsAny(s, separator+separating+literal) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		own, between, to := separators(s, i)
		switch {
		case to > i:
			if separates(s, i, to) {
				own *= 2
			}
			b.WriteString(strings.Repeat(separator, own+min(between, 1)))
			i = to
		case s[i] == literal[0]:
			b.WriteString(separator)
			i++
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// separators counts U+200B, and what separates, in a row from byte i on.
func separators(s string, i int) (own, between, to int) {
	for to = i; to < len(s); {
		switch {
		case s[to] == separating[0]:
			between++
			to++
		case strings.HasPrefix(s[to:], separator):
			own++
			to += len(separator)
		default:
			return own, between, to
		}
	}
	return own, between, to
}

// inlineWriter writes inlines from the last one to the first, because it
// depends on what comes after a delimiter whether it is one.
type inlineWriter struct {
	lost    *markup.Degradations
	parent  markup.Kind // of the style that is written
	inLabel bool        // of a link, which has no escapes
	masks   bool        // a host is written as the label of a link, come what may
}

// beside is what an inline stands between.
type beside struct {
	before    markup.Inline // nil: nothing
	next      string        // what is written after it, at most lookahead bytes
	last      bool          // nothing is
	lineStart bool          // a block could begin here
}

const lookahead = 64

// inlines writes content before the text next. lineStart tells whether a block
// could begin there.
func (w inlineWriter) inlines(content []markup.Inline, lineStart bool, next string) string {
	parts := make([]string, len(content))
	for i, n := range slices.Backward(content) {
		at := beside{next: next, last: i == len(content)-1, lineStart: lineStart}
		if i > 0 {
			at.before = content[i-1]
			at.lineStart = at.before == markup.Inline(markup.Break{})
		}
		parts[i] = w.inline(n, at)
		next = prefix(parts[i], next)
	}
	return strings.Join(parts, "")
}

// prefix returns the first bytes of s and what follows it.
func prefix(s, next string) string {
	if len(s) >= lookahead {
		return s[:lookahead]
	}
	return s + next[:min(len(next), lookahead-len(s))]
}

func (w inlineWriter) inline(n markup.Inline, at beside) string {
	switch n := n.(type) {
	case markup.Text:
		return w.text(string(n), at)
	case markup.Break:
		return "\n"
	case markup.Code:
		return strings.ReplaceAll(wrapCode(string(n)), separator, literal)
	case markup.Link:
		return w.link(n, at)
	case markup.Mention:
		return mention(n, at)
	case markup.Emoji:
		if n.Animated {
			return "<a:" + n.Name + ":" + n.ID + ">"
		}
		return "<:" + n.Name + ":" + n.ID + ">"
	case markup.Timestamp:
		return "<t:" + strconv.FormatInt(n.Time.Unix(), 10) + styleSuffix[n.Format] + ">"
	}
	return w.style(n, at)
}

// styleSuffix are the formats as a timestamp ends with them.
var styleSuffix = map[markup.TimeFormat]string{
	markup.FormatDateTimeLong: ":F", markup.FormatDate: ":d", markup.FormatDateLong: ":D",
	markup.FormatTime: ":t", markup.FormatTimeSeconds: ":T", markup.FormatRelative: ":R",
}

func mention(n markup.Mention, at beside) string {
	switch n.Target {
	case markup.TargetGroup:
		return "<@&" + n.ID + ">"
	case markup.TargetChannel:
		return "<#" + n.ID + ">"
	case markup.TargetUser:
		return "<@" + n.ID + ">"
	}
	name := "@" + markup.BroadcastEveryone
	if n.Name == markup.BroadcastHere {
		name = "@" + markup.BroadcastHere
	}
	if endsInWord(at.before) && at.next != "" && (isWordByte(at.next[0]) || at.next[0] == '.' || at.next[0] == '-') {
		return separating + name // else it would be an e-mail address
	}
	return name
}

func endsInWord(n markup.Inline) bool {
	text, ok := n.(markup.Text)
	return ok && markup.WordBefore(string(text), len(text))
}

// endsInURL reports whether a URL after n could be read as a part of another one.
func endsInURL(n markup.Inline) bool {
	text, ok := n.(markup.Text)
	last := string(text)[strings.LastIndexAny(string(text), " \t")+1:]
	return ok && strings.Contains(last, "://")
}

// link writes a link that [lowerer.link] found fit to be written.
func (w inlineWriter) link(n markup.Link, at beside) string {
	plain := markup.PlainInline(n.Content)
	url := strings.ReplaceAll(n.URL, separator, literal)
	isMail := n.Title == "" && (plain == n.URL && !isWebURL(plain) || "mailto:"+plain == n.URL)
	switch {
	case isMail, isHost(n, plain) && !w.masks && !canMask(n):
		return w.text(plain, at) // which Discord does not know as a link
	case n.Title != "" || plain != n.URL:
		return w.masked(n, url)
	case !endsInWord(at.before) && !endsInURL(at.before) && endsURL(n.URL, at.next):
		return url
	}
	return "<" + url + ">"
}

var placeholders = strings.NewReplacer(separating, separator, literal, separator)

// endsURL reports whether a bare URL ends before next.
func endsURL(url, next string) bool {
	after := placeholders.Replace(next)
	if i := strings.IndexAny(after, " \n<"); i >= 0 {
		after = after[:i+1]
	} else if len(next) == lookahead {
		return false
	}
	return markup.URLEnd(url+after, 0) == len(url)
}

// masked writes `[label](url "title")`.
func (w inlineWriter) masked(n markup.Link, url string) string {
	w.inLabel = true
	s := "[" + w.inlines(n.Content, false, "") + "](" + escapeTarget(url)
	if n.Title != "" {
		s += ` "` + strings.ReplaceAll(n.Title, separator, literal) + `"`
	}
	return s + ")"
}

var parentheses = strings.NewReplacer("(", `\(`, ")", `\)`)

// escapeTarget writes a backslash before backslashes, and before parentheses
// that do not match.
func escapeTarget(url string) string {
	url = strings.ReplaceAll(url, `\`, `\\`)
	if urlLength(url) == len(url) && urlLength(url+")") == len(url) {
		return url
	}
	return parentheses.Replace(url)
}

// style writes content between the delimiters that are read as such here.
func (w inlineWriter) style(n markup.Inline, at beside) string {
	content := markup.Children(n)
	var lost markup.Degradations
	inner := w
	inner.parent, inner.lost = n.Kind(), &lost
	inside := inner.inlines(content, at.lineStart, "")
	style := styleOf[n.Kind()]
	for _, d := range w.delimiters(n, inside, at) {
		for _, s := range []string{d + inside + d, d + inside + separating + d} {
			for _, after := range []string{"", separating} {
				found, ok := styleAt(s+after+at.next, 0, &absent{})
				if ok && found == (styled{style, len(d), len(s)}) {
					w.lost.Merge(lost)
					return s + after
				}
			}
		}
	}
	switch {
	case len(content) > 1:
		w.lost.Add(n.Kind(), markup.Flattened)
		return w.inlines(distribute(n, content), at.lineStart, at.next)
	case n.Kind() == markup.KindSpoiler && content[0].Kind() != markup.KindText:
		w.lost.Add(content[0].Kind(), markup.AsText)
		return w.style(markup.Spoiler{Content: text(content[0])}, at)
	}
	w.lost.Add(n.Kind(), markup.AsText)
	return w.inlines(content, at.lineStart, at.next)
}

// distribute returns content with the style of n around each part by itself.
func distribute(n markup.Inline, content []markup.Inline) []markup.Inline {
	out := make([]markup.Inline, len(content))
	for i, c := range content {
		if out[i] = c; visible(markup.Run{Node: c}) {
			out[i] = markup.WithChildren(n, []markup.Inline{c})
		}
	}
	return out
}

var styleOf = map[markup.Kind]markup.Style{
	markup.KindStrong: markup.StyleStrong, markup.KindEmphasis: markup.StyleEmphasis, markup.KindStrike: markup.StyleStrike,
	markup.KindUnderline: markup.StyleUnderline, markup.KindSpoiler: markup.StyleSpoiler,
}

// delimiters returns those of a style, the preferred ones first.
func (w inlineWriter) delimiters(n markup.Inline, inside string, at beside) []string {
	switch n.Kind() {
	case markup.KindStrong:
		return []string{"**"}
	case markup.KindUnderline:
		return []string{"__"}
	case markup.KindStrike:
		return []string{"~~"}
	case markup.KindSpoiler:
		return []string{"||"}
	}
	edge := at.before == nil || at.last
	beside := at.before != nil && at.before.Kind() == markup.KindStrong || strings.HasPrefix(at.next, "*")
	if edge && w.parent == markup.KindStrong || beside || strings.HasPrefix(inside, "*") || strings.HasSuffix(inside, "*") {
		return []string{"_", "*"}
	}
	return []string{"*", "_"}
}

// text writes characters so that none of them is read as markup.
func (w inlineWriter) text(s string, at beside) string {
	if w.inLabel {
		return s
	}
	var b strings.Builder
	start := -1 // the character to escape so that no block begins
	if at.lineStart {
		start = blockMark(s)
	}
	for i := range len(s) {
		if i == start || escapes(s, i) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
		if s[i] == '@' && broadcasts(prefix(s[i+1:], at.next)) {
			b.WriteString(separating)
		}
	}
	return b.String()
}

// escapes reports whether the character at byte i would be read as markup.
func escapes(s string, i int) bool {
	switch s[i] {
	case '\\', '*', '_', '`':
		return true
	case '~', '|': // two of them would be
		return i == 0 || i == len(s)-1 || s[i-1] == s[i] || s[i+1] == s[i]
	case '(':
		return i > 0 && s[i-1] == ']'
	case '<':
		return i == len(s)-1 || s[i+1] != ' '
	case ':':
		end := markup.ShortcodeEnd(s[i:], 0)
		if end == 0 {
			return false
		}
		_, ok := markup.LookupEmoji(s[i+1 : i+end-1])
		return ok
	}
	return false
}

// broadcasts reports whether s, after an "@", addresses everybody. U+200B
// before it is one more that the printer writes.
func broadcasts(s string) bool {
	s = strings.TrimLeft(s, separator)
	return strings.HasPrefix(s, markup.BroadcastEveryone) || strings.HasPrefix(s, markup.BroadcastHere)
}

// blockMark returns the byte to escape so that s does not begin a quote, a
// heading, a list or small print; -1: none.
func blockMark(s string) int {
	b, isBullet := bulletOf(s)
	switch {
	case isBullet && b.ordered:
		return strings.IndexByte(s, '.')
	case isBullet, headingLevel(s[:min(len(s), len("### "))]+"x") > 0, strings.HasPrefix(s, ">"), strings.HasPrefix(s, "-# "):
		return 0
	}
	return -1
}
