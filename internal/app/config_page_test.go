package app

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// docs/configuration.md is made from the table; it must not fall behind.
func TestConfigurationPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := table(string(page)), table(ConfigMarkdown()); !slices.Equal(got, want) {
		t.Error("docs/configuration.md differs from `hub config --docs`; put its table there")
	}
}

func table(markdown string) (rows []string) {
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, line)
		}
	}
	return rows
}
