package alerts

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dash0 is its webhook channel ("Integrations: Webhook"), known by an issue with
// issueIdentifier, by itself or in data. An issue is one message.
var Dash0 = &dialect.Dialect{Name: "dash0", Title: "Dash0", Detect: detectDash0, Parse: parseDash0}

func detectDash0(r *dialect.Request) string {
	if i := dash0Issue(r.Fields); i.Has("issueIdentifier") && i.Has("status", "summary") {
		return "the field issue with issueIdentifier"
	}
	return ""
}

func dash0Issue(f dialect.Object) dialect.Object {
	if i := f.At("data", "issue").Object(); i != nil {
		return i
	}
	return f.Get("issue").Object()
}

func parseDash0(r *dialect.Request) (dialect.Post, error) {
	i := dash0Issue(r.Fields)
	rule := i.At("checkrules", "0").Object()
	if rule == nil {
		rule = i.Get("checkrule").Object()
	}
	a := &dialect.Alarm{Name: rule.Str("name"), URL: i.Str("url"), From: []string{"Dash0", i.Str("dataset")}}
	summary := i.Str("summary")
	if a.Name == "" {
		a.Name, summary = summary, ""
	}
	a.State, a.Color = dash0State(r.Fields.Str("type"), i.Str("status"))
	a.Text = append(dialect.Plain(summary), dialect.Plain(i.Str("description"))...)
	began, ended := dialect.Moment(i.Get("start")), dialect.Moment(i.Get("end"))
	a.Facts.AddTime("Since", began)
	a.Facts.AddTime("Ended", ended)
	a.Facts.AddSpan("Lasted", began, ended)
	for e := range i.Get("labels").Elements() {
		o := e.Object()
		if name := o.Str("key"); name != "dash0.resource.name" && a.Facts.Len() < dialect.MaxFields {
			a.Facts.Add(dialect.Title(name), o.Get("value").Object().First("stringValue", "intValue", "doubleValue", "boolValue"))
		}
	}
	if expression := rule.Str("expression"); expression != "" {
		a.Facts.AddLine("Condition", dialect.Fixed(expression))
	}
	a.Facts.Add("Thresholds", pairs(rule.Get("thresholds").Object()))
	a.Links.Add("Check rule", rule.Str("url"))
	return posted(r, a, "alert", i.Str("id"))
}

func dash0State(kind, status string) (string, markup.Color) {
	switch {
	case kind == "alert.resolved" || status == "resolved":
		return "RESOLVED", dialect.Green
	case kind == "alert.closed" || kind == "alert.superseded":
		return strings.ToUpper(strings.TrimPrefix(kind, "alert.")), dialect.Grey
	case status == "degraded":
		return "DEGRADED", dialect.Orange
	case status != "":
		return strings.ToUpper(status), dialect.Red
	}
	return "FIRING", dialect.Red
}
