package dialect

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// maxAlerts is how many alerts of a group are shown. maxAlertsRead bounds how many are
// looked at.
const (
	maxAlerts     = 10
	maxAlertsRead = 1000
)

// AlertLook is what a product that sends Alertmanager's format has of its own.
type AlertLook struct {
	Product string
	Name    string         // of the group; "": by its labels
	URL     string         // where the title leads
	Text    []markup.Block // above the alerts
}

// AlertGroup makes a post of a group of alerts in the format of the Prometheus
// Alertmanager, which Grafana sends as well: what the alerts have in common once, then
// each with what tells it from the others. All states of the group have one key.
func AlertGroup(f Object, look AlertLook) Post {
	g := readAlertGroup(f)
	return Post{Doc: g.document(look), Key: g.key()}
}

// SingleAlert makes a post of one alert of that format without a group around it.
func SingleAlert(f Object, look AlertLook) Post {
	g := &alertGroup{}
	g.add(newGroupAlert(f))
	return Post{Doc: g.document(look), Key: g.key()}
}

// alertGroup is a notification: alerts that belong together.
type alertGroup struct {
	firing, resolved    []groupAlert
	labels, annotations Object // what all alerts have in common
	groupKey            string
	receiver, reason    string
	truncated           int // alerts that were left out by the sender
}

func readAlertGroup(f Object) *alertGroup {
	g := &alertGroup{
		labels: f.Get("commonLabels").Object(), annotations: f.Get("commonAnnotations").Object(),
		groupKey: f.Str("groupKey"), receiver: f.Str("receiver"), reason: f.Str("notification_reason"),
		truncated: alertCount(f.Get("truncatedAlerts")),
	}
	for e := range f.Get("alerts").Elements() {
		if len(g.firing)+len(g.resolved) == maxAlertsRead {
			g.truncated++
			continue
		}
		a := newGroupAlert(e.Object())
		if a.status == "" {
			a.status = f.Str("status")
		}
		g.add(a)
	}
	return g
}

// alertCount reads a number of alerts; what is none, or absurd, is zero.
func alertCount(v Value) int {
	n := 0
	for _, digit := range v.Str() {
		if digit < '0' || digit > '9' || n > 1e6 {
			return 0
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

func (g *alertGroup) add(a groupAlert) {
	switch {
	case len(a.labels)+len(a.annotations) == 0: // nothing that tells what it is
	case a.isResolved():
		g.resolved = append(g.resolved, a)
	default:
		g.firing = append(g.firing, a)
	}
}

// all lists the alerts, those first that need somebody.
func (g *alertGroup) all() []groupAlert {
	return append(g.firing[:len(g.firing):len(g.firing)], g.resolved...)
}

func (g *alertGroup) key() string {
	if g.groupKey != "" {
		return "alert:" + g.groupKey
	}
	if alerts := g.all(); len(alerts) == 1 && alerts[0].fields.Str("fingerprint") != "" {
		return "alert:" + alerts[0].fields.Str("fingerprint")
	}
	return ""
}

func (g *alertGroup) state() string {
	if len(g.firing) == 0 {
		return "RESOLVED"
	}
	return "FIRING"
}

// color is that of the worst alert that fires. One of unknown severity counts as bad.
func (g *alertGroup) color() markup.Color {
	if len(g.firing) == 0 {
		return Green
	}
	var worst markup.Color
	for _, a := range g.firing {
		c := SeverityColor(a.severity())
		if c == "" {
			c = Red
		}
		worst = Worst(worst, c)
	}
	return worst
}

// name is what the alerts are called; several names stand beside each other.
func (g *alertGroup) name() string {
	if s := g.labels.Str("alertname"); s != "" {
		return s
	}
	var names []string
	for _, a := range g.all() {
		name := a.name()
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if len(names) == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// size tells how many alerts there are, when it is not just one.
func (g *alertGroup) size() string {
	firing, resolved := len(g.firing), len(g.resolved)
	switch {
	case firing+resolved+g.truncated <= 1:
		return ""
	case firing > 0 && resolved > 0:
		return Count(firing, "firing", "firing") + ", " + Count(resolved, "resolved", "resolved")
	}
	return Count(firing+resolved+g.truncated, "alert", "alerts")
}
