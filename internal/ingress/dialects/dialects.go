// Package dialects is the list of products whose webhooks the hub understands
// (package dialect), in the order in which a request is tried against them.
package dialects

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects/nself"
	"github.com/nself-chat/hub/internal/ingress/dialects/slack"
)

// all is tried from the top: who names themselves in a header first, then who is
// known by several fields, then who shares a field with others.
var all = [...]*dialect.Dialect{
	slack.Dialect,
	nself.Dialect,
}

// All returns the dialects in the order in which they are tried.
func All() []*dialect.Dialect { return all[:] }

// Default is the dialect of what no other one claims.
func Default() *dialect.Dialect { return nself.Dialect }

// ByName returns the dialect of that name, or nil.
func ByName(name string) *dialect.Dialect {
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Names lists the names of the dialects.
func Names() []string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	return names
}

// Recognise returns the dialect in which the request speaks, and by which mark it
// was known; never nil.
func Recognise(r *dialect.Request) (d *dialect.Dialect, why string) {
	for _, d := range all {
		if why := d.Detect(r); why != "" {
			return d, why
		}
	}
	return Default(), "nothing else fits"
}
