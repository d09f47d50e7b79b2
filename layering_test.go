package hub_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// The shape of the project, executed: who may import whom, which names a
// package may not have, and what no file of ours may contain. A new package
// needs a row in mayImport; loosening a row is a design decision and belongs
// in docs/decisions as well.

const module = "github.com/nself-chat/hub"

// mayImport names, for each package of the module, the packages of the module
// that its non-test files may import. "." is the root package hub. A name that
// ends in "/..." stands for a folder and everything below it; the most specific
// row wins, so a provider needs no row of its own.
var mayImport = map[string][]string{
	// The vocabulary, and leaves that know nothing of the product.
	".":                     {},
	"internal/egress":       {},
	"internal/fault":        {},
	"internal/openapitest":  {},
	"internal/postgrestest": {},
	"internal/secret":       {},
	"internal/words":        {},
	"docs/verify":           {"webhook"}, // what a page shows
	"webhook":               {},

	// What the leaves carry.
	"client":                 {"."},
	"internal/auth":          {".", "internal/secret"},
	"internal/egress/replay": {},
	"internal/markup":        {"."},
	"internal/markup/...":    {".", "internal/markup"},
	"internal/server":        {"."},

	// The chat, what comes in, what goes out. Each declares the storage it needs.
	"internal/bridge":             {".", "internal/markup", "internal/provider"},
	"internal/chat":               {".", "internal/fault", "internal/markup", "internal/words"},
	"internal/cluster":            {"."},
	"internal/delivery":           {".", "internal/egress", "internal/fault", "internal/secret", "webhook"},
	"internal/delivery/queuetest": {".", "internal/delivery"},
	"internal/importer":           {".", "internal/markup", "internal/provider"},
	"internal/ingress": {
		".", "internal/chat", "internal/ingress/dialect", "internal/ingress/dialects", "internal/ingress/fieldmap", "internal/markup",
		"internal/provider", "internal/secret", "internal/server",
	},
	"internal/ingress/dialect":             {".", "internal/markup"},
	"internal/ingress/dialect/dialecttest": {"internal/ingress/dialect", "internal/markup"},
	"internal/ingress/dialects":            {"internal/ingress/dialect", "internal/ingress/dialects/..."},
	"internal/ingress/fieldmap":            {".", "internal/ingress/dialect", "internal/ingress/dialects/...", "internal/markup"},
	"internal/ingress/dialects/...":        {".", "internal/ingress/dialect", "internal/markup", "internal/markup/..."},
	"internal/oauth":                       {".", "internal/egress", "internal/provider", "internal/secret"},

	// The remote products. A provider never knows another one.
	"internal/provider":              {".", "internal/egress", "internal/secret"},
	"internal/provider/...":          {".", "internal/egress", "internal/markup", "internal/provider", "internal/secret"},
	"internal/provider/all":          {"internal/provider/..."},
	"internal/provider/providertest": {".", "internal/egress", "internal/egress/replay", "internal/provider", "internal/secret"},

	// Storage satisfies its users' interfaces without knowing them.
	"internal/redisqueue":      {".", "internal/fault"},
	"internal/store":           {".", "internal/fault", "internal/secret", "internal/words"},
	"internal/store/storetest": {".", "internal/store"},

	// Operators: every action once, in control; the faces go through it.
	"internal/api":     {".", "internal/auth", "internal/control", "internal/provider", "internal/server"},
	"internal/console": {".", "internal/auth", "internal/control", "internal/markup", "internal/provider", "internal/server"},
	"internal/control": {".", "internal/chat", "internal/delivery", "internal/provider", "internal/secret", "webhook"},

	// Wiring, and the programs.
	"cmd/hub":      {".", "client", "internal/app", "webhook"},
	"internal/app": {".", "client", "internal/...", "webhook"},

	// Programs that see the hub from outside, as its users do.
	"bench": {".", "client", "webhook"},
	"e2e":   {".", "client", "internal/openapitest", "internal/postgrestest", "webhook"},
}

// fromOutside are the packages whose test files, too, keep to their row: what
// they prove is worth little if they reach behind the public surface.
var fromOutside = []string{"bench", "e2e"}

// onlyImporter names packages that exactly one other package may import, in
// test files as well.
var onlyImporter = map[string]string{
	"internal/app": "cmd/hub",
}

// drawers are package names that say nothing about what is inside.
var drawers = []string{
	"common", "core", "helper", "helpers", "manager", "managers", "model", "models",
	"service", "services", "types", "util", "utils",
}

// unpruned are import paths that call methods by computed names. The linker
// then keeps every exported method of every reachable type, which costs the
// binary about 10 MB. A subtree counts with its root.
var unpruned = []string{
	"html/template",
	"text/template",
	"github.com/alecthomas/kong",
	"github.com/urfave/cli",
}

