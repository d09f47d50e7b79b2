package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nself-chat/hub"
)

func itoa(n int) string { return strconv.Itoa(n) }

// maintain runs a statement that cannot be part of a transaction on the
// writer's connection, between two groups.
func (s *Store) maintain(ctx context.Context, statement string) error {
	v := &write{alone: true, done: make(chan error, 1), apply: func(t *tx) error {
		// The statement works as it is stepped.
		return each(context.Background(), t, func(scanner) error { return nil }, statement)
	}}
	if err := ctx.Err(); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The maintenance was given up.")
	}
	if err := s.w.enqueue(ctx, v); err != nil {
		return err
	}
	return <-v.done
}

// QuickCheck looks for damage in the database file, or on Postgres for
// migrations that are missing, and returns the version of the library or server.
func (s *Store) QuickCheck(ctx context.Context) (version string, err error) {
	if s.onPostgres() {
		return s.checkSchema(ctx)
	}
	if version, err = sqliteVersion(ctx, s.readers); err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	return version, quickCheck(ctx, s.readers)
}

func quickCheck(ctx context.Context, q querier) error {
	found, err := list(ctx, q, scanText, `PRAGMA quick_check(5)`)
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0] != "ok" {
		return fmt.Errorf("store: the database file is damaged: %v; restore a backup", found)
	}
	return nil
}

// CheckSchema fails when no hub has made the tables yet, or one of an earlier
// version has. The embedded database has the right ones once it is open.
func (s *Store) CheckSchema(ctx context.Context) error {
	if s.pg == nil {
		return nil
	}
	_, err := s.checkSchema(ctx)
	if isCode(err, undefinedTable) {
		return hub.Errorf(hub.NotFound, "There is no hub's database at this Postgres URL, in the schema %s. Start one with `hub serve`.", s.pg.schema)
	}
	return err
}

// checkSchema reports whether the tables are those that this program works on,
// or newer ones: migrations are additive within a minor version.
func (s *Store) checkSchema(ctx context.Context) (version string, err error) {
	var have int64
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&version, &have) },
		`SELECT current_setting('server_version'), (SELECT coalesce(max(version_id), 0) FROM nchat_schema_versions WHERE is_applied)`)
	if err != nil {
		return version, err
	}
	want, err := newestMigration("postgres")
	if err != nil {
		return version, err
	}
	if have < want {
		return version, fmt.Errorf("store: the tables are of version %d, this hub works on version %d; start it once to migrate them", have, want)
	}
	return version, nil
}
