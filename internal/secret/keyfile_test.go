package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	made, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := made.Seal(New(value), "row")

	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o", info.Mode().Perm())
	}
	loaded, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.Open(sealed, "row"); err != nil || got.Reveal() != value {
		t.Errorf("after a restart: %q, %v", got.Reveal(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files left behind: %v, %v", entries, err)
	}
}

// Two first starts at once must end with the same key, or what one seals the other cannot open.
func TestLoadOrCreateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	const n = 16
	all := make([]*Keys, n)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			keys, err := LoadOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = keys
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, keys := range all {
		if _, err := all[0].Open(keys.Seal(New("v"), ""), ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRotationInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	before, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(key("fresh", 'f')+" # since today\n"+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := after.Open(before.Seal(New("v"), "row"), "row"); err != nil || got.Reveal() != "v" {
		t.Errorf("the old key no longer opens: %v", err)
	}
	if sealed := after.Seal(New("v"), "row"); !strings.HasPrefix(sealed, "s1:fresh:") {
		t.Errorf("sealed with %s", sealed)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		return path
	}
	good := key("k1", 'a') + "\n"
	cases := map[string]struct{ path, says string }{
		"missing":   {filepath.Join(dir, "none"), "no such file"},
		"empty":     {write("empty", "", 0o600), "no key given"},
		"comment":   {write("comment", "# "+good, 0o600), "no key given"},
		"garbage":   {write("garbage", "k1:????\n", 0o600), "not base64"},
		"directory": {dir, "not a regular file"},
		"endless":   {write("endless", strings.Repeat("#", maxKeyFile+1), 0o600), "longer than"},
	}
	if runtime.GOOS != "windows" {
		for name, mode := range map[string]fs.FileMode{"group": 0o640, "world": 0o604, "group may write": 0o620} {
			path := write("mode"+name, good, mode)
			cases[name] = struct{ path, says string }{path, "chmod 600 " + path}
		}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			keys, err := Load(c.path)
			if err == nil || keys != nil {
				t.Fatalf("accepted: %v", keys)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if errors.Is(err, fs.ErrNotExist) != (name == "missing") {
				t.Errorf("reported as missing: %v", err)
			}
		})
	}
	// A damaged file is for a person to look at: making a new key would lose everything sealed with the old one.
	if _, err := LoadOrCreate(filepath.Join(dir, "empty")); err == nil {
		t.Error("an empty keys file was replaced or accepted")
	}
	if _, err := LoadOrCreate(filepath.Join(dir, "no", "such", "dir", "keys")); err == nil {
		t.Error("created a file in no directory")
	}
}
