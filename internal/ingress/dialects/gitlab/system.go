package gitlab

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// system is an event of groups and of a whole instance: people who come and go,
// projects and groups that are made, renamed and deleted.
func (e event) system(kind string) dialect.Post {
	line := e.systemLine(kind)
	if line == nil {
		return e.other(kind)
	}
	var facts dialect.Facts
	facts.Add("Owner", e.owner())
	facts.Add("Visibility", e.Str("project_visibility"))
	facts.Add("Access ends", e.Str("expires_at"))
	card := markup.Card{Color: systemColor(kind), Blocks: facts.Blocks(), Time: dialect.Moment(e.Get("updated_at", "created_at"))}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func (e event) systemLine(kind string) []markup.Inline {
	if who, ok := strings.CutPrefix(kind, "user_"); ok {
		return e.userLine(who)
	}
	noun, verb, _ := strings.Cut(kind, "_")
	switch noun {
	case "project", "group", "subgroup":
		return e.containerLine(noun, verb)
	case "key":
		return e.keyLine(verb)
	}
	return nil
}

// userLine is about somebody; what follows "user_" in the name of the event.
func (e event) userLine(what string) []markup.Inline {
	who := dialect.Bold(e.userName())
	where := dialect.Line(dialect.Txt("project "), dialect.Bold(e.First("project_path_with_namespace", "project_name")))
	if e.Has("group_name", "group_path") {
		where = dialect.Line(dialect.Txt("group "), dialect.Bold(e.First("group_name", "group_path")))
	}
	access := e.First("access_level", "group_access", "project_access")
	say := func(words string) []markup.Inline { return dialect.Line(who, dialect.Txt(words)) }
	switch what {
	case "add_to_team", "add_to_group":
		return append(say(" joined "), append(where, as(access))...)
	case "remove_from_team", "remove_from_group":
		if access == "" {
			return append(say(" left "), where...)
		}
		return append(say(" is no longer "+access+" of "), where...)
	case "update_for_team", "update_for_group":
		return append(say(" is now "+access+" of "), where...)
	case "access_request_to_group", "access_request_to_project":
		return append(say(" asks to join "), where...)
	case "create":
		return say(" signed up")
	case "destroy":
		return say(" was deleted")
	case "rename":
		return append(say(" was renamed from "), dialect.Bold(e.Str("old_username")))
	case "failed_login":
		return say(" failed to sign in: the account is " + strings.ToLower(dialect.Title(e.Str("state"))))
	}
	return nil
}

func as(access string) markup.Inline {
	if access == "" {
		return dialect.Txt("")
	}
	return dialect.Txt(" as " + access)
}

// userName is the name of somebody, with the one they sign in with.
func (e event) userName() string {
	name, login := e.First("user_name", "name"), e.First("user_username", "username")
	switch {
	case name == "":
		return login
	case login == "" || login == name:
		return name
	}
	return name + " (" + login + ")"
}

func (e event) containerLine(noun, verb string) []markup.Inline {
	name := e.First("path_with_namespace", "full_path", "path", "name")
	old := e.First("old_path_with_namespace", "old_full_path", "old_path")
	said := dialect.Line(dialect.Txt(dialect.Title(noun)+" "), dialect.Bold(name))
	if title := e.Str("name"); title != "" && title != name {
		said = append(said, dialect.Txt(" ("+title+")"))
	}
	switch verb {
	case "create":
		said = append(said, dialect.Txt(" was created"))
		if parent := e.First("parent_full_path", "parent_name"); parent != "" {
			said = append(said, dialect.Txt(" in "), dialect.Bold(parent))
		}
		return said
	case "destroy":
		return append(said, dialect.Txt(" was deleted"))
	case "update":
		return append(said, dialect.Txt(" was changed"))
	case "rename":
		return append(said, dialect.Txt(" was renamed from "), dialect.Bold(old))
	case "transfer":
		return append(said, dialect.Txt(" was moved from "), dialect.Bold(old))
	}
	return nil
}

// keyLine is about an SSH key. Only its comment is shown.
func (e event) keyLine(verb string) []markup.Inline {
	words := map[string]string{"create": " added the SSH key", "destroy": " removed the SSH key"}[verb]
	if words == "" {
		return nil
	}
	line := dialect.Line(dialect.Bold(e.Str("username")), dialect.Txt(words))
	if parts := strings.Fields(e.Str("key")); len(parts) > 2 {
		line = append(line, dialect.Txt(" "), dialect.Fixed(strings.Join(parts[2:], " ")))
	}
	return line
}

func (e event) owner() string {
	if s := e.Str("owner_name"); s != "" {
		return s
	}
	return dialect.Joined(e.Get("owners"), personOf)
}

func systemColor(kind string) markup.Color {
	switch {
	case strings.HasSuffix(kind, "_destroy") || strings.Contains(kind, "_remove_"):
		return dialect.Grey
	case strings.HasSuffix(kind, "failed_login"):
		return dialect.Orange
	}
	return dialect.Blue
}

// other is an event that this package does not know: its kind, who and what.
func (e event) other(kind string) dialect.Post {
	a := e.attrs
	if len(a) == 0 {
		a = e.Object
	}
	title := a.First("title", "name", "path")
	link := a.URL("url")
	if title == "" {
		title = link
	}
	if kind == "" && title == "" {
		return dialect.Post{}
	}
	words := dialect.Title(kind)
	if action := a.Str("action"); action != "" {
		words += " (" + spaced(action) + ")"
	}
	line := dialect.Line(dialect.Txt(words))
	if title != "" {
		line = append(line, dialect.Txt(": "), dialect.Link(link, title))
	}
	if e.Has("user", "user_name", "user_username") {
		line = append(line, dialect.Txt(" by "), e.actor())
	}
	var facts dialect.Facts
	facts.Add("State", a.First("state", "status"))
	card := markup.Card{Color: dialect.Blue, Time: dialect.Moment(a.Get("updated_at", "created_at"))}
	card.Blocks = append(dialect.Excerpt(a.Str("description"), dialect.Markdown), facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(e.line(line...), card)}
}
