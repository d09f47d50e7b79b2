package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// TestContextsAtOnce: commands that add contexts at the same time keep them all.
func TestContextsAtOnce(t *testing.T) {
	folder := t.TempDir()
	r := newReach(func(name string) (string, bool) { return folder, name == "XDG_CONFIG_HOME" })
	const commands = 16
	var all sync.WaitGroup
	for i := range commands {
		all.Go(func() {
			_, err := r.changeContexts(func(f *contextsFile) error {
				f.Contexts[fmt.Sprint("hub", i)] = hubContext{URL: "https://hub.example.com", Token: "t"}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	known, err := r.contexts()
	if err != nil {
		t.Fatal(err)
	}
	if len(known.Contexts) != commands {
		t.Errorf("%d contexts, want %d: %v", len(known.Contexts), commands, known.sorted())
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "nself-chat-hub", ".contexts-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}
