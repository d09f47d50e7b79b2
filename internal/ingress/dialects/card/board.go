package card

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Bounds of what is looked at.
const (
	maxLeaves = 400 // of a body
	maxDeep   = 4   // how many names may lead to what stands at the top of the card
	maxNested = 3   // how often JSON may stand in a string of JSON
)

// leaf is a value that is shown by itself, and the names that lead to it.
type leaf struct {
	path   []string
	name   string        // the last of them, plain
	parent string        // the one before it, plain; "": there is none
	value  dialect.Value // a scalar that is not empty, or an array
	taken  bool          // it is in the card
}

// plainName makes one word of "Created-At", "created_at" and "createdAt".
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_- .@", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// board is a body that was taken apart.
type board struct {
	leaves []leaf
	beyond int // how many values were not looked at, at least
	shown  map[string]bool
}

// spread takes an object apart. Objects that only wrap another are passed over.
func spread(body dialect.Value) *board {
	for o := body.Object(); len(o) == 1 && o.Get(o.Names()[0]).IsObject(); o = body.Object() {
		body = o.Get(o.Names()[0])
	}
	b := &board{shown: map[string]bool{}}
	b.walk(body, nil, 0)
	return b
}

// walk collects the leaves of a value, in the order in which they stand.
func (b *board) walk(v dialect.Value, path []string, nested int) {
	switch {
	case len(b.leaves) == maxLeaves:
		b.beyond++
	case v.IsObject():
		o := v.Object()
		for _, name := range o.Names() {
			b.walk(o.Get(name), append(slices.Clip(path), name), nested)
		}
	case v.IsArray():
		b.walkArray(v, path, nested)
	case v.Str() == "":
	case nested < maxNested && holdsJSON(v.Str()):
		b.walk(dialect.Value(v.Str()), path, nested+1)
	default:
		b.add(v, path)
	}
}

// walkArray passes over an array around a single value.
func (b *board) walkArray(v dialect.Value, path []string, nested int) {
	n := 0
	var only dialect.Value
	for e := range v.Elements() {
		if !isEmpty(e) {
			only = e
			n++
		}
	}
	switch {
	case n == 1:
		b.walk(only, path, nested)
	case n > 1:
		b.add(v, path)
	}
}

func (b *board) add(v dialect.Value, path []string) {
	if len(path) == 0 {
		return
	}
	l := leaf{path: path, name: plainName(path[len(path)-1]), value: v}
	if len(path) > 1 {
		l.parent = plainName(path[len(path)-2])
	}
	b.leaves = append(b.leaves, l)
}

// isEmpty reports whether a value says nothing.
func isEmpty(v dialect.Value) bool {
	return v.Absent() || !v.IsArray() && !v.IsObject() && v.Str() == "" || string(v) == "{}" || string(v) == "[]"
}

// holdsJSON reports whether a string is JSON with something in it.
func holdsJSON(s string) bool {
	return len(s) > 2 && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

// find returns the leaf with the first of these names, and of those the one to which
// the fewest names lead; nil when there is none.
func (b *board) find(names []string, deepest int, fits func(*leaf) bool) *leaf {
	for depth := 1; depth <= deepest; depth++ {
		for _, name := range names {
			for i := range b.leaves {
				l := &b.leaves[i]
				if len(l.path) == depth && !l.taken && l.name == name && fits(l) {
					return l
				}
			}
		}
	}
	return nil
}

// show notes that a text is in the card. Short ones are no repetition: what is said of
// one thing may as well be said of another.
func (b *board) show(text string) { b.shown[text] = len(text) > 20 }

// take puts a leaf into the card, and returns its text; "" for nil.
func (b *board) take(l *leaf) string {
	if l == nil {
		return ""
	}
	l.taken = true
	text := l.value.Str()
	b.show(text)
	return text
}
