package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// place is where inlines are written.
type place int

const (
	lineMiddle place = iota // after something else, on one line
	lineStart               // where a block could begin
	inCell                  // in a table, where a line cannot end
)

// inlineWriter writes inlines so that nothing in a text is read as markup.
type inlineWriter struct {
	lost    *Degradations
	b       strings.Builder
	place   place
	inLink  bool // brackets would end it
	start   rune // what stands before it when it is written between delimiters; 0: nothing
	atomEnd int  // where the last inline ended that counts as punctuation
	tildes  int  // in all texts: one by itself means nothing
	open    bool // brackets are in a text
}

// inlines writes content that the character after follows.
func (w *inlineWriter) inlines(content []Inline, after rune) {
	for i, n := range content {
		next, follow := after, ""
		if i+1 < len(content) {
			next, follow = w.following(content[i+1])
			if i+2 < len(content) {
				_, more := w.following(content[i+2])
				follow += more
			} else if after == ' ' {
				follow += " "
			}
		}
		w.inline(n, next, follow)
	}
}

// maxFollow bounds how much of a text is looked at to see whether it continues
// what is before it, in bytes.
const maxFollow = 200

// following returns a character like the first one that is written for n, and
// text like it as far as it matters to what is before it.
func (w *inlineWriter) following(n Inline) (rune, string) {
	switch n := n.(type) {
	case Text:
		r, _ := utf8.DecodeRuneInString(string(n))
		return r, string(n[:min(len(n), maxFollow)])
	case Break:
		if w.place != inCell {
			return '\n', "\n"
		}
	case Mention:
		return '@', n.label()
	case Emoji:
		return ':', ":" + n.Name + ":"
	case Link, Image:
		return '[', "[x"
	}
	return '*', "*x" // any punctuation that begins a delimiter
}

// inline writes n, which is followed by the character next of the text follow.
func (w *inlineWriter) inline(n Inline, next rune, follow string) {
	switch n := n.(type) {
	case Text:
		w.text(string(n), next)
	case Break:
		if w.place == inCell {
			w.b.WriteString("<br>")
		} else {
			w.b.WriteByte('\n')
		}
	case Code:
		w.code(string(n))
	case Link:
		w.link(n, follow)
	case Image:
		w.b.WriteByte('!')
		w.labelled([]Inline{Text(n.Alt)}, n.URL, n.Title)
	case Mention:
		if !w.mention(n, follow) {
			w.lost.Add(KindMention, AsText)
			w.text(n.label(), next)
		}
	case Emoji:
		if !w.emoji(n, follow) {
			w.lost.Add(KindEmoji, AsText)
			w.text(":"+n.Name+":", next)
		}
	case Strong:
		w.style(n.Content, next, "b", "**", "__")
	case Emphasis:
		w.style(n.Content, next, "i", "*", "_")
	case Strike:
		w.style(n.Content, next, "s", "~~")
	case Underline:
		w.style(n.Content, next, "u")
	case Spoiler:
		w.style(n.Content, next, "", "||")
	}
}

// atom writes s, after which a delimiter stands as after punctuation.
func (w *inlineWriter) atom(s string) {
	w.b.WriteString(s)
	w.atomEnd = w.b.Len()
}

// last returns the character before the next one that is written: a space at
// the start.
func (w *inlineWriter) last() rune {
	if w.b.Len() == 0 {
		if w.start != 0 {
			return w.start
		}
		return ' '
	}
	r, _ := utf8.DecodeLastRuneInString(w.b.String())
	return r
}

// before is last as the parser of delimiters sees it.
func (w *inlineWriter) before() rune {
	if w.afterAtom() {
		return '`'
	}
	return w.last()
}

func (w *inlineWriter) afterAtom() bool { return w.atomEnd > 0 && w.atomEnd == w.b.Len() }

// atLineStart reports whether a block could begin here.
func (w *inlineWriter) atLineStart() bool {
	if w.b.Len() == 0 {
		return w.place == lineStart && w.start == 0
	}
	return w.last() == '\n'
}

// within returns a writer for what stands between delimiters, after start.
func (w *inlineWriter) within(start rune) *inlineWriter {
	return &inlineWriter{lost: w.lost, place: w.place, inLink: start == '[' || w.inLink, start: start, tildes: w.tildes, open: w.open}
}

