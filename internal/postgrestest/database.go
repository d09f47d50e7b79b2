// Package postgrestest gives tests a real Postgres: a fresh database on the
// server that the whole run shares (URL), a server of the test's own that may
// be stopped and restarted under load (Server), and a network in between that
// can stall and break (Proxy). As net/http/httptest is for HTTP, it is for
// tests and for packages that tests are made of.
//
// Where the server comes from is decided elsewhere: .ci/provide finds or
// installs Postgres and sets
//
//	HUB_TEST_POSTGRES      the URL of the shared server, for a role that may create databases
//	HUB_TEST_POSTGRES_BIN  the folder with initdb and postgres
//
// Without them the tests are skipped; under CI (the variable CI is set) they
// fail instead, for there nothing may be skipped.
package postgrestest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every step that should take a moment: nothing here waits for
// longer, however slow the machine is.
const patience = time.Minute

// URL creates an empty database with a random name on the shared server and
// returns its URL. When the test ends the database is dropped, and whoever is
// still connected to it is disconnected. Tests may run beside each other.
func URL(tb testing.TB) string {
	tb.Helper()
	server := variable(tb, "HUB_TEST_POSTGRES")
	database, err := url.Parse(server)
	if err != nil {
		tb.Fatal("HUB_TEST_POSTGRES is not a URL")
	}
	name := "hub_test_" + strings.ToLower(rand.Text())
	execute(tb, server, "CREATE DATABASE "+name)
	tb.Cleanup(func() { execute(tb, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	database.Path = "/" + name
	return database.String()
}

// variable returns a setting that .ci/provide makes; without it there is no
// test to run.
func variable(tb testing.TB, name string) string {
	tb.Helper()
	value := os.Getenv(name)
	if value == "" && os.Getenv("CI") != "" {
		tb.Fatalf("%s is not set, and under CI nothing is skipped: run the tests with \"make test\"", name)
	}
	if value == "" {
		tb.Skipf("%s is not set: \"make test\" starts a Postgres and sets it", name)
	}
	return value
}

// execute runs one statement on a connection of its own.
func execute(tb testing.TB, database, statement string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		tb.Fatalf("connecting to run %q: %v", statement, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}
