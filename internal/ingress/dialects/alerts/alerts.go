// Package alerts holds the webhooks of products that watch others and are not large
// enough for packages of their own: PagerDuty, Pingdom, Amazon SNS with CloudWatch,
// Graylog, Google Cloud Monitoring, VMware vRealize Operations, ThousandEyes, Axiom,
// Dash0 and NetBox. Each has a file, whose dialect says by what it is known.
//
// All make the same kind of card: the state, of what, why, the values, and where to
// go. Ids that only the product understands, and what it needs for itself, are left
// out.
package alerts

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// All are the dialects of this package. No request is known to two of them.
var All = [...]*dialect.Dialect{
	PagerDuty, Pingdom, SNS, Graylog, GoogleCloud, VRealize, ThousandEyes, Axiom, Dash0, NetBox,
}

// posted makes the post of an alarm that has a natural key; id may be empty.
func posted(r *dialect.Request, a *dialect.Alarm, kind, id string) (dialect.Post, error) {
	p := dialect.Post{Doc: a.Doc()}
	if id != "" {
		p.Key = kind + ":" + id
	}
	return p, r.Finish(&p, nil)
}

// constant writes a constant of a program, as ALERT_TYPE_STORAGE, for people,
// without the prefix that all of its kind have.
func constant(s, prefix string) string {
	return dialect.Title(strings.ToLower(strings.TrimPrefix(s, prefix)))
}

// scalars adds the members of an object that have a text and are not to be skipped.
func scalars(facts *dialect.Facts, o dialect.Object, skip func(name string) bool) {
	for _, name := range o.Names() {
		if facts.Len() < dialect.MaxFields && !skip(name) {
			facts.Add(dialect.Title(name), o.Str(name))
		}
	}
}

// timeRange adds what a query looked at.
func timeRange(facts *dialect.Facts, title string, from, to time.Time) {
	if !from.IsZero() && !to.IsZero() {
		facts.AddLine(title, dialect.Clock(from), dialect.Txt(" to "), dialect.Clock(to))
	}
}

// isInternal reports whether a member's name is that of something no person reads.
func isInternal(name string) bool {
	return name == "id" || name == "version" || strings.HasPrefix(name, "_")
}

// pairs writes the members of an object on one line: "zone eu-1, disk sda".
func pairs(o dialect.Object) string {
	var parts []string
	for _, name := range o.Names() {
		if value := o.Str(name); value != "" {
			parts = append(parts, strings.ReplaceAll(name, "_", " ")+" "+value)
		}
	}
	return strings.Join(parts, ", ")
}
