package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the files that tests hold against the program")

// TestCommandReference holds docs/cli.md against the commands.
func TestCommandReference(t *testing.T) {
	const page = "../../docs/cli.md"
	var b bytes.Buffer
	if err := writeMarkdown(&b, newProgram().root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(is, b.Bytes()) {
		t.Errorf("%s is not what the commands say: go test ./cmd/hub -run TestCommandReference -update", page)
	}
}
