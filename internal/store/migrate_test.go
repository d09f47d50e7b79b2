package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
)

func TestBackUpBeforeMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), put("k-before", "x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".v0"); err == nil {
		t.Error("a new database was copied")
	}

	db, err := openSQLitePool(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	newest, err := newestMigration("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	next := fstest.MapFS{"99999_next.sql": {Data: []byte("-- +goose Up\nDELETE FROM nchat_settings;\n")}}
	for n := range newest {
		next[fmt.Sprintf("%05d_there.sql", n+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n")}
	}
	before := fmt.Sprintf("%s.v%d", path, newest)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, next, goose.WithTableName("nchat_schema_versions"),
		goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		t.Fatal(err)
	}
	// What hubs that were killed in the middle have left is no copy.
	for _, left := range []string{before, before + unfinishedCopy} {
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := backUp(canceled, p, db, path); err == nil {
		t.Error("a copy was made, although canceled")
	}
	var made []os.FileInfo
	for _, changed := range []bool{false, false, true} {
		if changed {
			if _, err := db.ExecContext(t.Context(), `UPDATE nchat_settings SET value = 'later' WHERE key = 'k-before'`); err != nil {
				t.Fatal(err)
			}
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(before, old, old); err != nil {
				t.Fatal(err)
			}
		}
		if err := backUp(t.Context(), p, db, path); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(before + unfinishedCopy); err == nil {
			t.Error("an unfinished copy was left")
		}
		info, err := os.Stat(before)
		if err != nil || info.Size() == 0 {
			t.Fatalf("no copy: %v, %v", info, err)
		}
		made = append(made, info)
	}
	if !os.SameFile(made[0], made[1]) {
		t.Error("the copy was made again, although it is there")
	}
	if os.SameFile(made[1], made[2]) {
		t.Error("an old copy was kept after the database had changed")
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := settings(t, db); n != 0 {
		t.Errorf("%d settings after the migration", n)
	}
	copied, err := openSQLitePool(before)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if n := settings(t, copied); n == 0 {
		t.Error("the copy does not hold what was there before")
	}
	if info, err := os.Stat(before); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy's mode: %v, %v", info.Mode(), err)
	}
}

// TestUnfinishedCopies: what a killed migration has left of its copy goes at the next
// start; whole copies stay.
func TestUnfinishedCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	for _, name := range []string{path + ".v3", path + ".v4" + unfinishedCopy, path + ".vain"} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	copies, err := MigrationCopies(path)
	if err != nil || len(copies) != 1 || copies[0] != path+".v3" {
		t.Errorf("there are %q, %v", copies, err)
	}
}

func settings(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), `SELECT count(*) FROM nchat_settings WHERE key = 'k-before'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
