package gitlab

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func (e event) mergeRequest() dialect.Post {
	a := e.attrs
	action := a.Str("action")
	line := e.line(e.actor(), dialect.Txt(" "+e.mergeVerb(action)+" merge request "), numbered("!", a, e.pageOf("merge_requests")))

	var facts dialect.Facts
	facts.AddLine("Branches", e.branches()...)
	facts.Add("Assignees", e.assignees())
	facts.Add("Reviewers", dialect.Joined(e.Get("reviewers"), personOf))
	facts.Add("Labels", e.labels())
	facts.Add("Milestone", a.Str("milestone", "title"))
	if last := a.Get("last_commit"); last.IsObject() {
		facts.AddLine("Last commit", commit(last).Line()...)
	}
	facts.Add("Time spent", timeSpent(a))
	facts.Add("Merging", mergeTrouble(a))
	e.addChanges(&facts, action)

	card := markup.Card{Color: mergeColor(a), Blocks: append(e.description(action), facts.Blocks()...)}
	card.Time = dialect.Moment(a.Get("updated_at", "created_at"))
	if a.Flag("first_contribution") && action == "open" {
		card.Footer = dialect.Line(dialect.Txt("First contribution to the project"))
	}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// numbered is an issue or a merge request by its number and title.
func numbered(mark string, o dialect.Object, url string) markup.Inline {
	text := o.Str("title")
	if number := o.Str("iid"); number != "" {
		text = mark + number + " " + text
	}
	return dialect.Link(url, text)
}

// pageOf is the address of what the event is about: its own, or the one that it
// has among its kind in the project.
func (e event) pageOf(kind string) string {
	if s := e.attrs.URL("url"); s != "" {
		return s
	}
	if number := e.attrs.Str("iid"); number != "" {
		return e.page(kind, number)
	}
	return ""
}

func (e event) mergeVerb(action string) string {
	switch action {
	case "open":
		return "opened"
	case "close":
		return "closed"
	case "reopen":
		return "reopened"
	case "merge":
		return "merged"
	case "approved", "approval":
		return "approved"
	case "unapproved", "unapproval":
		return "took back the approval of"
	}
	switch draft := e.At("changes", "draft", "current").Str(); {
	case draft == "true":
		return "made a draft of"
	case draft == "false":
		return "finished the draft of"
	case e.attrs.Has("oldrev"):
		return "pushed new commits to"
	}
	return "updated"
}

func mergeColor(a dialect.Object) markup.Color {
	switch a.Str("state") {
	case "merged":
		return dialect.Purple
	case "closed":
		return dialect.Red
	case "locked":
		return dialect.Grey
	}
	if a.Flag("draft") || a.Flag("work_in_progress") {
		return dialect.Grey
	}
	return dialect.Green
}

// branches leads from the source to the target; a fork is named.
func (e event) branches() []markup.Inline {
	a := e.attrs
	source, target := a.Str("source_branch"), a.Str("target_branch")
	if source == "" && target == "" {
		return nil
	}
	if from, to := a.Str("source", "path_with_namespace"), a.Str("target", "path_with_namespace"); from != to && from != "" {
		source = from + ":" + source
	}
	return dialect.Line(dialect.Fixed(source), dialect.Txt(" → "), dialect.Fixed(target))
}

// description is shown when a thing is new.
func (e event) description(action string) []markup.Block {
	if action != "open" && action != "reopen" && action != "" {
		return nil
	}
	return dialect.Excerpt(e.attrs.Str("description"), dialect.Markdown)
}

func timeSpent(a dialect.Object) string {
	spent, estimate := a.Str("human_total_time_spent"), a.Str("human_time_estimate")
	switch {
	case spent == "" && estimate == "":
		return ""
	case estimate == "":
		return spent
	case spent == "":
		return "nothing of " + estimate
	}
	return spent + " of " + estimate
}

// mergeTrouble says why it cannot be merged, when GitLab knows a reason that
// concerns people.
func mergeTrouble(a dialect.Object) string {
	switch status := a.Str("detailed_merge_status"); {
	case a.Str("merge_error") != "":
		return a.Str("merge_error")
	case status == "conflict" || a.Str("merge_status") == "cannot_be_merged":
		return "has conflicts"
	case status == "discussions_not_resolved":
		return "has open discussions"
	}
	return ""
}
