package bitbucket

import (
	"net/url"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// server is a body of Bitbucket Server or Data Center, with the event's key.
type server struct {
	dialect.Object
	key string
}

func (e server) post() dialect.Post {
	switch {
	case e.Has("comment"):
		return e.comment()
	case e.Has("pullRequest"):
		return e.pullRequest()
	case e.Has("changes") || e.key == "repo:refs_changed":
		return e.refsChanged()
	case e.Has("old") && e.Has("new"):
		return e.modified()
	}
	return e.other()
}

func user(v dialect.Value) string { return v.Object().First("displayName", "name", "slug") }

func self(v dialect.Value) string { return v.At("links", "self", "0", "href").Str() }

// actor is who did it, with their page.
func (e server) actor() markup.Inline {
	v := e.Get("actor")
	if page := self(v); dialect.IsWebURL(page) {
		return markup.Strong{Content: dialect.Line(dialect.Link(page, user(v)))}
	}
	return somebody(user(v))
}

// repository is where it happened: in what a pull request leads to.
func (e server) repository() dialect.Value {
	if v := e.Get("repository"); !v.Absent() {
		return v
	}
	return e.At("pullRequest", "toRef", "repository")
}

// repositoryName is project and repository, as in Bitbucket's addresses.
func repositoryName(v dialect.Value) string {
	name := v.Object().First("slug", "name")
	if project := v.Object().Str("project", "key"); project != "" {
		return project + "/" + name
	}
	return name
}

func (e server) line(content ...markup.Inline) []markup.Inline {
	v := e.repository()
	name := repositoryName(v)
	if name == "" {
		return content
	}
	return append(content, dialect.Txt(" in "), dialect.Link(self(v), name))
}

// page is an address in the repository; "" when it has none.
func (e server) page(path string) string {
	browse := self(e.repository())
	if !dialect.IsWebURL(browse) {
		return ""
	}
	return strings.TrimSuffix(browse, "/browse") + path
}

func (e server) commitLink(id string) markup.Inline {
	return dialect.CommitLink(e.page("/commits/"+id), id)
}

func (e server) pull() markup.Inline {
	v := e.Get("pullRequest")
	return numbered(self(v), v.At("id").Str(), v.At("title").Str())
}

func (e server) pullRequest() dialect.Post {
	pull := e.Get("pullRequest").Object()
	verb := pullVerb(e.key)
	if verb == "" {
		verb = "updated"
	}
	line := e.line(e.actor(), dialect.Txt(" "+verb+" pull request "), e.pull())

	var facts dialect.Facts
	facts.AddLine("Branches", e.branches()...)
	if author := user(pull.At("author", "user")); author != user(e.Get("actor")) {
		facts.Add("Opened by", author)
	}
	facts.Add("Reviewers", dialect.Joined(pull.Get("reviewers"), reviewer))
	facts.Add("Added", dialect.Joined(e.Get("addedReviewers"), user))
	facts.Add("Removed", dialect.Joined(e.Get("removedReviewers"), user))
	if before := e.Str("previousStatus"); before != "" {
		facts.Add("Review before", verdict(before))
	}
	if before := e.Str("previousTitle"); before != pull.Str("title") {
		facts.Add("Old title", before)
	}
	if before := e.Str("previousTarget", "displayId"); before != "" {
		facts.Add("Old target", before)
	}
	if id := pull.Str("properties", "mergeCommit", "id"); id != "" {
		facts.AddLine("Commit", e.commitLink(id))
	}
	card := markup.Card{Color: pullColor(verb, pull.Str("state")), Time: dialect.Moment(e.Get("date"))}
	if verb == "opened" || verb == "updated" {
		card.Blocks = dialect.Excerpt(pull.Str("description"), dialect.Markdown)
	}
	card.Blocks = append(card.Blocks, facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func (e server) branches() []markup.Inline {
	pull := e.Get("pullRequest").Object()
	from, to := pull.Str("fromRef", "displayId"), pull.Str("toRef", "displayId")
	if fork := repositoryName(pull.At("fromRef", "repository")); fork != repositoryName(pull.At("toRef", "repository")) {
		from = fork + ":" + from
	}
	return arrow(from, to)
}

// reviewer is a reviewer with what they said so far.
func reviewer(v dialect.Value) string {
	name := user(v.At("user"))
	if said := verdict(v.At("status").Str()); said != "" && name != "" && said != "not reviewed" {
		return name + " (" + said + ")"
	}
	return name
}

func verdict(status string) string {
	switch status {
	case "APPROVED":
		return "approved"
	case "NEEDS_WORK":
		return "needs work"
	case "UNAPPROVED":
		return "not reviewed"
	}
	return strings.ToLower(status)
}

// comment is a comment on a pull request or a commit.
func (e server) comment() dialect.Post {
	c := e.Get("comment").Object()
	line := dialect.Line(e.actor(), dialect.Txt(" "))
	address := ""
	if e.Has("pullRequest") && c.Has("id") {
		if pull := self(e.Get("pullRequest")); dialect.IsWebURL(pull) {
			address = pull + "/overview?commentId=" + url.QueryEscape(c.Str("id"))
		}
	}
	verb := commentVerb(e.key)
	if verb == "commented" && e.Has("commentParentId") {
		verb = "replied"
	}
	if verb == "deleted a comment" {
		address = ""
	}
	line = append(line, dialect.Link(address, verb))
	if e.Has("pullRequest") {
		line = append(line, dialect.Txt(" on pull request "), e.pull())
	} else if commit := e.Str("commit"); commit != "" {
		line = append(line, dialect.Txt(" on commit "), e.commitLink(commit))
	}
	var facts dialect.Facts
	facts.AddBlocks("Before", dialect.Excerpt(e.Str("previousComment"), dialect.Markdown)...)
	card := markup.Card{Color: dialect.Blue, Time: dialect.Moment(e.Get("date"))}
	card.Blocks = append(dialect.Markdown(c.Str("text")), facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(e.line(line...), card)}
}

// refsChanged is a push.
func (e server) refsChanged() dialect.Post {
	var commits []dialect.Commit
	for v := range e.Get("commits").Elements() {
		o := v.Object()
		commits = append(commits, dialect.Commit{
			ID: o.Str("id"), URL: e.page("/commits/" + o.Str("id")), Message: o.Str("message"), Author: user(o.Get("author")),
		})
	}
	var doc markup.Document
	n := 0
	for v := range e.Get("changes").Elements() {
		if n++; n > dialect.MaxCards {
			break
		}
		card := markup.Card{}
		if n == 1 { // the commits belong to the whole push
			card = markup.Card{Color: dialect.Blue, Blocks: dialect.Commits(commits, 0), Time: dialect.Moment(e.Get("date"))}
		}
		doc.Blocks = append(doc.Blocks, dialect.Report(e.refChange(v.Object(), len(commits)), card).Blocks...)
	}
	return dialect.Post{Doc: doc}
}

func (e server) refChange(change dialect.Object, commits int) []markup.Inline {
	kind := strings.ToLower(change.Str("ref", "type"))
	name := change.Str("ref", "displayId")
	if k, n := dialect.Ref(change.Str("refId")); name == "" {
		kind, name = k, n
	}
	ref := dialect.Link(e.page("/commits?until="+url.QueryEscape(change.Str("refId"))), name)
	from, to := change.Str("fromHash"), change.Str("toHash")
	switch change.Str("type") {
	case "DELETE":
		return e.line(e.actor(), dialect.Txt(" deleted "+kind+" "), dialect.Bold(name))
	case "ADD":
		return e.line(e.actor(), dialect.Txt(" created "+kind+" "), ref, dialect.Txt(" at "), e.commitLink(to))
	}
	what := "changes"
	if commits > 0 {
		what = dialect.Count(commits, "commit", "commits")
	}
	compare := e.page("/compare/commits?sourceBranch=" + url.QueryEscape(to) + "&targetBranch=" + url.QueryEscape(from))
	return e.line(e.actor(), dialect.Txt(" pushed "), dialect.Link(compare, what), dialect.Txt(" to "), ref,
		dialect.Txt(" ("), e.commitLink(from), dialect.Txt(" → "), e.commitLink(to), dialect.Txt(")"))
}

// modified is a repository or a project with a new name.
func (e server) modified() dialect.Post {
	noun, _, _ := strings.Cut(e.key, ":")
	if noun == "repo" {
		noun = "repository"
	}
	before, now := e.Get("old"), e.Get("new")
	label := repositoryName
	if noun == "project" {
		label = func(v dialect.Value) string { return v.Object().First("name", "key") }
	}
	line := dialect.Line(e.actor(), dialect.Txt(" changed "+noun+" "), dialect.Link(self(now), label(now)))
	if label(before) != label(now) {
		line = dialect.Line(e.actor(), dialect.Txt(" renamed "+noun+" "), dialect.Bold(label(before)), dialect.Txt(" to "),
			dialect.Link(self(now), label(now)))
	}
	var facts dialect.Facts
	if text := now.At("description").Str(); text != before.At("description").Str() {
		facts.Add("New description", text)
	}
	return dialect.Post{Doc: dialect.Report(line, markup.Card{Color: dialect.Blue, Blocks: facts.Blocks(), Time: dialect.Moment(e.Get("date"))})}
}

// other is what this package does not know: who, what and where.
func (e server) other() dialect.Post {
	switch e.key {
	case "repo:forked":
		from := e.At("repository", "origin")
		line := dialect.Line(e.actor(), dialect.Txt(" forked "), dialect.Link(self(from), repositoryName(from)),
			dialect.Txt(" to "), dialect.Link(self(e.repository()), repositoryName(e.repository())))
		return dialect.Post{Doc: dialect.Say(dialect.Para(line...))}
	case "mirror:repo_synchronized":
		line := e.line(dialect.Txt("Mirror "), dialect.Bold(e.Str("mirrorServer", "name")), dialect.Txt(" synchronized"))
		return dialect.Post{Doc: dialect.Say(dialect.Para(line...))}
	}
	return dialect.Post{Doc: dialect.Say(dialect.Para(e.line(e.actor(), dialect.Txt(": "+words(e.key)))...))}
}
