package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/nself-chat/hub"
)

// TestBlocks reads what the pages show: JSON and YAML parse, snippets of other
// languages too where the language is here, and a block that repeats a file does.
func TestBlocks(t *testing.T) {
	t.Parallel()
	checked := map[string]int{}
	for _, page := range pages(t) {
		for _, f := range fences(t, page) {
			checked[f.info]++
			if f.file != "" {
				text, err := os.ReadFile("../" + f.file)
				if err != nil || string(text) != f.text {
					t.Errorf("%s: is not %s as it is: %v", f, f.file, err)
				}
				checked["../"+path.Dir(f.file)]++
				continue
			}
			if err := parse(t, f); err != nil {
				t.Errorf("%s: %v:\n%s", f, err, f.text)
			}
		}
	}
	for _, least := range []string{"sh", "json", "yaml", "js", "python", ""} {
		if checked[least] == 0 {
			t.Errorf("no block of %q was found", least)
		}
	}
	files, err := os.ReadDir(receiverFolder)
	if err != nil || len(files) != checked[receiverFolder] || len(files) != len(languages) {
		t.Errorf("%d receivers, of which %d are shown and %d are tried: %v", len(files), checked[receiverFolder], len(languages), err)
	}
}

// leftOut is what stands in JSON for members and elements that a page leaves out.
var leftOut = regexp.MustCompile(`,\s*…|…`)

// parse returns what is wrong with the form of a block.
func parse(t *testing.T, f *fence) error {
	t.Helper()
	var check []string
	switch f.info {
	case "json":
		d := json.NewDecoder(strings.NewReader(leftOut.ReplaceAllString(f.text, "")))
		for {
			var v any
			if err := d.Decode(&v); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
	case "yaml":
		var v any
		return yaml.Unmarshal([]byte(f.text), &v)
	case "sh":
		check = []string{"bash", "-n"}
	case "js":
		check = []string{"node", "--input-type=module", "--check", "-"}
	case "python":
		check = []string{"python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())"}
	case "", "nginx", "sql", "diff", "go":
		return nil
	default:
		return errors.New("a block of " + f.info + " is not known here")
	}
	if _, err := exec.LookPath(check[0]); err != nil {
		t.Logf("%s: not parsed: there is no %s", f, check[0])
		return nil
	}
	cmd := exec.Command(check[0], check[1:]...)
	cmd.Stdin = strings.NewReader(f.text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New(string(out))
	}
	return nil
}

// everyLine calls say for each line of all pages, blocks included.
func everyLine(t *testing.T, say func(place, line string)) {
	t.Helper()
	for _, page := range pages(t) {
		text, err := os.ReadFile("../" + page)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			say((&fence{page: page, line: i + 1}).String(), line)
		}
	}
}

// TestVariables: every variable that a page names is a setting, and every setting
// is in the table.
func TestVariables(t *testing.T) {
	t.Parallel()
	table, err := newProcess(t).command("config", "--docs").Output()
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\bHUB_[A-Z][A-Z_]*[A-Z]\b`)
	known := variable.FindAllString(string(table), -1)
	if len(known) < 20 {
		t.Fatalf("only %d settings: %s", len(known), table)
	}
	// Of commands and of the examples; not of the hub.
	known = append(known, "HUB_CONFIG", "HUB_LISTEN_SECRET", "HUB_TOKEN", "HUB_FAULT", "HUB_URL", "HUB_CONTEXT")
	everyLine(t, func(place, line string) {
		for _, name := range variable.FindAllString(line, -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s: %s is no setting", place, name)
			}
		}
	})
}

// TestEventNames: docs/outgoing.md lists every event that the hub makes.
func TestEventNames(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/outgoing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range hub.EventTypes() {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/outgoing.md does not name %s", name)
		}
	}
}

// outside are paths of the hub that are no part of its API.
var outside = []string{"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/login"}

// What a part of an address, and a path, may be made of where pages name them.
const (
	inPath    = "[^\\s/\"'`]"
	inAddress = "[^\\s\"'`?)\\\\|,;]"
)

