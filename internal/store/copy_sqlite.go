package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// sqliteSink writes a copy to an embedded database, whose folder's lock keeps
// others away.
type sqliteSink struct{ to *Store }

// commit runs work and stores the state in one transaction.
func (s *sqliteSink) commit(ctx context.Context, state string, work func(*tx) error) error {
	return s.to.write(ctx, func(t *tx) error {
		if err := work(t); err != nil {
			return err
		}
		return t.later(saveCopyState, copySetting, state, at(t.now))
	})
}

func (s *sqliteSink) load(ctx context.Context, l *layout, rows [][]any, state string) error {
	marks := make([]string, len(l.columns))
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	insert := `INSERT INTO ` + l.name + ` (` + strings.Join(l.names(), ", ") + `) VALUES (` + strings.Join(marks, ", ") + `)`
	return s.commit(ctx, state, func(t *tx) error {
		for _, row := range rows {
			values, err := rowForSQLite(row)
			if err == nil {
				_, err = t.exec(insert, values...)
			}
			if err != nil {
				return fmt.Errorf("refused by SQLite in row %s: %w", l.named(row), err)
			}
		}
		return nil
	})
}

func rowForSQLite(row []any) ([]any, error) {
	values := make([]any, len(row))
	for i := range row {
		var err error
		if values[i], err = forSQLite(row[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (s *sqliteSink) index(ctx context.Context, entries []searchEntry, state string) error {
	return s.commit(ctx, state, func(t *tx) error {
		for _, e := range entries {
			if err := t.insertEntry(e.id, e.words); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqliteSink) save(ctx context.Context, state string) error {
	return s.commit(ctx, state, func(*tx) error { return nil })
}

func (s *sqliteSink) clear(ctx context.Context, tables []layout, state string) error {
	return s.commit(ctx, state, func(t *tx) error {
		// The command of a contentless table (SQLite FTS5 §6.3).
		if err := t.later(`INSERT INTO nchat_message_search (nchat_message_search) VALUES ('delete-all')`); err != nil {
			return err
		}
		for i := len(tables) - 1; i >= 0; i-- {
			if err := t.later(`DELETE FROM ` + tables[i].name); err != nil {
				return err
			}
		}
		return nil
	})
}

// loaded has nothing to do: the plans of SQLite follow from the schema alone.
func (s *sqliteSink) loaded(context.Context, []layout) error { return nil }
