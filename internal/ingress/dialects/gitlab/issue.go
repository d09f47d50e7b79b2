package gitlab

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// issue is an issue, an incident, a task or another kind of work item.
func (e event) issue() dialect.Post {
	a := e.attrs
	action := a.Str("action")
	line := e.line(e.actor(), dialect.Txt(" "+issueVerb(action)+" "+issueNoun(a)+" "), numbered("#", a, e.pageOf("issues")))

	var facts dialect.Facts
	facts.Add("Assignees", e.assignees())
	facts.Add("Labels", e.labels())
	facts.Add("Milestone", a.Str("milestone", "title"))
	facts.Add("Due", a.Str("due_date"))
	facts.Add("Weight", a.Str("weight"))
	if severity := a.Str("severity"); severity != "unknown" {
		facts.Add("Severity", severity)
	}
	facts.Add("Time spent", timeSpent(a))
	if a.Has("position") {
		facts.AddLine("Code", place(a.Get("position").Object())...)
	}
	e.addChanges(&facts, action)

	card := markup.Card{Color: issueColor(a), Blocks: append(e.description(action), facts.Blocks()...)}
	card.Time = dialect.Moment(a.Get("updated_at", "created_at"))
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func issueVerb(action string) string {
	switch action {
	case "open":
		return "opened"
	case "close":
		return "closed"
	case "reopen":
		return "reopened"
	}
	return "updated"
}

func issueNoun(a dialect.Object) string {
	noun := "issue"
	if kind := a.First("type", "issue_type"); kind != "" {
		noun = strings.ToLower(dialect.Title(kind))
	}
	if a.Flag("confidential") {
		return "confidential " + noun
	}
	return noun
}

func issueColor(a dialect.Object) markup.Color {
	if a.Str("state") == "closed" {
		return dialect.Purple
	}
	return dialect.Green
}

// place is where in the code something is about: file and line.
func place(position dialect.Object) []markup.Inline {
	file := position.First("new_path", "old_path")
	if file == "" {
		return nil
	}
	if line := position.First("new_line", "old_line"); line != "" {
		file += ":" + line
	}
	return dialect.Line(dialect.Fixed(file))
}

// addChanges tells what an update changed, old and new. What GitLab keeps for
// itself is left out: numbers, times, and texts that are not one line.
func (e event) addChanges(facts *dialect.Facts, action string) {
	if action != "update" {
		return
	}
	changes := e.Get("changes").Object()
	for _, name := range changes.Names() {
		if internal(name) {
			continue
		}
		change := changes.Get(name).Object()
		before, after := changed(change.Get("previous")), changed(change.Get("current"))
		switch {
		case name == "description":
			facts.Add("Description", "edited")
		case before == after || strings.Contains(before+after, "\n"):
		case before == "":
			facts.Add("New "+spaced(name), after)
		case after == "":
			facts.Add("No "+spaced(name)+" any more", before)
		default:
			facts.Add("Changed "+spaced(name), before+" → "+after)
		}
	}
}

func internal(name string) bool {
	switch name {
	case "draft", "id", "iid", "url", "merge_params", "relative_position", "total_time_spent", "time_change", "time_estimate",
		"lock_version", "merge_status", "prepared":
		return true
	}
	for _, suffix := range []string{"_id", "_ids", "_at", "_html", "_sha", "position"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

// changed is a value as people name it.
func changed(v dialect.Value) string {
	if v.IsArray() {
		return dialect.Joined(v, dialect.Named("title", "name", "username"))
	}
	if v.IsObject() {
		return v.Object().First("title", "name", "username")
	}
	return v.Str()
}
