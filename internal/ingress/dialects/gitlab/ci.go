package gitlab

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// outcome is the state of a pipeline, a job or a deployment, for people.
type outcome struct {
	words string
	color markup.Color
	ended bool // took its time
}

func outcomeOf(status string) outcome {
	switch status {
	case "success":
		return outcome{"passed", dialect.Green, true}
	case "failed":
		return outcome{"failed", dialect.Red, true}
	case "canceled", "cancelled":
		return outcome{"was canceled", dialect.Grey, true}
	case "canceling":
		return outcome{"is being canceled", dialect.Grey, false}
	case "running":
		return outcome{"is running", dialect.Blue, false}
	case "skipped":
		return outcome{"was skipped", dialect.Grey, false}
	case "manual":
		return outcome{"waits for somebody to start it", dialect.Yellow, false}
	case "scheduled":
		return outcome{"is scheduled", dialect.Yellow, false}
	case "blocked":
		return outcome{"waits for an approval", dialect.Yellow, false}
	case "created", "pending", "preparing", "waiting_for_resource", "waiting_for_callback":
		return outcome{"is waiting", dialect.Yellow, false}
	case "":
		return outcome{"changed", dialect.Grey, false}
	}
	return outcome{"is " + spaced(status), dialect.Grey, false}
}

// after says how long something took that has ended.
func (o outcome) after(d time.Duration) string {
	if took := dialect.Took(d); o.ended && took != "" {
		return o.words + " after " + took
	}
	return o.words
}

// pipeline follows the state of a pipeline.
func (e event) pipeline() dialect.Post {
	a := e.attrs
	state := outcomeOf(a.Str("status"))
	took := dialect.Span(a.Get("duration"), time.Second)
	link := a.URL("url")
	if link == "" {
		link = e.page("pipelines", a.Str("id"))
	}
	line := e.line(append(dialect.Line(dialect.Txt("Pipeline "), dialect.Link(link, "#"+a.Str("id")), dialect.Txt(" ")),
		e.ran(state.after(took), a)...)...)

	var facts dialect.Facts
	facts.Add("Name", a.Str("name"))
	if mr := e.Get("merge_request").Object(); len(mr) > 0 {
		facts.AddLine("Merge request", numbered("!", mr, mr.Str("url")))
		facts.AddLine("Branches", dialect.Fixed(mr.Str("source_branch")), dialect.Txt(" → "), dialect.Fixed(mr.Str("target_branch")))
	}
	if v := e.Get("commit"); v.IsObject() {
		facts.AddLine("Commit", commit(v).Line()...)
	}
	facts.AddBlocks("Failed", e.failedJobs()...)
	facts.AddBlocks("Jobs", e.stages()...)
	facts.Add("Started by", e.startedBy(a))

	card := markup.Card{Color: state.color, Blocks: facts.Blocks(), Time: dialect.Moment(a.Get("finished_at", "created_at"))}
	return dialect.Post{Doc: dialect.Report(line, card), Key: key("pipeline:", a.Str("id"))}
}

// key is the key of what has an id.
func key(kind, id string) string {
	if id == "" {
		return ""
	}
	return kind + id
}

// ran is the state with the branch or the tag.
func (e event) ran(words string, a dialect.Object) []markup.Inline {
	_, ref := dialect.Ref(a.Str("ref"))
	if ref == "" {
		return dialect.Line(dialect.Bold(words))
	}
	kind := " on "
	if a.Flag("tag") {
		kind = " on tag "
	}
	return dialect.Line(dialect.Bold(words), dialect.Txt(kind), e.branch(ref))
}

func (e event) startedBy(a dialect.Object) string {
	who := personOf(e.Get("user"))
	switch source := a.Str("source"); source {
	case "", "push", "unknown":
		return who
	case "merge_request_event":
		return who + " (merge request)"
	default:
		return who + " (" + spaced(source) + ")"
	}
}

// failedJobs lists the jobs that failed and count, with their stages.
func (e event) failedJobs() []markup.Block {
	var list markup.List
	for v := range e.Get("builds").Elements() {
		job := v.Object()
		if job.Str("status") != "failed" {
			continue
		}
		line := dialect.Line(dialect.Txt(job.Str("stage")+": "), dialect.Link(e.page("jobs", job.Str("id")), job.Str("name")))
		if reason := job.Str("failure_reason"); reason != "" {
			line = append(line, dialect.Txt(" ("+spaced(reason)+")"))
		}
		if job.Flag("allow_failure") {
			line = append(line, dialect.Txt(", which is allowed"))
		}
		list.Items = append(list.Items, markup.ListItem{Blocks: []markup.Block{dialect.Para(line...)}})
	}
	if list.Items == nil {
		return nil
	}
	return []markup.Block{list}
}

