package alerts

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// VRealize is VMware vRealize Operations, now Aria Operations ("REST Notification
// Plug-in"), known by alertId, criticality and adapterKind. An alert is one message.
var VRealize = &dialect.Dialect{Name: "vrealize", Title: "VMware vRealize Operations", Detect: detectVRealize, Parse: parseVRealize}

func detectVRealize(r *dialect.Request) string {
	if f := r.Fields; f.Has("alertId") && f.Has("criticality") && f.Has("adapterKind", "resourceKind") {
		return "the fields alertId, criticality and adapterKind"
	}
	return ""
}

func parseVRealize(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	severity := constant(f.Str("criticality"), "ALERT_CRITICALITY_LEVEL_")
	a := &dialect.Alarm{Name: f.First("alertName", "resourceName"), From: []string{"vRealize Operations", f.Str("adapterKind")}}
	a.State, a.Color = vRealizeState(f.Str("status"), severity)
	a.Text = dialect.Plain(f.Str("info"))
	a.Facts.Add("Severity", severity)
	began := dialect.Moment(f.Get("startDate"))
	a.Facts.AddTime("Since", began)
	if a.Color == dialect.Green {
		ended := dialect.Moment(f.Get("cancelDate"))
		a.Facts.AddTime("Ended", ended)
		a.Facts.AddSpan("Lasted", began, ended)
	}
	if f.Str("resourceName") != a.Name {
		a.Facts.Add("Resource", f.Str("resourceName"))
	}
	a.Facts.Add("Resource type", f.Str("resourceKind"))
	a.Facts.Add("Problem", constant(f.Str("type"), "ALERT_TYPE_"))
	a.Facts.Add("Kind", constant(f.Str("subType"), "ALERT_SUBTYPE_"))
	a.Time = dialect.Moment(f.Get("updateDate"))
	return posted(r, a, "alert", f.Str("alertId"))
}

func vRealizeState(status, severity string) (string, markup.Color) {
	state := strings.ToUpper(constant(status, ""))
	if strings.HasPrefix(state, "CANCEL") {
		return state, dialect.Green
	}
	if c := dialect.SeverityColor(severity); c != "" {
		return state, c
	}
	return state, dialect.Red
}
