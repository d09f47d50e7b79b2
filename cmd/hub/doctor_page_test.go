package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/app"
)

// docs/troubleshooting.md has a row for each check of `hub doctor` and for each
// thing it finds wrong; it must not fall behind.
func TestDoctorPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What `hub doctor` says\n")
	section, _, found := strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("docs/troubleshooting.md has no section about hub doctor")
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`|]+)` \\|").FindAllStringSubmatch(section, -1) {
		listed = append(listed, m[1])
	}
	var want []string
	for _, database := range []string{"", "postgres://hub@127.0.0.1/hub"} {
		m := newMachine(t)
		m.database, m.env["HUB_DATABASE_URL"] = databaseChecks, database
		load := func() (app.Config, error) {
			return app.LoadConfig(nil, func(name string) (string, bool) { v, ok := m.env[name]; return v, ok })
		}
		for _, c := range m.checks(load) {
			if !slices.Contains(want, c.Name) {
				want = append(want, c.Name)
			}
		}
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("the page lists\n%q\nand there are\n%q", listed, want)
	}

	answers := problems(t, "doctor_checks.go", "doctor_database.go")
	if len(answers) < 20 {
		t.Errorf("only %d answers were found: %q", len(answers), answers)
	}
	for _, a := range answers {
		if !strings.Contains(section, a) {
			t.Errorf("the page does not tell about: %s", a)
		}
	}
}

// verb is a place in a format where something is filled in.
var verb = regexp.MustCompile(`%\d*[a-z]`)

// problems reads what the checks in these files find wrong: what is said before the
// advice, with "…" for what is filled in.
func problems(t *testing.T, files ...string) (all []string) {
	t.Helper()
	makers := []string{"warnf", "Errorf", "New", "warning"}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			var called string
			switch f := call.Fun.(type) {
			case *ast.Ident:
				called = f.Name
			case *ast.SelectorExpr:
				called = f.Sel.Name
			}
			said := literal(t, call.Args[0])
			if slices.Contains(makers, called) && said != "" {
				said = verb.ReplaceAllString(said, "…")
				said, _, _ = strings.Cut(said, ":")
				said, _, _ = strings.Cut(said, "; ")
				all = append(all, said)
			}
			return true
		})
	}
	return all
}

// literal returns the text of literals that are joined, "" for anything else.
func literal(t *testing.T, e ast.Expr) string {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	case *ast.BinaryExpr:
		return literal(t, e.X) + literal(t, e.Y)
	}
	return ""
}
