package alerts

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// PagerDuty is its webhooks in version 3 ("Webhooks Overview"), known by event with
// event_type and resource_type, and in versions 1 and 2, known by messages about
// incidents. An incident is one message, whatever becomes of it; notes and status
// updates stand for themselves.
var PagerDuty = &dialect.Dialect{Name: "pagerduty", Title: "PagerDuty", Detect: detectPagerDuty, Parse: parsePagerDuty}

func detectPagerDuty(r *dialect.Request) string {
	e := r.Fields.Get("event").Object()
	if e.Has("event_type") && e.Has("resource_type") && e.Get("data").IsObject() {
		return "the field event with event_type and resource_type"
	}
	if strings.HasPrefix(messageType(r.Fields.At("messages", "0").Object()), "incident.") {
		return "the field messages, about incidents"
	}
	return ""
}

// messageType is the kind of a message: version 1 has it in type, version 2 in event.
func messageType(m dialect.Object) string {
	if s := m.Str("event"); s != "" {
		return s
	}
	return m.Str("type")
}

func parsePagerDuty(r *dialect.Request) (dialect.Post, error) {
	if r.Fields.Get("messages").IsArray() {
		return pagerMessages(r)
	}
	e := r.Fields.Get("event").Object()
	data := e.Get("data").Object()
	if kind := data.Str("type"); strings.HasPrefix(e.Str("event_type"), "incident.") && (kind == "incident" || data.Has("status")) {
		a := pagerIncident(e.Str("event_type"), data)
		a.Time = dialect.Moment(e.Get("occurred_at"))
		a.Facts.AddLink("By", e.URL("agent", "html_url"), e.Str("agent", "summary"))
		return posted(r, a, "incident", data.Str("id"))
	}
	return posted(r, pagerOther(e, data), "", "")
}

// pagerOther shows what is said about an incident, or becomes of something else.
func pagerOther(e, data dialect.Object) *dialect.Alarm {
	a := &dialect.Alarm{Color: dialect.Blue, From: []string{"PagerDuty"}, Time: dialect.Moment(e.Get("occurred_at"))}
	a.State = dialect.Title(strings.TrimPrefix(e.Str("event_type"), "incident."))
	about := data
	if data.Get("incident").IsObject() {
		about = data.Get("incident").Object()
	}
	a.Name, a.URL = about.Str("summary"), about.Str("html_url")
	a.Text = dialect.Plain(data.First("content", "message"))
	a.Facts.AddLink("Responder", data.URL("user", "html_url"), data.Str("user", "summary"))
	a.Facts.Add("Answer", data.Str("state"))
	a.Facts.AddLink("By", e.URL("agent", "html_url"), e.Str("agent", "summary"))
	return a
}

// pagerMessages shows the messages of versions 1 and 2: of each incident the last,
// with what came before it in the same request.
func pagerMessages(r *dialect.Request) (dialect.Post, error) {
	var ids []string
	last := map[string]dialect.Object{}
	history := map[string][]markup.Inline{}
	for e := range r.Fields.Get("messages").Elements() {
		m := e.Object()
		id := pagerMessageIncident(m).Str("id")
		if last[id] == nil {
			if len(ids) == dialect.MaxCards {
				continue
			}
			ids = append(ids, id)
		} else {
			history[id] = append(history[id], markup.Break{})
		}
		last[id] = m
		history[id] = append(history[id], dialect.Txt(strings.ToLower(pagerVerb(messageType(m)))+" "), dialect.When(m.Get("created_on")))
	}
	p := dialect.Post{}
	for _, id := range ids {
		incident := pagerMessageIncident(last[id])
		a := pagerIncident(messageType(last[id]), incident)
		a.Time = dialect.Moment(last[id].Get("created_on"))
		if len(history[id]) > 2 {
			a.Facts.AddLine("What happened", history[id]...)
		}
		p.Doc.Blocks = append(p.Doc.Blocks, a.Doc().Blocks...)
	}
	if len(ids) == 1 && ids[0] != "" {
		p.Key = "incident:" + ids[0]
	}
	return p, r.Finish(&p, nil)
}

