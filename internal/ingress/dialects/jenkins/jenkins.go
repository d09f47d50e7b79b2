// Package jenkins reads what Jenkins' Notification plugin sends as JSON
// (plugins.jenkins.io/notification; the shape is that of its classes JobState,
// BuildState, ScmState and TestState). The Slack plugin speaks Slack.
//
// A request has no header of its own and is known by a name with an object build
// that has a number and a phase. A build keeps one message, which follows it from
// the queue to the end. The plugin itself leaves out the parameters that are marked
// as secret.
package jenkins

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is that of Jenkins' Notification plugin.
var Dialect = &dialect.Dialect{Name: "jenkins", Title: "Jenkins", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	if !r.Fields.Has("name", "display_name") {
		return ""
	}
	build := r.Fields.Get("build").Object()
	if build.Has("number") && build.Has("phase") && build.Has("full_url", "url") {
		return "the field build with number and phase"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	job, build := r.Fields, r.Fields.Get("build").Object()
	name := jobName(job)
	number := build.Str("number")
	if name == "" && number == "" {
		return dialect.Post{}, dialect.Nothing()
	}
	words, color := state(build)
	if took := dialect.Took(dialect.Span(build.Get("duration"), time.Millisecond)); took != "" && ended(build) {
		words += " after " + took
	}
	line := dialect.Line(dialect.Txt(name+" "), dialect.Link(build.First("full_url", "url"), "#"+number), dialect.Txt(" "), dialect.Bold(words))
	if branch := build.Str("scm", "branch"); branch != "" {
		line = append(line, dialect.Txt(" on "), dialect.Fixed(strings.TrimPrefix(branch, "origin/")))
	}

	card := markup.Card{Color: color, Time: dialect.Moment(build.Get("timestamp"))}
	card.Blocks = append(dialect.Excerpt(build.Str("notes"), dialect.Plain), facts(build)...)
	p := dialect.Post{Doc: dialect.Report(line, card)}
	if name != "" && number != "" {
		p.Key = "build:" + name + "#" + number
	}
	return p, r.Finish(&p, nil)
}

// jobName is the name of a job with its folders, which only its address has:
// "job/owls/job/nest/".
func jobName(job dialect.Object) string {
	display := job.First("display_name", "name")
	path := "/" + strings.Trim(job.Str("url"), "/")
	folders := strings.Split(path, "/job/")
	if folders[0] != "" || len(folders) < 3 {
		return display
	}
	return strings.Join(folders[1:len(folders)-1], "/") + "/" + display
}

// ended reports whether there is a result: a build that runs has none.
func ended(build dialect.Object) bool {
	switch build.Str("phase") {
	case "QUEUED", "STARTED":
		return false
	}
	return build.Has("status")
}

func state(build dialect.Object) (string, markup.Color) {
	if !ended(build) {
		if build.Str("phase") == "QUEUED" {
			return "is waiting", dialect.Yellow
		}
		return "is running", dialect.Blue
	}
	switch status := build.Str("status"); status {
	case "SUCCESS":
		return "passed", dialect.Green
	case "FAILURE":
		return "failed", dialect.Red
	case "UNSTABLE":
		return "is unstable", dialect.Orange
	case "ABORTED":
		return "was aborted", dialect.Grey
	case "NOT_BUILT":
		return "was not built", dialect.Grey
	default:
		return "is " + strings.ToLower(dialect.Title(status)), dialect.Grey
	}
}
