package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub/internal/postgrestest"
)

// database is the kind of database that the hub of a test works on.
type database string

const (
	embedded database = "embedded"
	postgres database = "postgres"
)

// onBoth runs a test on each of the two databases.
func onBoth(t *testing.T, test func(t *testing.T, on database)) {
	t.Parallel()
	for _, on := range []database{embedded, postgres} {
		t.Run(string(on), func(t *testing.T) {
			t.Parallel()
			test(t, on)
		})
	}
}

// newProcess prepares a hub on an empty database; start runs it.
func (on database) newProcess(t *testing.T, env ...string) *process {
	t.Helper()
	p := newProcess(t, env...)
	if on == postgres {
		p.useDatabase(postgrestest.URL(t))
	}
	return p
}

// startHub runs a hub on an empty database until the test ends.
func (on database) startHub(t *testing.T, env ...string) *process {
	t.Helper()
	p := on.newProcess(t, env...)
	p.start()
	return p
}

// useDatabase lets the hub work on a Postgres.
func (p *process) useDatabase(url string) {
	p.database = url
	p.env = append(p.env, "HUB_DATABASE_URL="+url)
}

// beside prepares another hub on the database of p, which it reaches by url. It
// shares its keys and files, as all hubs of a database must.
func (p *process) beside(url string, env ...string) *process {
	p.t.Helper()
	q := newProcess(p.t, env...)
	q.binary = p.binary
	q.useDatabase(url)
	q.env = append(q.env, "HUB_FILES="+filepath.Join(p.dir, "files"))
	keys, err := os.ReadFile(filepath.Join(p.dir, "keys"))
	if err == nil {
		err = os.WriteFile(filepath.Join(q.dir, "keys"), keys, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return q
}

// knowsFrom waits until p has heard of the webhooks that were made at another hub.
func (p *process) knowsFrom(other *process, s *sink) {
	p.t.Helper()
	w := other.webhookTo(s, "/known", []string{"known"}, nil)
	eventually(p.t, "news of a webhook at another hub", func() bool {
		_, deliveries := p.publish("known", 1)
		return deliveries > 0
	})
	other.ok(other.api().DeleteOutgoingWebhook(p.t.Context(), w.ID))
}

// connect opens a connection of the test's own to a Postgres, which finds the
// hub's tables by their plain names.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = "hub"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// query returns what a query for rows of a struct's fields, in their order,
// finds.
func query[T any](t *testing.T, conn *pgx.Conn, text string) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dump returns all rows of the hub's tables as text.
func dump(t *testing.T, url string) []byte {
	t.Helper()
	conn := connect(t, url)
	type one struct{ Text string }
	var all bytes.Buffer
	for _, table := range query[one](t, conn, `SELECT oid::regclass::text FROM pg_class
			WHERE relnamespace = 'hub'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`) {
		for _, row := range query[one](t, conn, "SELECT row::text FROM "+table.Text+" AS row") {
			fmt.Fprintf(&all, "%s %s\n", table.Text, row.Text)
		}
	}
	return all.Bytes()
}

// steadyAddr finds an address for a hub that is to have the same after each
// start: below the ports that systems give to clients, so that nobody takes it
// while the hub is down.
func steadyAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(10_000))))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}
