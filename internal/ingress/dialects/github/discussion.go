package github

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func discussion(e *event) message {
	s := subject{"discussion", e.in("discussion")}
	m := message{color: s.color()}
	answer := e.in("answer")
	switch e.action {
	case "created":
		m.line = e.did(txt("started"), txt(s.noun), s.link())
	case "answered":
		m.line = e.did(txt("marked"), link(answer.URL("html_url"), "an answer"), txt("to"), txt(s.noun), s.link())
	case "unanswered":
		answer = e.in("old_answer")
		m.line = e.did(txt("no longer takes"), link(answer.URL("html_url"), "a comment"), txt("as the answer to"), txt(s.noun), s.link())
	case "category_changed":
		m.line = e.did(txt("moved"), txt(s.noun), s.link(), txt("from"), category(e.in("changes", "category", "from")),
			txt("to"), category(s.Get("category").Object()))
	default:
		m.line = e.changed(s)
	}
	if e.showsText() {
		m.markdown(s.Str("body"), s.URL("html_url"))
	}
	m.markdown(answer.Str("body"), answer.URL("html_url"))
	if user := answer.Get("user").Object(); !e.isSender(user) {
		m.facts.AddLine("Answer by", person(user)...)
	}
	if e.action != "category_changed" {
		m.facts.AddLine("Category", category(s.Get("category").Object())...)
	}
	e.subjectFacts(&m, s)
	return m
}

// category is the name of a category, with its emoji.
func category(o dialect.Object) phrase {
	return say(txt(emoji(o.Str("emoji"))), txt(o.Str("name")))
}
