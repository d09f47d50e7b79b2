package gitlab

import (
	"strconv"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// push is a branch or a tag that came, moved or went.
func (e event) push() dialect.Post {
	kind, name := dialect.Ref(e.Str("ref"))
	var commits []dialect.Commit
	for v := range e.Get("commits").Elements() {
		commits = append(commits, commit(v))
	}
	total, _ := strconv.Atoi(e.Str("total_commits_count"))
	total = max(total, len(commits))

	card := markup.Card{Color: dialect.Blue, Blocks: dialect.Commits(commits, total)}
	if message := e.Str("message"); message != "" { // of an annotated tag
		card.Blocks = append(dialect.Excerpt(message, dialect.Plain), card.Blocks...)
	}
	if n := len(commits); n > 0 {
		card.Time = dialect.Moment(e.At("commits", strconv.Itoa(n-1), "timestamp"))
	}
	return dialect.Post{Doc: dialect.Report(e.pushed(kind, name, total), card)}
}

func (e event) pushed(kind, name string, total int) []markup.Inline {
	link := e.branch(name)
	if kind == "tag" {
		link = dialect.Link(e.page("tags", name), name)
	}
	before, after := e.Str("before"), e.Str("after")
	switch {
	case dialect.NoCommit(after) && after != "":
		return e.line(e.actor(), dialect.Txt(" deleted "+kind+" "), dialect.Bold(name))
	case dialect.NoCommit(before) && before != "" && total == 0:
		return e.line(e.actor(), dialect.Txt(" created "+kind+" "), link)
	case dialect.NoCommit(before) && before != "":
		return e.line(e.actor(), dialect.Txt(" created "+kind+" "), link, dialect.Txt(" with "+dialect.Count(total, "commit", "commits")))
	case kind == "tag":
		return e.line(e.actor(), dialect.Txt(" moved tag "), link)
	}
	what := dialect.Count(total, "commit", "commits")
	if total == 0 {
		what = "changes"
	}
	return e.line(e.actor(), dialect.Txt(" pushed "), dialect.Link(e.page("compare", before+"..."+after), what), dialect.Txt(" to "), link)
}

// repositoryUpdate tells an instance's administrator that several refs moved at
// once.
func (e event) repositoryUpdate() dialect.Post {
	refs := dialect.Joined(e.Get("refs"), func(v dialect.Value) string {
		_, name := dialect.Ref(v.Str())
		return name
	})
	line := e.line(e.actor(), dialect.Txt(" updated the repository"))
	if refs != "" {
		line = append(line, dialect.Txt(": "+refs))
	}
	return dialect.Post{Doc: dialect.Say(dialect.Para(line...))}
}
