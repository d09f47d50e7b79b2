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
		rows, err := t.w.conn.QueryContext(context.Background(), statement)
		if err != nil {
			return fmt.Errorf("store: maintenance: %w", err)
		}
		defer rows.Close()
		for rows.Next() { // the statement works as it is stepped
		}
		return rows.Err()
	}}
	if err := ctx.Err(); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The maintenance was given up.")
	}
	if err := s.w.enqueue(ctx, v); err != nil {
		return err
	}
	return <-v.done
}
