package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

// TestCheckPlace: files that were deleted, moved or replaced are noticed, and what SQLite
// does with them by itself is not.
func TestCheckPlace(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "hub.db")
	s := openTest(t, Options{Path: path})
	well := func(when string) {
		t.Helper()
		if err := s.CheckPlace(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	lost := func(when, says string) {
		t.Helper()
		err := s.CheckPlace()
		if hub.CodeOf(err) != hub.Unavailable || !strings.Contains(errors.Unwrap(err).Error(), says) {
			t.Errorf("%s: %v, want …%s", when, err, says)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	well("at first")
	if err := s.write(t.Context(), put("k0", "x")); err != nil {
		t.Fatal(err)
	}
	well("after a write")
	beside, err := Open(t.Context(), Options{Path: path, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.write(t.Context(), put("k1", "x")); err != nil {
		t.Fatal(err)
	}
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	well("after a command beside it")
	db, err := openSQLitePool(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	well("after a checkpoint")
	conn := s.place.conn
	err = s.write(t.Context(), func(*tx) error { // as after a rollback that failed
		conn.disconnect()
		return conn.connect()
	})
	if err == nil {
		t.Error("a write without its transaction was acknowledged")
	}
	if err := s.write(t.Context(), put("k2", "x")); err != nil {
		t.Fatal(err)
	}
	well("on a new connection")

	move(path, path+".away")
	lost("without the database", "hub.db is gone")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lost("with another one", "hub.db is another file")
	move(path+".away", path)
	well("put back")
	move(path+"-wal", path+".away")
	lost("without the log", "hub.db-wal is gone")
	move(path+".away", path+"-wal")
	move(folder, folder+".away")
	lost("without the folder", "hub.db is gone")
	move(folder+".away", folder)
	well("put back")
}

// TestLockOfALink: a database is one database by whichever name.
func TestLockOfALink(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path, link := filepath.Join(dir, "a", "hub.db"), filepath.Join(dir, "b", "hub.db")
	if err := os.Symlink("../a/hub.db", link); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, Options{Path: link}) // makes what it leads to
	if _, err := Open(context.Background(), Options{Path: path}); !errors.Is(err, ErrRunning) {
		t.Errorf("the same database by its own name: %v", err)
	}
	if lock, err := Lock(link); !errors.Is(err, ErrRunning) {
		t.Errorf("the lock was given twice: %v, %v", lock, err)
	}
	if err := s.CheckPlace(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckPlace(); err == nil {
		t.Error("the next start would not find the database, and nothing is said")
	}
}
