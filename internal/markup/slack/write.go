package slack

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
)

// writeLines writes inline content as mrkdwn, one string for each line.
func writeLines(content []markup.Inline, lost *markup.Degradations) []string {
	runs := leaves(content, lost)
	for i, r := range runs {
		if r.Style&markup.StyleUnderline != 0 {
			lost.Add(markup.KindUnderline, markup.AsText)
			runs[i].Style &^= markup.StyleUnderline
		}
		if code, ok := r.Node.(markup.Code); ok && (strings.Contains(string(code), "`") || strings.TrimSpace(string(code)) == "") {
			lost.Add(markup.KindCode, markup.AsText)
			runs[i].Node = markup.Text(code)
		}
	}
	lines := splitLines(runs)
	out := make([]string, len(lines))
	for i, line := range lines {
		w := writer{}
		w.inlines(line)
		out[i] = w.b.String()
	}
	return out
}

// writer writes one line, or the label of a link, so that nothing in a text is
// read as markup. It looks at what it has written as the parser will.
type writer struct {
	b      strings.Builder
	inside markup.Style // that is being written

	unstyled bool // there are no style marks and no code

	afterOpen  bool // the last character began a style
	afterClose bool // it ended one
	afterEmoji bool
	afterCode  bool
	afterMark  bool // it is a style mark
	opens      bool // what is before the style marks lets a style begin
}

func (w *writer) inlines(content []markup.Inline) {
	for _, n := range content {
		w.inline(n)
	}
}

func (w *writer) inline(n markup.Inline) {
	switch n := n.(type) {
	case markup.Text:
		w.text(string(n))
	case markup.Code:
		w.before('`')
		w.openable()
		w.raw("`" + escaper.Replace(string(n)) + "`")
		w.afterCode = true
	case markup.Strong:
		w.style(0, n.Content)
	case markup.Emphasis:
		w.style(1, n.Content)
	case markup.Strike:
		w.style(2, n.Content)
	case markup.Link:
		w.before('<')
		w.link(n)
	case markup.Mention:
		w.before('<')
		w.raw(mentionToken(n))
	case markup.Timestamp:
		w.before('<')
		w.raw(dateToken(n, ""))
	case markup.Emoji:
		w.before(':')
		if r := w.last(); r == ':' || isNameRune(r) {
			w.raw(zeroSpace)
		}
		w.raw(":" + n.Name + ":")
		w.afterEmoji = true
	}
}

// raw writes what is neither text nor a style mark.
func (w *writer) raw(s string) {
	w.b.WriteString(s)
	w.afterOpen, w.afterClose, w.afterEmoji, w.afterCode, w.afterMark = false, false, false, false, false
}

// mark writes a style mark.
func (w *writer) mark(c byte) {
	opens := w.canOpen()
	w.raw(string(c))
	w.afterMark, w.opens = true, opens
}

// canOpen reports whether a style or code could begin here.
func (w *writer) canOpen() bool {
	if w.afterMark {
		return w.opens
	}
	return w.b.Len() == 0 || opensAfter(w.last())
}

// last returns the character before the position, a space at the start.
func (w *writer) last() rune {
	if w.b.Len() == 0 {
		return ' '
	}
	r, _ := utf8.DecodeLastRuneInString(w.b.String())
	return r
}

// before ends what is before the position, which r will follow.
func (w *writer) before(r rune) {
	switch {
	case w.afterClose && (r < utf8.RuneSelf && isStyleMark(byte(r)) || !closesBefore(r)),
		w.afterEmoji && (r == ':' || isNameRune(r)),
		w.afterCode && r == '`':
		w.raw(zeroSpace)
	}
}

// isNameRune reports whether a shortcode must not stand beside r.
func isNameRune(r rune) bool { return r != '_' && markup.WordAfter(string(r), 0) }

// openable lets a style or code begin here.
func (w *writer) openable() {
	if !w.afterOpen && (w.afterMark || !w.canOpen()) {
		w.raw(zeroSpace)
	}
}

func (w *writer) style(k int, content []markup.Inline) {
	c := styleMarks[k]
	w.before(rune(c))
	w.openable()
	w.mark(c)
	w.afterOpen = true
	w.inside |= styleOf[k]
	w.inlines(content)
	w.inside &^= styleOf[k]
	w.mark(c)
	w.afterClose = true
}

