// Package bitbucket reads what the webhooks of Bitbucket Cloud ("Event payloads" in
// Atlassian's developer documentation) and of Bitbucket Server and Data Center
// ("Event payload" in theirs) send. Both name the event in the header X-Event-Key,
// by which a request is known; Server repeats it in the field eventKey. The bodies
// have nothing else in common: see cloud.go and server.go.
//
// A build that is reported for a commit keeps one message, which follows its state.
package bitbucket

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is Bitbucket's, of all its editions.
var Dialect = &dialect.Dialect{Name: "bitbucket", Title: "Bitbucket", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	switch {
	case r.Header.Get("X-Event-Key") != "":
		return "the header X-Event-Key"
	case r.Fields.Has("eventKey") && r.Fields.Has("actor", "repository", "pullRequest"):
		return "the field eventKey"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	if r.Fields == nil {
		return dialect.Post{}, dialect.Nothing()
	}
	key := r.Fields.Str("eventKey")
	if key != "" {
		p := server{r.Fields, key}.post()
		return p, r.Finish(&p, nil)
	}
	if key = r.Header.Get("X-Event-Key"); key == "diagnostics:ping" {
		p := dialect.Post{Doc: dialect.Say(dialect.Para(dialect.Txt("Bitbucket tested the connection: it works.")))}
		return p, nil
	}
	p := cloud{r.Fields, key}.post()
	return p, r.Finish(&p, nil)
}

// pullVerb is what was done to a pull request, by the last words of the event's
// key; the pull request follows it. "": something else.
func pullVerb(key string) string {
	switch strings.TrimPrefix(strings.TrimPrefix(key, "pullrequest:"), "pr:") {
	case "created", "opened":
		return "opened"
	case "updated", "modified":
		return "updated"
	case "approved", "reviewer:approved":
		return "approved"
	case "unapproved", "reviewer:unapproved":
		return "took back the review of"
	case "changes_request_created", "reviewer:needs_work", "reviewer:changes_requested":
		return "asked for changes in"
	case "changes_request_removed":
		return "no longer asks for changes in"
	case "fulfilled", "merged":
		return "merged"
	case "rejected", "declined":
		return "declined"
	case "superseded":
		return "superseded"
	case "push", "from_ref_updated":
		return "pushed new commits to"
	case "to_ref_updated":
		return "moved the target of"
	case "reviewer:updated":
		return "changed the reviewers of"
	case "deleted":
		return "deleted"
	case "reopened":
		return "reopened"
	}
	return ""
}

// pullColor is the colour of a pull request by what happened and where it stands.
func pullColor(verb, state string) markup.Color {
	switch {
	case verb == "asked for changes in":
		return dialect.Red
	case verb == "merged" || state == "MERGED":
		return dialect.Purple
	case verb == "declined" || state == "DECLINED":
		return dialect.Red
	case verb == "deleted" || verb == "superseded" || state == "SUPERSEDED":
		return dialect.Grey
	}
	return dialect.Green
}

// numbered is a thing by its number and title.
func numbered(url, number, title string) markup.Inline {
	if number != "" {
		title = strings.TrimSpace("#" + number + " " + title)
	}
	return dialect.Link(url, title)
}

// arrow leads from a branch to another.
func arrow(from, to string) []markup.Inline {
	if from == "" && to == "" {
		return nil
	}
	return dialect.Line(dialect.Fixed(from), dialect.Txt(" → "), dialect.Fixed(to))
}

// somebody is a name, in bold.
func somebody(name string) markup.Inline {
	if name == "" {
		name = "Somebody"
	}
	return dialect.Bold(name)
}

// words writes the key of an event for people: "repo:mirror_synchronized".
func words(key string) string {
	return strings.ToLower(dialect.Title(strings.NewReplacer(":", " ", "_", " ").Replace(key)))
}
