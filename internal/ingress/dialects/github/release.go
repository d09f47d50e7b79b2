package github

import (
	"strconv"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func release(e *event) message {
	r := e.in("release")
	noun := "release"
	m := message{color: dialect.Green, time: moment(r, "published_at", "created_at")}
	switch {
	case r.Flag("draft"):
		noun, m.color = "draft release", dialect.Grey
	case r.Flag("prerelease"):
		noun, m.color = "pre-release", dialect.Orange
	}
	name, tag := r.First("name", "tag_name"), r.Str("tag_name")
	title := link(r.URL("html_url"), emoji(name))
	switch e.action {
	case "prereleased":
		m.line = e.did(txt("published"), txt(noun), title)
	case "edited":
		m.line = e.did(txt("edited"), txt(noun), title, was(e.Str("changes", "name", "from")))
	case "deleted":
		m.line, m.color = e.did(txt("deleted"), txt(noun), title), dialect.Grey
	default:
		m.line = e.did(txt(words(e.action)), txt(noun), title)
	}
	if e.action != "deleted" {
		m.clipped(r.Str("body"), r.URL("html_url"), longNotes)
	}
	if name != tag {
		m.facts.AddLine("Tag", e.branch(tag)...)
	}
	m.facts.AddLine("Branch", e.branch(r.Str("target_commitish"))...)
	m.facts.AddLine("Files", each(r.Get("assets"), asset)...)
	if author := r.Get("author").Object(); !e.isSender(author) {
		m.facts.AddLine("Author", person(author)...)
	}
	m.facts.AddLine("More", page(r.URL("discussion_url"), "discussion")...)
	return m
}

// asset is a file of a release, with its size.
func asset(o dialect.Object) phrase {
	return say(link(o.URL("browser_download_url"), o.First("name", "label")), size(o.Str("size")))
}

// size is a number of bytes for people.
func size(bytes string) phrase {
	n, err := strconv.ParseFloat(bytes, 64)
	if err != nil || n <= 0 || n > 1e15 {
		return nil
	}
	for _, unit := range []string{"B", "KB", "MB", "GB"} {
		if n < 1000 {
			return txt("(" + strconv.FormatFloat(n, 'f', precision(n, unit), 64) + " " + unit + ")")
		}
		n /= 1000
	}
	return txt("(" + strconv.FormatFloat(n, 'f', 1, 64) + " TB)")
}

func precision(n float64, unit string) int {
	if unit == "B" || n >= 100 {
		return 0
	}
	return 1
}

// packageVersion is a version of a package in GitHub's registries.
func packageVersion(e *event) message {
	p := e.Get("package", "registry_package").Object()
	v := p.Get("package_version").Object()
	url := v.URL("html_url")
	if url == "" {
		url = p.URL("html_url")
	}
	version := v.First("version", "tag_name", "name")
	name := p.Str("name")
	if version != "" {
		name += " " + version
	}
	m := message{
		color: dialect.Green,
		time:  moment(v, "updated_at", "created_at"),
		line:  e.did(txt(words(e.action)), txt(p.First("package_type", "ecosystem")), txt("package"), link(url, name)),
	}
	m.plain(p.Str("description"))
	m.plain(v.Str("summary"))
	m.markdown(v.Str("body"), url)
	m.facts.AddLine("Install", code("", v.Str("installation_command"))...)
	if release := v.Get("release").Object(); len(release) > 0 {
		m.facts.AddLine("Release", link(release.URL("html_url"), release.First("name", "tag_name"))...)
	}
	m.facts.AddLine("Files", each(v.Get("package_files"), packageFile)...)
	m.facts.Add("Registry", p.Str("registry", "name"))
	if author := v.Get("author").Object(); !e.isSender(author) {
		m.facts.AddLine("Author", person(author)...)
	}
	return m
}

// packageFile is a file of a package. The addresses of files serve for some minutes
// only, and are left out.
func packageFile(o dialect.Object) phrase { return say(txt(o.Str("name")), size(o.Str("size"))) }
