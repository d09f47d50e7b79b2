package card

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Bounds of what is shown.
const (
	maxFacts    = dialect.MaxFields
	maxText     = 1000 // of one value, in bytes
	maxElements = 20   // of an array of single values
	maxLines    = 5    // of an array of objects
	maxParts    = 12   // values of an object on a line
)

// facts shows what was not taken, as far as there is room.
func (b *board) facts() []markup.Block {
	open, more := b.remaining()
	count := b.labels()
	var f dialect.Facts
	for _, l := range open {
		add(&f, l.label(count), l)
	}
	out := f.Blocks()
	if more += b.beyond; more > 0 {
		out = append(out, andMore(more))
	}
	return out
}

// remaining returns the leaves that are still to be shown, in the order in which they
// stand, and how many there is no room for: those to which the most names lead.
func (b *board) remaining() (open []*leaf, more int) {
	var noise []*leaf
	for i := range b.leaves {
		l := &b.leaves[i]
		text := l.value.Str()
		switch {
		case l.taken || b.shown[text]:
		case isHidden(l):
		case isNoise(text) && !isID(l) && !isSum(l):
			noise = append(noise, l)
		default:
			open = append(open, l)
			b.show(text)
		}
	}
	if len(open) == 0 && len(b.shown) == 0 {
		open, noise = noise, nil
	}
	slices.SortStableFunc(open, func(a, b *leaf) int { return order(a) - order(b) })
	if more = len(open) - maxFacts; more <= 0 {
		return open, len(noise)
	}
	more += len(noise)
	kept := slices.Clone(open)
	slices.SortStableFunc(kept, func(a, b *leaf) int { return rank(a) - rank(b) })
	kept = kept[:maxFacts]
	return slices.DeleteFunc(open, func(l *leaf) bool { return !slices.Contains(kept, l) }), more
}

// order is 0 for what says how it stands, which people look for first, and 2 for what
// only tells one thing from another.
func order(l *leaf) int {
	switch {
	case len(l.path) < 3 && (slices.Contains(states, l.name) || slices.Contains(grades, l.name)):
		return 0
	case isID(l), isSum(l):
		return 2
	}
	return 1
}

func isID(l *leaf) bool {
	words := split(l.path[len(l.path)-1])
	return len(words) > 0 && slices.Contains([]string{"id", "ids", "uid", "uuid", "guid"}, strings.ToLower(words[len(words)-1]))
}

// isSum reports whether a value is a checksum by which people know something.
func isSum(l *leaf) bool {
	words := split(l.path[len(l.path)-1])
	return len(words) > 0 && slices.Contains(sums, strings.ToLower(words[len(words)-1]))
}

var sums = strings.Fields("commit sha sha1 sha256 hash revision rev digest checksum md5 fingerprint before after")

// rank is higher for what is wanted less.
func rank(l *leaf) int {
	r := 2 * len(l.path)
	if isURL(l) || isID(l) || isSum(l) {
		r += 5
	}
	return r
}

// isNoise reports whether a text is made for machines: a checksum, a token or a UUID.
func isNoise(s string) bool {
	if len(s) < 32 || strings.ContainsAny(s, " \n./:@") {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' {
			return r
		}
		return -1
	}, s)
	return len(digits) >= 32 && len(s)-len(digits) <= 4 && strings.ContainsAny(digits, "0123456789")
}

// isHidden reports whether a value is for nobody in a chat: a key to something, a
// colour, or the time at which nothing was.
func isHidden(l *leaf) bool {
	switch {
	case slices.Contains(secrets, l.name):
		return true
	case slices.Contains(colors, l.name):
		return dialect.Color(l.value) != ""
	}
	return strings.HasPrefix(l.value.Str(), "0001-01-01")
}

var secrets = strings.Fields("signature token accesstoken authtoken apitoken secret clientsecret password passwd apikey authorization privatekey")

