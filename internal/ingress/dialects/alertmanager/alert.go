package alertmanager

import (
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// alert is one alert.
type alert struct {
	fields              dialect.Object
	labels, annotations dialect.Object
	status              string
	from, to            time.Time
}

func newAlert(f dialect.Object) alert {
	a := alert{
		fields: f, labels: f.Get("labels").Object(), annotations: f.Get("annotations").Object(), status: f.Str("status"),
		from: dialect.Moment(f.Get("startsAt")), to: dialect.Moment(f.Get("endsAt")),
	}
	if a.annotations == nil { // some tools flatten an alert
		a.annotations = f
	}
	return a
}

func (a *alert) name() string {
	if s := a.labels.Str("alertname"); s != "" {
		return s
	}
	return a.annotations.Str("summary")
}

func (a *alert) severity() string {
	if s := a.labels.Str("severity"); s != "" {
		return s
	}
	return a.annotations.Str("severity")
}

func (a *alert) isResolved() bool { return strings.EqualFold(a.status, "resolved") }

// links are the places where somebody would look next.
func (a *alert) links() dialect.Links {
	var l dialect.Links
	l.Add("Runbook", a.annotations.First("runbook_url", "runbook", "runbookURL", "runbookUrl"))
	l.Add("Dashboard", a.fields.Str("dashboardURL"))
	l.Add("Dashboard", a.annotations.First("dashboard_url", "dashboard", "dashboardURL", "dashboardUrl"))
	l.Add("Panel", a.fields.Str("panelURL"))
	l.Add("Source", a.fields.Str("generatorURL"))
	l.Add("Silence", a.fields.Str("silenceURL"))
	for _, name := range a.annotations.Names() {
		if notOwn(name) {
			l.Add(dialect.Title(name), a.annotations.Str(name))
		}
	}
	return l
}

// values are the numbers that Grafana's rule looked at.
func (a *alert) values() string {
	values := a.fields.Get("values").Object()
	var parts []string
	for _, name := range values.Names() {
		if n := dialect.Number(values.Get(name)); n != "" && len(parts) < maxLabels {
			parts = append(parts, name+" = "+n)
		}
	}
	if parts == nil {
		return a.fields.Str("valueString")
	}
	return strings.Join(parts, ", ")
}

// since tells when it began, and for how long it lasted once that is known.
func (a *alert) since() []markup.Inline {
	switch {
	case a.from.IsZero():
		return nil
	case a.isResolved() && a.to.After(a.from):
		return dialect.Line(dialect.Txt("lasted "+dialect.Took(a.to.Sub(a.from))+" from "), dialect.Clock(a.from))
	}
	return dialect.Line(dialect.Txt("since "), dialect.Clock(a.from))
}

// image is the picture of the panel, when there is one.
func (a *alert) image() []markup.Block {
	if url := a.fields.URL("imageURL"); url != "" {
		return []markup.Block{markup.Image{URL: url, Alt: a.name()}}
	}
	return nil
}

// shown are annotations that have a place of their own on the card.
var shown = [...]string{
	"summary", "description", "message", "severity", "runbook_url", "runbook", "runbookURL", "runbookUrl",
	"dashboard_url", "dashboard", "dashboardURL", "dashboardUrl",
}

// notOwn reports whether an annotation has no place of its own, and is meant for
// people: what Grafana needs for itself begins with underscores.
func notOwn(name string) bool {
	return !strings.HasPrefix(name, "__") && !slices.Contains(shown[:], name)
}