var (
	// endpoint is a path as pages write it, with the method and the host before it.
	endpoint = regexp.MustCompile(`(?:\b(GET|POST|PUT|PATCH|DELETE) +)?(https?://` + inPath + `+|\$HUB|…)?` +
		`(/(?:api|hooks|services)(?:/` + inAddress + `*)?|/[a-z]+/` + inAddress + `+)`)
	// variablePart is a part of a path that stands for any value.
	variablePart = regexp.MustCompile(`^(\{.+\}|\$.+|…|[0-9a-z]+…|<.+>|:.+)$`)
)

// TestEndpoints: every path of the API that a page names is one that /openapi.json
// describes, with the method where the page has one.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	p := startHub(t)
	all := p.describedOperations()
	named := map[string]bool{}
	everyLine(t, func(place, line string) {
		for _, m := range endpoint.FindAllStringSubmatch(line, -1) {
			method, host, path := m[1], m[2], strings.TrimRight(m[3], "/.:*")
			if path == "/api" || !isOurs(host) || host != "…" && !paths.MatchString(path) {
				continue
			}
			begins := strings.HasSuffix(m[3], "/") // such as a proxy passes on
			found := slices.ContainsFunc(all, func(o operation) bool {
				return (method == "" || method == o.Method) && (o.isAt(path, host == "…") || begins && strings.HasPrefix(o.Path, m[3]))
			})
			if !found {
				t.Errorf("%s: there is no %s %s%s", place, method, host, path)
			}
			named[path] = true
		}
	})
	if len(named) < 30 {
		t.Errorf("only %d paths were found", len(named))
	}
	for _, path := range outside {
		if a, err := p.do("GET", path, anonymous(), nil); err != nil || a.Status == http.StatusNotFound {
			t.Errorf("%s: %d %v", path, a.Status, err)
		}
	}
}

var (
	// paths are how those of the API begin.
	paths   = regexp.MustCompile(`^/(api|hooks|services)/`)
	ourHost = regexp.MustCompile(`//(127\.0\.0\.1|localhost|hub\.example)\b`)
)

// isOurs reports whether an address on a page is a hub's.
func isOurs(host string) bool {
	return slices.Contains([]string{"", "$HUB", "…"}, host) || ourHost.MatchString(host)
}

// isAt reports whether a path as a page writes it is the operation's, or its end.
func (o operation) isAt(path string, end bool) bool {
	want, got := strings.Split(o.Path, "/")[1:], strings.Split(path, "/")[1:]
	if end && len(want) > len(got) {
		want = want[len(want)-len(got):]
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		open := strings.HasPrefix(want[i], "{") || variablePart.MatchString(got[i])
		if !open && want[i] != got[i] {
			return false
		}
	}
	return true
}

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	// ourCommand is a call of the program, at the beginning of a command.
	ourCommand = regexp.MustCompile(`(?:^|[;&|(] *|\b[A-Z_]+=\S* +|exec \S+ |sudo )(?:\./|/)?hub ((?:[a-z][a-z-]*)(?: [^;&|)#>]*)?)`)
	ourFlag    = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*)`)
	listedName = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*) +\S`)
)

