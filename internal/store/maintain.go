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

// QuickCheck looks for damage in the database file and returns the version of
// the SQLite library.
func (s *Store) QuickCheck(ctx context.Context) (version string, err error) {
	if version, err = sqliteVersion(ctx, s.readers); err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	found, err := list(ctx, s.readers, scanText, `PRAGMA quick_check(5)`)
	if err != nil {
		return version, err
	}
	if len(found) != 1 || found[0] != "ok" {
		return version, fmt.Errorf("store: the database file is damaged: %v; restore a backup", found)
	}
	return version, nil
}