// skipped are folder names the check does not enter, besides hidden ones and
// nested modules: what builds and a running hub leave behind, and test data.
var skipped = []string{"data", "dist", "node_modules", "testdata", "vendor"}

// checkShape reads every Go file under fsys and returns one sentence for each
// rule that is broken, in file order. Files are parsed whatever their build
// constraints say.
func checkShape(fsys fs.FS) (broken []string, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(fsys, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, check := range []func(string, *ast.File) []string{checkImports, checkName, checkInit} {
			broken = append(broken, check(name, file)...)
		}
		return nil
	})
	return broken, err
}

// enter returns fs.SkipDir for folders that hold no source of this module.
func enter(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || slices.Contains(skipped, base) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// checkImports holds one file against mayImport, onlyImporter and unpruned.
func checkImports(name string, file *ast.File) (broken []string) {
	pkg, test := path.Dir(name), strings.HasSuffix(name, "_test.go")
	allowed, ok := rowOf(pkg)
	if !ok {
		return []string{fmt.Sprintf("%s: package %s has no row; "+
			"add one to mayImport in layering_test.go that says what it may import", name, pkg)}
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return append(broken, fmt.Sprintf("%s: %v", name, err))
		}
		if !test && anyCovers(unpruned, imported) {
			broken = append(broken, fmt.Sprintf("%s: must not import %s: it switches off linker pruning and adds about 10 MB; "+
				"use templ for pages, cobra for commands (list: unpruned in layering_test.go)", name, imported))
		}
		dep, ours := strings.CutPrefix(imported, module)
		if !ours || dep != "" && dep[0] != '/' {
			continue
		}
		dep = path.Clean("./" + dep)
		if dep == pkg {
			continue // an external test package and what it tests
		}
		if only, ok := onlyImporter[dep]; ok && pkg != only {
			broken = append(broken, fmt.Sprintf("%s: %s must not import %s: only %s does (onlyImporter in layering_test.go)",
				name, pkg, dep, only))
			continue
		}
		if test && !slices.Contains(fromOutside, pkg) {
			continue
		}
		if !matchesAny(allowed, dep) {
			broken = append(broken, fmt.Sprintf("%s: %s must not import %s; it may import %s. "+
				"Declare the interface it needs instead, or change its row of mayImport in layering_test.go and say why in docs/decisions",
				name, pkg, dep, listOf(allowed)))
		}
	}
	return broken
}

// checkName refuses drawers, as folder and as package clause.
func checkName(name string, file *ast.File) []string {
	declared := strings.TrimSuffix(file.Name.Name, "_test")
	for _, word := range []string{declared, path.Base(path.Dir(name))} {
		if slices.Contains(drawers, word) {
			return []string{fmt.Sprintf("%s: no package is called %s: name it for what it does, "+
				"or move its content to the packages that use it (list: drawers in layering_test.go)", name, word)}
		}
	}
	return nil
}

// checkInit refuses func init: what happens at start is written in internal/app.
func checkInit(name string, file *ast.File) (broken []string) {
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			broken = append(broken, fmt.Sprintf("%s: no func init: call it from where it is needed, "+
				"or make it a value in a list (checkInit in layering_test.go)", name))
		}
	}
	return broken
}

// rowOf returns the most specific row for pkg.
func rowOf(pkg string) (allowed []string, ok bool) {
	if allowed, ok = mayImport[pkg]; ok {
		return allowed, true
	}
	for dir := path.Dir(pkg); dir != "."; dir = path.Dir(dir) {
		if allowed, ok = mayImport[dir+"/..."]; ok {
			return allowed, true
		}
	}
	return nil, false
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if root, subtree := strings.CutSuffix(pattern, "/..."); subtree {
			return covers(root, pkg)
		}
		return pattern == pkg
	})
}

func anyCovers(roots []string, imported string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return covers(root, imported) })
}

// covers reports whether name is root or lies below it.
func covers(root, name string) bool {
	return name == root || strings.HasPrefix(name, root+"/")
}

func listOf(allowed []string) string {
	if len(allowed) == 0 {
		return "nothing of this module"
	}
	return strings.Join(allowed, ", ")
}