// TestCommands: every command of the program that a page names is one, and takes
// the flags that it has there.
func TestCommands(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	p.url = "http://127.0.0.1:8000"
	help := map[string]string{}
	var learn func(name string)
	learn = func(name string) {
		out, err := p.command(append(strings.Fields(name), "--help")...).Output()
		if err != nil {
			t.Fatalf("hub %s --help: %v", name, err)
		}
		if !strings.Contains(string(out), "\n"+strings.TrimRight("  hub "+name, " ")+" ") {
			return // an example, say, was taken for a command
		}
		help[name] = string(out)
		_, below, has := strings.Cut(string(out), strings.TrimRight("  hub "+name, " ")+" [command]\n")
		if !has {
			return
		}
		below, _, _ = strings.Cut(below, "\nFlags:\n")
		for _, m := range listedName.FindAllStringSubmatch(below, -1) {
			learn(strings.TrimSpace(name + " " + m[1]))
		}
	}
	learn("")
	named := map[string]bool{}
	check := func(place, call string) {
		words := strings.Fields(call)
		name := words[0]
		if _, ok := help[name]; !ok {
			t.Errorf("%s: there is no command hub %s", place, name)
			return
		}
		for _, word := range words[1:] {
			if _, ok := help[name+" "+word]; ok {
				name += " " + word
				continue
			}
			if strings.Contains(help[name], "hub "+name+" [command]\n") && !strings.HasPrefix(word, "-") {
				t.Errorf("%s: there is no command hub %s %s", place, name, word)
			}
			break
		}
		named[name] = true
		for _, m := range ourFlag.FindAllStringSubmatch(call, -1) {
			if !regexp.MustCompile(regexp.QuoteMeta(m[1]) + `\b`).MatchString(help[name]) {
				t.Errorf("%s: hub %s has no flag %s", place, name, m[1])
			}
		}
	}
	for _, page := range pages(t) {
		for i, line := range unfenced(t, page) {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				for _, m := range ourCommand.FindAllStringSubmatch(span[1], -1) {
					check((&fence{page: page, line: i + 1}).String(), m[1])
				}
			}
		}
		for _, f := range fences(t, page) {
			if f.info != "sh" {
				continue
			}
			for line := range strings.Lines(f.text) {
				for _, m := range ourCommand.FindAllStringSubmatch(strings.TrimSpace(line), -1) {
					check(f.String(), m[1])
				}
			}
		}
	}
	if len(named) < 10 {
		t.Errorf("only %d commands were found", len(named))
	}
}

// TestMap: docs/architecture.md has every package of the module, and the files that
// the pages for contributors name are there.
func TestMap(t *testing.T) {
	t.Parallel()
	const page = "docs/architecture.md"
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Packages\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(table, -1) {
		for _, span := range codeSpan.FindAllStringSubmatch(row[1], -1) {
			named = append(named, span[1])
		}
	}
	files, packages := map[string]bool{}, map[string]bool{}
	err = filepath.WalkDir("..", func(at string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(at, "../"))
		switch {
		case err != nil:
			return err
		case entry.IsDir() && at != ".." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "tools"):
			files[name] = true
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata"):
			packages[filepath.ToSlash(filepath.Dir(name))] = true
		}
		files[name] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range packages {
		known := slices.ContainsFunc(named, func(n string) bool { return name == n || n != "." && strings.HasPrefix(name, n+"/") })
		if !known {
			t.Errorf("%s does not have package %s", page, name)
		}
	}
	for _, name := range named {
		if name != "hub" && !packages[name] {
			t.Errorf("%s has package %s, which there is not", page, name)
		}
	}
	looksLikeFile := regexp.MustCompile(`^[\w./-]+\.(go|md|txt|yaml|yml|json)$|^(internal|cmd|docs|deploy)/[\w./-]+$`)
	for _, page := range []string{page, "docs/adding-a-dialect.md"} {
		for i, line := range unfenced(t, page) {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				name := strings.TrimSuffix(span[1], "/")
				if looksLikeFile.MatchString(name) && !files[name] && !isEndOf(files, name) {
					t.Errorf("%s:%d: there is no file %s", page, i+1, name)
				}
			}
		}
	}
}

// isEndOf reports whether the path of one of the files ends in name.
func isEndOf(files map[string]bool, name string) bool {
	for f := range files {
		if strings.HasSuffix(f, "/"+name) {
			return true
		}
	}
	return false
}
