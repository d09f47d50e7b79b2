// Package uptimekuma is the webhook notification of Uptime Kuma ("Notification
// Methods", Webhook) with its default body: the members heartbeat, monitor and msg,
// as JSON or in the field data of a form. Test messages, and warnings about
// certificates, have null for the first two. A body from a template of the user's
// own can be anything, and is not for this package.
//
// Left out: how often the monitor checks, and what it is configured to do.
package uptimekuma

import (
	"net"
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is Uptime Kuma's.
var Dialect = &dialect.Dialect{Name: "uptime-kuma", Title: "Uptime Kuma", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	names := body(r).Names()
	if slices.Contains(names, "heartbeat") && slices.Contains(names, "monitor") && slices.Contains(names, "msg") {
		return "the fields heartbeat, monitor and msg"
	}
	return ""
}

// body is the notification, wherever it is in the request.
func body(r *dialect.Request) dialect.Object {
	if r.Kind != dialect.KindForm || !r.Fields.Has("data") {
		return r.Fields
	}
	v, err := dialect.ParseJSON([]byte(r.Fields.Str("data")))
	if err != nil {
		return nil
	}
	return v.Object()
}

func parse(r *dialect.Request) (dialect.Post, error) {
	f := body(r)
	p := dialect.Post{}
	if f.Get("heartbeat").IsObject() || f.Get("monitor").IsObject() {
		p = beat(f)
	} else if msg := f.Str("msg"); msg != "" {
		a := dialect.Alarm{Color: dialect.Blue, Text: dialect.Plain(msg), From: []string{"Uptime Kuma"}}
		p.Doc = a.Doc()
	}
	return p, r.Finish(&p, nil)
}

func beat(f dialect.Object) dialect.Post {
	heartbeat, monitor := f.Get("heartbeat").Object(), f.Get("monitor").Object()
	at := dialect.Moment(heartbeat.Get("time"))
	a := dialect.Alarm{Name: monitor.First("name", "pathName"), URL: monitor.Str("url"), Time: at, From: []string{"Uptime Kuma"}}
	a.State, a.Color = state(heartbeat.Str("status"))
	reason := heartbeat.Str("msg")
	if reason == "" {
		reason = f.Str("msg")
	}
	a.Text = append(dialect.Plain(reason), dialect.Plain(monitor.Str("description"))...)
	if ping := heartbeat.Get("ping"); !ping.Absent() {
		a.Facts.Add("Response time", dialect.Number(ping)+" ms")
	}
	offline := dialect.Moment(heartbeat.Get("lastDownTime"))
	if a.Color == dialect.Green {
		a.Facts.AddSpan("Was down for", offline, at)
	}
	a.Facts.AddTime("Went down", offline)
	a.Facts.Add("Target", target(monitor))
	a.Facts.Add("Group", group(monitor))
	a.Facts.Add("Tags", tags(monitor.Get("tags")))
	if retries := heartbeat.Str("retries"); retries != "0" {
		a.Facts.Add("Retries", retries)
	}
	return dialect.Post{Doc: a.Doc(), Key: key(heartbeat, monitor)}
}

// key names the monitor. Every installation numbers its own from 1, so the name is in
// it, too.
func key(heartbeat, monitor dialect.Object) string {
	for _, id := range []string{monitor.Str("id"), heartbeat.First("monitorID", "monitor_id")} {
		if id != "" {
			return strings.TrimSpace("monitor:" + id + " " + monitor.Str("name"))
		}
	}
	return ""
}

func state(status string) (string, markup.Color) {
	switch status {
	case "0":
		return "DOWN", dialect.Red
	case "1":
		return "UP", dialect.Green
	case "2":
		return "PENDING", dialect.Yellow
	case "3":
		return "MAINTENANCE", dialect.Blue
	}
	return "", dialect.Grey
}

// target is what is watched. A URL is where the title leads, but people read it too.
func target(monitor dialect.Object) string {
	if url := monitor.URL("url"); url != "" {
		return url
	}
	host, port := monitor.Str("hostname"), monitor.Str("port")
	if host == "" || port == "" || port == "0" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// group is the path of groups that the monitor is in.
func group(monitor dialect.Object) string {
	path := strings.TrimSuffix(monitor.Str("pathName"), monitor.Str("name"))
	return strings.Trim(path, " /")
}

func tags(v dialect.Value) string {
	return dialect.Joined(v, func(tag dialect.Value) string {
		name, value := tag.Object().Str("name"), tag.Object().Str("value")
		if value == "" {
			return name
		}
		return name + ": " + value
	})
}