func pagerMessageIncident(m dialect.Object) dialect.Object {
	if i := m.Get("incident").Object(); i != nil {
		return i
	}
	return m.At("data", "incident").Object()
}

// pagerIncident shows an incident of any version.
func pagerIncident(event string, i dialect.Object) *dialect.Alarm {
	a := &dialect.Alarm{Name: pagerTitle(i), URL: i.Str("html_url"), From: []string{"PagerDuty"}}
	a.State, a.Color = pagerState(event, i)
	a.Facts.Add("Urgency", i.Str("urgency"))
	a.Facts.Add("Priority", i.Str("priority", "summary"))
	a.Facts.AddTime("Since", dialect.Moment(i.Get("created_at", "created_on")))
	service := i.Get("service").Object()
	a.Facts.AddLink("Service", service.URL("html_url"), service.First("summary", "name"))
	a.Facts.AddLine("Assigned to", assignees(i)...)
	a.Facts.AddLink("Resolved by", i.URL("resolved_by_user", "html_url"), i.Str("resolved_by_user", "name"))
	a.Facts.Add("Teams", dialect.Joined(i.Get("teams"), dialect.Named("summary", "name")))
	a.Facts.Add("Escalation policy", i.Get("escalation_policy").Object().First("summary", "name"))
	a.Facts.Add("Reason", i.Str("resolve_reason"))
	a.Facts.Add("Conference", i.Str("conference_bridge", "conference_number"))
	a.Links.Add("Join the conference", i.Str("conference_bridge", "conference_url"))
	a.Links.Add("Details", i.Str("trigger_details_html_url"))
	return a
}

func pagerTitle(i dialect.Object) string {
	title := i.First("title", "description", "summary")
	if title == "" {
		title = i.Get("trigger_summary_data").Object().First("subject", "description")
	}
	number := i.First("number", "incident_number")
	if number == "" || strings.HasPrefix(title, "[#") {
		return title
	}
	return strings.TrimSpace("#" + number + " " + title)
}

// pagerVerb is what happened, by the kind of the event.
func pagerVerb(event string) string {
	verb := strings.TrimPrefix(event, "incident.")
	switch verb {
	case "trigger":
		return "TRIGGERED"
	case "acknowledge":
		return "ACKNOWLEDGED"
	case "resolve":
		return "RESOLVED"
	case "unacknowledge":
		return "UNACKNOWLEDGED"
	case "assign", "reassign":
		return "REASSIGNED"
	case "escalate":
		return "ESCALATED"
	case "delegate":
		return "DELEGATED"
	case "annotate":
		return "ANNOTATED"
	}
	return strings.ToUpper(dialect.Title(verb))
}

func pagerState(event string, i dialect.Object) (string, markup.Color) {
	verb := pagerVerb(event)
	color := dialect.Red
	if i.Str("urgency") == "low" {
		color = dialect.Orange
	}
	switch {
	case verb == "RESOLVED" || i.Str("status") == "resolved":
		color = dialect.Green
	case verb == "ACKNOWLEDGED" || i.Str("status") == "acknowledged":
		color = dialect.Yellow
	}
	return verb, color
}

// assignees are the people who are to look at it, each version having them elsewhere.
func assignees(i dialect.Object) []markup.Inline {
	var line []markup.Inline
	add := func(person dialect.Object) {
		name := person.First("summary", "name")
		if name == "" || len(line) > 2*dialect.MaxFields {
			return
		}
		if line != nil {
			line = append(line, dialect.Txt(", "))
		}
		line = append(line, dialect.Link(person.URL("html_url"), name))
	}
	for e := range i.Get("assignees").Elements() {
		add(e.Object())
	}
	for e := range i.Get("assignments").Elements() {
		add(e.At("assignee").Object())
	}
	add(i.Get("assigned_to_user").Object())
	return line
}
