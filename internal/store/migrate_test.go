package store

import (
	"context"
	"database/sql"
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
	next := fstest.MapFS{
		"00001_first.sql":    {Data: []byte("-- +goose Up\nSELECT 1;\n")},
		"00002_incoming.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")},
		"00003_next.sql":     {Data: []byte("-- +goose Up\nDELETE FROM nchat_settings;\n")},
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, next, goose.WithTableName("nchat_schema_versions"), goose.WithDisableGlobalRegistry(true))
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
	copied, err := openSQLitePool(path + ".v2")
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if n := settings(t, copied); n == 0 {
		t.Error("the copy does not hold what was there before")
	}
	if info, err := os.Stat(path + ".v2"); err != nil || info.Mode().Perm() != 0o600 {
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
