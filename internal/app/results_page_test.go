package app

import (
	"os"
	"strings"
	"testing"
)

// docs/troubleshooting.md has every result of an attempt; it must not fall behind.
func TestResultsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n| result | |\n")
	if !found {
		t.Fatal("docs/troubleshooting.md has no table of results")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for _, result := range attemptClasses {
		if result == "success" || result == otherResult || strings.HasPrefix(result, "http_") {
			continue
		}
		if !strings.Contains(table, "\n| `"+result+"` |") {
			t.Errorf("the page does not tell about %s", result)
		}
	}
}
