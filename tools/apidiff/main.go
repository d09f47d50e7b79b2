// Command apidiff compares two OpenAPI descriptions of the hub, an old one and
// a new one, and fails when a client of the old one would break. It is a module
// of its own: nothing else depends on the comparing library.
//
//	go run . OLD NEW
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: apidiff OLD NEW")
		os.Exit(2)
	}
	broken, err := breaking(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, b := range broken {
		fmt.Fprintln(os.Stderr, b)
	}
	if len(broken) > 0 {
		fmt.Fprintf(os.Stderr, "%d changes break clients of the last release. Keep what they use, and add what is new beside it.\n", len(broken))
		os.Exit(1)
	}
	fmt.Println("no change breaks clients of the last release")
}

// stricter are changes that the library only notes: clients may rely on what
// is there sometimes, on a status, and on what is done when they say nothing.
var stricter = []string{
	"optional-response-header-removed", "response-non-success-status-removed", "response-optional-property-removed", "api-operation-id-removed",
	"request-parameter-default-value-changed", "request-parameter-default-value-removed",
	"request-property-default-value-changed", "request-property-default-value-removed",
}

// breaking returns one line for each change between two files that breaks
// clients.
func breaking(before, after string) ([]string, error) {
	old, err := load.NewSpecInfo(openapi3.NewLoader(), load.NewSource(before))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", before, err)
	}
	current, err := load.NewSpecInfo(openapi3.NewLoader(), load.NewSource(after))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", after, err)
	}
	d, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), old, current)
	if err != nil {
		return nil, err
	}
	words := checker.NewDefaultLocalizer()
	var broken []string
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), d, sources, checker.INFO) {
		if c.GetLevel() >= checker.WARN || slices.Contains(stricter, c.GetId()) {
			broken = append(broken, fmt.Sprintf("%s %s: %s (%s)", c.GetOperation(), c.GetPath(), c.GetUncolorizedText(words), c.GetId()))
		}
	}
	return broken, nil
}
