package fieldmap

import (
	"encoding/json"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Bounds of a template.
const (
	maxLength   = 1000 // in bytes
	maxPointers = 20
)

// Template is a text with values of a request in it; see the package's comment.
type Template string

// part is a piece of a template: a text, or a pointer.
type part struct {
	text    string
	pointer bool
	steps   []string // of the pointer
}

// Check adds to errs what is wrong with the template, which is the value of a field.
func (t Template) Check(field string, errs *hub.FieldErrors) {
	if _, wrong := t.parts(); wrong != "" {
		errs.Add(field, "%s", wrong)
	}
}

// Expand puts the values of a request into the template. It is "" when one of them is
// not there or empty, and when the template is wrong.
func (t Template) Expand(r *dialect.Request) string {
	text, _, missing := t.expand(root(r))
	if missing > 0 {
		return ""
	}
	return text
}

// expand also tells how many values were found, and how many were not.
func (t Template) expand(body dialect.Value) (text string, found, missing int) {
	parts, wrong := t.parts()
	if wrong != "" {
		return "", 0, 1
	}
	var b strings.Builder
	for _, p := range parts {
		if !p.pointer {
			b.WriteString(p.text)
			continue
		}
		value := written(walk(body, p.steps))
		if value == "" {
			missing++
			continue
		}
		found++
		b.WriteString(value)
	}
	return strings.TrimSpace(b.String()), found, missing
}

// fill is the template with the values that are there; "" when it has pointers and
// none leads to a value.
func (t Template) fill(body dialect.Value) string {
	text, found, missing := t.expand(body)
	if found == 0 && missing > 0 {
		return ""
	}
	return text
}

// parts takes a template apart. wrong says why it is none.
func (t Template) parts() (parts []part, wrong string) {
	s := string(t)
	switch {
	case len(s) > maxLength:
		return nil, "must be at most 1000 bytes"
	case strings.HasPrefix(s, "/") && !strings.ContainsAny(s, "{}"):
		return pointerPart(nil, s)
	}
	pointers := 0
	for s != "" && wrong == "" {
		at := strings.IndexAny(s, "{}")
		switch {
		case at < 0:
			return append(parts, part{text: s}), ""
		case at > 0:
			parts, s = append(parts, part{text: s[:at]}), s[at:]
		case len(s) > 1 && s[1] == s[0]:
			parts, s = append(parts, part{text: s[:1]}), s[2:]
		case s[0] == '}':
			return nil, `has a "}" without a "{" before it; write "}}" for a brace`
		default:
			pointer, rest, closed := strings.Cut(s[1:], "}")
			if !closed {
				return nil, `has a "{" without a "}" behind it; write "{{" for a brace`
			}
			if pointers++; pointers > maxPointers {
				return nil, "must have at most 20 pointers"
			}
			parts, wrong = pointerPart(parts, pointer)
			s = rest
		}
	}
	return parts, wrong
}

func pointerPart(parts []part, pointer string) (all []part, wrong string) {
	if !strings.HasPrefix(pointer, "/") {
		return nil, `must have a JSON Pointer between braces, which begins with "/"`
	}
	steps := strings.Split(pointer[1:], "/")
	for i, step := range steps {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(step), "~") {
			return nil, `has a "~" in a JSON Pointer without a 0 or a 1 behind it`
		}
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return append(parts, part{pointer: true, steps: steps}), ""
}

// root is the value at which pointers begin.
func root(r *dialect.Request) dialect.Value {
	if r.JSON != nil {
		return r.JSON
	}
	return r.Whole()
}

// walk goes down into a value, and into JSON in strings.
func walk(v dialect.Value, steps []string) dialect.Value {
	for _, step := range steps {
		if s := v.Str(); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
			if !json.Valid([]byte(s)) {
				return nil
			}
			v = dialect.Value(s)
		}
		v = v.At(step)
	}
	return v
}

// written is a value as text: the elements of an array are joined, and an object is
// none.
func written(v dialect.Value) string {
	if !v.IsArray() {
		return v.Str()
	}
	var texts []string
	for e := range v.Elements() {
		if s := e.Str(); s != "" {
			texts = append(texts, s)
		}
	}
	return strings.Join(texts, ", ")
}
