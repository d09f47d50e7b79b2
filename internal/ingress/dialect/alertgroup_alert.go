package dialect

import (
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// groupAlert is one alert.
type groupAlert struct {
	fields              Object
	labels, annotations Object
	status              string
	from, to            time.Time
}

func newGroupAlert(f Object) groupAlert {
	a := groupAlert{
		fields: f, labels: f.Get("labels").Object(), annotations: f.Get("annotations").Object(), status: f.Str("status"),
		from: Moment(f.Get("startsAt")), to: Moment(f.Get("endsAt")),
	}
	if a.annotations == nil { // some tools flatten an alert
		a.annotations = f
	}
	return a
}

func (a *groupAlert) name() string {
	if s := a.labels.Str("alertname"); s != "" {
		return s
	}
	return a.annotations.Str("summary")
}

func (a *groupAlert) severity() string {
	if s := a.labels.Str("severity"); s != "" {
		return s
	}
	return a.annotations.Str("severity")
}

func (a *groupAlert) isResolved() bool { return strings.EqualFold(a.status, "resolved") }

// links are the places where somebody would look next.
func (a *groupAlert) links() Links {
	var l Links
	l.Add("Runbook", a.annotations.First("runbook_url", "runbook", "runbookURL", "runbookUrl"))
	l.Add("Dashboard", a.fields.Str("dashboardURL"))
	l.Add("Dashboard", a.annotations.First("dashboard_url", "dashboard", "dashboardURL", "dashboardUrl"))
	l.Add("Panel", a.fields.Str("panelURL"))
	l.Add("Source", a.fields.Str("generatorURL"))
	l.Add("Silence", a.fields.Str("silenceURL"))
	for _, name := range a.annotations.Names() {
		if isNote(name) {
			l.Add(Title(name), a.annotations.Str(name))
		}
	}
	return l
}

// values are the numbers that Grafana's rule looked at.
func (a *groupAlert) values() string {
	values := a.fields.Get("values").Object()
	var parts []string
	for _, name := range values.Names() {
		if n := Number(values.Get(name)); n != "" && len(parts) < maxAlertLabels {
			parts = append(parts, name+" = "+n)
		}
	}
	if parts == nil {
		return a.fields.Str("valueString")
	}
	return strings.Join(parts, ", ")
}

// since tells when it began, and for how long it lasted once that is known.
func (a *groupAlert) since() []markup.Inline {
	switch {
	case a.from.IsZero():
		return nil
	case a.isResolved() && a.to.After(a.from):
		return Line(Txt("lasted "+Took(a.to.Sub(a.from))+" from "), Clock(a.from))
	}
	return Line(Txt("since "), Clock(a.from))
}

// image is the picture of the panel, when there is one.
func (a *groupAlert) image() []markup.Block {
	if url := a.fields.URL("imageURL"); url != "" {
		return []markup.Block{markup.Image{URL: url, Alt: a.name()}}
	}
	return nil
}

// shownAnnotations are annotations that have a place of their own on the card.
var shownAnnotations = [...]string{
	"summary", "description", "message", "severity", "runbook_url", "runbook", "runbookURL", "runbookUrl",
	"dashboard_url", "dashboard", "dashboardURL", "dashboardUrl",
}

// isNote reports whether an annotation has no place of its own, and is meant for
// people: what Grafana needs for itself begins with underscores.
func isNote(name string) bool {
	return !strings.HasPrefix(name, "__") && !slices.Contains(shownAnnotations[:], name)
}
