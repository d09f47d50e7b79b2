package gitlab

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func (e event) release() dialect.Post {
	verb := " was published"
	switch e.Str("action") {
	case "update":
		verb = " was updated"
	case "delete":
		verb = " was deleted"
	}
	name := e.First("name", "tag")
	line := e.line(dialect.Txt("Release "), dialect.Link(e.Str("url"), name), dialect.Txt(verb))

	var facts dialect.Facts
	if tag := e.Str("tag"); tag != name {
		facts.AddLink("Tag", e.page("tags", tag), tag)
	}
	facts.AddLine("Downloads", e.downloads()...)
	if v := e.Get("commit"); v.IsObject() {
		facts.AddLine("Commit", commit(v).Line()...)
	}
	card := markup.Card{
		Color:  dialect.Blue,
		Blocks: append(dialect.Excerpt(e.Str("description"), dialect.Markdown), facts.Blocks()...),
		Time:   dialect.Moment(e.Get("released_at", "created_at")),
	}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// downloads are the files of a release: its own and the source code.
func (e event) downloads() []markup.Inline {
	var line []markup.Inline
	add := func(url, name string) {
		if line != nil {
			line = append(line, dialect.Txt(", "))
		}
		line = append(line, dialect.Link(url, name))
	}
	for v := range e.At("assets", "links").Elements() {
		add(v.Object().Str("url"), v.Object().Str("name"))
	}
	for v := range e.At("assets", "sources").Elements() {
		add(v.Object().Str("url"), v.Object().Str("format"))
	}
	return line
}

func (e event) wikiPage() dialect.Post {
	a := e.attrs
	verb := "updated"
	switch a.Str("action") {
	case "create":
		verb = "created"
	case "delete":
		verb = "deleted"
	}
	line := e.line(e.actor(), dialect.Txt(" "+verb+" wiki page "), dialect.Link(a.Str("url"), a.First("title", "slug")))
	if changes := a.URL("diff_url"); changes != "" && verb == "updated" {
		line = append(line, dialect.Txt(" ("), dialect.Link(changes, "changes"), dialect.Txt(")"))
	}
	card := markup.Card{Color: dialect.Blue}
	if message := a.Str("message"); message != "" {
		card.Blocks = append(card.Blocks, dialect.Para(markup.Emphasis{Content: dialect.Line(dialect.Txt(message))}))
	}
	if verb == "created" {
		card.Blocks = append(card.Blocks, wikiText(a)...)
	}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// wikiText is the beginning of a new page. Only Markdown of GitLab's formats is
// one that we can show.
func wikiText(a dialect.Object) []markup.Block {
	if a.Str("format") == "markdown" {
		return dialect.Excerpt(a.Str("content"), dialect.Markdown)
	}
	return dialect.Excerpt(a.Str("content"), dialect.Plain)
}

func (e event) milestone() dialect.Post {
	a := e.attrs
	verb := "was updated"
	color := dialect.Green
	switch e.Str("action") {
	case "create":
		verb = "was created"
	case "close":
		verb, color = "was closed", dialect.Purple
	case "reopen":
		verb = "was reopened"
	case "delete":
		verb, color = "was deleted", dialect.Grey
	}
	title := dialect.Link(e.page("milestones", a.Str("iid")), a.Str("title"))
	line := e.line(dialect.Txt("Milestone "), title, dialect.Txt(" "+verb))
	var facts dialect.Facts
	facts.Add("Starts", a.Str("start_date"))
	facts.Add("Due", a.Str("due_date"))
	card := markup.Card{Color: color, Blocks: append(dialect.Excerpt(a.Str("description"), dialect.Markdown), facts.Blocks()...)}
	card.Time = dialect.Moment(a.Get("updated_at", "created_at"))
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func (e event) featureFlag() dialect.Post {
	a := e.attrs
	state, color := "off", dialect.Grey
	if a.Flag("active") {
		state, color = "on", dialect.Green
	}
	flag := dialect.Link(e.page("feature_flags"), a.Str("name"))
	line := e.line(e.actor(), dialect.Txt(" turned "), dialect.Bold(state), dialect.Txt(" the feature flag "), flag)
	card := markup.Card{Color: color, Blocks: dialect.Excerpt(a.Str("description"), dialect.Plain)}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// emoji is a reaction.
func (e event) emoji() dialect.Post {
	verb, to := " reacted with ", " to "
	if e.attrs.Str("action") == "revoke" || e.Str("event_type") == "revoke" {
		verb, to = " took back ", " from "
	}
	line := dialect.Line(e.actor(), dialect.Txt(verb), reaction(e.attrs.Str("name")), dialect.Txt(to))
	line = append(line, e.awarded()...)
	return dialect.Post{Doc: dialect.Say(dialect.Para(e.line(line...)...))}
}

func reaction(name string) markup.Inline {
	if chars, ok := markup.LookupEmoji(name); ok {
		return dialect.Txt(chars)
	}
	return markup.Emoji{Name: name}
}

// awarded is what somebody reacted to.
func (e event) awarded() []markup.Inline {
	url := e.attrs.Str("awarded_on_url")
	of := func(noun, mark, name string) []markup.Inline {
		o := e.Get(name).Object()
		if e.Has("note") {
			noun = "a comment on " + noun
		}
		return dialect.Line(dialect.Txt(noun+" "), numbered(mark, o, url))
	}
	switch {
	case e.Has("issue"):
		return of("issue", "#", "issue")
	case e.Has("merge_request"):
		return of("merge request", "!", "merge_request")
	case e.Has("project_snippet"):
		return of("snippet", "", "project_snippet")
	case e.Has("commit"):
		c := commit(e.Get("commit"))
		return append(dialect.Line(dialect.Link(url, "a comment"), dialect.Txt(" on commit ")), c.Line()...)
	}
	return dialect.Line(dialect.Link(url, "something"))
}

// token is an access or deploy token that is about to expire.
func (e event) token(kind string) dialect.Post {
	a := e.attrs
	line := dialect.Line(dialect.Txt(dialect.Title(kind)+" "), dialect.Bold(a.Str("name")), dialect.Txt(" expires"))
	if a.Has("expires_at") {
		line = append(line, dialect.Txt(" on "), day(a.Get("expires_at")))
	}
	if group := e.Get("group").Object(); len(group) > 0 {
		line = append(line, dialect.Txt(" in group "), dialect.Bold(group.First("full_path", "group_path", "group_name")))
	}
	var facts dialect.Facts
	facts.AddLine("Created", dialect.When(a.Get("created_at")))
	facts.AddLine("Last used", dialect.When(a.Get("last_used_at")))
	return dialect.Post{Doc: dialect.Report(e.line(line...), markup.Card{Color: dialect.Orange, Blocks: facts.Blocks()})}
}

// day is a date as it is written, or a moment.
func day(v dialect.Value) markup.Inline {
	if s := v.Str(); len(s) == len("2006-01-02") {
		return dialect.Bold(s)
	}
	return dialect.When(v)
}

func (e event) vulnerability() dialect.Post {
	a := e.attrs
	severity := a.Str("severity")
	line := e.line(dialect.Txt("Vulnerability "), dialect.Link(a.Str("url"), a.Str("title")), dialect.Txt(" is "), dialect.Bold(a.Str("state")))

	var facts dialect.Facts
	facts.Add("Severity", severity)
	facts.Add("Found by", spaced(a.Str("report_type")))
	if file := a.Str("location", "file"); file != "" {
		facts.AddLine("File", dialect.Fixed(file))
	}
	if name := a.Str("location", "dependency", "package", "name"); name != "" {
		facts.Add("Package", name+" "+a.Str("location", "dependency", "version"))
	}
	facts.AddLine("Known as", identifiers(a.Get("identifiers"))...)
	for v := range a.Get("issues").Elements() {
		facts.AddLink("Issue", v.Object().Str("url"), v.Object().First("title", "url"))
	}
	facts.Add("Solution", a.Str("solution"))
	facts.Add("Dismissed because", spaced(a.Str("dismissal_reason")))
	card := markup.Card{Color: severityColor(severity, a.Str("state")), Blocks: facts.Blocks(), Time: dialect.Moment(a.Get("updated_at", "created_at"))}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func identifiers(list dialect.Value) []markup.Inline {
	var line []markup.Inline
	for v := range list.Elements() {
		if line != nil {
			line = append(line, dialect.Txt(", "))
		}
		line = append(line, dialect.Link(v.Object().Str("url"), v.Object().Str("name")))
	}
	return line
}

func severityColor(severity, state string) markup.Color {
	switch {
	case state == "resolved":
		return dialect.Green
	case state == "dismissed":
		return dialect.Grey
	case severity == "critical" || severity == "high":
		return dialect.Red
	case severity == "medium":
		return dialect.Orange
	}
	return dialect.Yellow
}
