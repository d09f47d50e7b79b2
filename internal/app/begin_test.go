package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// begin starts a hub, stops it, and returns what it logged.
func begin(t *testing.T, c Config) (log string, err error) {
	t.Helper()
	var b bytes.Buffer
	a, err := New(t.Context(), c, Options{Log: slog.New(slog.NewTextHandler(&b, nil)), Version: "v1"})
	if err == nil {
		closeApp(t, a)
	}
	return b.String(), err
}

// TestNewDatabaseBesideKeys: where the database was lost, a hub begins anew and says so.
func TestNewDatabaseBesideKeys(t *testing.T) {
	const says = "although the keys of an earlier one are there"
	c := emptyFolder(t, nil)
	for _, want := range []bool{false, false, true, true} {
		if want {
			if err := os.Remove(c.Database.Path); err != nil {
				t.Fatal(err)
			}
		}
		if log, err := begin(t, c); err != nil || strings.Contains(log, says) != want {
			t.Errorf("said %t, want %t, %v", !want, want, err)
		}
	}
	if err := os.Truncate(c.Database.Path, 0); err != nil {
		t.Fatal(err)
	}
	if log, err := begin(t, c); err != nil || !strings.Contains(log, says) {
		t.Errorf("an empty one: %v", err)
	}
}

// TestInterruptedRestore: no new hub begins where a restore was interrupted, and the
// restore can be repeated.
func TestInterruptedRestore(t *testing.T) {
	o := backupOptions(filepath.Join(t.TempDir(), "hub.tar"))
	o.WithKeys = true
	old := filledHub(t, nil)
	backUp(t, old, o)
	c := emptyFolder(t, map[string]string{"HUB_DATA_DIR": filepath.Join(t.TempDir(), "a[b")})
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{".restore-1.db": nil, "keys": readFile(t, old.KeysFile())} {
		if err := os.WriteFile(filepath.Join(c.DataDir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := begin(t, c); err == nil || !strings.Contains(err.Error(), "repeat `hub restore`") {
		t.Errorf("a new hub beside half a restore: %v", err)
	}
	if _, err := os.Stat(c.Database.Path); err == nil {
		t.Error("a database was made")
	}
	if report, err := Restore(t.Context(), c, restoreOptions(o.Path)); err != nil || report.KeysFit != KeysFit {
		t.Fatalf("again: %+v, %v", report, err)
	}
	checkHub(t, c)
	if log, err := begin(t, c); err != nil || strings.Contains(log, "WARN") {
		t.Errorf("afterwards: %v\n%s", err, log)
	}
}

// TestUnusableFilesFolder: a hub whose files cannot be stored does not start.
func TestUnusableFilesFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{file, filepath.Join(file, "files"), "/proc/hub/files"} {
		c := emptyFolder(t, map[string]string{"HUB_FILES": folder})
		if _, err := begin(t, c); err == nil || !strings.Contains(err.Error(), "HUB_FILES") || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: %v", folder, err)
		}
	}
	c := emptyFolder(t, map[string]string{"HUB_FILES": filepath.Join(dir, "not", "yet")})
	if _, err := begin(t, c); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
