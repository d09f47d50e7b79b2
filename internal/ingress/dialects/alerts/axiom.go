package alerts

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Axiom is its custom webhook notifier with the default body ("Custom webhook
// notifier"), known by monitorID and the times of its query, by themselves or in
// event. A monitor with a threshold is one message; an event that was matched is one
// of its own.
var Axiom = &dialect.Dialect{Name: "axiom", Title: "Axiom", Detect: detectAxiom, Parse: parseAxiom}

func detectAxiom(r *dialect.Request) string {
	if e := axiomEvent(r.Fields); e.Has("monitorID") && e.Has("queryStartTime", "queryEndTime") {
		return "the fields monitorID and queryStartTime"
	}
	return ""
}

func axiomEvent(f dialect.Object) dialect.Object {
	if e := f.Get("event").Object(); e != nil {
		return e
	}
	return f
}

func parseAxiom(r *dialect.Request) (dialect.Post, error) {
	e := axiomEvent(r.Fields)
	a := &dialect.Alarm{From: []string{"Axiom"}, Time: goTime(e.Str("timestamp"))}
	a.State, a.Color, a.Name = axiomState(r.Fields.Str("action"), e.Str("title"))
	a.Text = append(dialect.Plain(e.Str("body")), dialect.Plain(e.Str("description"))...)
	matched := e.Get("matchedEvent").Object()
	id := e.Str("monitorID")
	if matched != nil {
		id = ""
		scalars(&a.Facts, matched, isInternal)
	} else {
		a.Facts.Add("Value", dialect.Number(e.Get("value")))
	}
	timeRange(&a.Facts, "Time range", goTime(e.Str("queryStartTime")), goTime(e.Str("queryEndTime")))
	return posted(r, a, "monitor", id)
}

// axiomState takes the state from the action, or from the beginning of the title.
func axiomState(action, title string) (state string, color markup.Color, name string) {
	word, rest, found := strings.Cut(title, ": ")
	if !found || (word != "Triggered" && word != "Resolved") {
		word, rest = "", title
	}
	if strings.HasPrefix(action, "Close") || word == "Resolved" {
		return "RESOLVED", dialect.Green, rest
	}
	return "TRIGGERED", dialect.Red, rest
}

// goTime reads a time as Go prints it, always in UTC here: only its beginning matters.
func goTime(s string) time.Time {
	const layout = time.DateTime
	if len(s) < len(layout) {
		return time.Time{}
	}
	t, err := time.Parse(layout, s[:len(layout)])
	if err != nil {
		return time.Time{}
	}
	return t
}
