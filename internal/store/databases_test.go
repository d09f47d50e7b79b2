package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/nself-chat/hub/internal/postgrestest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := schemas.dropDatabase(); err != nil {
			slog.Error("the database of the tests is left over", "error", err)
			code = max(code, 1)
		}
		os.Exit(code)
	}))
}

// noon is the time at which the clock of onBoth stands at first.
var noon = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// Ids for tests, of noon: on Postgres they have to be UUIDs, and an event is
// kept by the time that its id begins with.
const (
	ann    = "019c1912-fa00-7000-8000-0000000000aa"
	bob    = "019c1912-fa00-7000-8000-0000000000bb"
	nobody = "019c1912-fa00-7000-8000-0000000000ff"
	id1    = "019c1912-fa00-7000-8000-000000000001"
	id2    = "019c1912-fa00-7000-8000-000000000002"
	id3    = "019c1912-fa00-7000-8000-000000000003"
	id4    = "019c1912-fa00-7000-8000-000000000004"
	id5    = "019c1912-fa00-7000-8000-000000000005"
)

// numbered returns ids of noon that sort as their numbers do: 1 is id1.
func numbered(n int) string { return fmt.Sprintf("019c1912-fa00-7000-8000-%012x", n) }

// onBoth runs a test on each of the two databases, empty. The store's clock
// stands at *now, which the test may move between its calls.
func onBoth(t *testing.T, test func(t *testing.T, s *Store, now *time.Time)) {
	t.Run("sqlite", func(t *testing.T) {
		now := noon
		test(t, openTest(t, Options{Synchronous: "NORMAL", Now: func() time.Time { return now }}), &now)
	})
	t.Run("postgres", func(t *testing.T) {
		now := noon
		s := openTest(t, EmptyPostgres(t))
		s.now = func() time.Time { return now }
		s.w.conn = stoppedClock{s.w.conn, s.now}
		if err := s.EnsurePartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, s, &now)
	})
}

// stoppedClock puts a test's clock in the place of the database's.
type stoppedClock struct {
	writeConn
	now func() time.Time
}

func (c stoppedClock) begin() (time.Time, int64, error) {
	_, seq, err := c.writeConn.begin()
	return c.now(), seq, err
}

// openTest opens a store that is closed when the test ends; without a database
// named by o it is an embedded one.
func openTest(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Path == "" && o.Postgres == "" {
		o.Path = filepath.Join(t.TempDir(), "hub.db")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// EmptyPostgres names a schema for a test, without a row in it. It belongs to
// the test until its end.
//
// Making a database or the hub's tables takes a second or two, emptying them a
// few milliseconds. So all tests of a run share one database, and a schema that
// a test is done with is emptied and handed to the next.
func EmptyPostgres(tb testing.TB) Options {
	tb.Helper()
	o, err := schemas.take(tb)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := schemas.giveBack(o.Schema); err != nil {
			tb.Error(err)
		}
	})
	return o
}

// schemas are those of the database of this run.
var schemas schemaPool

type schemaPool struct {
	mu       sync.Mutex
	server   string // its URL
	database string // its name; "": not made yet
	url      string // the database's
	free     []string
}

func (p *schemaPool) take(tb testing.TB) (Options, error) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.database == "" {
		if err := p.createDatabase(tb); err != nil {
			return Options{}, err
		}
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if n := len(p.free); n > 0 {
		schema, p.free = p.free[n-1], p.free[:n-1]
	}
	return Options{Postgres: p.url, Schema: schema}, nil
}

func (p *schemaPool) createDatabase(tb testing.TB) error {
	tb.Helper()
	p.server = os.Getenv("HUB_TEST_POSTGRES")
	if p.server == "" {
		postgrestest.URL(tb) // skips the test, or fails it where nothing may be skipped
	}
	database, err := url.Parse(p.server)
	if err != nil {
		return errors.New("HUB_TEST_POSTGRES is not a URL")
	}
	name := "hub_test_" + strings.ToLower(rand.Text())
	if err := execute(p.server, "CREATE DATABASE "+name); err != nil {
		return err
	}
	p.database = name
	database.Path = "/" + name
	p.url = database.String()
	// What these tests prove does not depend on when a commit reaches the disk.
	return execute(p.server, "ALTER DATABASE "+name+" SET synchronous_commit = off")
}

func (p *schemaPool) dropDatabase() error {
	if p.database == "" {
		return nil
	}
	return execute(p.server, "DROP DATABASE "+p.database+" WITH (FORCE)")
}

// giveBack empties a schema, which its store must have left.
func (p *schemaPool) giveBack(schema string) error {
	err := execute(p.url, `DO $$ DECLARE t regclass; BEGIN
		FOR t IN SELECT oid FROM pg_class WHERE relnamespace = '`+schema+`'::regnamespace AND relkind IN ('r', 'p')
			AND NOT relispartition AND relname <> 'nchat_schema_versions'
			ORDER BY (SELECT count(*) FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'f') DESC -- who refers goes first
		LOOP EXECUTE 'DELETE FROM ' || t; END LOOP; END $$`)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, schema)
	return nil
}

// execute runs one statement on a connection of its own.
func execute(database, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
