package github

import "github.com/nself-chat/hub/internal/ingress/dialect"

func project(e *event) message {
	p := e.in("project")
	m := message{
		line:  e.did(txt(words(e.action)), txt("the project"), named(p), was(e.Str("changes", "name", "from"))),
		color: dialect.Green,
	}
	if p.Str("state") == "closed" {
		m.color = dialect.Purple
	}
	m.markdown(p.Str("body"), p.URL("html_url"))
	return m
}

func projectCard(e *event) message {
	c := e.in("project_card")
	verb := words(e.action)
	if e.action == "converted" {
		verb = "made an issue of"
	}
	m := message{line: e.did(txt(verb), txt("a project card")), color: dialect.Blue}
	m.markdown(c.Str("note"), "")
	return m
}

func projectColumn(e *event) message {
	c := e.in("project_column")
	return message{line: e.did(txt(words(e.action)), txt("the project column"), bold(c.Str("name")),
		was(e.Str("changes", "name", "from")))}
}

func projectsV2(e *event) message {
	p := e.in("projects_v2")
	m := message{line: e.did(txt(words(e.action)), txt("the project"), bold(p.Str("title"))), color: dialect.Blue}
	m.plain(p.Str("short_description"))
	return m
}

// projectsV2Item tells of an item of a project. GitHub sends only what kind of thing
// it is, not which one.
func projectsV2Item(e *event) message {
	item := e.in("projects_v2_item")
	changes := e.in("changes")
	verb := words(e.action)
	noun := itemName(item.Str("content_type"))
	switch {
	case e.action == "converted":
		noun = itemName(first(changes.Str("content_type", "from"), item.Str("content_type")))
		return message{line: e.did(txt("converted"), txt(noun), txt("of a project"), with("to", txt(itemName(changes.Str("content_type", "to")))))}
	case e.action == "created":
		return message{line: e.did(txt("added"), txt(noun), txt("to a project"))}
	case e.action == "deleted":
		return message{line: e.did(txt("removed"), txt(noun), txt("from a project"))}
	}
	m := message{line: e.did(txt(verb), txt(noun), txt("in a project")), color: dialect.Blue}
	field := changes.Get("field_value").Object()
	m.facts.Add(first(field.Str("field_name"), "Field"), fieldChange(field))
	return m
}

// fieldChange says what became of a field of an item.
func fieldChange(field dialect.Object) string {
	from, to := optionName(field.Get("from")), optionName(field.Get("to"))
	switch {
	case from != "" && to != "":
		return from + " → " + to
	case to != "":
		return to
	case from != "":
		return from + " → none"
	}
	return words(field.Str("field_type"))
}

func optionName(v dialect.Value) string {
	if v.IsObject() {
		return v.Object().First("name", "title")
	}
	return v.Str()
}

func itemName(contentType string) string {
	switch contentType {
	case "DraftIssue":
		return "a draft issue"
	case "Issue":
		return "an issue"
	case "PullRequest":
		return "a pull request"
	}
	return "an item"
}
