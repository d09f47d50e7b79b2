package sentry

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// issue shows an issue whose state changed. All states are one message.
func issue(action, actor string, data dialect.Object) dialect.Post {
	i := data.Get("issue").Object()
	a := dialect.Alarm{
		Name: i.First("title", "shortId"), URL: i.First("web_url", "permalink"),
		From: []string{"Sentry", i.Str("project", "name"), i.Str("shortId")}, Time: dialect.Moment(i.Get("lastSeen")),
	}
	a.State, a.Color = issueState(action, i)
	a.Text = explain(a.Name, cause(i), i.Str("culprit"))
	a.Facts.Add("Level", i.Str("level"))
	a.Facts.Add("Priority", i.Str("priority"))
	a.Facts.Add("Assigned to", assignee(i))
	if actor != "Sentry" {
		a.Facts.Add("By", actor)
	}
	a.Facts.Add("Resolved in", resolution(i))
	a.Facts.Add("Events", i.Str("count"))
	if users := i.Str("userCount"); users != "0" {
		a.Facts.Add("Users", users)
	}
	a.Facts.AddTime("First seen", dialect.Moment(i.Get("firstSeen")))
	a.Facts.AddTime("Last seen", dialect.Moment(i.Get("lastSeen")))
	if category := i.Str("issueCategory"); category != "error" {
		a.Facts.Add("Category", dialect.Title(category))
	}
	return dialect.Post{Doc: a.Doc(), Key: issueKey(i.Str("id"))}
}

// issueState is what became of the issue.
func issueState(action string, i dialect.Object) (string, markup.Color) {
	level := levelColor(i.Str("level"))
	switch action {
	case "created":
		return "NEW ISSUE", level
	case "resolved":
		return "RESOLVED", dialect.Green
	case "assigned":
		return "ASSIGNED", level
	case "archived", "ignored":
		return "ARCHIVED", dialect.Grey
	case "unresolved":
		switch substatus := i.Str("substatus"); substatus {
		case "regressed", "escalating":
			return strings.ToUpper(substatus), level
		}
		return "REOPENED", level
	}
	return strings.ToUpper(dialect.Title(action)), level
}

func assignee(i dialect.Object) string {
	if s := i.Str("assignedTo"); s != "" {
		return s
	}
	return i.Get("assignedTo").Object().First("name", "username", "email")
}

// resolution is where the issue is said to be fixed.
func resolution(i dialect.Object) string {
	d := i.Get("statusDetails").Object()
	switch {
	case d.Str("inRelease") != "":
		return "release " + d.Str("inRelease")
	case d.Flag("inNextRelease"):
		return "the next release"
	case d.Get("inCommit").IsObject():
		return "commit " + dialect.Short(d.Str("inCommit", "commit"))
	}
	return ""
}

// metricAlert shows a rule about a number. Its incident is one message.
func metricAlert(action string, data dialect.Object) dialect.Post {
	m := data.Get("metric_alert").Object()
	rule := m.Get("alert_rule").Object()
	a := dialect.Alarm{Name: metricName(data), URL: data.Str("web_url"), From: []string{"Sentry", dialect.Joined(m.Get("projects"), dialect.Value.Str)}}
	a.State, a.Color = metricState(action)
	a.Text = dialect.Plain(strings.ReplaceAll(data.Str("description_text"), `\n`, "\n"))
	if name := rule.Str("name"); !strings.Contains(a.Name, name) {
		a.Facts.Add("Rule", name)
	}
	a.Facts.Add("Environment", rule.Str("environment"))
	a.Facts.Add("Measured", strings.TrimSpace(rule.Str("aggregate")+" "+rule.Str("query")))
	began, closed := dialect.Moment(m.Get("date_started")), dialect.Moment(m.Get("date_closed"))
	a.Facts.AddTime("Since", began)
	a.Facts.AddTime("Closed", closed)
	a.Facts.AddSpan("Lasted", began, closed)
	p := dialect.Post{Doc: a.Doc()}
	if id := m.Str("id"); id != "" {
		p.Key = "alert:sentry-" + id
	}
	return p
}

// metricName is the title of the alert without the state that it begins with.
func metricName(data dialect.Object) string {
	title := data.Str("description_title")
	for _, state := range []string{"Critical: ", "Warning: ", "Resolved: "} {
		title = strings.TrimPrefix(title, state)
	}
	if title != "" {
		return title
	}
	if name := data.Str("metric_alert", "alert_rule", "name"); name != "" {
		return name
	}
	return data.Str("metric_alert", "title")
}

func metricState(action string) (string, markup.Color) {
	switch action {
	case "critical":
		return "CRITICAL", dialect.Red
	case "warning":
		return "WARNING", dialect.Orange
	case "resolved":
		return "RESOLVED", dialect.Green
	}
	return strings.ToUpper(dialect.Title(action)), dialect.Blue
}
