package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nself-chat/hub"
)

// ownsNothing is the number of a user who owns nothing.
const ownsNothing = 65534

// asNobody runs f without root's right to open every file.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, ownsNothing, ownsNothing, ownsNothing); e != 0 {
			t.Errorf("become nobody: %v", e)
			return
		}
		f()
	}()
	<-done
}

// TestReadWhatCannotBeWritten: a command looks at a database in a folder that it may
// not write to, and changes nothing where it may.
func TestReadWhatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "hub.db")
	s := openTest(t, Options{Path: path})
	if err := s.write(t.Context(), put("k0", "there")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := errors.Join(os.Chmod(out, 0o777), os.Chmod(filepath.Dir(out), 0o755)); err != nil {
		t.Fatal(err)
	}
	look := func() {
		shared, err := Open(context.Background(), Options{Path: path, Shared: true})
		if err != nil {
			t.Error(err)
			return
		}
		defer shared.Close()
		if value, err := shared.Setting(context.Background(), "k0"); err != nil || value != "there" {
			t.Errorf("read %q, %v", value, err)
		}
		if report, err := shared.Verify(context.Background()); err != nil || !report.Clean() {
			t.Errorf("verify: %+v, %v", report, err)
		}
		copied := filepath.Join(out, "copy.db")
		if err := errors.Join(SaveCopy(context.Background(), path, copied), os.Remove(copied)); err != nil {
			t.Errorf("copy: %v", err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look()
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("a look changed the file, %v", err)
	}

	for _, mode := range []os.FileMode{0o444, 0o666} {
		if err := errors.Join(os.Chmod(path, mode), os.Chmod(folder, 0o555)); err != nil {
			t.Fatal(err)
		}
		asNobody(t, look)
	}
	asNobody(t, func() {
		shared, err := Open(context.Background(), Options{Path: path, Shared: true})
		if err != nil {
			t.Error(err)
			return
		}
		defer shared.Close()
		conn := shared.w.conn
		if _, _, err := conn.begin(); hub.CodeOf(conn.refusal(err)) != hub.Unavailable {
			t.Errorf("written where nothing can be: %v", err)
		}
	})
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		_, err := Open(context.Background(), Options{Path: path, Shared: true})
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "permission denied; run this as") {
			t.Errorf("a database of another account: %v", err)
		}
	})
}
