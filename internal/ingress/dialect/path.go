package dialect

import (
	"strconv"
	"strings"
)

// At walks down into a value: each step is the name of a member, or the index of
// an element of an array in digits. What is not there is absent.
func (v Value) At(path ...string) Value {
	for _, step := range path {
		switch {
		case v.IsObject():
			v = v.Object().Get(step)
		case v.IsArray():
			v = v.element(step)
		default:
			return nil
		}
	}
	return v
}

func (v Value) element(step string) Value {
	n, err := strconv.Atoi(step)
	if err != nil || n < 0 {
		return nil
	}
	for e := range v.Elements() {
		if n == 0 {
			return e
		}
		n--
	}
	return nil
}

// At walks down from a member; see [Value.At].
func (o Object) At(path ...string) Value {
	if len(path) == 0 {
		return nil
	}
	return o.Get(path[0]).At(path[1:]...)
}

// Str returns the text at the end of the path, without space around it, and ""
// when there is none. Numbers and booleans are as they are written.
func (o Object) Str(path ...string) string { return o.At(path...).Str() }

// Str returns the value as text without space around it; "" for arrays, objects
// and null.
func (v Value) Str() string {
	s, _ := v.Text()
	return strings.TrimSpace(s)
}

// First returns the text of the first member that has some; see [Object.Str].
func (o Object) First(names ...string) string {
	for _, name := range names {
		if s := o.Str(name); s != "" {
			return s
		}
	}
	return ""
}

// Flag returns a boolean, also one that is written as a string.
func (o Object) Flag(path ...string) bool {
	b, _ := strconv.ParseBool(o.Str(path...))
	return b
}

// URL returns the web address at the end of the path; "" when it is none.
func (o Object) URL(path ...string) string {
	if s := o.Str(path...); IsWebURL(s) {
		return s
	}
	return ""
}

// Names lists the members in the order in which they stand, each name once.
func (o Object) Names() []string {
	names := make([]string, 0, len(o))
	seen := make(map[string]bool, len(o))
	for _, m := range o {
		if !seen[m.name] {
			seen[m.name] = true
			names = append(names, m.name)
		}
	}
	return names
}

// Pointer returns what a JSON Pointer (RFC 6901) leads to; absent when nothing is
// there, or when it is no pointer.
func (v Value) Pointer(pointer string) Value {
	if pointer == "" {
		return v
	}
	if pointer[0] != '/' {
		return nil
	}
	steps := strings.Split(pointer[1:], "/")
	for i, step := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return v.At(steps...)
}
