package github

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func review(e *event) message {
	s := subject{"pull request", e.in("pull_request")}
	r := e.in("review")
	m := message{color: reviewColor(r.Str("state"))}
	url := r.URL("html_url")
	switch e.action {
	case "submitted":
		m.line = e.did(link(url, verdict(r.Str("state"))), txt(s.noun), s.link())
	case "dismissed":
		m.line = e.did(txt("dismissed"), link(url, e.article(r, "review")), txt("of"), txt(s.noun), s.link())
	default:
		m.line = e.did(txt(words(e.action)), link(url, e.article(r, "review")), txt("of"), txt(s.noun), s.link())
	}
	m.markdown(r.Str("body"), url)
	e.branches(&m, s)
	return m
}

func verdict(state string) string {
	switch strings.ToLower(state) {
	case "approved":
		return "approved"
	case "changes_requested":
		return "requested changes in"
	case "commented":
		return "reviewed"
	}
	return strings.TrimSpace("reviewed (" + words(state) + ")")
}

func reviewColor(state string) markup.Color {
	switch strings.ToLower(state) {
	case "approved":
		return dialect.Green
	case "changes_requested":
		return dialect.Red
	case "dismissed":
		return dialect.Grey
	}
	return dialect.Blue
}

func reviewComment(e *event) message {
	s := subject{"pull request", e.in("pull_request")}
	c := e.in("comment")
	m := e.comment(dialect.Blue, say(txt(s.noun), s.link(), place(c)))
	if e.action != "deleted" {
		m.texts = append(hunk(c.Str("diff_hunk")), m.texts...)
	}
	return m
}

func reviewThread(e *event) message {
	s := subject{"pull request", e.in("pull_request")}
	var first dialect.Object
	for c := range e.At("thread", "comments").Elements() {
		first = c.Object()
		break
	}
	m := message{
		line:  e.did(txt(words(e.action)), link(first.URL("html_url"), "a conversation"), txt("on"), txt(s.noun), s.link(), place(first)),
		color: dialect.Grey,
	}
	if e.action == "resolved" {
		m.color = dialect.Purple
	}
	m.markdown(first.Str("body"), first.URL("html_url"))
	if user := first.Get("user").Object(); !e.isSender(user) {
		m.facts.AddLine("Author", person(user)...)
	}
	return m
}

// hunk shows the lines that a comment is about: the last ones of its piece of diff.
func hunk(diff string) []markup.Block {
	const shown = 5
	lines := strings.Split(strings.TrimRight(diff, "\n"), "\n")
	if len(lines) > 0 && strings.HasPrefix(lines[0], "@@") {
		lines = lines[1:]
	}
	lines = lines[max(0, len(lines)-shown):]
	text := strings.Join(lines, "\n")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return []markup.Block{markup.CodeBlock{Language: "diff", Text: text}}
}