// style writes content between the first of the delimiters that are read as
// such here, else between tags.
func (w *inlineWriter) style(content []Inline, next rune, tag string, delimiters ...string) {
	in := w.within('*')
	in.inlines(content, '*')
	inside := in.b.String()
	first, _ := utf8.DecodeRuneInString(inside)
	for _, d := range delimiters {
		c := rune(d[0])
		if tag != "" && (c == w.last() || c == first || c == in.last()) {
			continue // the runs would be one
		}
		if c == '_' && (w.afterAtom() || in.afterAtom() || joinsName(w.last(), first) || joinsName(in.last(), next)) {
			continue // it would belong to a name
		}
		opens, _ := canDelimit(d[0], len(d), w.before(), first)
		_, closes := canDelimit(d[0], len(d), in.before(), next)
		if opens && closes {
			w.b.WriteString(d + inside + d)
			return
		}
	}
	if tag == "" {
		w.lost.Add(KindSpoiler, AsText)
		w.b.WriteString(inside)
		return
	}
	w.b.WriteString("<" + tag + ">" + inside + "</" + tag + ">")
}

// joinsName reports whether an underscore between two characters could be read
// as part of a mention or a shortcode.
func joinsName(before, after rune) bool {
	return strings.ContainsRune("@#:.-+", before) || strings.ContainsRune("@#:", after)
}

func (w *inlineWriter) code(s string) {
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' && strings.Trim(s, " ") != "" {
		s = " " + s + " "
	}
	w.atom(ticks + s + ticks)
}

func (w *inlineWriter) mention(n Mention, follow string) bool {
	label, before := n.label(), ""
	if w.b.Len() > 0 {
		before = string(w.last())
	}
	read, end := mentionAt(before+label+follow[:min(len(follow), 2*utf8.UTFMax)], len(before))
	if end != len(before)+len(label) || read.Target != n.Target || "@"+read.Name != label && "#"+read.Name != label {
		return false
	}
	w.atom(label)
	return true
}

func (w *inlineWriter) emoji(n Emoji, follow string) bool {
	code, before := ":"+n.Name+":", ""
	if w.b.Len() > 0 && !w.afterAtom() {
		before = string(w.last())
	}
	s := before + code + follow[:min(len(follow), utf8.UTFMax)]
	if ShortcodeEnd(s, len(before)) != len(before)+len(code) {
		return false
	}
	w.atom(code)
	return true
}

func (w *inlineWriter) link(n Link, follow string) {
	if text, ok := soleText(n.Content); ok && n.Title == "" {
		switch before := w.last(); {
		case !w.open && (follow != "" || w.start == 0) && (unicode.IsSpace(before) || before == '(') && isBare(text, n.URL, follow):
			w.atom(text)
			return
		case text == n.URL && isAutolink(text), "mailto:"+text == n.URL && emailEnd(text, 0) == len(text):
			w.atom("<" + text + ">")
			return
		}
	}
	w.labelled(n.Content, n.URL, n.Title)
}

func soleText(content []Inline) (string, bool) {
	if len(content) != 1 {
		return "", false
	}
	text, ok := content[0].(Text)
	return string(text), ok
}

// isBare reports whether text is read as a link to url when follow comes after it.
func isBare(text, url, follow string) bool {
	end := strings.IndexFunc(follow, unicode.IsSpace)
	if end < 0 && follow != "" {
		return false // it may go on
	}
	follow = follow[:max(end, 0)]
	if "mailto:"+text == url {
		at := strings.IndexByte(text, '@')
		return !strings.Contains(text, "_") && emailEnd(text, 0) == len(text) &&
			domainEnd(text+follow, at+1) == len(text) && !WordAfter(text+follow, len(text))
	}
	return urlOf(text) == url && URLEnd(text+follow, 0) == len(text)
}

// labelled writes "[content](url "title")".
func (w *inlineWriter) labelled(content []Inline, url, title string) {
	in := w.within('[')
	in.tildes = 0 // the description of an image was not counted
	in.inlines(content, ']')
	s := "[" + in.b.String() + "](" + escapeTarget(url, `()\`)
	if title != "" {
		s += ` "` + escapeTarget(title, `"\`) + `"`
	}
	w.atom(s + ")")
}

