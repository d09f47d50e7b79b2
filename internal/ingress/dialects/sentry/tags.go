package sentry

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// told are tags that have a place of their own on the card, or repeat another.
var told = [...]string{
	"environment", "release", "level", "user", "url", "browser", "browser.name", "os", "os.name", "client_os", "client_os.name",
	"runtime", "runtime.name", "device", "logger", "mechanism",
}

// tags writes the tags of an event that say something new.
func tags(e dialect.Object) string {
	var parts []string
	eachTag(e, func(name, value string) {
		if value != "" && !slices.Contains(told[:], name) && !strings.HasPrefix(name, "sentry:") {
			parts = append(parts, name+" "+value)
		}
	})
	return strings.Join(parts, " · ")
}

// tag returns the value of a tag.
func tag(e dialect.Object, want string) (found string) {
	eachTag(e, func(name, value string) {
		if name == want {
			found = value
		}
	})
	return found
}

// eachTag reads tags in both forms that Sentry has: pairs, and objects with key and
// value.
func eachTag(e dialect.Object, visit func(name, value string)) {
	n := 0
	for t := range e.Get("tags").Elements() {
		if n++; n > dialect.MaxFields {
			return
		}
		if t.IsArray() {
			visit(t.At("0").Str(), t.At("1").Str())
			continue
		}
		visit(t.Object().Str("key"), t.Object().Str("value"))
	}
}
