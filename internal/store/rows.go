package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/nself-chat/hub"
)

// querier is what reads need: the pool of readers, a snapshot of it, or the
// writer's transaction.
type querier interface {
	query(ctx context.Context, text string, args ...any) (rows, error)
}

// rows are the answer to a query, on their way (database/sql.Rows).
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// scanner is a row about to be scanned.
type scanner interface{ Scan(dest ...any) error }

// each runs the query and calls scan for every row. It is the only loop over
// rows in the package.
func each(ctx context.Context, q querier, scan func(scanner) error, query string, args ...any) error {
	found, err := q.query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("store: query: %w", err)
	}
	defer found.Close()
	for found.Next() {
		if err := scan(found); err != nil {
			return fmt.Errorf("store: scan: %w", err)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("store: rows: %w", err)
	}
	return nil
}

// list collects what scan makes of every row.
func list[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := each(ctx, q, func(row scanner) error {
		v, err := scan(row)
		if err == nil {
			out = append(out, v)
		}
		return err
	}, query, args...)
	return out, err
}

// one returns what scan makes of the first row, or a NotFound that names what.
func one[T any](ctx context.Context, q querier, what string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	all, err := list(ctx, q, scan, query, args...)
	if isNotFound(err) || err == nil && len(all) == 0 {
		err = hub.Errorf(hub.NotFound, "There is no such %s.", what)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return all[0], nil
}

// isNotFound reports whether err says that a row does not exist.
func isNotFound(err error) bool {
	e, ok := errors.AsType[*hub.Error](err)
	return ok && e.Code == hub.NotFound
}

// scanOnly returns the one column of the one row, and closes the rows.
func scanOnly[T any](found rows) (v T, err error) {
	defer found.Close()
	if !found.Next() {
		return v, errors.Join(errors.New("store: no row"), found.Err())
	}
	return v, found.Scan(&v)
}

func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}
