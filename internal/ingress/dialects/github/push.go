package github

import (
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func push(e *event) message {
	commits := e.Get("commits")
	m := message{line: e.pushed(count(commits)), color: dialect.Blue}
	if e.Flag("forced") {
		m.color = dialect.Orange
	}
	m.texts = e.commits(commits)
	if head := e.in("head_commit"); len(m.texts) == 0 && len(head) > 0 {
		m.texts = []markup.Block{dialect.Para(e.commitLine(head)...)}
	}
	return m
}

// pushed tells what a push did to a branch or a tag.
func (e *event) pushed(commits int) phrase {
	ref := e.Str("ref")
	noun := "branch"
	if strings.HasPrefix(ref, "refs/tags/") {
		noun = "tag"
	}
	number := link(e.URL("compare"), dialect.Count(commits, "commit", "commits"))
	switch {
	case e.Flag("deleted"):
		return e.did(txt("deleted "+noun), code("", refName(ref)), txt("which was at"), e.commit(e.Str("before")))
	case e.Flag("created") && commits > 0:
		return e.did(txt("created "+noun), e.branch(ref), txt("with"), number)
	case e.Flag("created"):
		return e.did(txt("created "+noun), e.branch(ref), e.origin(), txt("at"), e.commit(e.Str("after")))
	case e.Flag("forced") && commits == 0:
		return e.did(link(e.URL("compare"), "moved"), txt(noun), e.branch(ref), txt("by force from"), e.commit(e.Str("before")),
			txt("to"), e.commit(e.Str("after")))
	case e.Flag("forced"):
		return e.did(txt("force-pushed"), number, txt("to"), e.branch(ref))
	}
	return e.did(txt("pushed"), number, txt("to"), e.branch(ref))
}

// origin is the branch that a new one begins at, where GitHub knows it.
func (e *event) origin() phrase {
	if base := e.Str("base_ref"); base != "" {
		return txt("from " + refName(base))
	}
	return nil
}

func count(v dialect.Value) int {
	n := 0
	for range v.Elements() {
		n++
	}
	return n
}

// commits lists the first lines of commits, the newest last, as in a log that is read
// from the top.
func (e *event) commits(v dialect.Value) []markup.Block {
	var lines phrase
	n := 0
	for c := range v.Elements() {
		if n++; n > maxListed {
			continue
		}
		if lines != nil {
			lines = append(lines, markup.Break{})
		}
		lines = append(lines, e.commitLine(c.Object())...)
	}
	if n > maxListed {
		lines = append(lines, markup.Break{})
		lines = append(lines, link(e.URL("compare"), "and "+strconv.Itoa(n-maxListed)+" more")...)
	}
	if lines == nil {
		return nil
	}
	return []markup.Block{dialect.Para(lines...)}
}

// commitLine is a commit on a line: its name, what it does, and who wrote it.
func (e *event) commitLine(c dialect.Object) phrase {
	url := c.URL("url")
	if url == "" {
		url = e.page("commit", c.Str("id"))
	}
	return say(code(url, dialect.Short(c.Str("id"))), txt(emoji(dialect.FirstLine(c.Str("message")))), by(c))
}

// by is the author of a commit.
func by(c dialect.Object) phrase {
	author := c.Get("author").Object()
	if name := author.First("name", "username", "login"); name != "" {
		return txt("– " + name)
	}
	return nil
}

func refCreated(e *event) message {
	ref, kind := e.Str("ref"), e.Str("ref_type")
	if kind == "repository" {
		return message{line: say(e.who(), txt("created repository"), e.where())}
	}
	return message{line: e.did(txt("created "+kind), e.branch(ref))}
}

func refDeleted(e *event) message {
	return message{line: e.did(txt("deleted "+e.Str("ref_type")), code("", e.Str("ref")))}
}