func TestLayering(t *testing.T) {
	broken, err := checkShape(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range broken {
		t.Error(sentence)
	}
}

// A misspelt package in a row would forbid what it was meant to allow, or allow
// a package that does not exist yet.
func TestLayeringRowsNameKnownPackages(t *testing.T) {
	for _, pkg := range slices.Sorted(maps.Keys(mayImport)) {
		for _, dep := range mayImport[pkg] {
			root, subtree := strings.CutSuffix(dep, "/...")
			known := subtree && slices.ContainsFunc(slices.Collect(maps.Keys(mayImport)),
				func(row string) bool { return covers(root, row) })
			if _, ok := mayImport[dep]; !ok && !known {
				t.Errorf("row %q names %q, which has no row of its own", pkg, dep)
			}
		}
	}
}

// The checker is itself checked on trees that break one rule each.
func TestCheckShape(t *testing.T) {
	imports := func(pkg string, paths ...string) string {
		src := "package " + pkg + "\n"
		for _, p := range paths {
			src += "import _ " + strconv.Quote(p) + "\n"
		}
		return src
	}
	tests := map[string]struct {
		files map[string]string
		want  []string // a part of each sentence, in order; none for a sound tree
	}{
		"sound tree": {
			files: map[string]string{
				"hub.go":                             imports("hub", "errors"),
				"internal/api/api.go":                imports("api", module, module+"/internal/control", "net/http"),
				"internal/provider/slack/slack.go":   imports("slack", module+"/internal/provider", module+"/internal/markup"),
				"internal/provider/all/all.go":       imports("all", module+"/internal/provider/slack"),
				"internal/delivery/store_test.go":    imports("delivery_test", module+"/internal/delivery", module+"/internal/store"),
				"internal/app/app.go":                imports("app", module+"/internal/store", module+"/internal/console"),
				"cmd/hub/main.go":                    imports("main", module+"/internal/app"),
				"internal/console/templates_test.go": imports("console", "text/template"),
				"internal/chat/chat.go":              "package chat\ntype loop struct{}\nfunc (loop) init() {}\n",
				"webhook/other.go":                   imports("webhook", module+"-example/util"),
			},
		},
		"the root stands alone": {
			files: map[string]string{"hub.go": imports("hub", module+"/internal/secret")},
			want:  []string{"hub.go: . must not import internal/secret; it may import nothing of this module"},
		},
		"a face reaches behind control": {
			files: map[string]string{"internal/api/channels.go": imports("api", module+"/internal/store")},
			want:  []string{"internal/api must not import internal/store; it may import ., internal/auth"},
		},
		"a provider knows another": {
			files: map[string]string{"internal/provider/slack/slack.go": imports("slack", module+"/internal/provider/discord")},
			want:  []string{"internal/provider/slack must not import internal/provider/discord"},
		},
		"wiring outside the program": {
			files: map[string]string{"internal/store/store_test.go": imports("store", module+"/internal/app")},
			want:  []string{"must not import internal/app: only cmd/hub does"},
		},
		"an end-to-end test reaches inside": {
			files: map[string]string{"e2e/kill_test.go": imports("e2e", module+"/internal/store")},
			want:  []string{"e2e must not import internal/store"},
		},
		"a package without a row": {
			files: map[string]string{"internal/mirror/mirror.go": imports("mirror")},
			want:  []string{"package internal/mirror has no row; add one to mayImport"},
		},
		"a folder below a package is another package": {
			files: map[string]string{"internal/store/rows/rows.go": imports("rows")},
			want:  []string{"package internal/store/rows has no row"},
		},
		"unpruned imports": {
			files: map[string]string{"internal/console/page.go": imports("console", "html/template", "github.com/urfave/cli/v3")},
			want:  []string{"must not import html/template", "must not import github.com/urfave/cli/v3"},
		},
		"a drawer by folder and by clause": {
			files: map[string]string{
				"internal/chat/chat.go":              "package common\n",
				"internal/provider/helpers/times.go": "package times\n",
			},
			want: []string{"internal/chat/chat.go: no package is called common", "times.go: no package is called helpers"},
		},
		"func init": {
			files: map[string]string{
				"internal/server/mime.go":      "package server\nfunc init() {}\n",
				"internal/server/mime_test.go": "package server\nfunc init() {}\n",
			},
			want: []string{"mime.go: no func init", "mime_test.go: no func init"},
		},
		"what is not our source": {
			files: map[string]string{
				".hidden/x.go":           imports("x"),
				"_draft/x.go":            imports("x"),
				"internal/testdata/x.go": imports("x"),
				"tools/go.mod":           "module " + module + "/tools\n",
				"tools/util/x.go":        imports("util"),
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for file, src := range test.files {
				fsys[file] = &fstest.MapFile{Data: []byte(src)}
			}
			broken, err := checkShape(fsys)
			if err != nil {
				t.Fatal(err)
			}
			if len(broken) != len(test.want) {
				t.Fatalf("got %d sentences, want %d:\n%s", len(broken), len(test.want), strings.Join(broken, "\n"))
			}
			for i, want := range test.want {
				if !strings.Contains(broken[i], want) {
					t.Errorf("got  %s\nwant a sentence with %q", broken[i], want)
				}
			}
		})
	}
}
