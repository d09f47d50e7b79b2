package slack

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// leaves returns content with only what a text of Slack can hold: for what it
// cannot, the text or a link.
func leaves(content []markup.Inline, lost *markup.Degradations) []markup.Run {
	runs := markup.Runs(content)
	out := make([]markup.Run, 0, len(runs))
	for i := 0; i < len(runs); {
		n := i + 1
		for n < len(runs) && runs[n].URL == runs[i].URL && runs[n].Title == runs[i].Title {
			n++
		}
		out = appendLink(out, runs[i:n], lost)
		i = n
	}
	return out
}

// appendLink adds the runs of one link, or some that are in none.
func appendLink(out, runs []markup.Run, lost *markup.Degradations) []markup.Run {
	url := runs[0].URL
	if runs[0].Title != "" {
		lost.Add(markup.KindLink, markup.Unreadable)
	}
	linked := url != "" && hasScheme(url)
	for _, r := range runs {
		if r.Style&markup.StyleSpoiler != 0 {
			lost.Add(markup.KindSpoiler, markup.AsText)
			r.Style &^= markup.StyleSpoiler
		}
		r.Title = ""
		if !linked {
			r.URL = ""
		}
		if r.Node = leaf(r, len(runs) > 1, lost); r.Node == nil {
			continue
		}
		if img, ok := r.Node.(markup.Image); ok {
			r.Node, r.URL = markup.Text(img.Alt), img.URL
		}
		out = append(out, r)
	}
	if url != "" && !linked {
		lost.Add(markup.KindLink, markup.AsText)
		if !showsURL(runs, url) {
			out = append(out, markup.Run{Node: markup.Text(" (" + url + ")"), Style: runs[len(runs)-1].Style &^ markup.StyleSpoiler})
		}
	}
	return out
}

func showsURL(runs []markup.Run, url string) bool {
	return len(runs) == 1 && runs[0].Node == markup.Inline(markup.Text(url))
}

// leaf returns a leaf that can be written. An image stays one when it is to be
// a link, with something to show for it.
func leaf(r markup.Run, inLongerLink bool, lost *markup.Degradations) markup.Inline {
	switch n := r.Node.(type) {
	case markup.Mention:
		if r.URL == "" && (isID(n.Target, n.ID) || isBroadcast(n)) {
			return n
		}
		lost.Add(markup.KindMention, markup.Defused)
		return plain(n)
	case markup.Emoji:
		if code := ":" + n.Name + ":"; shortcodeEnd(code, 0) < len(code) {
			lost.Add(markup.KindEmoji, markup.AsText)
			return markup.Text(code)
		}
	case markup.Timestamp:
		if r.URL != "" && (inLongerLink || strings.ContainsAny(r.URL, "^|")) {
			lost.Add(markup.KindTimestamp, markup.AsText)
			return plain(n)
		}
	case markup.Image:
		return imageLink(n, r.URL != "", lost)
	case markup.Unknown:
		lost.Add(n.Name, markup.AsText)
		return plain(n)
	}
	return r.Node
}

func isBroadcast(n markup.Mention) bool {
	return n.Target == markup.TargetBroadcast &&
		(n.Name == markup.BroadcastHere || n.Name == markup.BroadcastChannel || n.Name == markup.BroadcastEveryone)
}

func plain(n markup.Inline) markup.Inline {
	s := markup.PlainInline([]markup.Inline{n})
	if s == "" {
		return nil
	}
	return markup.Text(s)
}

// imageLink returns an image with what a link to it shows, or what is shown
// instead of it.
func imageLink(n markup.Image, linked bool, lost *markup.Degradations) markup.Inline {
	if linked || !hasScheme(n.URL) {
		lost.Add(markup.KindImage, markup.AsText)
		return plain(n)
	}
	lost.Add(markup.KindImage, markup.AsLink)
	for _, label := range []string{n.Alt, n.Title} {
		if label != "" {
			return markup.Image{URL: n.URL, Alt: label}
		}
	}
	return markup.Image{URL: n.URL, Alt: n.URL}
}

// splitLines returns the inline tree of each line: no style reaches over its end.
func splitLines(runs []markup.Run) [][]markup.Inline {
	var lines [][]markup.Inline
	from := 0
	for i, r := range runs {
		if isBreak(r) {
			lines = append(lines, markup.Nest(runs[from:i]))
			from = i + 1
		}
	}
	return append(lines, markup.Nest(runs[from:]))
}
