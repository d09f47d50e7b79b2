package alertmanager

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// maxAlerts is how many alerts of a group are shown. maxRead bounds how many are
// looked at.
const (
	maxAlerts = 10
	maxRead   = 1000
)

// Look is what a product that sends this format has of its own.
type Look struct {
	Product string
	Name    string         // of the group; "": by its labels
	URL     string         // where the title leads
	Text    []markup.Block // above the alerts
}

// Show makes a post of a group of alerts.
func Show(f dialect.Object, look Look) dialect.Post {
	g := read(f)
	return dialect.Post{Doc: g.document(look), Key: g.key()}
}

// single makes a post of one alert that has no group around it.
func single(f dialect.Object, look Look) dialect.Post {
	g := group{}
	g.add(newAlert(f))
	return dialect.Post{Doc: g.document(look), Key: g.key()}
}

// group is a notification: alerts that belong together.
type group struct {
	firing, resolved    []alert
	labels, annotations dialect.Object // what all alerts have in common
	groupKey            string
	receiver, reason    string
	truncated           int // alerts that were left out by the sender
}

func read(f dialect.Object) *group {
	g := &group{
		labels: f.Get("commonLabels").Object(), annotations: f.Get("commonAnnotations").Object(),
		groupKey: f.Str("groupKey"), receiver: f.Str("receiver"), reason: f.Str("notification_reason"),
		truncated: count(f.Get("truncatedAlerts")),
	}
	for e := range f.Get("alerts").Elements() {
		if len(g.firing)+len(g.resolved) == maxRead {
			g.truncated++
			continue
		}
		a := newAlert(e.Object())
		if a.status == "" {
			a.status = f.Str("status")
		}
		g.add(a)
	}
	return g
}

// count reads a number of alerts; what is none, or absurd, is zero.
func count(v dialect.Value) int {
	n := 0
	for _, digit := range v.Str() {
		if digit < '0' || digit > '9' || n > 1e6 {
			return 0
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

func (g *group) add(a alert) {
	switch {
	case len(a.labels)+len(a.annotations) == 0: // nothing that tells what it is
	case a.isResolved():
		g.resolved = append(g.resolved, a)
	default:
		g.firing = append(g.firing, a)
	}
}

// all lists the alerts, those first that need somebody.
func (g *group) all() []alert { return append(g.firing[:len(g.firing):len(g.firing)], g.resolved...) }

func (g *group) key() string {
	if g.groupKey != "" {
		return "alert:" + g.groupKey
	}
	if alerts := g.all(); len(alerts) == 1 && alerts[0].fields.Str("fingerprint") != "" {
		return "alert:" + alerts[0].fields.Str("fingerprint")
	}
	return ""
}

func (g *group) state() string {
	if len(g.firing) == 0 {
		return "RESOLVED"
	}
	return "FIRING"
}

// color is that of the worst alert that fires. One of unknown severity counts as bad.
func (g *group) color() markup.Color {
	if len(g.firing) == 0 {
		return dialect.Green
	}
	var worst markup.Color
	for _, a := range g.firing {
		c := dialect.SeverityColor(a.severity())
		if c == "" {
			c = dialect.Red
		}
		worst = dialect.Worst(worst, c)
	}
	return worst
}

// name is what the alerts are called; several names stand beside each other.
func (g *group) name() string {
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
func (g *group) size() string {
	firing, resolved := len(g.firing), len(g.resolved)
	switch {
	case firing+resolved+g.truncated <= 1:
		return ""
	case firing > 0 && resolved > 0:
		return dialect.Count(firing, "firing", "firing") + ", " + dialect.Count(resolved, "resolved", "resolved")
	}
	return dialect.Count(firing+resolved+g.truncated, "alert", "alerts")
}
