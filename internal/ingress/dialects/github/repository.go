package github

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func repository(e *event) message {
	changes := e.in("changes")
	m := message{color: dialect.Blue}
	switch e.action {
	case "renamed":
		m.line = say(e.who(), txt("renamed repository"), quoted(changes.Str("repository", "name", "from")), txt("to"), e.where())
	case "transferred":
		old := changes.At("owner", "from").Object()
		m.line = say(e.who(), txt("transferred repository"), e.where(), with("from", person(old.Get("user", "organization").Object())))
	case "publicized":
		return message{line: say(e.who(), txt("made repository"), e.where(), txt("public"))}
	case "privatized":
		return message{line: say(e.who(), txt("made repository"), e.where(), txt("private"))}
	case "edited":
		m.line = say(e.who(), txt("edited"), txt(edits(changes)), txt("of repository"), e.where())
	case "deleted":
		m.line, m.color = say(e.who(), txt("deleted repository"), e.where()), dialect.Red
	default:
		m.line = say(e.who(), txt(words(e.action)), txt("repository"), e.where())
	}
	m.plain(e.repo.Str("description"))
	for _, name := range changes.Names() {
		m.facts.Add(dialect.Title(name)+" before", changes.Str(name, "from"))
	}
	m.facts.AddLink("Homepage", e.repo.URL("homepage"), "")
	if e.action == "created" {
		m.facts.Add("Visibility", visibility(e.repo))
	}
	return m
}

// edits names what was changed.
func edits(changes dialect.Object) string {
	var names []string
	for _, name := range changes.Names() {
		names = append(names, words(name))
	}
	if len(names) == 0 {
		return "the settings"
	}
	return "the " + strings.Join(names, ", the ")
}

func visibility(repo dialect.Object) string {
	if v := repo.Str("visibility"); v != "" {
		return v
	}
	if repo.Flag("private") {
		return "private"
	}
	return "public"
}

func public(e *event) message {
	return message{line: say(e.who(), txt("made repository"), e.where(), txt("public"))}
}

func repositoryImport(e *event) message {
	state := outcomeOf(e.Str("status"))
	return message{line: say(txt("The import of repository"), e.where(), bold(state.words), with("for", e.who()))}
}

func fork(e *event) message {
	return message{line: say(e.who(), txt("forked"), e.where(), txt("to"), link(e.in("forkee").URL("html_url"), e.in("forkee").First("full_name", "name")))}
}

// star tells of stars, also in the older event "watch", which never meant
// watching.
func star(e *event) message {
	verb := "starred"
	if e.action == "deleted" {
		verb = "no longer stars"
	}
	line := say(e.who(), txt(verb), e.where())
	if n, err := strconv.Atoi(e.repo.Str("stargazers_count")); err == nil && n > 0 {
		line = say(line, txt("("+dialect.Count(n, "star", "stars")+")"))
	}
	return message{line: line}
}

func label(e *event) message {
	l := e.in("label")
	changes := e.in("changes")
	m := message{
		line:  e.did(txt(words(e.action)), txt("the label"), bold(l.Str("name")), was(changes.Str("name", "from"))),
		color: markup.ParseColor("#" + l.Str("color")),
	}
	m.plain(l.Str("description"))
	if old := changes.Str("color", "from"); old != "" {
		m.facts.Add("Colour", "#"+old+" → #"+l.Str("color"))
	}
	if old := changes.Str("description", "from"); old != "" {
		m.facts.Add("Description before", old)
	}
	return m
}

func milestone(e *event) message {
	s := e.in("milestone")
	changes := e.in("changes")
	m := message{
		line:  e.did(txt(words(e.action)), txt("the milestone"), named(s), was(changes.Str("title", "from"))),
		color: dialect.Green,
	}
	if s.Str("state") == "closed" {
		m.color = dialect.Purple
	}
	m.markdown(s.Str("description"), s.URL("html_url"))
	m.day("Due", s.Get("due_on"))
	if s.Has("open_issues") && s.Has("closed_issues") && e.action != "created" {
		m.facts.Add("Issues", s.Str("open_issues")+" open, "+s.Str("closed_issues")+" closed")
	}
	return m
}

func wiki(e *event) message {
	pages := e.Get("pages")
	if count(pages) == 1 {
		page := pages.At("0").Object()
		m := message{line: e.did(txt(words(page.Str("action"))), txt("the wiki page"), named(page), e.wikiChange(page)), color: dialect.Blue}
		m.plain(page.Str("summary"))
		return m
	}
	m := message{line: e.did(txt("changed"), txt(dialect.Count(count(pages), "wiki page", "wiki pages"))), color: dialect.Blue}
	m.note(each(pages, func(o dialect.Object) phrase { return say(named(o), txt("("+words(o.Str("action"))+")")) }))
	return m
}

// wikiChange leads to what an edit of a page changed.
func (e *event) wikiChange(page dialect.Object) phrase {
	url, sha := page.URL("html_url"), page.Str("sha")
	if url == "" || sha == "" || page.Str("action") != "edited" {
		return nil
	}
	return join("", []phrase{txt("("), link(url+"/_compare/"+sha, "changes"), txt(")")})
}

func deployKey(e *event) message {
	k := e.in("key")
	right := "read and write"
	if k.Flag("read_only") {
		right = "read only"
	}
	verb := words(e.action)
	if verb == "created" {
		verb = "added"
	}
	return message{line: e.did(txt(verb), txt("the deploy key"), bold(k.Str("title")), txt("("+right+")"))}
}
