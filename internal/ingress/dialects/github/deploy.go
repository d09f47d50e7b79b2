package github

import (
	"strconv"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func deployment(e *event) message {
	d := e.in("deployment")
	m := e.deployed(d, outcomeOf("created"), nil)
	m.time = moment(d, "created_at")
	m.plain(d.Str("description"))
	e.deploymentFacts(&m, d)
	m.facts.AddLine("Started by", person(d.Get("creator").Object())...)
	return m
}

func deploymentStatus(e *event) message {
	d, s := e.in("deployment"), e.in("deployment_status")
	var took phrase
	if state := s.Str("state"); state == "success" || state == "failure" || state == "error" {
		took = after(d.Get("created_at"), s.Get("created_at"))
	}
	m := e.deployed(d, outcomeOf(s.Str("state")), took)
	m.time = moment(s, "created_at")
	m.plain(s.Str("description"))
	m.facts.AddLink("Address", s.URL("environment_url"), "")
	m.facts.AddLine("More", list(page(s.URL("target_url"), "details"), page(s.URL("log_url"), "log"))...)
	e.deploymentFacts(&m, d)
	m.facts.AddLine("Started by", person(d.Get("creator").Object())...)
	if by := s.Get("creator").Object(); by.Str("login") != d.Str("creator", "login") {
		m.facts.AddLine("Reported by", person(by)...)
	}
	return m
}

// deployed tells how a deployment stands.
func (e *event) deployed(d dialect.Object, state outcome, took phrase) message {
	noun := "Deployment"
	if task := d.Str("task"); task != "" && task != "deploy" {
		noun = "Deployment task " + task
	}
	return message{
		color: state.color,
		key:   key("deployment", d),
		line:  e.told(txt(noun), with("of", e.branch(d.Str("ref"))), with("to", e.environment(d)), bold(state.words), took),
	}
}

// environment is where something is deployed to.
func (e *event) environment(d dialect.Object) phrase {
	return txt(d.First("environment", "original_environment"))
}

func (e *event) deploymentFacts(m *message, d dialect.Object) {
	if sha := d.Str("sha"); sha != d.Str("ref") {
		m.facts.AddLine("Commit", e.commit(sha)...)
	}
	if r := e.in("workflow_run"); len(r) > 0 {
		m.facts.AddLine("Workflow", e.runName(r)...)
	}
}

func deploymentReview(e *event) message {
	r := e.in("workflow_run")
	m := message{color: dialect.Yellow}
	to := with("to", bold(e.Str("environment")))
	switch e.action {
	case "requested":
		m.line = e.told(txt("Workflow"), e.runName(r), txt("waits for a review before it deploys"), to)
	case "approved":
		m.line, m.color = e.did(txt("approved the deployment by workflow"), e.runName(r), to), dialect.Green
	case "rejected":
		m.line, m.color = e.did(txt("rejected the deployment by workflow"), e.runName(r), to), dialect.Red
	default:
		m.line = e.did(txt(words(e.action)), txt("the deployment by workflow"), e.runName(r), to)
	}
	m.markdown(e.Str("comment"), r.URL("html_url"))
	m.facts.AddLine("Reviewers", each(e.Get("reviewers"), func(o dialect.Object) phrase { return person(o.Get("reviewer").Object()) })...)
	m.facts.AddLine("Asked by", person(e.in("requestor"))...)
	job := e.in("workflow_job_run")
	m.facts.AddLine("Job", named(job)...)
	if env := job.Str("environment"); env != e.Str("environment") {
		m.facts.Add("Environment", env)
	}
	m.facts.AddLine("Branch", e.branch(r.Str("head_branch"))...)
	e.headCommit(&m, r)
	m.facts.AddLine("Pull request", e.pulls(r.Get("pull_requests"))...)
	return m
}

func deploymentRule(e *event) message {
	d := e.in("deployment")
	m := message{color: dialect.Yellow}
	m.line = e.told(txt("Deployment"), with("of", e.branch(d.Str("ref"))), with("to", bold(e.Str("environment"))),
		txt("waits for a protection rule"))
	m.facts.Add("Trigger", e.Str("event"))
	e.deploymentFacts(&m, d)
	m.facts.AddLine("Pull request", e.pulls(e.Get("pull_requests"))...)
	m.facts.AddLine("Started by", person(d.Get("creator").Object())...)
	return m
}

func pageBuild(e *event) message {
	b := e.in("build")
	state := outcomeOf(b.Str("status"))
	m := message{color: state.color, time: moment(b, "updated_at")}
	var took phrase
	if ms, err := strconv.Atoi(b.Str("duration")); err == nil && ms > 0 && ms < 1e9 {
		took = txt("after " + span(time.Duration(ms)*time.Millisecond))
	}
	m.line = e.told(txt("The build of the"), link(e.repo.URL("homepage"), "pages"), bold(state.words), took)
	m.plain(b.Str("error", "message"))
	m.facts.AddLine("Commit", e.commit(b.Str("commit"))...)
	m.facts.AddLine("Pushed by", person(b.Get("pusher").Object())...)
	return m
}
