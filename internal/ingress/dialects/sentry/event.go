package sentry

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// eventAlert shows the event that set off a rule. Its key is that of the issue, so
// that the same message tells when the issue is resolved.
func eventAlert(data dialect.Object) dialect.Post {
	e := data.Get("event").Object()
	rule := data.Str("triggered_rule")
	if rule == "" {
		rule = data.Str("issue_alert", "title")
	}
	return dialect.Post{Doc: event(e, rule).Doc(), Key: issueKey(e.Str("issue_id"))}
}

// plugin shows what the older WebHooks plugin sends: an event with the issue around it.
func plugin(f dialect.Object) dialect.Post {
	e := f.Get("event").Object()
	a := event(e, dialect.Joined(f.Get("triggering_rules"), dialect.Value.Str))
	if a.Name == "" {
		a.Name = dialect.FirstLine(f.Str("message"))
	}
	level := f.Str("level")
	if a.State == "" && level != "" {
		a.State, a.Color = strings.ToUpper(level), levelColor(level)
	}
	a.URL = f.Str("url")
	a.Text = explain(a.Name, f.First("message"), f.First("culprit"))
	if project := f.First("project_name", "project_slug", "project"); project != "" {
		a.From = []string{"Sentry", project, logger(f)}
	}
	return dialect.Post{Doc: a.Doc(), Key: issueKey(f.Str("id"))}
}

func issueKey(id string) string {
	if id == "" {
		return ""
	}
	return "issue:sentry-" + id
}

// logger is by what the program reported it, where that says more than the platform.
func logger(f dialect.Object) string {
	if s := f.Str("logger"); s != "root" {
		return s
	}
	return ""
}

// event is an error that happened.
func event(e dialect.Object, rule string) *dialect.Alarm {
	level := e.Str("level")
	a := &dialect.Alarm{
		State: strings.ToUpper(level), Color: levelColor(level), Name: e.First("title", "message"), URL: e.Str("web_url"),
		From: []string{"Sentry", e.Str("platform")}, Time: dialect.Moment(e.Get("datetime", "timestamp", "received")),
	}
	if a.Name == "" {
		a.Name = cause(e)
	}
	message := e.Str("message")
	if s := e.Str("logentry", "formatted"); s != "" {
		message = s
	}
	a.Text = explain(a.Name, message, e.Str("culprit"))
	a.Facts.Add("Environment", environment(e))
	a.Facts.Add("Release", release(e))
	a.Facts.Add("Rule", rule)
	a.Facts.Add("Request", strings.TrimSpace(e.Str("request", "method")+" "+e.Str("request", "url")))
	a.Facts.Add("User", user(e.Get("user").Object()))
	software(&a.Facts, e)
	a.Facts.Add("Tags", tags(e))
	return a
}

// cause is the exception in words, for an event without a title.
func cause(e dialect.Object) string {
	kind, value := e.Str("metadata", "type"), e.Str("metadata", "value")
	if kind == "" || value == "" {
		return kind + value
	}
	return kind + ": " + value
}

// explain says what happened and where, without repeating the title.
func explain(title, message, culprit string) []markup.Block {
	var out []markup.Block
	if message != title {
		out = dialect.Plain(message)
	}
	if culprit != "" {
		out = append(out, dialect.Para(dialect.Txt("in "), dialect.Fixed(culprit)))
	}
	return out
}

func environment(e dialect.Object) string {
	if s := e.Str("environment"); s != "" {
		return s
	}
	return tag(e, "environment")
}

func release(e dialect.Object) string {
	if s := e.Str("release"); s != "" {
		return s
	}
	if s := e.Str("release", "version"); s != "" {
		return s
	}
	return tag(e, "release")
}

// user is who was hit, without their address.
func user(u dialect.Object) string {
	name := u.First("username", "name", "email", "id")
	var place []string
	for _, part := range []string{"city", "country_code"} {
		if s := u.Str("geo", part); s != "" {
			place = append(place, s)
		}
	}
	if place == nil {
		return name
	}
	return strings.TrimSpace(name + " (" + strings.Join(place, ", ") + ")")
}

// software adds the programs that the user ran it with.
func software(facts *dialect.Facts, e dialect.Object) {
	for _, c := range [][2]string{{"Browser", "browser"}, {"System", "os"}, {"System", "client_os"}, {"Runtime", "runtime"}, {"Device", "device"}} {
		o := e.At("contexts", c[1]).Object()
		facts.Add(c[0], strings.TrimSpace(o.First("name", "model")+" "+o.Str("version")))
	}
}
