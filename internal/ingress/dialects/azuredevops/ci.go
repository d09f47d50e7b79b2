package azuredevops

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// resultColor is the colour of how something ended, or of where it is. Azure's
// products do not agree on upper and lower case.
func resultColor(o dialect.Object) markup.Color {
	switch strings.ToLower(o.First("result", "status", "state")) {
	case "succeeded", "approved":
		return dialect.Green
	case "failed", "rejected":
		return dialect.Red
	case "partiallysucceeded":
		return dialect.Orange
	case "inprogress", "running":
		return dialect.Blue
	case "waiting", "pending", "queued", "notstarted":
		return dialect.Yellow
	}
	return dialect.Grey
}

// addTook adds how long something took.
func addTook(facts *dialect.Facts, o dialect.Object) {
	start, end := dialect.Moment(o.Get("startTime", "createdDate")), dialect.Moment(o.Get("finishTime", "finishedDate"))
	if !start.IsZero() && !end.IsZero() {
		facts.Add("Took", dialect.Took(end.Sub(start)))
	}
}

// build is a build that has ended.
func (e event) build() details {
	b := e.resource
	d := details{color: resultColor(b), time: b.Get("finishTime"), key: key("build:"+b.Str("definition", "name")+"#", b.First("id", "buildNumber"))}
	d.facts.Add("Pipeline", b.Str("definition", "name"))
	e.addNew(&d.facts, "Number", b.Str("buildNumber"))
	e.addNew(&d.facts, "Result", lower(b.First("result", "status")))
	addTook(&d.facts, b)
	branch, commit := b.Str("sourceBranch"), b.Str("sourceVersion")
	if branch == "" { // "LG:refs/heads/master:600c52d2…"
		parts := strings.Split(b.Str("sourceGetVersion"), ":")
		if len(parts) == 3 {
			branch, commit = parts[1], parts[2]
		}
	}
	if _, name := dialect.Ref(branch); name != "" {
		d.facts.AddLine("Branch", dialect.Fixed(name))
	}
	if commit != "" {
		d.facts.AddLine("Commit", dialect.CommitLink("", commit))
	}
	who := person(b.Get("requestedFor"))
	if who == "" {
		who = dialect.Joined(b.Get("requests"), personAt("requestedFor"))
	}
	d.facts.Add("Started by", who)
	d.facts.Add("Reason", lower(b.Str("reason")))
	d.facts.Add("Queue", b.Str("queue", "name"))
	return d
}

// run is a run of a pipeline, or one of its stages or jobs: whichever is the
// smallest thing that changed.
func (e event) run() details {
	run, stage, job := e.resource.Get("run").Object(), e.resource.Get("stage").Object(), e.resource.Get("job").Object()
	pipeline := e.resource.Str("pipeline", "name")
	if pipeline == "" {
		pipeline = run.Str("pipeline", "name")
	}
	id := run.First("id", "name")
	if id == "" {
		id = e.resource.Str("runId")
	}
	d := details{}
	d.facts.Add("Pipeline", pipeline)
	d.facts.Add("Run", run.First("name", "id"))
	switch {
	case len(job) > 0:
		d.color, d.key = resultColor(job), key("job:", job.Str("id"))
		d.facts.Add("Stage", stageName(stage))
		d.facts.Add("Job", job.Str("name"))
		addTook(&d.facts, job)
	case len(stage) > 0:
		d.color, d.key = resultColor(stage), key("stage:", stage.Str("id"))
		d.facts.Add("Stage", stageName(stage))
		addTook(&d.facts, stage)
	default:
		d.color, d.key = resultColor(run), key("run:", id)
		addTook(&d.facts, run)
	}
	for v := range e.resource.Get("repositories").Elements() {
		change := v.At("change").Object()
		if message := dialect.FirstLine(change.Str("message")); message != "" {
			d.facts.AddLine("Change", dialect.Commit{ID: change.Str("version"), Message: message, Author: person(change.Get("author"))}.Line()...)
		}
	}
	return d
}

// stageName is a stage's name; a pipeline without stages has one that Azure made up.
func stageName(stage dialect.Object) string {
	if name := stage.First("displayName", "name"); name != "__default" {
		return name
	}
	return ""
}

// approval is a stage that waits for somebody's approval, or has it.
func (e event) approval() details {
	approval := e.resource.Get("approval").Object()
	d := details{color: resultColor(approval), key: key("approval:", approval.Str("id"))}
	d.facts.Add("Pipeline", e.resource.Str("pipeline", "name"))
	d.facts.Add("Stage", e.resource.Str("stageName"))
	d.facts.Add("Approvers", dialect.Joined(approval.Get("steps"), approver))
	d.facts.Add("Instructions", approval.Str("instructions"))
	return d
}

func approver(v dialect.Value) string {
	o := v.Object()
	who := person(o.Get("actualApprover", "assignedApprover"))
	if who == "" {
		return ""
	}
	who += " (" + strings.ToLower(o.Str("status")) + ")"
	if comment := o.Str("comment"); comment != "" {
		who += ": " + comment
	}
	return who
}

// release is a release, its deployments to environments, and their approvals.
func (e event) release() details {
	r := e.resource
	release := r.Get("release").Object()
	environment := r.Get("environment").Object()
	if len(release) == 0 {
		release = environment.Get("release").Object()
	}
	approval := r.Get("approval").Object()
	state := environment
	if len(approval) > 0 {
		state = approval
	}
	d := details{color: resultColor(state)}
	if strings.Contains(e.kind, "deployment-started") || strings.Contains(e.kind, "release-created") {
		d.color = dialect.Blue
	}
	d.key = key("deployment:", r.Str("deploymentId"))
	if d.key == "" && environment.Str("id") != "" && !strings.Contains(e.kind, "approval") {
		d.key = "deployment:" + release.First("id", "name") + "/" + environment.Str("id")
	}
	d.facts.AddLink("Release", web(release), release.Str("name"))
	d.facts.Add("Pipeline", definition(release, environment))
	e.addNew(&d.facts, "Environment", environment.Str("name"))
	e.addNew(&d.facts, "Status", lower(environment.Str("status")))
	d.facts.Add("Project", r.Str("project", "name"))
	d.facts.Add("Started by", person(release.Get("createdBy")))
	d.facts.Add("Approver", person(approval.Get("approver")))
	e.addNew(&d.facts, "Approval", lower(approval.Str("status")))
	d.facts.Add("Comment", approval.First("comments", "comment"))
	d.facts.Add("Reason", lower(release.Str("reason")))
	if d.facts.Len() == 0 {
		return e.other()
	}
	return d
}

func definition(release, environment dialect.Object) string {
	if s := release.Str("releaseDefinition", "name"); s != "" {
		return s
	}
	return environment.Str("releaseDefinition", "name")
}