func add(f *dialect.Facts, label string, l *leaf) {
	text := l.value.Str()
	switch {
	case l.value.IsArray():
		addArray(f, label, l.value)
	case isURL(l):
		f.AddLink(label, text, shortURL(text))
	case isMoment(l):
		f.AddLine(label, dialect.When(l.value))
	default:
		f.Add(label, clip(written(l.value)))
	}
}

func addArray(f *dialect.Facts, label string, list dialect.Value) {
	var items []markup.ListItem
	more := 0
	for e := range list.Elements() {
		if !e.IsObject() {
			continue
		}
		if len(items) == maxLines {
			more++
			continue
		}
		if line := compact(e); line != nil {
			items = append(items, markup.ListItem{Blocks: []markup.Block{dialect.Para(line...)}})
		}
	}
	if items == nil {
		f.Add(label, clip(joined(scalars(list))))
		return
	}
	blocks := []markup.Block{markup.List{Items: items}}
	if more > 0 {
		blocks = append(blocks, dialect.Para(dialect.Txt("and "+strconv.Itoa(more)+" more")))
	}
	f.AddBlocks(label, blocks...)
}

// compact shows an object on a line: its title and text, then the other values.
func compact(v dialect.Value) []markup.Inline {
	b := spread(v)
	title, text := b.heading()
	url := b.url(true)
	var line []markup.Inline
	part := func(n ...markup.Inline) {
		if line != nil {
			line = append(line, dialect.Txt(" · "))
		}
		line = append(line, n...)
	}
	if title != "" || url != "" {
		part(dialect.Link(url, oneLine(title)))
	}
	if text != "" {
		part(dialect.Txt(oneLine(text)))
	}
	open, _ := b.remaining()
	count := b.labels()
	for _, l := range open[:min(len(open), maxParts)] {
		part(dialect.Txt(l.label(count) + ": " + oneLine(summary(l.value))))
	}
	return line
}

// summary is a value on a line.
func summary(v dialect.Value) string {
	objects := 0
	for e := range v.Elements() {
		if e.IsObject() {
			objects++
		}
	}
	if objects > 0 {
		return dialect.Count(objects, "entry", "entries")
	}
	return joined(scalars(v))
}

// written writes a scalar for people.
func written(v dialect.Value) string {
	switch text := v.Str(); {
	case v[0] == '"':
		return text
	case text == "true":
		return "yes"
	case text == "false":
		return "no"
	default:
		return text
	}
}

// scalars returns the single values in a value, whatever arrays they are in. Two in
// an array of their own are a name and its value.
func scalars(v dialect.Value) []string {
	if v.Absent() || v.IsObject() {
		return nil
	}
	if !v.IsArray() {
		return []string{written(v)}
	}
	var out []string
	for e := range v.Elements() {
		inner := scalars(e)
		if e.IsArray() && len(inner) == 2 {
			inner = []string{inner[0] + ": " + inner[1]}
		}
		out = append(out, inner...)
	}
	return out
}

// joined writes values on a line.
func joined(values []string) string {
	values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
	if more := len(values) - maxElements; more > 0 {
		values = append(values[:maxElements:maxElements], "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(values, ", ")
}

// isMoment reports whether a value is a time: a number only if its name says so.
func isMoment(l *leaf) bool {
	if dialect.Moment(l.value).IsZero() {
		return false
	}
	if strings.Trim(l.value.Str(), "0123456789.") != "" {
		return true
	}
	name := l.name
	for _, end := range []string{"at", "time", "date", "timestamp", "ts", "epoch", "created", "updated"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// shortURL is an address as people say it.
func shortURL(url string) string {
	_, short, _ := strings.Cut(url, "://")
	return clipAt(strings.TrimSuffix(short, "/"), 60)
}

func clip(s string) string { return clipAt(s, maxText) }

// oneLine is a text in its place on a line.
func oneLine(s string) string { return clipAt(strings.Join(strings.Fields(s), " "), 200) }

// clipAt returns at most n bytes of a text, and a sign that it went on.
func clipAt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
