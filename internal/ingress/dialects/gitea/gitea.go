// Package gitea reads what the webhooks of Gitea, Forgejo and Gogs send. The three
// are one family: the body is the same but for what each has added ("Webhooks" in
// the documentation of each; the shapes are those of modules/structs/hook.go in
// Gitea).
//
// A request is known by its header X-Forgejo-Event, X-Gitea-Event or
// X-Gogs-Event. Forgejo sends all three, and it and Gitea also send
// X-GitHub-Event, so that this package must be asked before GitHub's. What happened
// is read from the body; the header is needed only to tell a new branch from one
// that was deleted where the body does not.
//
// Runs of workflows, their jobs and the states of commits keep one message each.
package gitea

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// The dialects of the family. Each knows only its own header.
var (
	Forgejo = family("forgejo", "Forgejo", "X-Forgejo-Event")
	Dialect = family("gitea", "Gitea", "X-Gitea-Event")
	Gogs    = family("gogs", "Gogs", "X-Gogs-Event")
)

func family(name, title, header string) *dialect.Dialect {
	return &dialect.Dialect{
		Name:  name,
		Title: title,
		Detect: func(r *dialect.Request) string {
			if r.Header.Get(header) == "" {
				return ""
			}
			return "the header " + header
		},
		Parse: parse,
	}
}

func parse(r *dialect.Request) (dialect.Post, error) {
	if r.Fields == nil {
		return dialect.Post{}, dialect.Nothing()
	}
	e := event{Object: r.Fields}
	for _, name := range []string{"X-Forgejo-Event", "X-Gitea-Event", "X-Gogs-Event"} {
		if e.kind == "" {
			e.kind = r.Header.Get(name)
		}
	}
	p := e.post()
	return p, r.Finish(&p, nil)
}

// event is a body, and what its header calls it; "" when it has no header.
type event struct {
	dialect.Object
	kind string
}

func (e event) post() dialect.Post {
	switch {
	case e.Get("comment").IsObject(): // that of a wiki page is a text
		return e.comment()
	case e.Has("review") && e.Has("pull_request"):
		return e.review()
	case e.Has("workflow_run"):
		return e.workflowRun()
	case e.Has("workflow_job"):
		return e.workflowJob()
	case e.Has("pull_request"):
		return e.thing("pull request", e.Get("pull_request").Object())
	case e.Has("issue"):
		return e.thing("issue", e.Get("issue").Object())
	case e.Has("release"):
		return e.release()
	case e.Has("forkee"):
		return e.fork()
	case e.Has("package"):
		return e.packaged()
	case e.Has("page"):
		return e.wiki()
	case e.Has("context", "target_url") && e.Has("state"):
		return e.status()
	case e.Has("ref_type"):
		return e.refChanged()
	case e.Has("ref"):
		return e.push()
	}
	return e.other()
}

// person is what somebody calls themself.
func person(o dialect.Object) string { return o.First("full_name", "name", "login", "username") }

func personOf(v dialect.Value) string { return person(v.Object()) }

// actor is who did it, with their page.
func (e event) actor() markup.Inline {
	for _, path := range [][]string{{"sender"}, {"pusher"}, {"comment", "user"}, {"issue", "user"}, {"pull_request", "user"}, {"release", "author"}} {
		who := e.At(path...).Object()
		name := person(who)
		if name == "" {
			continue
		}
		if page := who.URL("html_url"); page != "" {
			return markup.Strong{Content: dialect.Line(dialect.Link(page, name))}
		}
		return dialect.Bold(name)
	}
	return dialect.Bold("Somebody")
}

// web is the address of the repository.
func (e event) web() string { return strings.TrimSuffix(e.URL("repository", "html_url"), "/") }

// line is a sentence that ends with the repository in which it happened.
func (e event) line(content ...markup.Inline) []markup.Inline {
	name := e.Get("repository").Object().First("full_name", "name")
	if name == "" {
		return content
	}
	return append(content, dialect.Txt(" in "), dialect.Link(e.web(), name))
}

// page is an address in the repository; "" when it has none.
func (e event) page(path string) string {
	if web := e.web(); web != "" {
		return web + "/" + path
	}
	return ""
}

func commit(v dialect.Value) dialect.Commit {
	o := v.Object()
	return dialect.Commit{ID: o.Str("id"), URL: o.Str("url"), Message: o.Str("message"), Author: personOf(o.Get("author"))}
}

// numbered is an issue or a pull request by its number and title.
func (e event) numbered(o dialect.Object) markup.Inline {
	number := o.Str("number")
	if number == "" {
		number = e.Str("number")
	}
	text := o.Str("title")
	if number != "" {
		text = "#" + number + " " + text
	}
	return dialect.Link(o.First("html_url", "url"), text)
}

func spaced(word string) string { return strings.ReplaceAll(word, "_", " ") }
