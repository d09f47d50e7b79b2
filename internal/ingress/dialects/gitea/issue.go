package gitea

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// thing is what happened to an issue or a pull request.
func (e event) thing(noun string, o dialect.Object) dialect.Post {
	action := e.Str("action")
	line := dialect.Line(e.actor(), dialect.Txt(" "+verb(action, o)+" "+noun+" "), e.numbered(o))
	card := markup.Card{Color: color(o), Time: dialect.Moment(o.Get("updated_at", "created_at"))}
	if action == "opened" || action == "reopened" || action == "edited" {
		card.Blocks = dialect.Excerpt(o.Str("body"), dialect.Markdown)
	}
	var facts dialect.Facts
	e.addFacts(&facts, o)
	card.Blocks = append(card.Blocks, facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(e.line(line...), card)}
}

// verb is what was done; the object follows it.
func verb(action string, o dialect.Object) string {
	switch action {
	case "closed":
		if merged(o) {
			return "merged"
		}
	case "synchronized":
		return "pushed new commits to"
	case "label_updated":
		return "changed the labels of"
	case "label_cleared":
		return "removed all labels of"
	case "assigned":
		return "assigned"
	case "milestoned":
		return "set the milestone of"
	case "demilestoned":
		return "removed the milestone of"
	case "review_requested":
		return "asked for a review of"
	case "review_request_removed":
		return "no longer asks for a review of"
	case "":
		return "updated"
	}
	return spaced(action)
}

func merged(o dialect.Object) bool {
	return o.Flag("merged") || o.Flag("has_merged") || o.Flag("pull_request", "merged")
}

func color(o dialect.Object) markup.Color {
	switch {
	case merged(o):
		return dialect.Purple
	case o.Str("state") == "closed" && o.Has("base"):
		return dialect.Red
	case o.Str("state") == "closed":
		return dialect.Purple
	case o.Flag("draft"):
		return dialect.Grey
	}
	return dialect.Green
}

func (e event) addFacts(facts *dialect.Facts, o dialect.Object) {
	facts.AddLine("Branches", branches(o)...)
	facts.Add("Opened by", e.opener(o))
	facts.Add("Merged by", personOf(o.Get("merged_by")))
	assignees := dialect.Joined(o.Get("assignees"), personOf)
	if assignees == "" {
		assignees = personOf(o.Get("assignee"))
	}
	facts.Add("Assignees", assignees)
	facts.Add("Reviewers", e.reviewers(o))
	facts.Add("Labels", dialect.Joined(o.Get("labels"), dialect.Named("name")))
	if before := e.At("changes", "title", "from").Str(); before != "" {
		facts.Add("Old title", before)
	}
	milestone := o.Get("milestone").Object()
	facts.Add("Milestone", milestone.First("title", "name"))
	facts.AddLine("Due", dialect.When(o.Get("due_date")))
	facts.Add("Changes", changeCount(o))
	if o.Str("mergeable") == "false" && o.Str("state") == "open" {
		facts.Add("Merging", "has conflicts")
	}
}

// opener is named where it was somebody else who did something now.
func (e event) opener(o dialect.Object) string {
	if opener := personOf(o.Get("user")); opener != personOf(e.Get("sender")) && e.Has("sender") {
		return opener
	}
	return ""
}

// reviewers names who was asked, including the one who was asked just now.
func (e event) reviewers(o dialect.Object) string {
	if s := dialect.Joined(o.Get("requested_reviewers"), personOf); s != "" {
		return s
	}
	return personOf(e.Get("requested_reviewer"))
}

// branches leads from the source to the target; a fork is named.
func branches(o dialect.Object) []markup.Inline {
	source, target := o.Str("head_branch"), o.Str("base_branch") // Gogs
	if head := o.Get("head").Object(); len(head) > 0 {
		source = head.First("ref", "label")
		if repository := head.Str("repo", "full_name"); repository != "" && repository != o.Str("base", "repo", "full_name") {
			source = repository + ":" + source
		}
	}
	if base := o.Get("base").Object(); len(base) > 0 {
		target = base.First("ref", "label")
	}
	if source == "" && target == "" {
		return nil
	}
	return dialect.Line(dialect.Fixed(source), dialect.Txt(" → "), dialect.Fixed(target))
}

// changeCount tells how much changes, where it is known.
func changeCount(o dialect.Object) string {
	added, deleted, files := o.Str("additions"), o.Str("deletions"), o.Str("changed_files")
	if added == "" || deleted == "" || files == "" {
		return ""
	}
	return "+" + added + " −" + deleted + " in " + files + " files"
}

// comment is a comment on an issue or a pull request.
func (e event) comment() dialect.Post {
	c := e.Get("comment").Object()
	verb := "commented"
	switch e.Str("action") {
	case "edited":
		verb = "edited a comment"
	case "deleted":
		verb = "deleted a comment"
	}
	noun, about := "issue", e.Get("issue").Object()
	if e.Flag("is_pull") || about.Has("pull_request") {
		noun = "pull request"
	}
	if len(about) == 0 {
		noun, about = "pull request", e.Get("pull_request").Object()
	}
	said := dialect.Link(c.Str("html_url"), verb)
	if verb == "deleted a comment" {
		said = dialect.Txt(verb)
	}
	line := e.line(e.actor(), dialect.Txt(" "), said, dialect.Txt(" on "+noun+" "), e.numbered(about))
	return dialect.Post{Doc: dialect.Report(line, markup.Card{
		Color:  dialect.Blue,
		Blocks: dialect.Markdown(c.Str("body")),
		Time:   dialect.Moment(c.Get("updated_at", "created_at")),
	})}
}

// review is what a reviewer decided.
func (e event) review() dialect.Post {
	pull, review := e.Get("pull_request").Object(), e.Get("review").Object()
	verb, color := "reviewed", dialect.Blue
	switch review.Str("type") {
	case "pull_request_review_approved", "pull_request_approved", "approved":
		verb, color = "approved", dialect.Green
	case "pull_request_review_rejected", "pull_request_rejected", "rejected":
		verb, color = "asked for changes in", dialect.Red
	}
	line := e.line(e.actor(), dialect.Txt(" "+verb+" pull request "), e.numbered(pull))
	var facts dialect.Facts
	e.addFacts(&facts, pull)
	card := markup.Card{Color: color, Time: dialect.Moment(pull.Get("updated_at", "created_at"))}
	card.Blocks = append(dialect.Markdown(review.Str("content")), facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(line, card)}
}
