package alerts

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// ThousandEyes is Cisco ThousandEyes ("Webhooks for alert notifications"), known by
// eventType and alert. An alert is one message.
var ThousandEyes = &dialect.Dialect{Name: "thousandeyes", Title: "ThousandEyes", Detect: detectThousandEyes, Parse: parseThousandEyes}

func detectThousandEyes(r *dialect.Request) string {
	f := r.Fields
	if a := f.Get("alert").Object(); f.Has("eventType") && f.Has("eventId") && a.Has("alertId", "ruleId", "ruleName") {
		return "the fields eventType, eventId and alert"
	}
	return ""
}

func parseThousandEyes(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields.Get("alert").Object()
	a := &dialect.Alarm{Name: f.First("ruleName", "testName"), URL: f.Str("permalink"), From: []string{"ThousandEyes"}}
	a.State, a.Color = thousandEyesState(r.Fields.Str("eventType"), f.Str("severity"))
	a.Text = dialect.Plain(f.Str("ruleExpression"))
	a.Facts.Add("Severity", f.Str("severity"))
	began, ended := dialect.Moment(f.Get("dateStartZoned", "dateStart")), dialect.Moment(f.Get("dateEndZoned", "dateEnd"))
	a.Facts.AddTime("Since", began)
	a.Facts.AddTime("Ended", ended)
	a.Facts.AddSpan("Lasted", began, ended)
	a.Facts.Add("Kind", f.Str("type"))
	a.Facts.Add("Test", f.Str("testName"))
	a.Facts.Add("Target", dialect.Joined(f.Get("testTargetsDescription"), dialect.Value.Str))
	a.Facts.Add("Agent", f.Str("agentName"))
	if host := f.Str("hostname"); host != f.Str("agentName") {
		a.Facts.Add("Host", host)
	}
	a.Facts.Add("Address", f.Str("ipAddress"))
	if n := f.Str("violationCount"); n != "0" {
		a.Facts.Add("Violations", n)
	}
	a.Facts.Add("Labels", dialect.Joined(f.Get("testLabels"), dialect.Named("name")))
	a.Rest = agents(f.Get("agents"))
	return posted(r, a, "alert", f.Str("alertId"))
}

func thousandEyesState(event, severity string) (string, markup.Color) {
	switch event {
	case "ALERT_NOTIFICATION_CLEAR":
		return "CLEARED", dialect.Green
	case "ALERT_NOTIFICATION_TEST":
		return "TEST", dialect.Blue
	}
	if c := dialect.SeverityColor(severity); c != "" {
		return "FIRING", c
	}
	return "FIRING", dialect.Red
}

// maxAgents is how many of the places that saw it are listed.
const maxAgents = 10

// agents lists the places from which it was seen, with what they measured.
func agents(v dialect.Value) []markup.Block {
	list := markup.List{}
	for e := range v.Elements() {
		o := e.Object()
		if o.Str("agentName") == "" || len(list.Items) == maxAgents {
			continue
		}
		line := dialect.Line(dialect.Link(o.URL("permalink"), o.Str("agentName")))
		if s := o.Str("metricsAtStart"); s != "" {
			line = append(line, dialect.Txt(" — "+s))
		}
		if s := o.Str("metricsAtEnd"); s != "" {
			line = append(line, dialect.Txt(" → "+s))
		}
		list.Items = append(list.Items, markup.ListItem{Blocks: []markup.Block{dialect.Para(line...)}})
	}
	if list.Items == nil {
		return nil
	}
	return []markup.Block{list}
}
