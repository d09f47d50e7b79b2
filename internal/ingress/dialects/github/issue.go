package github

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func issues(e *event) message {
	s := issue(e.in("issue"))
	m := message{line: e.changed(s), color: s.color()}
	if old := e.in("changes", "old_issue"); e.action == "opened" && len(old) > 0 {
		m.line = e.did(txt("transferred"), txt(s.noun), s.link(), txt("from"), issue(old).link(), txt("in"), named(e.in("changes", "old_repository")))
	}
	if e.showsText() {
		m.markdown(s.Str("body"), s.URL("html_url"))
	}
	e.subjectFacts(&m, s)
	return m
}

func issueComment(e *event) message {
	s := issue(e.in("issue"))
	return e.comment(s.color(), say(txt(s.noun), s.link()))
}

func commitComment(e *event) message {
	c := e.in("comment")
	return e.comment(dialect.Blue, say(txt("commit"), e.commit(c.Str("commit_id")), place(c)))
}

func discussionComment(e *event) message {
	s := subject{"discussion", e.in("discussion")}
	return e.comment(dialect.Blue, say(txt(s.noun), s.link()))
}

// comment tells of a comment on something. What was deleted is not repeated.
func (e *event) comment(color markup.Color, on phrase) message {
	c := e.in("comment")
	url := c.URL("html_url")
	m := message{color: color}
	switch e.action {
	case "created":
		verb := "commented"
		if c.Has("parent_id") || c.Has("in_reply_to_id") {
			verb = "replied"
		}
		m.line = e.did(link(url, verb), with("on", on))
	case "deleted":
		m.line = e.did(txt("deleted "+e.article(c, "comment")), with("on", on))
		return m
	default:
		m.line = e.did(txt(words(e.action)), link(url, e.article(c, "comment")), with("on", on))
	}
	m.markdown(c.Str("body"), url)
	return m
}

// article is "a comment", with its author when that is somebody else.
func (e *event) article(o dialect.Object, noun string) string {
	user := o.Get("user").Object()
	if name := user.Str("login"); name != "" && !e.isSender(user) {
		return name + "’s " + noun
	}
	return "a " + noun
}

// place is the file and the line that something is about; empty when it is about
// the whole.
func place(o dialect.Object) phrase {
	path := o.Str("path")
	if path == "" {
		return nil
	}
	line := o.First("line", "original_line")
	first := o.First("start_line", "original_start_line")
	switch {
	case line == "":
		return say(txt("at"), code("", path))
	case first != "" && first != line:
		return say(txt("at"), code("", path), txt("lines "+first+" to "+line))
	}
	return say(txt("at"), code("", path), txt("line "+line))
}
