package alerts

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Pingdom is its webhooks ("Integrations: Webhooks"), known by check_id, check_name
// and current_state. A check is one message.
var Pingdom = &dialect.Dialect{Name: "pingdom", Title: "Pingdom", Detect: detectPingdom, Parse: parsePingdom}

func detectPingdom(r *dialect.Request) string {
	if f := r.Fields; f.Has("check_id") && f.Has("check_name") && f.Has("current_state") {
		return "the fields check_id, check_name and current_state"
	}
	return ""
}

func parsePingdom(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	address := f.URL("check_params", "full_url")
	a := &dialect.Alarm{Name: f.Str("check_name"), URL: address, From: []string{"Pingdom"}}
	a.State, a.Color = pingdomState(f.Str("current_state"))
	a.Text = dialect.Plain(f.First("long_description", "description"))
	if short := f.Str("description"); !strings.Contains(f.Str("long_description"), short) {
		a.Text = append(dialect.Plain(short), a.Text...)
	}
	a.Text = append(a.Text, dialect.Plain(f.Str("custom_message"))...)
	a.Facts.Add("Importance", f.Str("importance_level"))
	a.Facts.AddTime("Since", dialect.Moment(f.Get("state_changed_timestamp", "state_changed_utc_time")))
	a.Facts.Add("Before", f.Str("previous_state"))
	a.Facts.Add("Check", f.Str("check_type"))
	if address == "" {
		address = f.Str("check_params", "hostname")
	}
	a.Facts.Add("Target", address)
	a.Facts.Add("Seen from", probes(f))
	a.Facts.Add("Tags", dialect.Joined(f.Get("tags"), dialect.Value.Str))
	return posted(r, a, "check", f.Str("check_id"))
}

func pingdomState(state string) (string, markup.Color) {
	switch strings.ToUpper(state) {
	case "UP", "SUCCESS":
		return strings.ToUpper(state), dialect.Green
	case "UNCONFIRMED_DOWN", "UNKNOWN", "PAUSED":
		return strings.ToUpper(constant(state, "")), dialect.Orange
	}
	return strings.ToUpper(constant(state, "")), dialect.Red
}

func probes(f dialect.Object) string {
	first, second := f.Str("first_probe", "location"), f.Str("second_probe", "location")
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
}
