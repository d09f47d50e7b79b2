package github

import (
	"path"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func workflowRun(e *event) message {
	r := e.in("workflow_run")
	state := ran(r)
	m := message{color: state.color, key: key("run", r), time: moment(r, "updated_at", "created_at")}
	var took phrase
	if r.Has("conclusion") {
		took = after(r.Get("run_started_at", "created_at"), r.Get("updated_at"))
	}
	m.line = e.told(txt("Workflow"), e.runName(r), bold(state.words), e.on(r.Str("head_branch")), took)
	if title := r.Str("display_title"); title != dialect.FirstLine(r.Str("head_commit", "message")) {
		m.title, m.url = txt(emoji(title)), r.URL("html_url")
	}
	e.headCommit(&m, r)
	m.facts.AddLine("Pull request", e.pulls(r.Get("pull_requests"))...)
	m.facts.Add("Trigger", r.Str("event"))
	m.facts.AddLine("Started by", person(r.Get("triggering_actor", "actor").Object())...)
	if n := r.Str("run_attempt"); n != "" && n != "1" {
		m.facts.Add("Attempt", n)
	}
	if fork := r.Get("head_repository").Object(); fork.Str("full_name") != e.repo.Str("full_name") {
		m.facts.AddLine("From", named(fork)...)
	}
	m.facts.AddLine("File", code(e.URL("workflow", "html_url"), first(r.Str("path"), e.Str("workflow", "path")))...)
	return m
}

// runName is the name of a workflow's run, with its number.
func (e *event) runName(r dialect.Object) phrase {
	name := r.Str("name")
	for _, other := range []string{e.Str("workflow", "name"), path.Base(r.Str("path"))} {
		if name == "" {
			name = other
		}
	}
	if n := r.Str("run_number"); n != "" {
		name += " #" + n
	}
	return link(r.URL("html_url"), name)
}

func workflowJob(e *event) message {
	j := e.in("workflow_job")
	state := ran(j)
	m := message{
		color: state.color,
		key:   key("job", j),
		time:  moment(j, "completed_at", "started_at", "created_at"),
		line: e.told(txt("Job"), link(j.URL("html_url"), j.Str("name")), with("of workflow", txt(j.Str("workflow_name"))),
			bold(state.words), e.on(j.Str("head_branch")), after(j.Get("started_at"), j.Get("completed_at"))),
	}
	m.facts.AddLine("Failed", steps(j, "conclusion", "failure")...)
	m.facts.AddLine("Now", steps(j, "status", "in_progress")...)
	e.headCommit(&m, j)
	m.facts.AddLine("Environment", e.environment(e.in("deployment"))...)
	m.facts.Add("Runner", j.Str("runner_name"))
	m.facts.Add("Runs on", texts(j.Get("labels")))
	if n := j.Str("run_attempt"); n != "" && n != "1" {
		m.facts.Add("Attempt", n)
	}
	m.facts.AddLine("Started by", person(e.sender)...)
	return m
}

// steps lists the steps of a job that are in a state.
func steps(job dialect.Object, member, state string) phrase {
	return each(job.Get("steps"), func(o dialect.Object) phrase {
		if o.Str(member) != state {
			return nil
		}
		return txt(o.Str("name"))
	})
}

func workflowDispatch(e *event) message {
	file := path.Base(e.Str("workflow"))
	m := message{
		line:  e.did(txt("started workflow"), link(e.page("actions/workflows", file), file), e.on(e.Str("ref"))),
		color: dialect.Blue,
	}
	m.values(e.in("inputs"))
	return m
}

func repositoryDispatch(e *event) message {
	m := message{line: e.did(txt("sent the event"), bold(e.action), e.on(e.Str("branch"))), color: dialect.Blue}
	m.values(e.in("client_payload"))
	return m
}

// values adds members as they are called.
func (m *message) values(o dialect.Object) {
	for _, name := range o.Names() {
		if m.facts.Len() < dialect.MaxFields {
			m.facts.Add(name, o.Str(name))
		}
	}
}
