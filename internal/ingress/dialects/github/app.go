package github

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// ping is what a new webhook sends first.
func ping(e *event) message {
	m := message{color: dialect.Green}
	m.line = say(txt("GitHub is connected: it will tell of"), txt(hookEvents(e.in("hook"))), e.inPlace(), with("(set up by", e.who()))
	m.line = append(m.line, markup.Text(")"))
	if zen := e.Str("zen"); zen != "" {
		m.texts = []markup.Block{dialect.Para(markup.Emphasis{Content: txt(zen)})}
	}
	return m
}

// hookEvents names what a webhook tells of.
func hookEvents(hook dialect.Object) string {
	switch events := texts(hook.Get("events")); events {
	case "*":
		return "everything"
	case "":
		return "what happens"
	default:
		return strings.ReplaceAll(events, "_", " ")
	}
}

// meta says that the webhook itself is gone.
func meta(e *event) message {
	return message{line: say(e.who(), txt(words(e.action)), txt("this webhook: GitHub will no longer tell of"),
		txt(hookEvents(e.in("hook"))), e.inPlace())}
}

func installation(e *event) message {
	i := e.in("installation")
	verb := words(e.action)
	switch e.action {
	case "created":
		verb = "installed"
	case "deleted":
		verb = "removed"
	case "suspend", "unsuspend":
		verb += "ed"
	case "new_permissions_accepted":
		verb = "accepted new permissions of"
	}
	m := message{line: say(e.who(), txt(verb), e.app(i)), color: dialect.Blue}
	repositories := each(e.Get("repositories"), e.repositoryName)
	if len(repositories) == 0 && i.Str("repository_selection") == "all" {
		repositories = txt("all")
	}
	m.facts.AddLine("Repositories", repositories...)
	return m
}

// app is a GitHub App in somebody's account.
func (e *event) app(i dialect.Object) phrase {
	account := i.Get("account").Object()
	name := "a GitHub App"
	if slug := i.Str("app_slug"); slug != "" {
		name = "the GitHub App " + slug
	}
	return say(link(i.URL("html_url"), name), with("for", person(account)))
}

// repositoryName is one of several repositories, of which the names are known and
// not the pages.
func (e *event) repositoryName(o dialect.Object) phrase {
	name := o.First("full_name", "name")
	url := ""
	if site := e.site(); site != "" && strings.Contains(name, "/") {
		url = site + "/" + name
	}
	return link(url, name)
}

func installationRepositories(e *event) message {
	i := e.in("installation")
	m := message{color: dialect.Blue}
	switch e.action {
	case "added":
		m.line = say(e.who(), txt("gave"), e.app(i), txt("access to repositories"))
	case "removed":
		m.line = say(e.who(), txt("took access to repositories from"), e.app(i))
	default:
		m.line = say(e.who(), txt(words(e.action)), txt("the repositories of"), e.app(i))
	}
	m.facts.AddLine("Added", each(e.Get("repositories_added"), e.repositoryName)...)
	m.facts.AddLine("Removed", each(e.Get("repositories_removed"), e.repositoryName)...)
	return m
}

func appAuthorization(e *event) message {
	return message{line: say(e.who(), txt(words(e.action)), txt("their authorization of this GitHub App"))}
}
