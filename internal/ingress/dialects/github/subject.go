package github

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// subject is what has a number and a title: an issue, a pull request, a discussion.
type subject struct {
	noun string
	dialect.Object
}

// issue reads an issue, which may be a pull request in disguise.
func issue(o dialect.Object) subject {
	if o.Has("pull_request") {
		return subject{"pull request", o}
	}
	return subject{"issue", o}
}

// link is the number and the title.
func (s subject) link() phrase {
	text := emoji(s.Str("title"))
	if number := s.Str("number"); number != "" {
		text = "#" + number + ": " + text
	}
	return link(s.URL("html_url"), text)
}

// color is the state's.
func (s subject) color() markup.Color {
	closed := s.Str("state") == "closed"
	reason := s.Str("state_reason")
	switch {
	case s.Flag("merged") || s.Has("merged_at"):
		return dialect.Purple
	case closed && (reason == "not_planned" || reason == "duplicate"):
		return dialect.Grey
	case closed && s.noun == "pull request":
		return dialect.Red
	case closed:
		return dialect.Purple
	case s.Flag("draft"):
		return dialect.Grey
	}
	return dialect.Green
}

// changed tells what was done to a subject of any kind.
func (e *event) changed(s subject) phrase {
	noun, name := txt(s.noun), s.link()
	switch e.action {
	case "edited":
		return e.edited(s)
	case "labeled":
		return e.did(txt("added the label"), bold(e.Str("label", "name")), txt("to"), noun, name)
	case "unlabeled":
		return e.did(txt("removed the label"), bold(e.Str("label", "name")), txt("from"), noun, name)
	case "assigned":
		return e.did(txt("assigned"), e.whom("assignee"), txt("to"), noun, name)
	case "unassigned":
		return e.did(txt("unassigned"), e.whom("assignee"), txt("from"), noun, name)
	case "milestoned":
		return e.did(txt("added"), noun, name, txt("to the milestone"), named(e.in("milestone")))
	case "demilestoned":
		return e.did(txt("removed"), noun, name, txt("from the milestone"), named(e.in("milestone")))
	case "locked":
		return e.did(txt("locked"), noun, name, reason("as", s.Str("active_lock_reason")))
	case "typed":
		return e.did(txt("made"), noun, name, txt("a"), bold(e.Str("type", "name")))
	case "untyped":
		return e.did(txt("removed the type"), bold(e.Str("type", "name")), txt("from"), noun, name)
	case "closed":
		return e.did(txt("closed"), noun, name, reason("as", s.Str("state_reason")))
	case "transferred":
		return e.did(txt("transferred"), noun, name, txt("to"), subject{s.noun, e.in("changes", "new_"+s.noun)}.link(),
			txt("in"), named(e.in("changes", "new_repository")))
	}
	return e.did(txt(words(e.action)), noun, name)
}

// reason is a reason in the words of the interface; nil when there is none.
func reason(preposition, why string) phrase {
	if why == "" {
		return nil
	}
	return txt(preposition + " " + words(why))
}

// whom is the user whom it was done to.
func (e *event) whom(member string) phrase {
	user := e.in(member)
	if e.isSender(user) {
		return txt("themselves")
	}
	return person(user)
}

// edited tells what of a subject was changed.
func (e *event) edited(s subject) phrase {
	noun, name := txt(s.noun), s.link()
	changes := e.in("changes")
	switch {
	case changes.Has("title"):
		return e.did(txt("renamed"), noun, name, was(changes.Str("title", "from")))
	case changes.Has("base"):
		return e.did(txt("moved"), noun, name, txt("from"), e.branch(changes.Str("base", "ref", "from")), txt("to"), e.branch(s.Str("base", "ref")))
	case changes.Has("body"):
		return e.did(txt("edited the description of"), noun, name)
	}
	return e.did(txt("edited"), noun, name)
}

// showsText reports whether a description is news: it is not when only a label
// was added.
func (e *event) showsText() bool {
	switch e.action {
	case "opened", "created", "reopened", "ready_for_review", "transferred":
		return true
	case "edited":
		return !e.in("changes").Has("title")
	}
	return false
}

// subjectFacts adds what there is to know of a subject.
func (e *event) subjectFacts(m *message, s subject) {
	if user := s.Get("user").Object(); !e.isSender(user) {
		m.facts.AddLine("Author", person(user)...)
	}
	m.facts.AddLine("Type", bold(s.Str("type", "name"))...)
	e.factOf(m, "Labels", each(s.Get("labels"), func(o dialect.Object) phrase { return txt(emoji(o.Str("name"))) }))
	e.factOf(m, "Assignees", each(s.Get("assignees"), person))
	e.factOf(m, "Milestone", named(s.Get("milestone").Object()))
}

// factOf adds a fact, unless the sentence has just said it: that the label "bug" was
// added says that the labels are "bug".
func (e *event) factOf(m *message, title string, value phrase) {
	said := map[string]phrase{
		"labeled": txt(emoji(e.Str("label", "name"))), "assigned": person(e.in("assignee")), "milestoned": named(e.in("milestone")),
	}[e.action]
	if len(said) == 0 || markup.PlainInline(said) != markup.PlainInline(value) {
		m.facts.AddLine(title, value...)
	}
}
