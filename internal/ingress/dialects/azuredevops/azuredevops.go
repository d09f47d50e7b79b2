// Package azuredevops reads what the service hooks of Azure DevOps and of Team
// Foundation Server send ("Service hooks events" in Microsoft's documentation).
//
// A request has no header of its own and is known by its members eventType and
// publisherId with resource or message. Azure words every event itself, as text,
// HTML and Markdown: that is the line of the message, so that events that are not
// known here can be read as well. The card has what else the resource tells. Links to
// its REST interface, which nobody can open in a browser, are left out.
//
// Builds, runs of pipelines with their stages and jobs, and deployments keep one
// message each.
package azuredevops

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is Azure DevOps'.
var Dialect = &dialect.Dialect{Name: "azuredevops", Title: "Azure DevOps", Detect: detect, Parse: parse}

func detect(r *dialect.Request) string {
	f := r.Fields
	if f.Str("eventType") != "" && f.Str("publisherId") != "" && f.Has("resource", "message", "resourceContainers") {
		return "the fields eventType and publisherId"
	}
	return ""
}

func parse(r *dialect.Request) (dialect.Post, error) {
	if r.Fields == nil {
		return dialect.Post{}, dialect.Nothing()
	}
	e := event{Object: r.Fields, resource: r.Fields.Get("resource").Object(), kind: r.Fields.Str("eventType")}
	p := e.post()
	return p, r.Finish(&p, nil)
}

// event is a body, with what it is about.
type event struct {
	dialect.Object
	resource dialect.Object
	kind     string
}

// details are what a card has besides Azure's own words.
type details struct {
	line   []markup.Inline // instead of Azure's words, where ours say more
	blocks []markup.Block
	facts  dialect.Facts
	color  markup.Color
	time   dialect.Value
	key    string
}

func (e event) post() dialect.Post {
	d := e.details()
	if len(d.line) == 0 {
		d.line = e.words("message")
	}
	if len(d.line) == 0 {
		if e.kind == "" {
			return dialect.Post{}
		}
		d.line = dialect.Line(dialect.Txt(dialect.Title(e.kind)))
	}
	if d.time.Absent() {
		d.time = e.Get("createdDate")
	}
	card := markup.Card{Color: d.color, Blocks: append(d.blocks, d.facts.Blocks()...), Time: dialect.Moment(d.time)}
	return dialect.Post{Doc: dialect.Report(d.line, card), Key: d.key}
}

func (e event) details() details {
	switch {
	case e.kind == "git.push":
		return e.push()
	case e.kind == "ms.vss-code.git-pullrequest-comment-event":
		return e.pullComment()
	case strings.HasPrefix(e.kind, "git.pullrequest."):
		return e.pullRequest()
	case e.kind == "tfvc.checkin":
		return e.checkin()
	case strings.HasPrefix(e.kind, "workitem."):
		return e.workItem()
	case e.kind == "build.complete":
		return e.build()
	case strings.HasPrefix(e.kind, "ms.vss-pipelinechecks-events."):
		return e.approval()
	case strings.HasPrefix(e.kind, "ms.vss-pipelines."):
		return e.run()
	case strings.HasPrefix(e.kind, "ms.vss-release."):
		return e.release()
	}
	return e.other()
}

// words is one of Azure's texts about the event, on one line.
func (e event) words(member string) []markup.Inline {
	text := e.Get(member).Object()
	if source := text.Str("markdown"); source != "" {
		for _, b := range dialect.Markdown(dialect.FirstLine(source)) {
			if p, ok := b.(markup.Paragraph); ok {
				return p.Content
			}
		}
	}
	if first := dialect.FirstLine(text.Str("text")); first != "" {
		return dialect.Line(dialect.Txt(first))
	}
	return nil
}

// addNew adds a value that Azure's words do not have.
func (e event) addNew(facts *dialect.Facts, title, text string) {
	if !strings.Contains(markup.PlainInline(e.words("message")), text) {
		facts.Add(title, text)
	}
}

// lower writes a word of Azure's, as partiallySucceeded, for people.
func lower(word string) string { return strings.ToLower(dialect.Title(word)) }

// other is an event that this package does not know: its long text says all.
func (e event) other() details {
	d := details{color: dialect.Blue}
	if source := e.Str("detailedMessage", "markdown"); source != "" && source != e.Str("message", "markdown") {
		d.blocks = dialect.Excerpt(source, dialect.Markdown)
	}
	return d
}

// person is somebody's name: an object, or "Ann <ann@example.com>".
func person(v dialect.Value) string {
	if v.IsObject() {
		return v.Object().First("displayName", "name", "uniqueName")
	}
	name, _, _ := strings.Cut(v.Str(), " <")
	return name
}

// personAt is the name at the end of a path.
func personAt(members ...string) func(dialect.Value) string {
	return func(v dialect.Value) string { return person(v.At(members...)) }
}

// web is the page of a thing.
func web(o dialect.Object) string {
	for _, path := range [][]string{{"_links", "web", "href"}, {"_links", "html", "href"}} {
		if s := o.URL(path...); s != "" {
			return s
		}
	}
	return ""
}

// key is the key of what has an id.
func key(kind, id string) string {
	if id == "" {
		return ""
	}
	return kind + id
}
