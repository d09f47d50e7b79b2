package alerts

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// GoogleCloud is Google Cloud Monitoring, once Stackdriver ("Create and manage
// notification channels", Webhooks), known by incident with incident_id and a policy
// or condition. An incident is one message.
var GoogleCloud = &dialect.Dialect{Name: "google-cloud-monitoring", Title: "Google Cloud Monitoring", Detect: detectGoogleCloud, Parse: parseGoogleCloud}

func detectGoogleCloud(r *dialect.Request) string {
	if i := r.Fields.Get("incident").Object(); i.Has("incident_id") && i.Has("state") && i.Has("policy_name", "condition_name", "condition") {
		return "the field incident with incident_id and policy_name"
	}
	return ""
}

func parseGoogleCloud(r *dialect.Request) (dialect.Post, error) {
	i := r.Fields.Get("incident").Object()
	a := &dialect.Alarm{Name: googleName(i), URL: i.Str("url"), From: []string{"Google Cloud Monitoring", i.Str("scoping_project_id")}}
	a.State, a.Color = googleState(i)
	a.Text = dialect.Plain(i.Str("summary"))
	a.Facts.Add("Severity", googleSeverity(i))
	began, ended := dialect.Moment(i.Get("started_at")), dialect.Moment(i.Get("ended_at"))
	a.Facts.AddTime("Since", began)
	a.Facts.AddTime("Ended", ended)
	a.Facts.AddSpan("Lasted", began, ended)
	if policy := i.Str("policy_name"); !strings.HasPrefix(policy, "projects/") {
		a.Facts.Add("Policy", policy)
	}
	a.Facts.Add("Resource", i.First("resource_display_name", "resource_name"))
	a.Facts.Add("Resource type", i.Str("resource_type_display_name"))
	a.Facts.Add("Measured", measured(i))
	a.Facts.Add("Metric", i.Get("metric").Object().First("displayName", "type"))
	for _, labels := range []dialect.Value{
		i.At("resource", "labels"), i.At("metric", "labels"), i.At("metadata", "user_labels"), i.Get("policy_user_labels"),
	} {
		scalars(&a.Facts, labels.Object(), isInternal)
	}
	documentation(a, i)
	a.Links.Add("Apigee", i.Str("apigee_url"))
	return posted(r, a, "incident", i.Str("incident_id"))
}

func googleName(i dialect.Object) string {
	if s := i.Str("condition_name"); s != "" {
		return s
	}
	if s := i.Str("condition", "displayName"); s != "" {
		return s
	}
	return i.Str("policy_name")
}

func googleSeverity(i dialect.Object) string {
	s := i.Str("severity")
	if s == "" || strings.EqualFold(s, "No severity") {
		s = i.Str("metadata", "system_labels", "severity")
	}
	return s
}

func googleState(i dialect.Object) (string, markup.Color) {
	state := strings.ToUpper(i.Str("state"))
	if state == "CLOSED" {
		return state, dialect.Green
	}
	if c := dialect.SeverityColor(googleSeverity(i)); c != "" {
		return state, c
	}
	return state, dialect.Red
}

// measured compares what was seen with the threshold: "12.5, threshold > 5.0 for 5 min".
func measured(i dialect.Object) string {
	limit := i.At("condition", "conditionThreshold").Object()
	threshold := i.Str("threshold_value")
	if threshold == "" {
		threshold = limit.Str("thresholdValue")
	}
	out := dialect.Number(i.Get("observed_value"))
	if threshold == "" {
		return out
	}
	if out != "" {
		out += ", "
	}
	out += "threshold "
	if operator := limit.Str("comparison"); operator != "" {
		out += comparison(operator) + " "
	}
	out += threshold
	if d, err := time.ParseDuration(limit.Str("duration")); err == nil && d > 0 {
		out += " for " + dialect.Took(d)
	}
	return out
}

// documentation adds what the policy's owner wrote for whoever is woken. Some write
// JSON there, for a program of their own.
func documentation(a *dialect.Alarm, i dialect.Object) {
	d := i.Get("documentation").Object()
	if subject := d.Str("subject"); subject != i.Str("summary") {
		a.Text = append(a.Text, dialect.Plain(subject)...)
	}
	content := d.Str("content")
	if content == "" {
		content = i.Str("documentation")
	}
	if strings.HasPrefix(content, "{") {
		if v, err := dialect.ParseJSON([]byte(content)); err == nil {
			scalars(&a.Facts, v.Object(), isInternal)
			return
		}
	}
	a.Text = append(a.Text, dialect.Markdown(content)...)
	for e := range d.Get("links").Elements() {
		a.Links.Add(e.Object().First("displayName", "url"), e.Object().Str("url"))
	}
}
