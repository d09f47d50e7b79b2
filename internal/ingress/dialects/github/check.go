package github

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func checkRun(e *event) message {
	c := e.in("check_run")
	suite := c.Get("check_suite").Object()
	name := link(c.URL("html_url"), c.Str("name"))
	state := ran(c)
	m := message{color: state.color, key: key("check", c), time: moment(c, "completed_at", "started_at")}
	switch e.action {
	case "rerequested":
		m.line = e.did(txt("asked to run check"), name, e.on(suite.Str("head_branch")), txt("again"))
		m.facts.Add("Result before", strings.TrimPrefix(state.words, "was "))
	case "requested_action":
		m.line = e.did(txt("asked check"), name, txt("for"), bold(e.Str("requested_action", "identifier")))
	default:
		m.line = e.told(txt("Check"), name, bold(state.words), e.on(suite.Str("head_branch")),
			after(c.Get("started_at"), c.Get("completed_at")))
	}
	output := c.Get("output").Object()
	m.note(bold(output.Str("title")))
	m.markdown(output.Str("summary"), c.URL("html_url"))
	m.markdown(output.Str("text"), c.URL("html_url"))
	if n := output.Str("annotations_count"); n != "" && n != "0" {
		m.facts.Add("Annotations", n)
	}
	m.facts.AddLine("Commit", e.commit(c.Str("head_sha"))...)
	m.facts.AddLine("Pull request", e.pulls(c.Get("pull_requests"))...)
	m.facts.AddLine("App", named(c.Get("app").Object())...)
	if details := c.URL("details_url"); details != c.URL("html_url") {
		m.facts.AddLine("More", page(details, "details")...)
	}
	return m
}

func checkSuite(e *event) message {
	s := e.in("check_suite")
	app := s.Get("app").Object()
	url := e.page("commit", s.Str("head_sha")) + "/checks"
	state := ran(s)
	m := message{color: state.color, key: key("suite", s), time: moment(s, "updated_at", "created_at")}
	if e.action == "rerequested" {
		m.line = e.did(txt("asked to run the"), link(url, "check suite"), with("of", named(app)), e.on(s.Str("head_branch")), txt("again"))
		m.facts.Add("Result before", strings.TrimPrefix(state.words, "was "))
	} else {
		m.line = e.told(link(url, "Check suite"), with("of", named(app)), bold(state.words), e.on(s.Str("head_branch")))
	}
	e.headCommit(&m, s)
	m.facts.AddLine("Pull request", e.pulls(s.Get("pull_requests"))...)
	if n := s.Str("latest_check_runs_count"); n != "" && n != "0" {
		m.facts.Add("Checks", n)
	}
	return m
}

// status is the older kind of check: a word of another service on a commit.
func status(e *event) message {
	sha := e.Str("sha")
	state := outcomeOf(e.Str("state"))
	c := e.in("commit", "commit")
	m := message{
		line:  e.told(txt("Status"), link(e.URL("target_url"), e.Str("context")), bold(state.words), txt("for"), e.commit(sha)),
		color: state.color,
		time:  moment(e.Object, "updated_at", "created_at"),
	}
	if context := e.Str("context"); sha != "" {
		m.key = "status:" + sha + ":" + context
	}
	m.plain(e.Str("description"))
	m.facts.AddLine("Commit", say(txt(emoji(dialect.FirstLine(c.Str("message")))), by(c))...)
	m.facts.AddLine("Branches", each(e.Get("branches"), func(o dialect.Object) phrase { return e.branch(o.Str("name")) })...)
	return m
}

// key names a thing whose state changes; "" when it has no number.
func key(kind string, o dialect.Object) string {
	id := o.Str("id")
	if id == "" {
		return ""
	}
	return kind + ":" + id
}

// on says on which branch something ran.
func (e *event) on(branch string) phrase { return with("on", e.branch(branch)) }

// moment is the first of the times that is there.
func moment(o dialect.Object, names ...string) time.Time { return dialect.Moment(o.Get(names...)) }

// pulls lists pull requests of which only the numbers are known.
func (e *event) pulls(v dialect.Value) phrase {
	return each(v, func(o dialect.Object) phrase {
		number := o.Str("number")
		if number == "" {
			return nil
		}
		return link(e.page("pull", number), "#"+number)
	})
}

// headCommit adds the commit that checks are about.
func (e *event) headCommit(m *message, o dialect.Object) {
	c := o.Get("head_commit").Object()
	m.facts.AddLine("Commit", say(e.commit(o.Str("head_sha")), txt(emoji(dialect.FirstLine(c.Str("message")))), by(c))...)
}
