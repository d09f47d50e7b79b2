package markup

import (
	"slices"
	"strings"
	"unicode"
)

// Style is a set of the ways in which text can be set apart.
type Style uint8

// The styles, in the order in which they nest when nothing else decides.
const (
	StyleSpoiler Style = 1 << iota
	StyleUnderline
	StyleStrike
	StyleStrong
	StyleEmphasis
)

const (
	noStyle Style = 0
	styles  int   = 5 // how many there are
)

// Run is a leaf of the inline tree with all that applies to it: the form in
// which Slack's rich text, Telegram's entities and Atlassian's marks hold text.
type Run struct {
	Node  Inline // Text, Code, Mention, Emoji, Timestamp, Break, Image or Unknown
	Style Style
	URL   string // of the link that the run is part of; "": none
	Title string // of that link
}

// Runs flattens inlines. Of links within each other the outer one counts.
func Runs(content []Inline) []Run {
	return appendRuns(make([]Run, 0, len(content)), content, Run{})
}

func appendRuns(runs []Run, content []Inline, at Run) []Run {
	for _, n := range content {
		style := noStyle
		switch n := n.(type) {
		case nil:
			continue
		case Link:
			in := at
			if at.URL == "" {
				in.URL, in.Title = n.URL, n.Title
			}
			if len(n.Content) == 0 {
				in.Node = Text(n.URL)
				runs = append(runs, in)
				continue
			}
			runs = appendRuns(runs, n.Content, in)
			continue
		case Spoiler:
			style = StyleSpoiler
		case Underline:
			style = StyleUnderline
		case Strike:
			style = StyleStrike
		case Strong:
			style = StyleStrong
		case Emphasis:
			style = StyleEmphasis
		}
		in := at
		if style != noStyle {
			in.Style |= style
			runs = appendRuns(runs, Children(n), in)
			continue
		}
		in.Node = n
		runs = append(runs, in)
	}
	return runs
}

// Nest builds the inline tree of runs. What reaches furthest is outside, and a
// link within the styles that reach as far, so the tree has few nodes, and the
// same runs always give the same tree. White space at the edges of styles and
// links goes out of them: nobody sees it there, and no dialect can write it.
func Nest(runs []Run) []Inline {
	return nest(splitSpaces(mergeRuns(runs)), noStyle, false)
}

func nest(runs []Run, done Style, inLink bool) []Inline {
	out := make([]Inline, 0, len(runs))
	var leaves []Run
	flush := func() {
		for _, r := range mergeRuns(leaves) {
			out = append(out, r.Node)
		}
		leaves = leaves[:0]
	}
	for len(runs) > 0 {
		style, length, link := noStyle, 0, 0
		if !runs[0].blank() {
			style, length = longest(runs, done)
			if !inLink && runs[0].URL != "" {
				link = reach(runs, func(r Run) bool { return sameLink(r, runs[0]) })
			}
		}
		switch {
		case link > length:
			flush()
			out = append(out, Link{URL: runs[0].URL, Title: runs[0].Title, Content: nest(runs[:link], done, true)})
			runs = runs[link:]
		case length > 0:
			flush()
			out = append(out, styled(style, nest(runs[:length], done|style, inLink)))
			runs = runs[length:]
		default:
			leaves = append(leaves, Run{Node: runs[0].Node})
			runs = runs[1:]
		}
	}
	flush()
	return out
}

// longest returns the style of the first run that reaches furthest, and how
// many runs it reaches over.
func longest(runs []Run, done Style) (style Style, length int) {
	for i := range styles {
		s := Style(1) << i
		if s&done != 0 || runs[0].Style&s == 0 {
			continue
		}
		if n := reach(runs, func(r Run) bool { return r.Style&s != 0 }); n > length {
			style, length = s, n
		}
	}
	return style, length
}

