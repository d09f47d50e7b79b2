package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/nself-chat/hub"
)

// seizeTime is how long a copy waits for the writers of a database.
const seizeTime = 10 * time.Second

// seized is a database on Postgres on which nobody else can write: every
// writing transaction takes the lock that this connection holds.
type seized struct{ conn *pgxpool.Conn }

// seize refuses when hubs are at work, else keeps them from writing until the
// end.
func (s *Store) seize(ctx context.Context) (*seized, error) {
	conn, err := s.pg.pool.Acquire(ctx)
	if err != nil {
		return nil, pgRefusal(err)
	}
	held := &seized{conn}
	// It may have nothing to do for hours, and must not lose the lock by that.
	if _, err := conn.Exec(ctx, `SET idle_session_timeout = 0`); err != nil {
		return nil, errors.Join(err, held.close())
	}
	if err := held.lock(ctx, s.pg.lockID("write")); err != nil {
		return nil, errors.Join(err, held.close())
	}
	if err := s.noMembers(ctx); err != nil {
		return nil, errors.Join(err, held.close())
	}
	return held, nil
}

func (s *seized) lock(ctx context.Context, id int64) error {
	deadline := time.Now().Add(seizeTime)
	for {
		var got bool
		if err := s.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, id).Scan(&got); err != nil {
			return pgRefusal(err)
		}
		if got {
			return nil
		}
		if time.Now().After(deadline) {
			return hub.Errorf(hub.Conflict, "Another process writes to the Postgres database: a hub, or another copy. Stop it first.")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reconnectGap):
		}
	}
}

// close ends the connection, and the lock with it.
func (s *seized) close() error {
	conn := s.conn.Hijack()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return conn.Close(ctx)
}

// noMembers refuses a database on which hubs are at work. The embedded one has
// a lock instead.
func (s *Store) noMembers(ctx context.Context) error {
	if !s.onPostgres() {
		return nil
	}
	names, err := list(ctx, s.readers, scanText,
		`SELECT name FROM nchat_nodes WHERE beat_at > clock_timestamp() - $1::bigint * interval '1 microsecond' ORDER BY name`,
		hub.DeadAfter.Microseconds())
	if err == nil && len(names) > 0 {
		err = hub.Errorf(hub.Conflict, "Hubs are at work on the Postgres database: %s. Stop them first.", strings.Join(names, ", "))
	}
	return err
}

// hasTables reports whether the hub's tables have been made.
func (s *Store) hasTables(ctx context.Context) (made bool, err error) {
	query, args := `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'nchat_settings')`, []any(nil)
	if s.onPostgres() {
		query, args = `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'nchat_settings')`, []any{s.pg.schema}
	}
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&made) }, query, args...)
	return made, err
}

// postgresSink writes a copy to Postgres, with COPY ("COPY" of its manual).
type postgresSink struct {
	to    *Store
	held  *seized
	weeks map[time.Time]bool // those whose partitions exist
}

func newPostgresSink(ctx context.Context, to *Store, held *seized) (*postgresSink, error) {
	// What is lost with the server's memory is lost from the end on, the state
	// of the copy with it; so only the last commit has to reach the disk.
	_, err := held.conn.Exec(ctx, `SET synchronous_commit = off`)
	return &postgresSink{to: to, held: held, weeks: make(map[time.Time]bool)}, err
}

// commit runs work and stores the state in one transaction.
func (s *postgresSink) commit(ctx context.Context, state string, work func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.held.conn, func(tx pgx.Tx) error {
		if err := work(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, saveCopyState, copySetting, state, s.to.Now())
		return err
	})
}

const saveCopyState = `INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, $2, $3)
	ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`

func (s *postgresSink) load(ctx context.Context, l *layout, rows [][]any, state string) error {
	if err := s.ensureWeeks(ctx, l, rows); err != nil {
		return err
	}
	return s.commit(ctx, state, func(tx pgx.Tx) error {
		if len(rows) == 0 {
			return nil
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{l.name}, l.names(), pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			return l.forPostgres(rows[i])
		}))
		return l.refusal(rows, err)
	})
}

func (l *layout) forPostgres(row []any) ([]any, error) {
	values := make([]any, len(row))
	for i, c := range l.columns {
		var err error
		if values[i], err = c.kind.forPostgres(row[i]); err != nil {
			return nil, fmt.Errorf("column %s of %s: %w", c.name, l.named(row), err)
		}
	}
	return values, nil
}

// copyLine finds the number of a row in what Postgres says of a failed COPY.
var copyLine = regexp.MustCompile(`, line (\d+)`)

// refusal says which row Postgres did not take. Its values stay out of it.
func (l *layout) refusal(rows [][]any, err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	row := ""
	if at := copyLine.FindStringSubmatch(e.Where); at != nil {
		if n, _ := strconv.Atoi(at[1]); n > 0 && n <= len(rows) {
			row = " in row " + l.named(rows[n-1])
		}
	}
	return fmt.Errorf("refused by Postgres%s: %w", row, err)
}

// ensureWeeks makes the partitions for the rows.
func (s *postgresSink) ensureWeeks(ctx context.Context, l *layout, rows [][]any) error {
	if !l.byWeek {
		return nil
	}
	for _, row := range rows {
		week := weekOf(hub.IDTime(keyText(row[l.keyAt[0]])))
		if s.weeks[week] {
			continue
		}
		if err := s.to.ensureWeek(ctx, nil, week); err != nil {
			return err
		}
		s.weeks[week] = true
	}
	return nil
}

func (s *postgresSink) index(ctx context.Context, entries []searchEntry, state string) error {
	return s.commit(ctx, state, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		for _, e := range entries {
			b.Queue(insertVectorQuery, string(e.id), e.words)
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

func (s *postgresSink) save(ctx context.Context, state string) error {
	if _, err := s.held.conn.Exec(ctx, `RESET synchronous_commit`); err != nil {
		return err
	}
	err := s.commit(ctx, state, func(pgx.Tx) error { return nil })
	if err != nil {
		return err
	}
	_, err = s.held.conn.Exec(ctx, `SET synchronous_commit = off`)
	return err
}

func (s *postgresSink) clear(ctx context.Context, tables []layout, state string) error {
	return s.commit(ctx, state, func(tx pgx.Tx) error {
		names := []string{searchTable}
		for i := range tables {
			names = append(names, tables[i].name)
		}
		_, err := tx.Exec(ctx, `TRUNCATE `+strings.Join(names, ", "))
		return err
	})
}

// loaded gives the planner an idea of the tables, which were empty before.
func (s *postgresSink) loaded(ctx context.Context, tables []layout) error {
	for i := range tables {
		if _, err := s.held.conn.Exec(ctx, `ANALYZE `+tables[i].name); err != nil {
			return fmt.Errorf("store: analyze %s: %w", tables[i].name, err)
		}
	}
	return nil
}
