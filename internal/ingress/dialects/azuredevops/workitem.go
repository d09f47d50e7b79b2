package azuredevops

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// workItem is a bug, a task, a user story.
func (e event) workItem() details {
	fields := e.fields()
	d := details{color: stateColor(fields.Str("System.State"))}
	switch e.kind {
	case "workitem.created", "workitem.restored":
		d.blocks = dialect.Excerpt(current(fields.Get("System.Description")), dialect.HTML)
	case "workitem.deleted":
		d.color = dialect.Grey
	case "workitem.commented":
		d.color = dialect.Blue
		d.blocks = dialect.Excerpt(current(fields.Get("System.History")), dialect.HTML)
	}
	changes := dialect.Object(nil)
	if e.kind == "workitem.updated" {
		changes = e.resource.Get("fields").Object()
		addChanges(&d.facts, changes)
		e.addNew(&d.facts, "By", person(e.resource.Get("revisedBy")))
	}
	e.addNew(&d.facts, "Title", fields.Str("System.Title"))
	if !changes.Has("System.State") {
		e.addNew(&d.facts, "State", fields.Str("System.State"))
	}
	if !changes.Has("System.AssignedTo") {
		d.facts.Add("Assigned to", person(fields.Get("System.AssignedTo")))
	}
	d.facts.Add("Severity", fields.Str("Microsoft.VSTS.Common.Severity"))
	d.facts.Add("Priority", fields.Str("Microsoft.VSTS.Common.Priority"))
	d.facts.Add("Area", fields.Str("System.AreaPath"))
	if iteration := fields.Str("System.IterationPath"); iteration != fields.Str("System.AreaPath") {
		d.facts.Add("Iteration", iteration)
	}
	d.facts.Add("Tags", strings.ReplaceAll(fields.Str("System.Tags"), ";", ","))
	return d
}

// fields are those of the work item as it is now: an update has them in its
// revision, and in their place what changed.
func (e event) fields() dialect.Object {
	if o := e.resource.At("revision", "fields").Object(); len(o) > 0 {
		return o
	}
	return e.resource.Get("fields").Object()
}

// current is the text of a field, which an update has with the one before.
func current(v dialect.Value) string {
	if v.IsObject() {
		return v.Object().Str("newValue")
	}
	return v.Str()
}

// addChanges tells what an update changed. The fields that Azure keeps for itself,
// and texts in HTML, are left out.
func addChanges(facts *dialect.Facts, fields dialect.Object) {
	for _, name := range fields.Names() {
		change := fields.Get(name).Object()
		before, after := person(change.Get("oldValue")), person(change.Get("newValue"))
		title := dialect.Title(name[strings.LastIndexByte(name, '.')+1:])
		switch {
		case internal(name) || before == after || strings.Contains(before+after, "<"):
		case before == "":
			facts.Add("New "+strings.ToLower(title), after)
		case after == "":
			facts.Add("No "+strings.ToLower(title)+" any more", before)
		default:
			facts.Add("Changed "+strings.ToLower(title), before+" → "+after)
		}
	}
}

func internal(name string) bool {
	switch name {
	case "System.Rev", "System.AuthorizedDate", "System.RevisedDate", "System.ChangedDate", "System.Watermark", "System.ChangedBy",
		"System.AuthorizedAs", "System.PersonId", "System.CommentCount", "System.BoardColumnDone", "System.History",
		"System.AreaId", "System.IterationId", "System.Id", "System.NodeName":
		return true
	}
	return strings.HasSuffix(name, "Date") || strings.HasPrefix(name, "WEF_") || strings.HasSuffix(name, "StackRank")
}

func stateColor(state string) markup.Color {
	switch strings.ToLower(state) {
	case "closed", "done", "resolved", "completed":
		return dialect.Purple
	case "removed":
		return dialect.Grey
	}
	return dialect.Green
}
