// Package sentry is what Sentry posts: the webhooks of its integrations ("Integration
// Platform, Webhooks"), known by the header Sentry-Hook-Resource or by their members,
// and the older WebHooks plugin, which sends the project and the event side by side.
//
// Stack traces, the headers and data of requests, addresses of users and the grant code of an
// installation are left out: the first is a click away, and the others are nobody
// else's business.
package sentry

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is Sentry's.
var Dialect = &dialect.Dialect{Name: "sentry", Title: "Sentry", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case r.Header.Get("Sentry-Hook-Resource") != "":
		return "the header Sentry-Hook-Resource"
	case isHook(f):
		return "the fields action, data and installation"
	case isPlugin(f):
		return "the fields project_slug, culprit and event"
	}
	return ""
}

func isHook(f dialect.Object) bool {
	return f.Has("action") && f.Get("data").IsObject() && f.At("installation", "uuid") != nil
}

func isPlugin(f dialect.Object) bool {
	return f.Has("project_slug", "project_name") && f.Has("culprit", "level") && f.Get("event").IsObject()
}

func parse(r *dialect.Request) (dialect.Post, error) {
	var p dialect.Post
	if r.Fields.Get("data").IsObject() {
		p = hook(resource(r), r.Fields)
	} else {
		p = plugin(r.Fields)
	}
	return p, r.Finish(&p, nil)
}

// resource is what a hook is about, by its header, or by what is in it when the
// header did not come through.
func resource(r *dialect.Request) string {
	if s := r.Header.Get("Sentry-Hook-Resource"); s != "" {
		return s
	}
	data := r.Fields.Get("data").Object()
	for _, name := range []string{"metric_alert", "issue", "error", "comment", "installation"} {
		if data.Has(name) {
			return name
		}
	}
	if data.Has("event") {
		return "event_alert"
	}
	return ""
}

// hook shows a webhook of an integration.
func hook(resource string, f dialect.Object) dialect.Post {
	data, action, actor := f.Get("data").Object(), f.Str("action"), f.Str("actor", "name")
	switch resource {
	case "event_alert":
		return eventAlert(data)
	case "error":
		return dialect.Post{Doc: event(data.Get("error").Object(), "").Doc()}
	case "issue":
		return issue(action, actor, data)
	case "metric_alert":
		return metricAlert(action, data)
	case "comment":
		return comment(action, actor, data)
	case "installation":
		return installation(action, actor, data)
	}
	if data.Get("issue").IsObject() {
		return issue(action, actor, data)
	}
	return other(resource, action, actor, data)
}

// comment is a fact of its own: each stands for itself.
func comment(action, actor string, data dialect.Object) dialect.Post {
	a := dialect.Alarm{Color: dialect.Blue, From: []string{"Sentry"}, Time: dialect.Moment(data.Get("timestamp"))}
	verb := " commented on an issue"
	switch action {
	case "updated":
		verb = " edited a comment on an issue"
	case "deleted":
		verb, a.Color = " deleted a comment on an issue", dialect.Grey
	}
	a.Name = someone(actor) + verb
	if project := data.Str("project_slug"); project != "" {
		a.Name += " of " + project
	}
	a.Text = dialect.Plain(data.Str("comment"))
	return dialect.Post{Doc: a.Doc()}
}

func installation(action, actor string, data dialect.Object) dialect.Post {
	in := data.Get("installation").Object()
	a := dialect.Alarm{Color: dialect.Green, From: []string{"Sentry"}}
	verb := " installed "
	if action == "deleted" {
		verb, a.Color = " uninstalled ", dialect.Grey
	}
	app := in.Str("app", "slug")
	if app == "" {
		app = "an integration"
	}
	a.Name = someone(actor) + verb + app
	a.Facts.Add("Organization", in.Str("organization", "slug"))
	a.Facts.Add("Status", in.Str("status"))
	return dialect.Post{Doc: a.Doc()}
}

// other shows what Sentry may send one day, or does without saying so.
func other(resource, action, actor string, data dialect.Object) dialect.Post {
	a := dialect.Alarm{Color: dialect.Blue, Name: strings.TrimSpace(dialect.Title(resource) + " " + dialect.Title(action)), From: []string{"Sentry"}}
	a.URL = data.First("web_url", "permalink")
	a.Facts.Add("By", actor)
	for _, name := range data.Names() {
		value := data.Str(name)
		if value == "" || dialect.IsWebURL(value) || strings.HasSuffix(name, "id") || a.Facts.Len() >= dialect.MaxFields {
			continue
		}
		a.Facts.Add(dialect.Title(name), value)
	}
	return dialect.Post{Doc: a.Doc()}
}

func someone(actor string) string {
	if actor == "" {
		return "Somebody"
	}
	return actor
}

// levelColor is the colour in which Sentry shows a level.
func levelColor(level string) markup.Color {
	switch level {
	case "fatal":
		return "#d20f2a"
	case "error":
		return "#e03e2f"
	case "warning":
		return "#f18500"
	case "info":
		return "#2788ce"
	case "debug", "sample":
		return "#868686"
	}
	return "#e03e2f"
}
