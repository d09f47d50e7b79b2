package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"

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
// wait for it. A copy that is there already is from an interrupted migration
// and kept.
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
	if _, err := os.Stat(copied); !pending || version == 0 || err == nil {
		return nil
	}
	if err := createPrivate(copied); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", copied); err != nil {
		_ = os.Remove(copied)
		return fmt.Errorf("store: copy the database before its migration: %w", err)
	}
	return nil
}
