package gitlab

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// note is a comment.
func (e event) note() dialect.Post {
	a := e.attrs
	verb := "commented"
	if a.Str("action") == "update" {
		verb = "edited a comment"
	}
	if a.Flag("system") {
		verb = "changed something"
	}
	line := dialect.Line(e.actor(), dialect.Txt(" "), dialect.Link(a.Str("url"), verb), dialect.Txt(" on "))
	line = e.line(append(line, e.noteTarget()...)...)
	if e.Str("event_type") == "confidential_note" || a.Flag("internal") {
		line = append(line, dialect.Txt(" (confidential)"))
	}

	var facts dialect.Facts
	if a.Has("position") {
		facts.AddLine("Code", place(a.Get("position").Object())...)
	} else {
		facts.AddLine("Code", place(a.Get("st_diff").Object())...)
	}
	card := markup.Card{Color: dialect.Blue, Blocks: append(dialect.Markdown(a.Str("note")), facts.Blocks()...)}
	card.Time = dialect.Moment(a.Get("updated_at", "created_at"))
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// noteTarget is what a comment is about, with its address: that of the comment
// without the anchor, where the thing has none of its own.
func (e event) noteTarget() []markup.Inline {
	page, _, _ := strings.Cut(e.attrs.Str("url"), "#")
	at := func(name string) (o dialect.Object, url string) {
		if o = e.Get(name).Object(); o.URL("url") != "" {
			return o, o.URL("url")
		}
		return o, page
	}
	switch kind := e.attrs.Str("noteable_type"); kind { //nolint:misspell // GitLab's own word
	case "MergeRequest":
		o, url := at("merge_request")
		return dialect.Line(dialect.Txt("merge request "), numbered("!", o, url))
	case "Issue", "WorkItem":
		o, url := at("issue")
		return dialect.Line(dialect.Txt("issue "), numbered("#", o, url))
	case "Snippet", "ProjectSnippet":
		o, url := at("snippet")
		target := dialect.Line(dialect.Txt("snippet "), dialect.Link(url, o.First("title", "file_name")))
		if file := o.Str("file_name"); file != "" {
			target = append(target, dialect.Txt(" ("), dialect.Fixed(file), dialect.Txt(")"))
		}
		return target
	case "Commit":
		c := commit(e.Get("commit"))
		c.Author = ""
		return append(dialect.Line(dialect.Txt("commit ")), c.Line()...)
	default:
		return dialect.Line(dialect.Link(page, strings.ToLower(dialect.Title(kind))))
	}
}
