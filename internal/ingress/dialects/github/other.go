package github

import "github.com/nself-chat/hub/internal/ingress/dialect"

// other tells of a kind of event that is not known, by what GitHub's events have in
// common: an action, who did it where, and objects with a name and a page.
func other(e *event) message {
	what := e.kind
	if what == "" {
		what = "event"
	}
	m := message{color: dialect.Blue}
	m.line = e.told(bold(dialect.Title(what)), txt(words(e.action)), with("by", person(e.sender)))
	for _, name := range e.Names() {
		if common[name] || m.facts.Len() >= dialect.MaxFields {
			continue
		}
		v := e.Get(name)
		if v.IsObject() {
			o := v.Object()
			m.facts.AddLine(dialect.Title(name), otherName(o)...)
			m.facts.Add("State", o.First("state", "status"))
			continue
		}
		if s := v.Str(); len(s) <= 500 {
			m.facts.Add(dialect.Title(name), s)
		}
	}
	return m
}

// common are the members that the sentence has already, or that say nothing.
var common = map[string]bool{
	"action": true, "sender": true, "repository": true, "organization": true, "installation": true, "enterprise": true, "changes": true,
}

func otherName(o dialect.Object) phrase {
	title := o.First("title", "name", "full_name", "login", "slug", "description")
	if n := o.Str("number"); n != "" && title != "" {
		title = "#" + n + ": " + title
	}
	return link(o.URL("html_url"), title)
}