// reach returns how many runs in a row are such, without the white space at
// their end. The first one is no white space.
func reach(runs []Run, such func(Run) bool) int {
	n := 1
	for n < len(runs) && such(runs[n]) {
		n++
	}
	for runs[n-1].blank() {
		n--
	}
	return n
}

func sameLink(a, b Run) bool { return a.URL == b.URL && a.Title == b.Title }

func styled(style Style, content []Inline) Inline {
	switch style {
	case StyleSpoiler:
		return Spoiler{content}
	case StyleUnderline:
		return Underline{content}
	case StyleStrike:
		return Strike{content}
	case StyleStrong:
		return Strong{content}
	default:
		return Emphasis{content}
	}
}

// mergeRuns joins neighbours that differ in nothing but their characters. The
// characters of many neighbours are copied once.
func mergeRuns(runs []Run) []Run {
	if !anyMergeable(runs) {
		return runs
	}
	out := make([]Run, 0, len(runs))
	for i := 0; i < len(runs); {
		j := i + 1
		for j < len(runs) && mergeable(runs[i], runs[j]) {
			j++
		}
		run := runs[i]
		if j > i+1 {
			run.Node = joined(runs[i:j])
		}
		out = append(out, run)
		i = j
	}
	return out
}

func anyMergeable(runs []Run) bool {
	for i := 1; i < len(runs); i++ {
		if mergeable(runs[i-1], runs[i]) {
			return true
		}
	}
	return false
}

func mergeable(a, b Run) bool {
	if a.Style != b.Style || !sameLink(a, b) {
		return false
	}
	switch a.Node.(type) {
	case Text:
		_, ok := b.Node.(Text)
		return ok
	case Code:
		_, ok := b.Node.(Code)
		return ok
	}
	return false
}

func joined(runs []Run) Inline {
	var b strings.Builder
	for _, r := range runs {
		switch n := r.Node.(type) {
		case Text:
			b.WriteString(string(n))
		case Code:
			b.WriteString(string(n))
		}
	}
	if _, ok := runs[0].Node.(Code); ok {
		return Code(b.String())
	}
	return Text(b.String())
}

// splitSpaces makes runs of their own of the white space at the edges of texts
// that are set apart.
func splitSpaces(runs []Run) []Run {
	if !slices.ContainsFunc(runs, Run.isSetApart) {
		return runs
	}
	out := make([]Run, 0, len(runs))
	for _, r := range runs {
		text, ok := r.Node.(Text)
		if !ok || !r.isSetApart() {
			out = append(out, r)
			continue
		}
		rest := strings.TrimLeftFunc(string(text), unicode.IsSpace)
		core := strings.TrimRightFunc(rest, unicode.IsSpace)
		for _, part := range []string{string(text)[:len(text)-len(rest)], core, rest[len(core):]} {
			if part != "" {
				r.Node = Text(part)
				out = append(out, r)
			}
		}
	}
	return out
}

func (r Run) isSetApart() bool { return r.Style != noStyle || r.URL != "" }

func (r Run) blank() bool {
	switch n := r.Node.(type) {
	case Break:
		return true
	case Text:
		return strings.TrimLeftFunc(string(n), unicode.IsSpace) == ""
	}
	return false
}

// breakLines splits texts at their line feeds.
func breakLines(runs []Run) []Run {
	if !slices.ContainsFunc(runs, func(r Run) bool {
		text, ok := r.Node.(Text)
		return ok && strings.Contains(string(text), "\n")
	}) {
		return runs
	}
	out := make([]Run, 0, len(runs))
	for _, r := range runs {
		text, ok := r.Node.(Text)
		if !ok {
			out = append(out, r)
			continue
		}
		first := true
		for line := range strings.SplitSeq(string(text), "\n") {
			if !first {
				r.Node = Break{}
				out = append(out, r)
			}
			first = false
			if line != "" {
				r.Node = Text(line)
				out = append(out, r)
			}
		}
	}
	return out
}
