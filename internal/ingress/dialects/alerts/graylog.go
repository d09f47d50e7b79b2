package alerts

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Graylog is its HTTP notifications: those of event definitions since Graylog 3.1
// ("Notifications", HTTP Notification), known by event_definition_id, and the alarm
// callbacks of streams before, known by check_result and stream. Nothing tells when
// an alert is over, so that each is a message of its own.
var Graylog = &dialect.Dialect{Name: "graylog", Title: "Graylog", Detect: detectGraylog, Parse: parseGraylog}

func detectGraylog(r *dialect.Request) string {
	f := r.Fields
	switch {
	case f.Has("event_definition_id") && (f.Get("event").IsObject() || f.Has("event_definition_type")):
		return "the fields event_definition_id and event_definition_type"
	case f.Get("check_result").IsObject() && f.Get("stream").IsObject():
		return "the fields check_result and stream"
	}
	return ""
}

func parseGraylog(r *dialect.Request) (dialect.Post, error) {
	if r.Fields.Get("check_result").IsObject() {
		return posted(r, streamAlert(r.Fields), "", "")
	}
	return posted(r, graylogEvent(r.Fields), "", "")
}

func streamAlert(f dialect.Object) *dialect.Alarm {
	check, stream := f.Get("check_result").Object(), f.Get("stream").Object()
	a := &dialect.Alarm{
		State: "ALERT", Color: dialect.Red, Name: stream.Str("title"), Text: dialect.Plain(check.Str("result_description")),
		From: []string{"Graylog"}, Time: dialect.Moment(check.Get("triggered_at")),
	}
	if check.Has("triggered") && !check.Flag("triggered") {
		a.State, a.Color = "OK", dialect.Green
	}
	a.Facts.Add("Stream", stream.Str("description"))
	a.Facts.Add("Condition", check.Str("triggered_condition", "title"))
	a.Facts.Add("Kind", constant(check.Str("triggered_condition", "type"), ""))
	a.Rest = logLines(check.Get("matching_messages"))
	return a
}

func graylogEvent(f dialect.Object) *dialect.Alarm {
	e := f.Get("event").Object()
	if e == nil { // a template of the user's own has only the event
		e = f
	}
	a := &dialect.Alarm{State: "EVENT", Color: dialect.Blue, Name: f.Str("event_definition_title"), From: []string{"Graylog"}, Time: dialect.Moment(e.Get("timestamp"))}
	word, color := graylogPriority(e.Str("priority"))
	if e.Flag("alert") {
		a.State, a.Color = "ALERT", color
	}
	message := e.Str("message")
	if a.Name == "" {
		a.Name, message = dialect.FirstLine(message), strings.TrimSpace(strings.TrimPrefix(message, dialect.FirstLine(message)))
	}
	if description := f.Str("event_definition_description"); description != message {
		a.Text = dialect.Plain(description)
	}
	if message != a.Name {
		a.Text = append(a.Text, dialect.Plain(message)...)
	}
	a.Facts.Add("Priority", word)
	a.Facts.Add("Source", e.Str("source"))
	a.Facts.Add("Key", e.Str("key"))
	scalars(&a.Facts, e.Get("group_by_fields").Object(), isInternal)
	scalars(&a.Facts, e.Get("fields").Object(), isInternal)
	replay := e.Get("replay_info").Object()
	a.Facts.Add("Query", replay.Str("query"))
	timeRange(&a.Facts, "Time range", dialect.Moment(replay.Get("timerange_start")), dialect.Moment(replay.Get("timerange_end")))
	a.Rest = logLines(f.Get("backlog"))
	return a
}

// graylogPriority is the word and colour of a priority.
func graylogPriority(n string) (string, markup.Color) {
	switch n {
	case "0":
		return "info", dialect.Blue
	case "1":
		return "low", dialect.Blue
	case "2":
		return "normal", dialect.Orange
	case "3":
		return "high", dialect.Red
	case "4":
		return "critical", dialect.Red
	}
	return n, dialect.Red
}

// maxLogLines is how many log messages are shown.
const maxLogLines = 10

// logLines lists log messages: from where, when, and what they say.
func logLines(v dialect.Value) []markup.Block {
	list := markup.List{}
	more := 0
	for e := range v.Elements() {
		m := e.Object()
		switch {
		case m.Str("message") == "":
			continue
		case len(list.Items) == maxLogLines:
			more++
			continue
		}
		line := dialect.Line(dialect.Bold(m.Str("source")), dialect.Txt(" "), dialect.When(m.Get("timestamp")), markup.Break{}, dialect.Txt(m.Str("message")))
		list.Items = append(list.Items, markup.ListItem{Blocks: []markup.Block{dialect.Para(line...)}})
	}
	if list.Items == nil {
		return nil
	}
	out := []markup.Block{list}
	if more > 0 {
		out = append(out, dialect.Para(dialect.Txt("and "+dialect.Count(more, "more", "more"))))
	}
	return out
}
