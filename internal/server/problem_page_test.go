package server

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// docs/api.md has every code of a problem with its status; it must not fall behind.
func TestProblemPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../../error.go")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[hub.Code]bool{methodNotAllowed: true, notAcceptable: true}
	for _, m := range regexp.MustCompile(`\bCode = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		missing[hub.Code(m[1])] = true
	}
	if len(missing) < 10 {
		t.Fatalf("only %v were found in error.go", missing)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| ([0-9, ]+) \\| `(\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		code := hub.Code(row[2])
		status, _, _ := strings.Cut(row[1], ",")
		if !missing[code] || strconv.Itoa(Status(code)) != status {
			t.Errorf("the page says %s is %s; it is %d", code, status, Status(code))
		}
		delete(missing, code)
	}
	if len(missing) > 0 {
		t.Errorf("the page does not have %v", missing)
	}
}
