package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages returns the pages that people read, from the root of the project: README.md
// and the folder docs. The pages about decisions tell what was, and are none.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../docs/*.md")
	if err != nil || len(found) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	all := []string{"README.md", "deploy/README.md"}
	for _, f := range found {
		all = append(all, filepath.ToSlash(strings.TrimPrefix(f, "../")))
	}
	return all
}

// fence is a fenced block of a page.
type fence struct {
	page string
	line int    // of its first line of text, from 1
	info string // sh, json … or "" for what something prints
	text string
	// Marks are HTML comments right above the block, which people who read the page
	// do not see.
	notRun   string // why the commands are not tried here
	terminal string // the other terminal in which the commands are given, or whose output this is
	soon     bool   // the commands are repeated until the output is as shown
	file     string // the file of the project that the block repeats
	// shown is the output that the page shows: the block without a language, or in
	// JSON, that follows with nothing but marks in between.
	shown *fence
}

func (f *fence) String() string { return fmt.Sprintf("%s:%d", f.page, f.line) }

// prints reports whether the block can be what the one before it prints.
func (f *fence) prints() bool { return f.info == "" || f.info == "json" }

var (
	fenceLine = regexp.MustCompile("^ *```([a-z]*)$")
	markLine  = regexp.MustCompile(`^<!-- (not run|terminal|soon|file)(?:: (.+))? -->$`)
)

// fences reads the fenced blocks of a page.
func fences(t *testing.T, page string) []*fence {
	t.Helper()
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	var all []*fence
	var open, last *fence // last: nothing but marks was read since
	next := &fence{page: page}
	for i, line := range strings.Split(string(text), "\n") {
		edge := fenceLine.FindStringSubmatch(line)
		switch {
		case open != nil && edge != nil && edge[1] == "":
			if last != nil && last.info == "sh" && open.prints() && open.terminal == last.terminal {
				last.shown = open
			}
			all = append(all, open)
			open, last, next = nil, open, &fence{page: page}
		case open != nil:
			open.text += line + "\n"
		case edge != nil:
			open, next.info, next.line = next, edge[1], i+2
		case strings.HasPrefix(line, "<!--"):
			next.mark(t, i+1, line)
		case strings.TrimSpace(line) != "":
			last = nil
			if *next != (fence{page: page}) {
				t.Errorf("%s:%d: the mark above is not right above a block", page, i+1)
				next = &fence{page: page}
			}
		}
	}
	if open != nil {
		t.Errorf("%s: the block is not closed", open)
	}
	return all
}

func (f *fence) mark(t *testing.T, line int, comment string) {
	t.Helper()
	m := markLine.FindStringSubmatch(comment)
	if m == nil || (m[1] == "soon") != (m[2] == "") {
		t.Errorf("%s:%d: %s is no mark", f.page, line, comment)
		return
	}
	switch m[1] {
	case "not run":
		f.notRun = m[2]
	case "terminal":
		f.terminal = m[2]
	case "soon":
		f.soon = true
	case "file":
		f.file = m[2]
	}
}

// unfenced returns a page without its fenced blocks, in which the lines keep their
// numbers.
func unfenced(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	lines, inside := strings.Split(string(text), "\n"), false
	for i, line := range lines {
		edge := strings.HasPrefix(strings.TrimLeft(line, " "), "```")
		if edge || inside {
			lines[i] = ""
		}
		inside = inside != edge
	}
	return lines
}

var (
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`^#{1,6} +(.+?)\s*$`)
	slugDrops  = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// anchors returns what a page's headings are called in links, as GitHub does: of
// those with the same words the second has -1 behind it.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for _, line := range unfenced(t, page) {
		if m := heading.FindStringSubmatch(line); m != nil {
			slug := strings.ReplaceAll(slugDrops.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
			name := slug
			for n := 1; slices.Contains(all, name); n++ {
				name = fmt.Sprintf("%s-%d", slug, n)
			}
			all = append(all, name)
		}
	}
	return all
}

// TestLinks follows the links of all pages to files and headings.
func TestLinks(t *testing.T) {
	t.Parallel()
	decisions, err := filepath.Glob("../docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := append(pages(t), "CHANGELOG.md")
	for _, d := range decisions {
		all = append(all, filepath.ToSlash(strings.TrimPrefix(d, "../")))
	}
	followed, linked := 0, map[string]bool{}
	for _, page := range all {
		for i, line := range unfenced(t, page) {
			for _, m := range linkTarget.FindAllStringSubmatch(line, -1) {
				target, anchor, _ := strings.Cut(m[1], "#")
				if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				followed++
				file := page
				if target != "" {
					file = filepath.ToSlash(filepath.Join(filepath.Dir(page), target))
				}
				linked[file] = true
				if _, err := os.Stat("../" + file); err != nil {
					t.Errorf("%s:%d: there is no %s", page, i+1, file)
				} else if anchor != "" && !slices.Contains(anchors(t, file), anchor) {
					t.Errorf("%s:%d: %s has no heading #%s", page, i+1, file, anchor)
				}
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were found", followed)
	}
	for _, page := range pages(t) {
		if page != "README.md" && !linked[page] {
			t.Errorf("nothing leads to %s", page)
		}
	}
}
