package store

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// hubConn connects to the tables of oldPostgres.
func hubConn(t *testing.T, o Options) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(o.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = defaultSchema
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// TestStateCheckReplaced: after the upgrade each part of the deliveries' table has one
// condition on their state, also when the migration was interrupted before.
func TestStateCheckReplaced(t *testing.T) {
	for name, interrupted := range map[string]bool{"at once": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			o := oldPostgres(t)
			conn := hubConn(t, o)
			if interrupted {
				text, err := migrations.ReadFile("migrations/postgres/00008_state_check.sql")
				if err != nil {
					t.Fatal(err)
				}
				first, _, _ := strings.Cut(string(text), "-- +goose StatementEnd")
				if _, err := conn.Exec(t.Context(), first); err != nil {
					t.Fatal(err)
				}
			}
			openTest(t, o)
			found, err := conn.Query(t.Context(), `SELECT count(c.oid) = 1 AND bool_and(c.convalidated)
				FROM (SELECT 'nchat_webhook_deliveries'::regclass AS relid
					UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = 'nchat_webhook_deliveries'::regclass) t
				LEFT JOIN pg_constraint c ON c.conrelid = t.relid AND c.contype = 'c' GROUP BY t.relid`)
			if err != nil {
				t.Fatal(err)
			}
			parts, err := pgx.CollectRows(found, pgx.RowTo[bool])
			if err != nil || len(parts) < 3 {
				t.Fatalf("%d parts, %v", len(parts), err)
			}
			for _, ok := range parts {
				if !ok {
					t.Error("a part has another number of conditions than one, or it does not hold for what is there")
				}
			}
		})
	}
}

// TestStateCheckWaits: a migration that needs the deliveries' table for itself keeps
// nobody from it while somebody reads it for long.
func TestStateCheckWaits(t *testing.T) {
	o := oldPostgres(t)
	reader, watcher := hubConn(t, o), hubConn(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exec := func(conn *pgx.Conn, text string) pgconn.CommandTag {
		t.Helper()
		tag, err := conn.Exec(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		return tag
	}
	const read = "SELECT FROM nchat_webhook_deliveries LIMIT 0"
	exec(reader, "BEGIN")
	exec(reader, read)
	upgraded := make(chan error, 1)
	go func() {
		o.Log = slog.New(slog.DiscardHandler)
		s, err := Open(ctx, o)
		if err == nil {
			err = s.Close()
		}
		upgraded <- err
	}()
	exec(watcher, "SET statement_timeout = '10s'")
	const pauses = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'
		AND query LIKE '%nchat_webhook_deliveries_state%'`
	for exec(watcher, pauses).RowsAffected() == 0 {
		select {
		case err := <-upgraded:
			t.Fatalf("the upgrade ended while the table was read: %v", err)
		default:
			exec(watcher, read)
		}
	}
	exec(reader, "COMMIT")
	if err := <-upgraded; err != nil {
		t.Error(err)
	}
}
