package azuredevops

import (
	"net/url"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// repository is a repository's name, and its page: the address for cloning is one.
func repository(o dialect.Object) markup.Inline {
	return dialect.Link(repositoryPage(o), o.Str("name"))
}

func repositoryPage(o dialect.Object) string {
	for _, member := range []string{"remoteUrl", "webUrl"} {
		u, err := url.Parse(o.URL(member))
		if err == nil && u.Host != "" {
			u.User = nil // may name the organization
			return strings.TrimSuffix(u.String(), "/")
		}
	}
	return ""
}

// inRepository ends a sentence with the repository.
func inRepository(line []markup.Inline, o dialect.Object) []markup.Inline {
	if o.Str("name") == "" {
		return line
	}
	return append(line, dialect.Txt(" in "), repository(o))
}

// push is commits that came, or branches and tags that came or went.
func (e event) push() details {
	r := e.resource
	repo := r.Get("repository").Object()
	page := repositoryPage(repo)
	var commits []dialect.Commit
	for v := range r.Get("commits").Elements() {
		o := v.Object()
		commits = append(commits, dialect.Commit{
			ID: o.Str("commitId"), URL: commitPage(page, o), Message: o.Str("comment"), Author: person(o.Get("author")),
		})
	}
	d := details{color: dialect.Blue, blocks: dialect.Commits(commits, 0)}
	who := person(r.Get("pushedBy"))
	if who == "" {
		return d
	}
	d.line = dialect.Line(dialect.Bold(who))
	n := 0
	for v := range r.Get("refUpdates").Elements() {
		if n++; n > 1 {
			d.line = append(d.line, dialect.Txt(", and"))
		}
		d.line = append(d.line, refUpdate(page, v.Object(), len(commits))...)
	}
	if n == 0 {
		d.line = append(d.line, dialect.Txt(" pushed "+dialect.Count(len(commits), "commit", "commits")))
	}
	d.line = inRepository(d.line, repo)
	return d
}

func refUpdate(page string, o dialect.Object, commits int) []markup.Inline {
	kind, name := dialect.Ref(o.Str("name"))
	before, after := o.Str("oldObjectId"), o.Str("newObjectId")
	link := dialect.Txt(name)
	if version := map[string]string{"branch": "GB", "tag": "GT"}[kind]; page != "" {
		link = dialect.Link(page+"?version="+version+url.QueryEscape(name), name)
	}
	switch {
	case after != "" && dialect.NoCommit(after):
		return dialect.Line(dialect.Txt(" deleted "+kind+" "), dialect.Bold(name))
	case commits == 0 && before != "" && dialect.NoCommit(before):
		return dialect.Line(dialect.Txt(" created "+kind+" "), link)
	case commits == 0:
		return dialect.Line(dialect.Txt(" pushed changes to "), link)
	}
	what := dialect.Count(commits, "commit", "commits")
	to := " to "
	if before != "" && dialect.NoCommit(before) {
		to = " to the new " + kind + " "
	}
	compare := ""
	if page != "" && to == " to " {
		compare = page + "/branchCompare?baseVersion=GC" + url.QueryEscape(before) + "&targetVersion=GC" + url.QueryEscape(after)
	}
	return dialect.Line(dialect.Txt(" pushed "), dialect.Link(compare, what), dialect.Txt(to), link)
}

// commitPage is where a commit can be seen. Its url is of the REST interface in
// most events.
func commitPage(page string, o dialect.Object) string {
	id := o.Str("commitId")
	if s := o.URL("url"); s != "" && !strings.Contains(s, "/_apis/") {
		return s
	}
	if page == "" || id == "" {
		return ""
	}
	return page + "/commit/" + id
}

func (e event) pullRequest() details { return e.pull(e.resource) }

// pull is a pull request. Azure's words say who did what, but do not name it.
func (e event) pull(pull dialect.Object) details {
	d := details{color: pullColor(pull)}
	repo := pull.Get("repository").Object()
	page := repositoryPage(repo)
	d.line = e.words("message")
	if pull.First("title", "pullRequestId") != "" {
		d.line = append(d.line, dialect.Txt(": "), pullLink(page, pull))
	}
	d.line = inRepository(d.line, repo)
	if e.kind == "git.pullrequest.created" {
		d.blocks = dialect.Excerpt(pull.Str("description"), dialect.Markdown)
	}

	_, source := dialect.Ref(pull.Str("sourceRefName"))
	_, target := dialect.Ref(pull.Str("targetRefName"))
	if source != "" || target != "" {
		d.facts.AddLine("Branches", dialect.Fixed(source), dialect.Txt(" → "), dialect.Fixed(target))
	}
	e.addNew(&d.facts, "Opened by", person(pull.Get("createdBy")))
	d.facts.Add("Reviewers", dialect.Joined(pull.Get("reviewers"), reviewer))
	d.facts.Add("Labels", dialect.Joined(pull.Get("labels"), dialect.Named("name")))
	if pull.Flag("isDraft") {
		d.facts.Add("Draft", "yes")
	}
	if status := pull.Str("status"); status != "active" {
		e.addNew(&d.facts, "Status", status)
	}
	switch merging := pull.Str("mergeStatus"); merging {
	case "succeeded", "queued", "notSet":
	default:
		d.facts.Add("Merging", lower(merging))
	}
	if merge := pull.Get("lastMergeCommit").Object(); len(merge) > 0 && pull.Str("status") == "completed" {
		d.facts.AddLine("Commit", dialect.CommitLink(commitPage(page, merge), merge.Str("commitId")))
	}
	return d
}

func pullLink(page string, pull dialect.Object) markup.Inline {
	id := pull.Str("pullRequestId")
	address := web(pull)
	if address == "" && page != "" && id != "" {
		address = page + "/pullrequest/" + id
	}
	return dialect.Link(address, strings.TrimSpace("!"+id+" "+pull.Str("title")))
}

func pullColor(pull dialect.Object) markup.Color {
	switch pull.Str("status") {
	case "completed":
		return dialect.Purple
	case "abandoned":
		return dialect.Red
	}
	if s := pull.Str("mergeStatus"); s == "conflicts" || s == "failure" || s == "rejectedByPolicy" {
		return dialect.Orange
	}
	return dialect.Green
}

// reviewer is a reviewer with their vote. A team is "[Project]\Team".
func reviewer(v dialect.Value) string {
	name := person(v)
	if _, team, ok := strings.Cut(name, `]\`); ok {
		name = team
	}
	if said := vote(v.At("vote").Str()); said != "" && name != "" {
		return name + " (" + said + ")"
	}
	return name
}

func vote(n string) string {
	switch n {
	case "10":
		return "approved"
	case "5":
		return "approved with suggestions"
	case "-5":
		return "waits for the author"
	case "-10":
		return "rejected"
	}
	return ""
}

func (e event) pullComment() details {
	pull := e.resource.Get("pullRequest").Object()
	comment := e.resource.Get("comment").Object()
	repo := pull.Get("repository").Object()
	d := details{color: dialect.Blue, blocks: dialect.Excerpt(comment.Str("content"), dialect.Markdown)}
	verb := " commented on "
	if comment.Flag("isDeleted") {
		verb = " deleted a comment on "
	}
	who := person(comment.Get("author"))
	if who == "" {
		return d
	}
	d.line = inRepository(dialect.Line(dialect.Bold(who), dialect.Txt(verb), pullLink(repositoryPage(repo), pull)), repo)
	return d
}

// checkin is a change in Team Foundation Version Control.
func (e event) checkin() details {
	d := details{color: dialect.Blue, blocks: dialect.Excerpt(e.resource.Str("comment"), dialect.Plain)}
	d.facts.Add("Changeset", e.resource.Str("changesetId"))
	d.facts.Add("By", person(e.resource.Get("author")))
	if who := person(e.resource.Get("checkedInBy")); who != person(e.resource.Get("author")) {
		d.facts.Add("Checked in by", who)
	}
	return d
}
