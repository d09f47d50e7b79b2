package github

import "github.com/nself-chat/hub/internal/ingress/dialect"

func member(e *event) message {
	user := e.whom("member")
	changes := e.in("changes")
	right := first(changes.Str("permission", "to"), changes.Str("role_name", "to"))
	old := first(changes.Str("permission", "from"), changes.Str("old_permission", "from"))
	switch e.action {
	case "added":
		return message{line: e.did(txt("added"), user, txt("as a collaborator"), with("who may", bold(right)))}
	case "removed":
		return message{line: e.did(txt("removed the collaborator"), user)}
	}
	return message{line: e.did(txt("changed the permission of"), user, with("from", bold(old)), with("to", bold(right)))}
}

func membership(e *event) message {
	preposition := "to"
	if e.action == "removed" {
		preposition = "from"
	}
	t := e.in("team")
	m := message{line: e.did(txt(words(e.action)), e.whom("member"), txt(preposition+" team"), named(t)), color: dialect.Blue}
	m.plain(t.Str("description"))
	return m
}

func organization(e *event) message {
	who := e.in("membership")
	user, role := person(who.Get("user").Object()), who.Str("role")
	switch e.action {
	case "member_added":
		return message{line: say(e.who(), txt("added"), user, txt("to"), e.org(), with("as", bold(role)), standing(who.Str("state")))}
	case "member_removed":
		return message{line: say(e.who(), txt("removed"), user, txt("from"), e.org())}
	case "member_invited":
		guest := e.in("user")
		if len(guest) == 0 {
			guest = e.in("invitation")
		}
		return message{line: say(e.who(), txt("invited"), person(guest), txt("to"), e.org(),
			with("as", bold(words(e.Str("invitation", "role")))))}
	case "renamed":
		return message{line: say(e.who(), txt("renamed organization"), quoted(e.Str("changes", "login", "from")), txt("to"), e.org())}
	}
	return message{line: say(e.who(), txt(words(e.action)), txt("organization"), e.org())}
}

// standing is the state of a membership, where it is not simply active.
func standing(state string) phrase {
	if state == "" || state == "active" {
		return nil
	}
	return txt("(" + words(state) + ")")
}

func orgBlock(e *event) message {
	return message{line: e.did(txt(words(e.action)), person(e.in("blocked_user")))}
}

func team(e *event) message {
	t := e.in("team")
	m := message{color: dialect.Blue}
	name := named(t)
	switch e.action {
	case "added_to_repository":
		m.line = say(e.who(), txt("gave team"), name, txt("access to"), e.where())
	case "removed_from_repository":
		m.line = say(e.who(), txt("took from team"), name, txt("the access to"), e.where())
	case "edited":
		m.line = e.did(txt("edited team"), name, was(e.Str("changes", "name", "from")))
	default:
		m.line = e.did(txt(words(e.action)), txt("team"), name)
	}
	m.teamFacts(t)
	return m
}

func teamAdd(e *event) message {
	t := e.in("team")
	m := message{line: say(e.who(), txt("gave team"), named(t), txt("access to"), e.where()), color: dialect.Blue}
	m.teamFacts(t)
	return m
}

func (m *message) teamFacts(t dialect.Object) {
	m.plain(t.Str("description"))
	m.facts.Add("Permission", t.Str("permission"))
	m.facts.Add("Privacy", t.Str("privacy"))
	m.facts.AddLine("Parent team", named(t.Get("parent").Object())...)
}
