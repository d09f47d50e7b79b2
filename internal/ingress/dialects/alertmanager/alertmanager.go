// Package alertmanager is the webhook of the Prometheus Alertmanager ("Configuration",
// <webhook_config>), version 4 of its format and version 3, which had a number for
// groupKey. It is known by its members; there is no header of its own. Thanos, Mimir,
// Loki and vmalert notify through it and look the same. A single alert, as its API
// takes them, is understood too.
//
// The alerts of a group make one card: what they have in common once, then each with
// what tells it from the others. Fingerprints and the labels of the route are left
// out. Package grafana shows what Grafana adds to the format.
package alertmanager

import (
	"net/url"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Dialect is Alertmanager's.
var Dialect = &dialect.Dialect{Name: "alertmanager", Title: "Prometheus Alertmanager", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case f.Has("orgId", "ruleGroup"): // Grafana's
		return ""
	case f.Get("alerts").IsArray() && f.Has("groupKey", "commonLabels") && f.Has("status", "receiver"):
		return "the fields alerts, groupKey and receiver"
	case isAlert(f):
		return "the fields of an alert: labels with a severity or a name, and a summary"
	}
	return ""
}

// isAlert tells an alert that comes by itself.
func isAlert(f dialect.Object) bool {
	labels := f.Get("labels").Object()
	return labels.Has("alertname", "severity") && (f.Get("annotations").IsObject() || f.Has("summary"))
}

func parse(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	look := dialect.AlertLook{Product: "Alertmanager", URL: page(f)}
	p := dialect.Post{}
	if !f.Get("alerts").IsArray() && isAlert(f) {
		p = dialect.SingleAlert(f, look)
	} else {
		p = dialect.AlertGroup(f, look)
	}
	return p, r.Finish(&p, nil)
}

// page is where Alertmanager's own pages list the alerts of the receiver.
func page(f dialect.Object) string {
	base := f.URL("externalURL")
	if base == "" {
		return ""
	}
	return strings.TrimRight(base, "/") + "/#/alerts?receiver=" + url.QueryEscape(f.Str("receiver"))
}
