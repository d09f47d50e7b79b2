package store

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/nself-chat/hub"
)

// File is a file with an embedded database that no hub works on, such as a
// copy of one. It is read only, and safe for concurrent use.
type File struct{ pool sqlitePool }

// OpenFile opens a file that is a database. Nothing is written beside it.
func OpenFile(path string) (*File, error) {
	db, err := openSQLitePool(path, "query_only(1)", "cache_size(-16000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &File{sqlitePool{db}}, nil
}

// Close closes the file.
func (f *File) Close() error { return f.pool.close() }

// Check looks for damage (PRAGMA quick_check).
func (f *File) Check(ctx context.Context) error { return quickCheck(ctx, f.pool) }

// Schema returns the version of the tables.
func (f *File) Schema(ctx context.Context) (int64, error) { return schemaVersion(ctx, f.pool) }

// Setting returns the value of a setting, "" when it was never set.
func (f *File) Setting(ctx context.Context, key string) (string, error) {
	return setting(ctx, f.pool, key)
}

// Blobs calls visit with the hash and the size in bytes of every uploaded file
// that a row refers to, in the order of their hashes.
func (f *File) Blobs(ctx context.Context, visit func(hash string, size int64) error) error {
	return blobs(ctx, f.pool, visit)
}

// Rows returns the number of rows of every table that is part of a copy.
func (f *File) Rows(ctx context.Context) (map[string]int64, error) {
	tables, err := layouts()
	if err != nil {
		return nil, err
	}
	rows := make(map[string]int64, len(tables))
	for i := range tables {
		if rows[tables[i].name], err = tables[i].count(ctx, f.pool); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Blobs is as that of a File, as of one moment; the hub may be at work.
func (s *Store) Blobs(ctx context.Context, visit func(hash string, size int64) error) error {
	return s.readers.snapshot(ctx, func(q querier) error {
		if err := patient(ctx, s, q); err != nil {
			return err
		}
		return blobs(ctx, q, visit)
	})
}

func blobs(ctx context.Context, q querier, visit func(hash string, size int64) error) error {
	return each(ctx, q, func(row scanner) error {
		var hash string
		var size int64
		if err := row.Scan(&hash, &size); err != nil {
			return err
		}
		return visit(hash, size)
	}, `SELECT file_path, max(size_bytes) FROM nchat_attachments WHERE file_path IS NOT NULL GROUP BY file_path ORDER BY file_path`)
}

// SaveCopy writes the embedded database at path, as of one moment, to a new
// file. A hub may be at work on it: its writer is not held up, and everything
// that it had acknowledged before the call is in the copy.
func SaveCopy(ctx context.Context, path, to string) error {
	if err := createPrivate(to); err != nil {
		return err
	}
	db, err := openSQLiteToRead(ctx, realPath(path), "cache_size(-16000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		return fmt.Errorf("store: copy the database: %w", err)
	}
	return nil
}

// Lock takes the lock of the folder of the embedded database at path, so that no
// hub starts on it until the lock is closed. It fails when a hub is running.
func Lock(path string) (io.Closer, error) { return lockDatabase(path) }

// schemaVersion returns the number of the last migration that a database has
// seen.
func schemaVersion(ctx context.Context, q querier) (version int64, err error) {
	err = each(ctx, q, func(row scanner) error { return row.Scan(&version) },
		`SELECT coalesce(max(version_id), 0) FROM nchat_schema_versions WHERE is_applied`)
	return version, err
}

// HasTables reports whether a hub has made its tables in the database.
func (s *Store) HasTables(ctx context.Context) (bool, error) { return s.hasTables(ctx) }

// SchemaVersion is the version of the tables that this program works on.
func SchemaVersion() (int64, error) { return newestMigration("sqlite") }

func newestMigration(dialect string) (newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/"+dialect+"/*.sql")
	if err != nil {
		return 0, fmt.Errorf("store: migrations: %w", err)
	}
	for _, file := range files {
		number, err := goose.NumericComponent(file)
		if err != nil {
			return 0, fmt.Errorf("store: migrations: %w", err)
		}
		newest = max(newest, number)
	}
	return newest, nil
}

// checkVersion refuses a database whose tables are not those that this program
// works on.
func (s *Store) checkVersion(ctx context.Context) error {
	made, err := s.hasTables(ctx)
	if err != nil {
		return err
	}
	if !made {
		return hub.Errorf(hub.NotFound, "There are no tables of a hub.")
	}
	have, err := schemaVersion(ctx, s.readers)
	if err != nil {
		return err
	}
	dialect := "sqlite"
	if s.onPostgres() {
		dialect = "postgres"
	}
	want, err := newestMigration(dialect)
	switch {
	case err != nil:
		return err
	case have < want:
		return hub.Errorf(hub.Conflict, "The tables are of version %d, this program works on version %d: start this hub on it once.", have, want)
	case have > want:
		return hub.Errorf(hub.Conflict, "The tables are of version %d, this program works on version %d: use the newer one.", have, want)
	}
	return nil
}
