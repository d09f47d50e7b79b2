package jenkins

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// maxLog is how much of the end of a log is shown, in lines: the reason why a build
// failed is at the end.
const maxLog = 20

// maxParameters is how many parameters of a build are shown.
const maxParameters = 10

// facts are the details of a build, then the end of its log.
func facts(build dialect.Object) []markup.Block {
	scm := build.Get("scm").Object()
	var f dialect.Facts
	if commit := scm.Str("commit"); commit != "" {
		f.AddLine("Commit", dialect.CommitLink(commitURL(scm.Str("url"), commit), commit))
	}
	f.AddLine("Repository", repository(scm.Str("url")))
	f.Add("Changed by", dialect.Joined(scm.Get("culprits"), dialect.Value.Str))
	f.Add("Changed files", dialect.Joined(scm.Get("changes"), dialect.Value.Str))
	f.Add("Tests", tests(build.Get("test_summary").Object()))
	f.Add("Failed tests", dialect.Joined(build.At("test_summary", "failed_tests"), dialect.Value.Str))
	f.AddLine("Artifacts", artifacts(build.Get("artifacts").Object())...)
	parameters := build.Get("parameters").Object()
	names := parameters.Names()
	for _, name := range names[:min(len(names), maxParameters)] {
		f.Add(name, parameters.Str(name))
	}
	blocks := f.Blocks()
	if log := lastLines(build.Get("log")); log != "" {
		blocks = append(blocks, markup.CodeBlock{Text: log})
	}
	return blocks
}

// repository is a repository's page, by its name.
func repository(address string) markup.Inline {
	page := webPage(address)
	_, name, _ := strings.Cut(page, "://")
	return dialect.Link(page, name)
}

// webPage makes a page's address of one that is for cloning, as git@host:path or
// ssh://git@host/path; "" when that cannot be done. A name and a password in it
// are left out.
func webPage(address string) string {
	if host, path, ok := strings.Cut(strings.TrimPrefix(address, "git@"), ":"); ok && strings.HasPrefix(address, "git@") {
		address = "https://" + host + "/" + path
	}
	u, err := url.Parse(strings.TrimSuffix(address, ".git"))
	if err != nil || u.Hostname() == "" {
		return ""
	}
	switch u.User = nil; u.Scheme {
	case "http", "https":
	case "ssh", "git":
		u.Scheme, u.Host = "https", u.Hostname()
	default:
		return ""
	}
	return u.String()
}

// commitURL is where the hosts that most people use show a commit.
func commitURL(address, commit string) string {
	page := webPage(address)
	if !strings.HasPrefix(page, "https://github.com/") && !strings.HasPrefix(page, "https://gitlab.com/") {
		return ""
	}
	return page + "/commit/" + commit
}

func tests(summary dialect.Object) string {
	var parts []string
	for _, what := range []string{"passed", "failed", "skipped"} {
		if n, err := strconv.Atoi(summary.Str(what)); err == nil && n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+what)
		}
	}
	return strings.Join(parts, ", ")
}

// artifacts are the files of a build, each at the first place where it is kept.
func artifacts(files dialect.Object) []markup.Inline {
	names := files.Names()
	slices.Sort(names)
	var line []markup.Inline
	for i, name := range names {
		if i == dialect.MaxFiles {
			return append(line, dialect.Txt(", and "+strconv.Itoa(len(names)-i)+" more"))
		}
		if i > 0 {
			line = append(line, dialect.Txt(", "))
		}
		line = append(line, dialect.Link(files.Get(name).Object().First("archive", "s3"), name))
	}
	return line
}

// lastLines is the end of a log. The plugin sends a text, or its lines.
func lastLines(v dialect.Value) string {
	var lines []string
	for line := range v.Elements() {
		lines = append(lines, line.Str())
	}
	if lines == nil {
		lines = strings.Split(strings.TrimSpace(v.Str()), "\n")
	}
	return strings.Join(lines[max(0, len(lines)-maxLog):], "\n")
}