// text writes characters, none of which mean anything.
func (w *writer) text(s string) {
	for i := 0; i < len(s); {
		n := i
		for n < len(s) && !textMarks[s[n]] {
			n++
		}
		if n > i {
			w.chars(s[i:n])
			i = n
			continue
		}
		i += w.textMark(s, i)
	}
}

// textMarks are the bytes in a text that may need something beside them.
var textMarks = [256]bool{
	'*': true, '_': true, '~': true, '`': true, '<': true, '>': true, '&': true, ':': true, 0xc2: true, 0xe2: true,
}

func (w *writer) chars(s string) {
	r, _ := utf8.DecodeRuneInString(s)
	w.before(r)
	w.raw(s)
}

// textMark writes the character at byte i of a text and returns its length.
func (w *writer) textMark(s string, i int) int {
	switch c := s[i]; c {
	case '*', '_', '~', '`':
		switch {
		case w.unstyled:
			w.chars(s[i : i+1])
		case c == '`':
			w.textTick()
		default:
			w.textStyleMark(s, i)
		}
		return 1
	case ':':
		w.before(':')
		w.raw(":")
		if shortcodeEnd(s, i) > i {
			w.raw(softHyphen)
		}
		return 1
	case '<', '>', '&':
		w.before('&')
		w.raw(escaper.Replace(s[i : i+1]))
		return 1
	}
	end := invisibleEnd(s, i)
	if end == i {
		_, size := utf8.DecodeRuneInString(s[i:])
		w.chars(s[i : i+size])
		return size
	}
	run := s[i:end]
	if i == 0 || end == len(s) || isMark(s[i-1]) || isMark(s[end]) {
		run = doubled(run)
	}
	w.chars(run)
	return end - i
}

// textTick writes a backtick that begins no code.
func (w *writer) textTick() {
	w.before('`')
	if w.canOpen() {
		w.raw(softHyphen)
	}
	w.raw("`")
}

// textStyleMark writes a style mark that neither begins nor ends anything.
func (w *writer) textStyleMark(s string, i int) {
	c := s[i]
	w.before(rune(c))
	next, size := utf8.DecodeRuneInString(s[i+1:])
	if w.canOpen() && (size == 0 || !unicode.IsSpace(next)) || w.afterOpen && w.last() == rune(c) {
		w.raw(softHyphen)
	}
	w.mark(c)
	if w.inside&styleOf[strings.IndexByte(styleMarks, c)] == 0 {
		return
	}
	if size == 0 || closesBefore(next) || next < utf8.RuneSelf && isStyleMark(byte(next)) {
		w.raw(softHyphen)
	}
}

// link writes a link; the one around a date is part of it.
func (w *writer) link(n markup.Link) {
	if date, ok := n.Content[0].(markup.Timestamp); ok && len(n.Content) == 1 {
		w.raw(dateToken(date, n.URL))
		return
	}
	url := strings.ReplaceAll(escaper.Replace(n.URL), "|", "%7C")
	if len(n.Content) == 1 && n.Content[0] == markup.Inline(markup.Text(n.URL)) {
		w.raw("<" + url + ">")
		return
	}
	label := writer{inside: w.inside}
	label.inlines(n.Content)
	w.raw("<" + url + "|" + label.b.String() + ">")
}

func mentionToken(n markup.Mention) string {
	if n.Target == markup.TargetBroadcast {
		return "<!" + n.Name + ">"
	}
	mark, sign := "@", sigil(n.Target)
	switch n.Target {
	case markup.TargetChannel:
		mark = "#"
	case markup.TargetGroup:
		mark = "!subteam^"
	}
	label := ""
	if n.Name != "" {
		label = n.Name
		if n.Target == markup.TargetGroup || strings.HasPrefix(label, sign) {
			label = sign + label
		}
		label = "|" + escaper.Replace(label)
	}
	return "<" + mark + n.ID + label + ">"
}

func dateToken(n markup.Timestamp, link string) string {
	if link != "" {
		link = "^" + escaper.Replace(link)
	}
	seconds := strconv.FormatInt(n.Time.Unix(), 10)
	return "<!date^" + seconds + "^" + dateFormats[n.Format] + link + "|" + escaper.Replace(n.Plain()) + ">"
}
