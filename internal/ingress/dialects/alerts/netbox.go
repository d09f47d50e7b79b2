package alerts

import (
	"slices"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// NetBox is the webhooks of its event rules ("Webhooks"), known by event, model and
// request_id. A template of the user's own often sends only the object, or only what
// it was before and after: both are understood too.
var NetBox = &dialect.Dialect{Name: "netbox", Title: "NetBox", Detect: detectNetBox, Parse: parseNetBox}

func detectNetBox(r *dialect.Request) string {
	f := r.Fields
	switch names := f.Names(); {
	case f.Has("event") && f.Has("model") && f.Has("request_id") && f.Get("data").IsObject():
		return "the fields event, model and request_id"
	case f.Has("display") && f.Has("display_url") && strings.Contains(f.Str("url"), "/api/"):
		return "the fields display and display_url"
	case slices.Contains(names, "prechange") && slices.Contains(names, "postchange"):
		return "the fields prechange and postchange"
	}
	return ""
}

func parseNetBox(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	data, snapshots := f.Get("data").Object(), f.Get("snapshots").Object()
	if data == nil {
		data = f
	}
	if snapshots == nil {
		snapshots = f
	}
	before, after := snapshots.Get("prechange").Object(), snapshots.Get("postchange").Object()
	if !data.Has("display", "name") {
		data = after
		if after == nil {
			data = before
		}
	}
	a := &dialect.Alarm{Name: strings.TrimSpace(netBoxModel(f) + " " + data.First("display", "name")), URL: data.Str("display_url"), From: []string{"NetBox"}}
	a.State, a.Color = netBoxState(f.Str("event"), before, after)
	a.Time = dialect.Moment(f.Get("timestamp"))
	if a.Time.IsZero() {
		a.Time = dialect.Moment(data.Get("last_updated"))
	}
	a.Text = dialect.Plain(data.First("description", "comments"))
	a.Facts.Add("By", f.Str("username"))
	if before != nil && after != nil {
		changes(&a.Facts, before, after)
	} else {
		properties(&a.Facts, data)
	}
	return posted(r, a, "", "")
}

// netBoxModel is the kind of object without the application that it belongs to.
func netBoxModel(f dialect.Object) string {
	model := f.Str("model")
	return model[strings.LastIndexByte(model, '.')+1:]
}

func netBoxState(event string, before, after dialect.Object) (string, markup.Color) {
	event = strings.TrimPrefix(event, "object_")
	if event == "" && (before != nil || after != nil) {
		event = "updated"
		if before == nil {
			event = "created"
		} else if after == nil {
			event = "deleted"
		}
	}
	state := strings.ToUpper(dialect.Title(event))
	switch event {
	case "created":
		return state, dialect.Green
	case "deleted":
		return state, dialect.Grey
	case "job_failed", "job_errored":
		return state, dialect.Red
	}
	return state, dialect.Blue
}

// notProperties are members that tell nothing of the object itself.
var notProperties = [...]string{
	"id", "url", "display", "display_url", "name", "slug", "description", "comments", "created", "last_updated", "event", "model", "timestamp",
	"username", "request_id", "prechange", "postchange",
}

func properties(facts *dialect.Facts, o dialect.Object) {
	for _, name := range o.Names() {
		if !slices.Contains(notProperties[:], name) && facts.Len() < dialect.MaxFields {
			facts.Add(dialect.Title(name), property(o.Get(name)))
		}
	}
}

// property is a value in words: choices and other objects have a label.
func property(v dialect.Value) string {
	if v.IsArray() {
		return dialect.Joined(v, property)
	}
	if v.IsObject() {
		return v.Object().First("label", "display", "name", "value")
	}
	return v.Str()
}

// changes lists what is not as it was.
func changes(facts *dialect.Facts, before, after dialect.Object) {
	for _, name := range after.Names() {
		was, is := property(before.Get(name)), property(after.Get(name))
		if was == is || name == "last_updated" || facts.Len() >= dialect.MaxFields {
			continue
		}
		facts.Add(dialect.Title(name), orNothing(was)+" → "+orNothing(is))
	}
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