// stages lists the stages in their order, each with its jobs.
func (e event) stages() []markup.Block {
	jobs := map[string][]string{}
	for v := range e.Get("builds").Elements() {
		job := v.Object()
		stage := job.Str("stage")
		jobs[stage] = append(jobs[stage], job.Str("name")+" "+jobState(job))
	}
	var line []markup.Inline
	for v := range e.attrs.Get("stages").Elements() {
		stage := v.Str()
		if len(jobs[stage]) == 0 {
			continue
		}
		if line != nil {
			line = append(line, markup.Break{})
		}
		line = append(line, dialect.Txt(stage+": "+strings.Join(jobs[stage], ", ")))
		delete(jobs, stage) // a stage may be named twice
	}
	return []markup.Block{dialect.Para(line...)}
}

// jobState is the state of a job in a word, with how long it took.
func jobState(job dialect.Object) string {
	took := dialect.Took(dialect.Span(job.Get("duration"), time.Second))
	if took == "" {
		start, end := dialect.Moment(job.Get("started_at")), dialect.Moment(job.Get("finished_at"))
		if !start.IsZero() && !end.IsZero() {
			took = dialect.Took(end.Sub(start))
		}
	}
	switch status := job.Str("status"); {
	case status == "success" && took != "":
		return "passed in " + took
	case status == "success":
		return "passed"
	case job.Flag("manual") && (status == "skipped" || status == "manual"):
		return "is manual"
	default:
		return outcomeOf(status).after(0)
	}
}

// job follows the state of one job. GitLab calls jobs builds in its webhooks.
func (e event) job() dialect.Post {
	state := outcomeOf(e.Str("build_status"))
	took := dialect.Span(e.Get("build_duration"), time.Second)
	id := e.Str("build_id")
	line := e.line(append(dialect.Line(dialect.Txt("Job "), dialect.Link(e.page("jobs", id), e.Str("build_name")), dialect.Txt(" ")),
		e.ran(state.after(took), e.Object)...)...)

	var facts dialect.Facts
	facts.Add("Stage", e.Str("build_stage"))
	if reason := e.Str("build_failure_reason"); state.color == dialect.Red && reason != "unknown_failure" {
		facts.Add("Reason", spaced(reason))
	}
	if e.Flag("build_allow_failure") && state.color == dialect.Red {
		facts.Add("Allowed to fail", "yes")
	}
	if pipeline := e.Str("pipeline_id"); pipeline != "" {
		facts.AddLink("Pipeline", e.page("pipelines", pipeline), "#"+pipeline)
	}
	facts.Add("Environment", e.Str("environment", "name"))
	if v := e.Get("commit"); v.IsObject() {
		facts.AddLine("Commit", commit(v).Line()...)
	}
	facts.Add("Runner", e.Str("runner", "description"))
	facts.Add("Retries", e.Str("retries_count"))
	facts.Add("Started by", personOf(e.Get("user")))

	card := markup.Card{Color: state.color, Blocks: facts.Blocks()}
	card.Time = dialect.Moment(e.Get("build_finished_at", "build_started_at", "build_created_at"))
	return dialect.Post{Doc: dialect.Report(line, card), Key: key("job:", id)}
}

// deployment follows the state of a deployment.
func (e event) deployment() dialect.Post {
	state := outcomeOf(e.Str("status"))
	if state.color == dialect.Green {
		state.words = "succeeded"
	}
	environment := dialect.Link(e.URL("environment_external_url"), e.Str("environment"))
	line := e.line(dialect.Txt("Deployment to "), environment, dialect.Txt(" "), dialect.Bold(state.words))

	var facts dialect.Facts
	facts.AddLine("Commit", dialect.Commit{ID: e.Str("short_sha"), URL: e.Str("commit_url"), Message: e.Str("commit_title")}.Line()...)
	_, ref := dialect.Ref(e.Str("ref"))
	facts.Add("Branch", ref)
	facts.Add("Tier", e.Str("environment_tier"))
	facts.AddLink("Job", e.URL("deployable_url"), lastPart(e.Str("deployable_url")))
	facts.AddLink("Deployed by", e.URL("user_url"), personOf(e.Get("user")))
	card := markup.Card{Color: state.color, Blocks: facts.Blocks(), Time: dialect.Moment(e.Get("status_changed_at"))}
	return dialect.Post{Doc: dialect.Report(line, card), Key: key("deployment:", e.Str("deployment_id"))}
}

// lastPart names a page by its number.
func lastPart(address string) string {
	if address == "" {
		return ""
	}
	return "#" + address[strings.LastIndexByte(address, '/')+1:]
}
