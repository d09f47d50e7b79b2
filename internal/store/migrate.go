package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrateSQLite brings the schema up to date, after a copy of a database that is
// not new. Migrations are additive within a minor version.
func migrateSQLite(ctx context.Context, db *sql.DB, path string) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithTableName("nchat_schema_versions"),
		goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true)) // those of a branch that is merged later
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if err := backUp(ctx, p, db, path); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate the database: %w", err)
	}
	return nil
}

// backUp copies the database to "<path>.v<schema version>" when migrations
// wait for it. The copy has that name when it is whole and on disk. One that is
// there already, from an interrupted migration, is kept if nothing was changed since.
func backUp(ctx context.Context, p *goose.Provider, db *sql.DB, path string) error {
	version, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("store: read the schema's version: %w", err)
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	copied := fmt.Sprintf("%s.v%d", path, version)
	if !pending || version == 0 || isCopy(ctx, copied, path, version) {
		return nil
	}
	if err := copyTo(ctx, db, copied); err != nil {
		return fmt.Errorf("store: copy the database to %s before its migration (the disk needs room for it): %w", copied, err)
	}
	return nil
}

// isCopy reports whether a file is a whole copy of the database at path, of that
// version of the tables, and not older than what is there.
func isCopy(ctx context.Context, copied, path string, version int64) bool {
	made, err := os.Stat(copied)
	if err != nil || made.Size() == 0 {
		return false
	}
	for _, file := range []string{path, path + "-wal"} {
		if now, err := os.Stat(file); err == nil && now.Size() > 0 && !now.ModTime().Before(made.ModTime()) {
			return false
		}
	}
	f, err := OpenFile(copied)
	if err != nil {
		return false
	}
	defer f.Close()
	found, err := f.Schema(ctx)
	return err == nil && found == version && f.Check(ctx) == nil
}

// unfinishedCopy ends the names of copies that are being made.
const unfinishedCopy = ".unfinished"

// copyTo copies the database to a file, which has its name when it is whole and on disk.
func copyTo(ctx context.Context, db *sql.DB, to string) (err error) {
	unfinished := to + unfinishedCopy
	if err := createPrivate(unfinished); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(unfinished)
		}
	}()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", unfinished); err != nil {
		return err
	}
	if err := syncFile(unfinished); err != nil {
		return err
	}
	if err := os.Rename(unfinished, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

// syncFile makes the content of a file, or the entries of a folder, durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeUnfinished removes copies of the database at path that a killed process has
// left. The lock says that none is being made.
func removeUnfinished(path string) error {
	copies, err := MigrationCopies(path)
	for _, c := range copies {
		if strings.HasSuffix(c, unfinishedCopy) {
			err = errors.Join(err, os.Remove(c))
		}
	}
	return err
}

// MigrationCopies returns the files to which the embedded database at path was copied
// before its migrations, unfinished ones included.
func MigrationCopies(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	var copies []string
	for _, e := range entries {
		version, found := strings.CutPrefix(e.Name(), filepath.Base(path)+".v")
		if _, err := strconv.Atoi(strings.TrimSuffix(version, unfinishedCopy)); found && err == nil {
			copies = append(copies, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return copies, nil
}
