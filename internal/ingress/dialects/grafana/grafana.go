// Package grafana is the webhook of Grafana's alerting, in three shapes, each known
// by its members:
//
//   - unified alerting ("Configure webhook notifications"): Alertmanager's format with
//     orgId, a title and a message, and links, values and a picture for each alert;
//   - the legacy alerting of Grafana 8 and before ("Alert notifications", Webhook);
//   - an alert rule as the provisioning API has it, which tools pass on.
//
// Title and message of Grafana's own templates repeat the alerts and are left out;
// those that somebody wrote are shown. Ids of organisations, dashboards and panels,
// and the queries of a rule, are left out.
package grafana

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Dialect is Grafana's.
var Dialect = &dialect.Dialect{Name: "grafana", Title: "Grafana", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case isUnified(f):
		return "the fields alerts and orgId"
	case isLegacy(f):
		return "the fields ruleName and state"
	case isRule(f):
		return "the fields ruleGroup and noDataState"
	}
	return ""
}

func isUnified(f dialect.Object) bool {
	return f.Get("alerts").IsArray() && f.Has("orgId") && f.Has("receiver", "groupKey")
}

func isLegacy(f dialect.Object) bool {
	return f.Has("ruleName") && f.Has("state") && f.Has("ruleId", "ruleUrl")
}

func isRule(f dialect.Object) bool {
	return f.Has("ruleGroup") && f.Has("noDataState", "execErrState") && f.Has("title")
}

func parse(r *dialect.Request) (dialect.Post, error) {
	p := dialect.Post{}
	switch f := r.Fields; {
	case f.Get("alerts").IsArray():
		p = unified(f)
	case isRule(f):
		p = rule(f)
	default:
		p = legacy(f)
	}
	return p, r.Finish(&p, nil)
}

func unified(f dialect.Object) dialect.Post {
	look := dialect.AlertLook{Product: "Grafana", URL: page(f)}
	if title := f.Str("title"); !strings.HasPrefix(title, "[FIRING") && !strings.HasPrefix(title, "[RESOLVED") {
		look.Name = title
	}
	if message := f.Str("message"); !strings.HasPrefix(message, "**Firing**") && !strings.HasPrefix(message, "**Resolved**") {
		look.Text = dialect.Markdown(message)
	}
	return dialect.AlertGroup(f, look)
}

// page is where all alerts of the group can be seen: their rule, if they have the
// same, else Grafana.
func page(f dialect.Object) string {
	url := ""
	for e := range f.Get("alerts").Elements() {
		rule := e.Object().URL("generatorURL")
		if rule == "" || url != "" && rule != url {
			return f.Str("externalURL")
		}
		url = rule
	}
	return url
}
