package gitea

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// outcome words the state of a run: how it ended, or where it is.
func outcome(o dialect.Object) (string, markup.Color) {
	switch o.First("conclusion", "status", "state") {
	case "success":
		return "passed", dialect.Green
	case "failure", "error":
		return "failed", dialect.Red
	case "cancelled", "canceled":
		return "was canceled", dialect.Grey
	case "skipped":
		return "was skipped", dialect.Grey
	case "warning":
		return "has warnings", dialect.Orange
	case "in_progress", "running":
		return "is running", dialect.Blue
	case "queued", "waiting", "pending", "requested", "blocked":
		return "is waiting", dialect.Yellow
	case "":
		return "changed", dialect.Grey
	}
	return "is " + spaced(o.First("conclusion", "status", "state")), dialect.Grey
}

// ran is what came of a run, and how long that took.
func ran(o dialect.Object) (string, markup.Color) {
	words, color := outcome(o)
	start, end := dialect.Moment(o.Get("run_started_at", "started_at")), dialect.Moment(o.Get("completed_at"))
	if start.IsZero() || end.IsZero() {
		return words, color
	}
	if took := dialect.Took(end.Sub(start)); took != "" {
		words += " after " + took
	}
	return words, color
}

func (e event) workflowRun() dialect.Post {
	run := e.Get("workflow_run").Object()
	words, color := ran(run)
	name := e.At("workflow", "name").Str()
	if name == "" {
		name = run.First("name", "path")
	}
	if number := run.Str("run_number"); number != "" {
		name += " #" + number
	}
	line := dialect.Line(dialect.Txt("Workflow "), dialect.Link(run.Str("html_url"), name), dialect.Txt(" "), dialect.Bold(words))
	return e.ci(line, color, "run:", run)
}

func (e event) workflowJob() dialect.Post {
	job := e.Get("workflow_job").Object()
	words, color := ran(job)
	line := dialect.Line(dialect.Txt("Job "), dialect.Link(job.Str("html_url"), job.Str("name")), dialect.Txt(" "), dialect.Bold(words))
	return e.ci(line, color, "job:", job)
}

// ci ends the report of a run or a job.
func (e event) ci(line []markup.Inline, color markup.Color, kind string, o dialect.Object) dialect.Post {
	if branch := o.Str("head_branch"); branch != "" {
		line = append(line, dialect.Txt(" on "), e.ref("branch", branch))
	}
	var facts dialect.Facts
	facts.Add("For", o.Str("display_title"))
	if sha := o.Str("head_sha"); sha != "" {
		facts.AddLine("Commit", dialect.CommitLink(e.page("commit/"+sha), sha))
	}
	facts.Add("Event", spaced(o.Str("event")))
	facts.Add("Attempt", later(o.Str("run_attempt")))
	facts.AddBlocks("Failed", failedSteps(o)...)
	facts.Add("Runner", o.Str("runner_name"))
	actor := personOf(o.Get("actor"))
	if actor == "" {
		actor = personOf(e.Get("sender"))
	}
	facts.Add("Started by", actor)
	card := markup.Card{Color: color, Blocks: facts.Blocks(), Time: dialect.Moment(o.Get("completed_at", "started_at", "created_at"))}
	p := dialect.Post{Doc: dialect.Report(e.line(line...), card)}
	if id := o.Str("id"); id != "" {
		p.Key = kind + id
	}
	return p
}

// later is the number of an attempt that is not the first.
func later(attempt string) string {
	if attempt == "0" || attempt == "1" {
		return ""
	}
	return attempt
}

func failedSteps(job dialect.Object) []markup.Block {
	failed := dialect.Joined(job.Get("steps"), func(v dialect.Value) string {
		if step := v.Object(); step.Str("conclusion") == "failure" {
			return step.Str("name")
		}
		return ""
	})
	return dialect.Plain(failed)
}

// status is the state that some program gives a commit.
func (e event) status() dialect.Post {
	words, color := outcome(e.Object)
	sha := e.Str("sha")
	check := dialect.Link(e.Str("target_url"), e.Str("context"))
	line := dialect.Line(check, dialect.Txt(" "), dialect.Bold(words), dialect.Txt(" for "), dialect.CommitLink(e.page("commit/"+sha), sha))
	var facts dialect.Facts
	if v := e.Get("commit"); v.IsObject() {
		facts.AddLine("Commit", commit(v).Line()...)
	}
	card := markup.Card{Color: color, Time: dialect.Moment(e.Get("updated_at", "created_at"))}
	card.Blocks = append(dialect.Plain(e.Str("description")), facts.Blocks()...)
	p := dialect.Post{Doc: dialect.Report(e.line(line...), card)}
	if sha != "" {
		p.Key = "build:" + e.Str("context") + "#" + sha
	}
	return p
}
