package dialect

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// maxCommits is how many commits of a push are listed.
const maxCommits = 10

// maxExcerpt is how much of a long text is shown, in characters.
const maxExcerpt = 1000

// Report is what happened, in one line, and a card with what else there is to
// know. A card that would show nothing but a time is left out.
func Report(line []markup.Inline, card markup.Card) markup.Document {
	if len(card.Title) == 0 && (markup.Document{Blocks: card.Blocks}).IsEmpty() {
		return Say(Para(line...))
	}
	return Say(Para(line...), card)
}

// Excerpt is the beginning of a text that may be long, as read understands it.
func Excerpt(source string, read func(string) []markup.Block) []markup.Block {
	if most := 16 * maxExcerpt; len(source) > most { // markup has its length as well
		source = strings.ToValidUTF8(source[:most], "")
	}
	short, _ := markup.Clip(markup.Document{Blocks: read(source)}, maxExcerpt, func(d markup.Document) int {
		return markup.Runes(markup.Plain(d))
	})
	return short.Blocks
}

// HTML is text that its sender writes in HTML.
func HTML(s string) []markup.Block { return markup.ParseHTML(s).Blocks }

// Commit is one change of a source code repository.
type Commit struct {
	ID      string
	URL     string
	Message string
	Author  string
}

// Line is the commit on one line: its short name, what it says, and by whom.
func (c Commit) Line() []markup.Inline {
	line := Line(CommitLink(c.URL, c.ID))
	if first := FirstLine(c.Message); first != "" {
		line = append(line, Txt(" "+first))
	}
	if c.Author != "" {
		line = append(line, Txt(" — "+c.Author))
	}
	return line
}

// CommitLink is a commit's short name, which leads to it if there is a URL.
func CommitLink(url, id string) markup.Inline {
	short := Fixed(Short(id))
	if !IsWebURL(url) || id == "" {
		return short
	}
	return markup.Link{URL: url, Content: Line(short)}
}

// Commits lists at most ten commits, and says how many more there are in all.
func Commits(commits []Commit, total int) []markup.Block {
	if len(commits) == 0 {
		return nil
	}
	shown := commits[:min(len(commits), maxCommits)]
	list := markup.List{}
	for _, c := range shown {
		list.Items = append(list.Items, markup.ListItem{Blocks: []markup.Block{Para(c.Line()...)}})
	}
	blocks := []markup.Block{list}
	if more := max(total, len(commits)) - len(shown); more > 0 {
		blocks = append(blocks, Para(Txt("and "+strconv.Itoa(more)+" more")))
	}
	return blocks
}

// Ref tells what a full name of git's, as refs/heads/main, stands for: the kind is
// "branch" or "tag". A name without a prefix is a branch's.
func Ref(ref string) (kind, name string) {
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		return "tag", tag
	}
	return "branch", strings.TrimPrefix(ref, "refs/heads/")
}

// NoCommit reports whether the name of a commit stands for none: git writes only
// zeros before the first commit of a branch and after the last.
func NoCommit(id string) bool { return strings.Trim(id, "0") == "" }

// Took writes for people how long something took: "850 ms", "42 s", "3 min 5 s",
// "2 h 10 min", "1 d 4 h"; "" when it took no time.
func Took(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Second:
		return strconv.FormatInt(max(1, d.Milliseconds()), 10) + " ms"
	case d < time.Minute:
		return units(d, time.Second, "s", 0, "")
	case d < time.Hour:
		return units(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return units(d, time.Hour, "h", time.Minute, "min")
	}
	return units(d, 24*time.Hour, "d", time.Hour, "h")
}

func units(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	s := strconv.FormatInt(int64(d/large), 10) + " " + largeName
	if small == 0 || d%large < small {
		return s
	}
	return s + " " + strconv.FormatInt(int64(d%large/small), 10) + " " + smallName
}

// Span reads a number of units, as seconds, as the time that it means; zero when
// it is none.
func Span(v Value, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(v.Str(), 64)
	if err != nil || !(n > 0) || n*float64(unit) > float64(math.MaxInt64)/2 {
		return 0
	}
	return time.Duration(n * float64(unit))
}

// maxJoined is how many names stand in one line.
const maxJoined = 15

// Joined writes the elements of an array in one line, each by its name; those
// without one are left out.
func Joined(list Value, name func(Value) string) string {
	var names []string
	for e := range list.Elements() {
		if n := name(e); n != "" {
			names = append(names, n)
		}
	}
	if more := len(names) - maxJoined; more > 0 {
		names = append(names[:maxJoined], "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(names, ", ")
}

// Named returns a name for [Joined]: the first of these members of an object that
// has a text.
func Named(members ...string) func(Value) string {
	return func(v Value) string { return v.Object().First(members...) }
}
