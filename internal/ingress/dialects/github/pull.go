package github

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func pullRequest(e *event) message {
	s := subject{"pull request", e.in("pull_request")}
	m := message{line: e.pulled(s), color: s.color()}
	if e.showsText() {
		m.markdown(s.Str("body"), s.URL("html_url"))
	}
	e.branches(&m, s)
	m.facts.Add("Changes", extent(s))
	e.subjectFacts(&m, s)
	m.facts.AddLine("Reviewers", list(each(s.Get("requested_reviewers"), person), each(s.Get("requested_teams"), person))...)
	return m
}

// pulled tells what was done to a pull request.
func (e *event) pulled(s subject) phrase {
	noun, name := txt(s.noun), s.link()
	switch e.action {
	case "opened":
		if s.Flag("draft") {
			noun = txt("draft " + s.noun)
		}
		return e.did(txt("opened"), noun, name)
	case "closed":
		if s.Flag("merged") {
			return e.did(txt("merged"), noun, name)
		}
		return e.did(txt("closed"), noun, name, txt("without merging it"))
	case "synchronize":
		return e.did(link(e.page("compare", compared(e.Str("before"), e.Str("after"))), "pushed"), txt("to"), noun, name)
	case "ready_for_review":
		return e.did(txt("marked"), noun, name, txt("as ready for review"))
	case "converted_to_draft":
		return e.did(txt("made"), noun, name, txt("a draft"))
	case "review_requested":
		return e.did(txt("asked"), e.reviewer(), txt("to review"), noun, name)
	case "review_request_removed":
		return e.did(txt("no longer asks"), e.reviewer(), txt("to review"), noun, name)
	case "auto_merge_enabled":
		return e.did(txt("will merge"), noun, name, txt("as soon as it may be merged"))
	case "auto_merge_disabled":
		return e.did(txt("will not merge"), noun, name, txt("automatically any more"), reason("because:", e.Str("reason")))
	case "enqueued":
		return e.did(txt("added"), noun, name, txt("to the merge queue"))
	case "dequeued":
		return e.did(txt("removed"), noun, name, txt("from the merge queue"), reason("because:", e.Str("reason")))
	}
	return e.changed(s)
}

// reviewer is the user or the team who was asked for a review.
func (e *event) reviewer() phrase {
	if team := e.in("requested_team"); len(team) > 0 {
		return person(team)
	}
	return e.whom("requested_reviewer")
}

func compared(before, after string) string {
	if before == "" || after == "" {
		return ""
	}
	return before + "..." + after
}

// branches says from where to where the changes go.
func (e *event) branches(m *message, s subject) {
	head, base := s.Get("head").Object(), s.Get("base").Object()
	from, to := head.Str("ref"), base.Str("ref")
	if from == "" || to == "" {
		return
	}
	home := head.Get("repo").Object()
	url := pageOf(home, "tree", from)
	if name := home.Str("full_name"); name != base.Str("repo", "full_name") {
		from = head.First("label", "ref")
	}
	m.facts.AddLine("Branches", say(code(url, from), txt("→"), code(pageOf(base.Get("repo").Object(), "tree", to), to))...)
}

// extent says how much a pull request changes.
func extent(s subject) string {
	var parts []string
	for _, n := range []struct{ member, one, many string }{{"commits", "commit", "commits"}, {"changed_files", "file", "files"}} {
		if number := s.Str(n.member); number == "1" {
			parts = append(parts, "1 "+n.one)
		} else if number != "" {
			parts = append(parts, number+" "+n.many)
		}
	}
	if s.Has("additions") || s.Has("deletions") {
		parts = append(parts, "+"+s.Str("additions")+" −"+s.Str("deletions"))
	}
	return strings.Join(parts, ", ")
}

func mergeGroup(e *event) message {
	g := e.in("merge_group")
	c := g.Get("head_commit").Object()
	m := message{color: dialect.Yellow}
	switch e.action {
	case "checks_requested":
		m.line = e.told(txt("The merge queue of"), e.branch(g.Str("base_ref")), txt("asks for checks of"), e.queued(g))
	case "destroyed":
		m.line = e.told(txt("The merge queue of"), e.branch(g.Str("base_ref")), txt("is done with"), e.queued(g), reason("because:", e.Str("reason")))
		m.color = dialect.Grey
	default:
		m.line = e.told(txt("The merge queue of"), e.branch(g.Str("base_ref")), txt(words(e.action)), e.queued(g))
	}
	m.note(e.commit(g.Str("head_sha")), txt(dialect.FirstLine(c.Str("message"))), by(c))
	return m
}

// queued is the pull request that waits in a merge queue: its number is in the
// name of the branch that GitHub makes for it.
func (e *event) queued(g dialect.Object) phrase {
	_, name, found := strings.Cut(g.Str("head_ref"), "/pr-")
	number, _, _ := strings.Cut(name, "-")
	if !found || number == "" {
		return e.commit(g.Str("head_sha"))
	}
	return link(e.page("pull", number), "#"+number)
}
