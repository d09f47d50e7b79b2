package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

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
	for range 2 { // the second time finds the copy
		if err := backUp(t.Context(), p, db, path); err != nil {
			t.Fatal(err)
		}
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

func settings(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), `SELECT count(*) FROM nchat_settings WHERE key = 'k-before'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
