package dialect

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// whatWorks ends a refusal with what would have been accepted.
const whatWorks = `send JSON with "text" (or "content"), and if you like "username", "icon_url", "embeds", "attachments" or "threadId".`

// Most that is taken of a list. What is beyond it is left out.
const (
	MaxCards  = 10
	MaxFields = 25
	MaxFiles  = 10
)

// Fields reads a body's fields and collects what is wrong with them: for
// dialects that refuse fields of the wrong kind. The others use [Object].
type Fields struct {
	Object
	path string // of the object, with a dot at the end; "" for the body itself
	errs *hub.FieldErrors
}

// NewFields reads the members of a body, and adds what is wrong with them to errs.
func NewFields(o Object, errs *hub.FieldErrors) Fields { return Fields{Object: o, errs: errs} }

// Wrong notes that a member is not as it should be.
func (f Fields) Wrong(name, detail string) { f.errs.Add(f.path+name, "%s", detail) }

// Text returns the first of the names that has a value. Numbers and booleans
// are taken as they are written; objects and arrays are an error.
func (f Fields) Text(names ...string) string {
	for _, name := range names {
		v := f.Get(name)
		if v.Absent() {
			continue
		}
		if s, ok := v.Text(); ok {
			return s
		}
		f.errs.Add(f.path+name, "must be a string")
		return ""
	}
	return ""
}

// Link returns the first of the names, when it is a web address. Anything else
// cannot be shown and is left out: a missing picture is no reason to refuse.
func (f Fields) Link(names ...string) string {
	s := strings.TrimSpace(f.Text(names...))
	if !IsWebURL(s) {
		return ""
	}
	return s
}

// Flag returns a boolean, also one that is written as a string.
func (f Fields) Flag(name string) bool {
	s, _ := f.Get(name).Text()
	b, _ := strconv.ParseBool(s)
	return b
}

// List calls fn for the objects of an array, at most limit of them.
func (f Fields) List(name string, limit int, fn func(Fields)) {
	v := f.Get(name)
	if v.Absent() {
		return
	}
	if !v.IsArray() {
		f.errs.Add(f.path+name, "must be an array of objects")
		return
	}
	i := 0
	for e := range v.Elements() {
		if i == limit {
			return
		}
		at := f.path + name + "[" + strconv.Itoa(i) + "]"
		i++
		if !e.IsObject() {
			f.errs.Add(at, "must be an object")
			continue
		}
		fn(Fields{e.Object(), at + ".", f.errs})
	}
}

// Inside returns the object of that name, empty when it is none.
func (f Fields) Inside(name string) Fields {
	return Fields{f.Get(name).Object(), f.path + name + ".", f.errs}
}

// IsWebURL reports whether s is an absolute http or https address of at most
// 2,048 bytes.
func IsWebURL(s string) bool {
	if s == "" || len(s) > 2048 || !hasWebScheme(s) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != ""
}

func hasWebScheme(s string) bool {
	return len(s) > 8 && (strings.EqualFold(s[:8], "https://") || strings.EqualFold(s[:7], "http://"))
}

// Color reads a colour: "#rrggbb", "rrggbb", "#rgb", a name such as "good", or an
// integer; "" for anything else.
func Color(v Value) markup.Color {
	s, ok := v.Text()
	if !ok {
		return ""
	}
	if v[0] == '"' {
		return markup.ParseColor(s)
	}
	n, err := strconv.ParseUint(s, 10, 24)
	if err != nil {
		return ""
	}
	return markup.ColorRGB(int(n))
}
