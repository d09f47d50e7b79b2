package gitea

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// push is commits that came to a branch, or a tag.
func (e event) push() dialect.Post {
	kind, name := dialect.Ref(e.Str("ref"))
	var commits []dialect.Commit
	for v := range e.Get("commits").Elements() {
		commits = append(commits, commit(v))
	}
	total, _ := strconv.Atoi(e.Str("total_commits"))
	total = max(total, len(commits))

	card := markup.Card{Color: dialect.Blue, Blocks: dialect.Commits(commits, total)}
	card.Time = dialect.Moment(e.At("head_commit", "timestamp"))
	if card.Time.IsZero() {
		card.Time = dialect.Moment(e.At("commits", "0", "timestamp"))
	}
	return dialect.Post{Doc: dialect.Report(e.pushed(kind, name, total), card)}
}

func (e event) pushed(kind, name string, total int) []markup.Inline {
	before, after := e.Str("before"), e.Str("after")
	switch {
	case after != "" && dialect.NoCommit(after):
		return e.line(e.actor(), dialect.Txt(" deleted "+kind+" "), dialect.Bold(name))
	case kind == "tag" || total == 0 && before != "" && dialect.NoCommit(before):
		return e.line(e.actor(), dialect.Txt(" created "+kind+" "), e.ref(kind, name))
	}
	what := dialect.Count(total, "commit", "commits")
	if total == 0 {
		what = "changes"
	}
	to := " to "
	if before != "" && dialect.NoCommit(before) {
		to = " to the new branch "
	}
	compare := e.URL("compare_url")
	return e.line(e.actor(), dialect.Txt(" pushed "), dialect.Link(compare, what), dialect.Txt(to), e.ref(kind, name))
}

// ref is a branch or a tag, which leads to its files.
func (e event) ref(kind, name string) markup.Inline {
	return dialect.Link(e.page("src/"+kind+"/"+strings.ReplaceAll(url.PathEscape(name), "%2F", "/")), name)
}

// refChanged is a branch or a tag that came or went.
func (e event) refChanged() dialect.Post {
	kind := e.Str("ref_type")
	_, name := dialect.Ref(e.Str("ref"))
	if e.kind == "delete" || e.kind == "" && !e.Has("sha") {
		return dialect.Post{Doc: dialect.Say(dialect.Para(e.line(e.actor(), dialect.Txt(" deleted "+kind+" "), dialect.Bold(name))...))}
	}
	line := dialect.Line(e.actor(), dialect.Txt(" created "+kind+" "), e.ref(kind, name))
	if sha := e.Str("sha"); sha != "" {
		line = append(line, dialect.Txt(" at "), dialect.CommitLink(e.page("commit/"+url.PathEscape(sha)), sha))
	}
	return dialect.Post{Doc: dialect.Say(dialect.Para(e.line(line...)...))}
}

func (e event) fork() dialect.Post {
	from, to := e.Get("forkee").Object(), e.Get("repository").Object()
	line := dialect.Line(e.actor(), dialect.Txt(" forked "), dialect.Link(from.Str("html_url"), from.First("full_name", "name")),
		dialect.Txt(" to "), dialect.Link(to.Str("html_url"), to.First("full_name", "name")))
	return dialect.Post{Doc: dialect.Say(dialect.Para(line...))}
}

func (e event) release() dialect.Post {
	r := e.Get("release").Object()
	verb := map[string]string{"updated": "updated", "deleted": "deleted"}[e.Str("action")]
	if verb == "" {
		verb = "published"
	}
	noun := " release "
	switch {
	case r.Flag("draft"):
		noun = " draft release "
	case r.Flag("prerelease"):
		noun = " pre-release "
	}
	tag := r.Str("tag_name")
	name := r.First("name", "tag_name")
	line := e.line(e.actor(), dialect.Txt(" "+verb+noun), dialect.Link(r.First("html_url", "url"), name))

	var facts dialect.Facts
	if tag != name {
		facts.AddLine("Tag", e.ref("tag", tag))
	}
	facts.Add("Branch", r.Str("target_commitish"))
	facts.AddLine("Downloads", downloads(r)...)
	card := markup.Card{
		Color:  dialect.Blue,
		Blocks: append(dialect.Excerpt(r.First("body", "note"), dialect.Markdown), facts.Blocks()...),
		Time:   dialect.Moment(r.Get("published_at", "created_at")),
	}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// downloads are a release's files and the source code.
func downloads(r dialect.Object) []markup.Inline {
	var line []markup.Inline
	add := func(url, name string) {
		if !dialect.IsWebURL(url) {
			return
		}
		if line != nil {
			line = append(line, dialect.Txt(", "))
		}
		line = append(line, dialect.Link(url, name))
	}
	for v := range r.Get("assets").Elements() {
		add(v.Object().Str("browser_download_url"), v.Object().Str("name"))
	}
	add(r.Str("zipball_url"), "zip")
	add(r.Str("tarball_url"), "tar.gz")
	return line
}

// packaged is a package that was published or deleted.
func (e event) packaged() dialect.Post {
	p := e.Get("package").Object()
	verb := " published "
	if e.Str("action") == "deleted" {
		verb = " deleted "
	}
	name := strings.TrimSpace(p.Str("name") + " " + p.Str("version"))
	line := e.line(e.actor(), dialect.Txt(verb+strings.TrimSpace(p.Str("type")+" package")+" "), dialect.Link(p.Str("html_url"), name))
	var facts dialect.Facts
	facts.Add("Owner", personOf(p.Get("owner")))
	card := markup.Card{Color: dialect.Blue, Blocks: facts.Blocks(), Time: dialect.Moment(p.Get("created_at"))}
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func (e event) wiki() dialect.Post {
	page := e.Str("page")
	verb := map[string]string{"created": "created", "deleted": "deleted"}[e.Str("action")]
	link := dialect.Link(e.page("wiki/"+url.PathEscape(page)), page)
	switch verb {
	case "":
		verb = "edited"
	case "deleted":
		link = dialect.Bold(page)
	}
	line := e.line(e.actor(), dialect.Txt(" "+verb+" wiki page "), link)
	return dialect.Post{Doc: dialect.Report(line, markup.Card{Color: dialect.Blue, Blocks: dialect.Plain(e.Str("comment"))})}
}

// other is a change of the repository itself, or what this package does not know.
func (e event) other() dialect.Post {
	repository := e.Get("repository").Object()
	name := repository.First("full_name", "name")
	action := e.Str("action")
	if name == "" && action == "" {
		return dialect.Post{}
	}
	if e.kind != "" && e.kind != "repository" {
		line := e.line(e.actor(), dialect.Txt(": "+strings.ToLower(dialect.Title(e.kind))+" "+spaced(action)))
		return dialect.Post{Doc: dialect.Say(dialect.Para(line...))}
	}
	link := dialect.Link(e.web(), name)
	if action == "deleted" {
		link = dialect.Bold(name)
	}
	if action == "" {
		action = "changed"
	}
	line := dialect.Line(e.actor(), dialect.Txt(" "+spaced(action)+" repository "), link)
	card := markup.Card{Color: dialect.Blue, Blocks: dialect.Plain(repository.Str("description")), Time: dialect.Moment(repository.Get("created_at"))}
	var facts dialect.Facts
	if repository.Flag("private") {
		facts.Add("Visibility", "private")
	}
	if organization := personOf(e.Get("organization")); organization != "" {
		facts.Add("Organization", organization)
	}
	card.Blocks = append(card.Blocks, facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(line, card)}
}