// escapeTarget writes a backslash before the given characters and before
// entities.
func escapeTarget(s, chars string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(chars, s[i]) >= 0 || entityLen(s[i:]) > 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// text writes characters; next is what comes after them.
func (w *inlineWriter) text(s string, next rune) {
	if s == "" {
		return
	}
	start := -1 // the character to escape so that no block begins
	if w.atLineStart() {
		start = blockMark(s)
	}
	tail := len(s) // from here on it could be the start of a URL that goes on
	if !w.inLink && isPunct(next) {
		tail = strings.LastIndexFunc(s, unicode.IsSpace)
	}
	for i := 0; i < len(s); {
		n := 1
		switch c := s[i]; c {
		case '*', '_', '~', '|':
			n = w.delimiters(s, i, next)
		default:
			if w.escapes(s, i, next) || i == start || i > tail && endsScheme(s[:i+1]) {
				w.b.WriteByte('\\')
			}
			w.b.WriteByte(c)
		}
		i += n
	}
}

// delimiters writes the run of one character at byte i, and returns its length.
func (w *inlineWriter) delimiters(s string, i int, next rune) int {
	c, n := s[i], runLength(s, i)
	before, after := w.before(), next
	if i+n < len(s) {
		after, _ = utf8.DecodeRuneInString(s[i+n:])
	}
	opens, closes := canDelimit(c, n, before, after)
	mark := opens || closes
	if c == '~' && n == 1 && w.tildes == 1 {
		mark = false
	}
	beside := w.last() == rune(c) || w.b.Len() == 0 && w.start != 0 || i+n == len(s) && isPunct(next) // to another run
	if mark || beside || w.atLineStart() {
		w.b.WriteString(strings.Repeat(`\`+string(c), n))
	} else {
		w.b.WriteString(s[i : i+n])
	}
	return n
}

// escapes reports whether the character at byte i, which is no delimiter,
// would be read as markup.
func (w *inlineWriter) escapes(s string, i int, next rune) bool {
	rest := s[i:]
	after := byte('*') // any punctuation
	if len(rest) > 1 {
		after = rest[1]
	} else if !isPunct(next) {
		after = ' '
	}
	switch s[i] {
	case '\\':
		return isASCIIPunct(after) || len(rest) == 1
	case '`':
		return true
	case '[', ']':
		return w.inLink
	case '(':
		return w.b.Len() > 0 && w.last() == ']'
	case '!':
		return len(rest) == 1 && isPunct(next)
	case '<':
		return isLetter(after) || strings.IndexByte("/!?*", after) >= 0
	case '&':
		return entityLen(rest) > 0
	case '@', '#':
		if _, end := mentionAt(s, i); end > i {
			return true
		}
		// Escapes within the name could end it earlier.
		name := strings.ToLower(s[i:nameEnd(s, i+1)])
		return !WordBefore(s, i) && (strings.Contains(name, "_") || strings.Contains(name, "www."))
	case ':':
		return ShortcodeEnd(s, i) > i
	}
	return false
}

// endsScheme reports whether s ends with what a bare URL begins with.
func endsScheme(s string) bool {
	for _, scheme := range []string{"www.", "http:", "https:", "mailto:"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[len(s)-len(scheme):], scheme) {
			return true
		}
	}
	return false
}

// blockMark returns the byte of s, at the start of a line, that must be escaped
// so that no block begins with it; -1 when none does.
func blockMark(s string) int {
	switch s[0] {
	case '#':
		if n := runLength(s, 0); n <= 6 && endsMark(s[n:]) {
			return 0
		}
	case '>':
		return 0
	case '-', '+':
		if endsMark(s[1:]) {
			return 0
		}
	case '[':
		c := cursor{rest: s}
		if c.takeTask() != NoTask {
			return 0
		}
	}
	if strings.Trim(s, "-|: \t") == "" || strings.Trim(s, "=") == "" {
		return 0 // a rule, or what makes a table or a heading of the line above
	}
	digits := 0
	for digits < len(s) && isDigit(s[digits]) {
		digits++
	}
	if 0 < digits && digits < 10 && digits < len(s) && (s[digits] == '.' || s[digits] == ')') && endsMark(s[digits+1:]) {
		return digits
	}
	return -1
}

func endsMark(rest string) bool { return rest == "" || rest[0] == ' ' || rest[0] == '\t' }
