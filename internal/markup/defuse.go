package markup

import (
	"slices"
	"strings"
)

// Allow says which mentions an author may use. Naming a channel notifies
// nobody and is always allowed.
type Allow struct {
	Users     bool
	Groups    bool
	Broadcast bool
}

func (a Allow) allows(t Target) bool {
	switch t {
	case TargetUser:
		return a.Users
	case TargetGroup:
		return a.Groups
	case TargetBroadcast:
		return a.Broadcast
	}
	return true
}

// Defuse makes texts of the mentions that are not allowed. Unless broadcasts
// are, it also breaks what could be taken for one in texts, even over the
// borders of styles ([BreakMentions]). All of it stays readable; code is not
// touched. The result is normal.
func Defuse(d Document, allow Allow) (Document, Degradations) {
	f := defuser{allow: allow}
	d = Mapper{Block: f.block, content: f.content}.Map(Normal(d))
	return Normal(d), f.lost
}

type defuser struct {
	allow Allow
	lost  Degradations
}

func (f *defuser) block(b Block) []Block {
	switch n := b.(type) {
	case Card:
		n.Author.Name = f.text(n.Author.Name)
		n.Thumbnail = f.image(n.Thumbnail)
		return []Block{n}
	case Image:
		return []Block{f.image(n)}
	case Unknown:
		n.Fallback = f.text(n.Fallback)
		return []Block{n}
	}
	return []Block{b}
}

func (f *defuser) content(content []Inline) []Inline {
	runs := Runs(content)
	for i := range runs {
		runs[i].Title = f.text(runs[i].Title)
		switch n := runs[i].Node.(type) {
		case Mention:
			if !f.allow.allows(n.Target) {
				f.lost.Add(KindMention, Defused)
				runs[i].Node = Text("@" + zeroWidthSpace + n.label()[1:])
			}
		case Image:
			runs[i].Node = f.image(n)
		}
	}
	if !f.allow.Broadcast {
		breakRuns(runs)
	}
	return Nest(runs)
}

func (f *defuser) text(s string) string {
	if f.allow.Broadcast {
		return s
	}
	return BreakMentions(s)
}

func (f *defuser) image(n Image) Image {
	n.Alt, n.Title = f.text(n.Alt), f.text(n.Title)
	return n
}

// breakRuns breaks the broadcasts that runs spell, alone or together. One that
// is all code stays.
func breakRuns(runs []Run) {
	var b strings.Builder
	starts := make([]int, len(runs)+1)
	for i, r := range runs {
		b.WriteString(PlainInline([]Inline{r.Node}))
		starts[i+1] = b.Len()
	}
	spelled := b.String()
	cuts := make([][]int, len(runs)) // where to put the spaces, by run
	at := 0                          // the run of the "@"
	for i := range len(spelled) {
		for i >= starts[at+1] {
			at++
		}
		if spelled[i] != '@' || i > starts[at] && alnumBefore(spelled, i) {
			continue // in a word, and nothing will be printed between
		}
		end := i + 1 + broadcastPrefix(spelled[i+1:])
		if _, atBorder := slices.BinarySearch(starts, end); end == i+1 || alnumAfter(spelled, end) && !atBorder {
			continue
		}
		for run := at; run < len(runs) && starts[run] < end; run++ {
			if isWritten(runs[run].Node) {
				cuts[run] = append(cuts[run], max(i+1-starts[run], 0))
				break
			}
		}
	}
	for i, cut := range cuts {
		if len(cut) == 0 {
			continue
		}
		broken := insert(PlainInline([]Inline{runs[i].Node}), cut, zeroWidthSpace)
		switch n := runs[i].Node.(type) {
		case Text:
			runs[i].Node = Text(broken)
		case Timestamp:
			n.Text = broken
			runs[i].Node = n
		case Unknown:
			n.Fallback = broken
			runs[i].Node = n
		}
	}
}

// isWritten reports whether a leaf shows what its author wrote, and no code.
func isWritten(n Inline) bool {
	switch n := n.(type) {
	case Text, Unknown:
		return true
	case Timestamp:
		return n.Text != ""
	}
	return false
}

// insert puts what at the given offsets of s, which ascend.
func insert(s string, offsets []int, what string) string {
	var b strings.Builder
	done := 0
	for _, at := range offsets {
		b.WriteString(s[done:at] + what)
		done = at
	}
	return b.String() + s[done:]
}

// zeroWidthSpace is what breaks a mention.
const zeroWidthSpace = "\u200b"

// BreakMentions puts a zero-width space behind the @ of what addresses
// everybody at once, @here, @channel, @everyone and @all, so that it stays
// readable and addresses nobody wherever the text is sent.
func BreakMentions(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	var offsets []int
	for i := range len(s) {
		if s[i] == '@' && !alnumBefore(s, i) && broadcastLen(s[i+1:]) > 0 {
			offsets = append(offsets, i+1)
		}
	}
	return insert(s, offsets, zeroWidthSpace)
}

// broadcastLen returns the length of the name of a broadcast that begins s; 0
// when none does.
func broadcastLen(s string) int {
	if n := broadcastPrefix(s); !alnumAfter(s, n) {
		return n
	}
	return 0
}

// broadcastPrefix is broadcastLen for a name that may go on.
func broadcastPrefix(s string) int {
	for name := range broadcasts {
		if hasPrefixFold(s, name) {
			return len(name)
		}
	}
	return 0
}

// alnumBefore is WordBefore but for the underscore, which may belong to markup.
func alnumBefore(s string, i int) bool {
	return WordBefore(s, i) && s[i-1] != '_'
}
