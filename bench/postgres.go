package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// serverVariable names the URL of the Postgres that the hubs under test may use, for a superuser. The server must run on
// this machine, so that its CPU time and memory can be read, and have nothing else to do.
const serverVariable = "HUB_TEST_POSTGRES"

// postgresPatience bounds what should take the server a moment.
const postgresPatience = 30 * time.Second

// server is a Postgres.
type server struct {
	url        *url.URL
	version    string
	postmaster int // pid of its first process, whose children the others are
}

// findServer asks the Postgres of serverVariable who it is.
func findServer(ctx context.Context) (*server, error) {
	text := os.Getenv(serverVariable)
	if text == "" {
		return nil, fmt.Errorf("-database postgres needs a server of its own, whose URL is in %s: \"make bench\" starts one", serverVariable)
	}
	address, err := url.Parse(text)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("%s is not a URL", serverVariable) // without the text: it may hold a password
	}
	s := &server{url: address}
	conn, err := s.connect(ctx, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	backend := 0
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid(), current_setting('server_version')").Scan(&backend, &s.version); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s.version, _, _ = strings.Cut(s.version, " ")
	of, err := readStat(backend)
	if err != nil || !isPostgres(backend) || !isPostgres(of.parent) {
		return nil, fmt.Errorf("the Postgres of %s does not run on this machine, or not in sight: its CPU time cannot be read", serverVariable)
	}
	s.postmaster = of.parent
	return s, nil
}

// isPostgres reports whether the process is one of a Postgres: they bear its name.
func isPostgres(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.HasPrefix(string(name), "postgres")
}

// connect opens a connection to a database of the server, "" for the one in its URL. The caller must close it.
func (s *server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, postgresPatience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.databaseURL(database))
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return conn, nil
}

func (s *server) databaseURL(database string) string {
	u := *s.url
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}

// run runs a statement on a connection of its own.
func (s *server) run(ctx context.Context, database, statement string) error {
	conn, err := s.connect(ctx, database)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// database is one database of a server, made for the hubs of one stage.
type database struct {
	server *server
	name   string
	key    string // with which all its hubs seal secrets
}

// createDatabase makes an empty database. The caller must drop it.
func (s *server) createDatabase(ctx context.Context) (*database, error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand since Go 1.24)
	d := &database{server: s, name: "hub_bench_" + strings.ToLower(rand.Text()), key: base64.StdEncoding.EncodeToString(key[:])}
	return d, s.run(ctx, "", "CREATE DATABASE "+d.name)
}

// drop removes the database, also when ctx is done.
func (d *database) drop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgresPatience)
	defer cancel()
	return d.server.run(ctx, "", "DROP DATABASE "+d.name+" WITH (FORCE)")
}

// env is what a hub needs to use the database.
func (d *database) env() []string {
	return []string{"HUB_DATABASE_URL=" + d.server.databaseURL(d.name), "HUB_SECRET_KEYS=bench:" + d.key}
}

// settle writes to disk what earlier work on the server left in memory, so that it is not done at the cost of what is
// measured next.
func (d *database) settle(ctx context.Context) error { return d.server.run(ctx, "", "CHECKPOINT") }

// size is that of the database's files, in bytes.
func (d *database) size(ctx context.Context) (size int64, err error) {
	conn, err := d.server.connect(ctx, d.name)
	if err != nil {
		return 0, err
	}
	err = conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&size)
	return size, errors.Join(err, conn.Close(ctx))
}
