package bitbucket

import (
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// cloud is a body of Bitbucket Cloud, with the event's key; "" when the header is
// not there.
type cloud struct {
	dialect.Object
	key string
}

func (e cloud) post() dialect.Post {
	switch {
	case e.Has("comment"):
		return e.comment()
	case e.Has("pullrequest"):
		return e.pullRequest()
	case e.Has("issue"):
		return e.issue()
	case e.Has("push"):
		return e.push()
	case e.Has("commit_status"):
		return e.commitStatus()
	case e.Has("fork"):
		return e.fork()
	}
	return e.repository()
}

func person(v dialect.Value) string {
	return v.Object().First("display_name", "nickname", "username")
}

func html(v dialect.Value) string { return v.At("links", "html", "href").Str() }

func (e cloud) actor() markup.Inline { return somebody(person(e.Get("actor"))) }

// line is a sentence that ends with the repository in which it happened.
func (e cloud) line(content ...markup.Inline) []markup.Inline {
	v := e.Get("repository")
	name := v.Object().First("full_name", "name")
	if name == "" {
		return content
	}
	return append(content, dialect.Txt(" in "), dialect.Link(html(v), name))
}

// text is what somebody wrote, and how to read it. Bitbucket tells in which markup
// it is, and has all of them as HTML.
func text(content dialect.Value) (source string, read func(string) []markup.Block) {
	o := content.Object()
	raw, html := o.Str("raw"), o.Str("html")
	switch kind := o.Str("markup"); {
	case kind == "" || kind == "markdown":
		return raw, dialect.Markdown
	case html != "":
		return html, dialect.HTML
	}
	return raw, dialect.Plain
}

func (e cloud) pull() markup.Inline {
	v := e.Get("pullrequest")
	return numbered(html(v), v.At("id").Str(), v.At("title").Str())
}

func (e cloud) pullRequest() dialect.Post {
	pull := e.Get("pullrequest").Object()
	verb := pullVerb(e.key)
	switch {
	case verb != "":
	case e.Has("approval"):
		verb = "reviewed"
	default:
		verb = "updated"
	}
	line := e.line(e.actor(), dialect.Txt(" "+verb+" pull request "), e.pull())

	var facts dialect.Facts
	facts.AddLine("Branches", e.branches()...)
	if author := person(pull.Get("author")); author != person(e.Get("actor")) {
		facts.Add("Opened by", author)
	}
	facts.Add("Reviewers", reviewers(pull))
	if verb == "merged" {
		facts.AddLine("Commit", e.commitLink(pull.Str("merge_commit", "hash")))
	}
	if verb == "declined" {
		facts.Add("Reason", pull.Str("reason"))
	}
	card := markup.Card{Color: pullColor(verb, pull.Str("state")), Time: dialect.Moment(pull.Get("updated_on", "created_on"))}
	if at := dialect.Moment(e.At("approval", "date")); !at.IsZero() {
		card.Time = at
	}
	if verb == "opened" || verb == "updated" {
		card.Blocks = dialect.Excerpt(pull.Str("description"), dialect.Markdown)
	}
	card.Blocks = append(card.Blocks, facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(line, card)}
}

func (e cloud) branches() []markup.Inline {
	pull := e.Get("pullrequest").Object()
	from, to := pull.Str("source", "branch", "name"), pull.Str("destination", "branch", "name")
	if fork := pull.Str("source", "repository", "full_name"); fork != pull.Str("destination", "repository", "full_name") && fork != "" {
		from = fork + ":" + from
	}
	return arrow(from, to)
}

// reviewers names the reviewers, with what they said so far.
func reviewers(pull dialect.Object) string {
	said := map[string]string{}
	for v := range pull.Get("participants").Elements() {
		o := v.Object()
		switch {
		case o.Flag("approved") || o.Str("state") == "approved":
			said[person(o.Get("user"))] = " (approved)"
		case o.Str("state") == "changes_requested":
			said[person(o.Get("user"))] = " (wants changes)"
		}
	}
	return dialect.Joined(pull.Get("reviewers"), func(v dialect.Value) string {
		if name := person(v); name != "" {
			return name + said[name]
		}
		return ""
	})
}

// commitLink is the short name of a commit, with its page in the repository.
func (e cloud) commitLink(hash string) markup.Inline {
	if hash == "" {
		return dialect.Txt("")
	}
	return dialect.CommitLink(html(e.Get("repository"))+"/commits/"+hash, hash)
}

// comment is a comment on a pull request, an issue or a commit.
func (e cloud) comment() dialect.Post {
	c := e.Get("comment")
	line := dialect.Line(e.actor(), dialect.Txt(" "))
	switch verb := commentVerb(e.key); verb {
	case "deleted a comment":
		line = append(line, dialect.Txt(verb))
	default:
		line = append(line, dialect.Link(html(c), verb))
	}
	switch {
	case e.Has("pullrequest"):
		line = append(line, dialect.Txt(" on pull request "), e.pull())
	case e.Has("issue"):
		v := e.Get("issue")
		line = append(line, dialect.Txt(" on issue "), numbered(html(v), v.At("id").Str(), v.At("title").Str()))
	default:
		v := e.Get("commit")
		commit := dialect.Commit{ID: v.At("hash").Str(), URL: html(v), Message: v.At("message").Str()}
		line = append(append(line, dialect.Txt(" on commit ")), commit.Line()...)
	}
	var facts dialect.Facts
	if file := c.At("inline", "path").Str(); file != "" {
		if at := c.At("inline").Object().First("to", "from"); at != "" {
			file += ":" + at
		}
		facts.AddLine("Code", dialect.Fixed(file))
	}
	source, read := text(c.At("content"))
	card := markup.Card{Color: dialect.Blue, Blocks: append(read(source), facts.Blocks()...)}
	card.Time = dialect.Moment(c.Object().Get("updated_on", "created_on"))
	return dialect.Post{Doc: dialect.Report(e.line(line...), card)}
}

func commentVerb(key string) string {
	_, what, _ := strings.Cut(key, "comment")
	switch strings.TrimLeft(what, "_:") {
	case "deleted":
		return "deleted a comment"
	case "updated", "edited":
		return "edited a comment"
	case "resolved":
		return "resolved a comment"
	case "reopened":
		return "reopened a comment"
	}
	return "commented"
}

func (e cloud) issue() dialect.Post {
	v := e.Get("issue")
	issue := v.Object()
	verb := "updated"
	if strings.HasSuffix(e.key, ":created") || e.key == "" && !e.Has("changes") {
		verb = "opened"
	}
	line := e.line(e.actor(), dialect.Txt(" "+verb+" issue "), numbered(html(v), issue.Str("id"), issue.Str("title")))

	var facts dialect.Facts
	facts.Add("State", issue.Str("state"))
	facts.Add("Kind", issue.First("kind", "type"))
	facts.Add("Priority", issue.Str("priority"))
	facts.Add("Assignee", person(issue.Get("assignee")))
	facts.Add("Component", name(issue.Get("component")))
	facts.Add("Milestone", name(issue.Get("milestone")))
	facts.Add("Version", name(issue.Get("version")))
	addChanges(&facts, e.Get("changes").Object())
	card := markup.Card{Color: issueColor(issue.Str("state")), Time: dialect.Moment(issue.Get("updated_on", "created_on"))}
	if verb == "opened" {
		card.Blocks = dialect.Excerpt(text(issue.Get("content")))
	}
	card.Blocks = append(card.Blocks, facts.Blocks()...)
	return dialect.Post{Doc: dialect.Report(line, card)}
}

// name is a name, or that of an object.
func name(v dialect.Value) string {
	if v.IsObject() {
		return v.Object().First("name", "display_name", "title", "raw")
	}
	return v.Str()
}

func issueColor(state string) markup.Color {
	switch state {
	case "resolved", "closed":
		return dialect.Purple
	case "duplicate", "invalid", "wontfix":
		return dialect.Grey
	case "on hold":
		return dialect.Yellow
	}
	return dialect.Green
}

// addChanges tells what changed, old and new. Links change with names and are
// left out.
func addChanges(facts *dialect.Facts, changes dialect.Object) {
	for _, what := range changes.Names() {
		before, after := name(changes.At(what, "old")), name(changes.At(what, "new"))
		title := strings.ReplaceAll(what, "_", " ")
		switch {
		case what == "links" || before == after:
		case before == "":
			facts.Add("New "+title, after)
		case after == "":
			facts.Add("No "+title+" any more", before)
		default:
			facts.Add("Changed "+title, before+" → "+after)
		}
	}
}

// push is one or several branches and tags that came, moved or went.
func (e cloud) push() dialect.Post {
	var doc markup.Document
	n := 0
	for change := range e.At("push", "changes").Elements() {
		if n++; n > dialect.MaxCards {
			break
		}
		doc.Blocks = append(doc.Blocks, e.change(change.Object()).Blocks...)
	}
	if n == 0 {
		doc = dialect.Say(dialect.Para(e.line(e.actor(), dialect.Txt(" pushed"))...))
	}
	return dialect.Post{Doc: doc}
}

func (e cloud) change(change dialect.Object) markup.Document {
	now, before := change.Get("new"), change.Get("old")
	if now.Absent() {
		o := before.Object()
		return dialect.Say(dialect.Para(e.line(e.actor(), dialect.Txt(" deleted "+refKind(o)+" "), dialect.Bold(o.Str("name")))...))
	}
	o := now.Object()
	ref := dialect.Link(html(now), o.Str("name"))
	var commits []dialect.Commit
	for v := range change.Get("commits").Elements() {
		commits = append(commits, cloudCommit(v))
	}
	count := dialect.Count(len(commits), "commit", "commits")
	if change.Flag("truncated") {
		count = "more than " + count
	}
	if len(commits) == 0 {
		count = "changes"
	}
	var line []markup.Inline
	pushed := dialect.Link(change.URL("links", "html", "href"), count)
	switch {
	case before.Absent() && len(commits) == 0:
		line = dialect.Line(e.actor(), dialect.Txt(" created "+refKind(o)+" "), ref)
	case before.Absent():
		line = dialect.Line(e.actor(), dialect.Txt(" pushed "), pushed, dialect.Txt(" to the new "+refKind(o)+" "), ref)
	case change.Flag("forced"):
		line = dialect.Line(e.actor(), dialect.Txt(" force-pushed "), pushed, dialect.Txt(" to "), ref)
	default:
		line = dialect.Line(e.actor(), dialect.Txt(" pushed "), pushed, dialect.Txt(" to "), ref)
	}
	if len(commits) == 0 && o.Has("target") {
		commits = append(commits, cloudCommit(o.Get("target")))
	}
	card := markup.Card{Color: dialect.Blue, Blocks: dialect.Commits(commits, 0), Time: dialect.Moment(o.At("target", "date"))}
	return dialect.Report(e.line(line...), card)
}

func refKind(o dialect.Object) string {
	if kind := o.Str("type"); kind != "" {
		return strings.ReplaceAll(kind, "_", " ")
	}
	return "branch"
}

func cloudCommit(v dialect.Value) dialect.Commit {
	o := v.Object()
	author := person(o.Get("author"))
	if author == "" {
		author = person(o.At("author", "user"))
	}
	if author == "" { // "Ann <ann@example.com>"
		author, _, _ = strings.Cut(o.Str("author", "raw"), " <")
	}
	return dialect.Commit{ID: o.Str("hash"), URL: html(v), Message: o.Str("message"), Author: author}
}

// commitStatus follows the state of a build.
func (e cloud) commitStatus() dialect.Post {
	s := e.Get("commit_status").Object()
	state, color := buildState(s.Str("state"))
	title := s.First("name", "key")
	line := dialect.Line(dialect.Link(s.Str("url"), title), dialect.Txt(" "), dialect.Bold(state))

	hash := s.Str("commit", "hash")
	if hash == "" { // only its address is sent
		address := s.Str("links", "commit", "href")
		hash = address[strings.LastIndexByte(address, '/')+1:]
	}
	if hash != "" {
		line = append(line, dialect.Txt(" for "), e.commitLink(hash))
	}
	var facts dialect.Facts
	facts.Add("Branch", s.Str("refname"))
	facts.Add("Message", dialect.FirstLine(s.Str("commit", "message")))
	facts.Add("Reported by", person(e.Get("actor")))
	card := markup.Card{Color: color, Time: dialect.Moment(s.Get("updated_on", "created_on"))}
	card.Blocks = append(dialect.Plain(s.Str("description")), facts.Blocks()...)
	p := dialect.Post{Doc: dialect.Report(e.line(line...), card)}
	if hash != "" {
		p.Key = "build:" + s.First("key", "name") + "#" + hash
	}
	return p
}

func buildState(state string) (string, markup.Color) {
	switch state {
	case "SUCCESSFUL":
		return "passed", dialect.Green
	case "FAILED":
		return "failed", dialect.Red
	case "STOPPED":
		return "was stopped", dialect.Grey
	case "INPROGRESS":
		return "is running", dialect.Blue
	}
	return "changed", dialect.Grey
}

func (e cloud) fork() dialect.Post {
	fork, from := e.Get("fork"), e.Get("repository")
	line := dialect.Line(e.actor(), dialect.Txt(" forked "), dialect.Link(html(from), from.Object().First("full_name", "name")),
		dialect.Txt(" to "), dialect.Link(html(fork), fork.Object().First("full_name", "name")))
	return dialect.Post{Doc: dialect.Say(dialect.Para(line...))}
}

// repository is a change of the repository itself, or what this package does not
// know.
func (e cloud) repository() dialect.Post {
	if len(e.Object) == 0 {
		return dialect.Post{}
	}
	verb := map[string]string{
		"repo:updated": "changed", "repo:transfer": "moved", "repo:deleted": "deleted", "repo:created": "created", "repo:imported": "imported",
	}[e.key]
	v := e.Get("repository")
	repository := dialect.Link(html(v), v.Object().First("full_name", "name"))
	line := dialect.Line(e.actor(), dialect.Txt(" "+verb+" repository "), repository)
	if verb == "" {
		line = e.line(e.actor(), dialect.Txt(": "+words(e.key)))
	}
	var facts dialect.Facts
	if moved := person(e.Get("previous_owner")); moved != "" {
		facts.Add("Old owner", moved)
	}
	addChanges(&facts, e.Get("changes").Object())
	if links := e.At("changes", "links", "new"); links.IsObject() {
		facts.AddLink("New address", links.At("html", "href").Str(), "")
	}
	return dialect.Post{Doc: dialect.Report(line, markup.Card{Color: dialect.Blue, Blocks: facts.Blocks()})}
}
