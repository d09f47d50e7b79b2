package grafana

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// rule shows an alert rule. Nothing tells whether it fires.
func rule(f dialect.Object) dialect.Post {
	labels, annotations := f.Get("labels").Object(), f.Get("annotations").Object()
	a := dialect.Alarm{
		State: "Alert rule", Name: f.Str("title"), Color: dialect.SeverityColor(labels.Str("severity")),
		Text: dialect.Plain(annotations.First("summary", "description")), From: []string{"Grafana", f.Str("ruleGroup")},
	}
	if f.Flag("isPaused") {
		a.State, a.Color = "Paused alert rule", dialect.Grey
	}
	a.Facts.Add("Severity", labels.Str("severity"))
	a.Facts.Add("Fires after", f.First("for", "for_"))
	a.Facts.Add("Without data", dialect.Title(f.Str("noDataState")))
	a.Facts.Add("On errors", f.Str("execErrState"))
	for _, name := range labels.Names() {
		if name != "severity" && a.Facts.Len() < dialect.MaxFields {
			a.Facts.Add(dialect.Title(name), labels.Str(name))
		}
	}
	a.Links.Add("Runbook", annotations.Str("runbook_url"))
	return dialect.Post{Doc: a.Doc()}
}
