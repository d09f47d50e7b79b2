package app

import "strings"

// debugNamespace stands before the name of every component in DEBUG, as in nself-chat: integrations:delivery.
const debugNamespace = "integrations:"

// Debug says which components log in detail. The zero value names none.
type Debug struct{ include, exclude []string }

// ParseDebug reads patterns separated by commas or spaces. A star stands for any characters; a leading minus excludes,
// whatever the order. Names and patterns are compared as they are written.
func ParseDebug(text string) Debug {
	var d Debug
	for _, pattern := range splitList(text) {
		if excluded, found := strings.CutPrefix(pattern, "-"); found {
			d.exclude = append(d.exclude, excluded)
		} else {
			d.include = append(d.include, pattern)
		}
	}
	return d
}

// Component reports whether the component, such as "delivery", logs in detail.
func (d Debug) Component(name string) bool {
	name = debugNamespace + name
	return matchesAny(d.include, name) && !matchesAny(d.exclude, name)
}

// String returns the patterns as [ParseDebug] reads them.
func (d Debug) String() string {
	patterns := append([]string(nil), d.include...)
	for _, pattern := range d.exclude {
		patterns = append(patterns, "-"+pattern)
	}
	return strings.Join(patterns, ",")
}

func matchesAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// matches compares the fixed parts between the stars: the first must begin the name, the last must end it, and the
// others must follow each other. Taking the leftmost place for each is enough, so the time stays linear in practice.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, middle, last := parts[0], parts[1:len(parts)-1], parts[len(parts)-1]
	rest, found := strings.CutPrefix(name, first)
	if !found {
		return false
	}
	for _, part := range middle {
		if _, rest, found = strings.Cut(rest, part); !found {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}
