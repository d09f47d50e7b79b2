package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/nself-chat/hub"
)

const (
	// minPostgres is the oldest server that is tested, as server_version_num.
	minPostgres = 140000
	// startWait is how long Open waits for a server that does not answer yet.
	startWait = 30 * time.Second
	// readTime bounds one query: a network that swallows everything must not
	// keep a request for ever.
	readTime = 15 * time.Second
	// defaultSchema holds the hub's tables unless Options say otherwise.
	defaultSchema = "hub"
)

// postgres is what a Store on Postgres has besides the common parts.
type postgres struct {
	pool   *pgxpool.Pool
	schema string
	local  func() time.Time // this process's wall clock, which is compared with the database's
	// clock is the database's, as of the last measurement.
	clock atomic.Pointer[clockReading]
	// connects counts the connections made for writing.
	connects atomic.Int64
	// pulse is the connection for signs of life.
	pulse ownConn
	// node is this process's name among those at work (nchat_nodes); "": none.
	node atomic.Pointer[string]
	// ears are where the processes hear of what is handed over to them, by name, as
	// of the last sign of life. ear is this process's; "": it has none.
	ears atomic.Pointer[map[string]string]
	ear  atomic.Pointer[string]
}

// openPostgres connects, and makes the schema, the tables and the partitions
// that are missing.
func (s *Store) openPostgres(ctx context.Context, o Options) error {
	schema := o.Schema
	if schema == "" {
		schema = defaultSchema
	}
	config, err := postgresConfig(o.Postgres, schema)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	p := &postgres{pool: pool, schema: schema, local: o.Now}
	p.pulse.config = config.ConnConfig.Copy()
	p.pulse.onLost = pool.Reset // the readers' connections lead nowhere, either
	s.pg, s.readers = p, pgPool{pool: pool}
	p.clock.Store(&clockReading{theirs: p.local(), at: time.Now()}) // until it is measured
	s.now = func() time.Time { return p.clock.Load().now() }
	if err := p.await(ctx, o.Log); err != nil {
		return err
	}
	if err := p.check(ctx); err != nil {
		return err
	}
	if !o.Shared {
		if err := p.migrate(ctx); err != nil {
			return err
		}
	}
	if err := s.syncClock(ctx); err != nil {
		return err
	}
	if !o.Shared {
		if err := s.EnsurePartitions(ctx); err != nil {
			return err
		}
	}
	conn := newPgConn(p, config.ConnConfig.Copy(), o.Log)
	s.w = newWriter(conn, o)
	s.w.bulk, s.w.revision, s.w.earOf, s.w.news = true, func() int64 { return conn.revision }, p.earOf, p.news
	return nil
}

// minReaders is how few connections may read: with one, a single slow page would
// stop all the others.
const minReaders = 2

// postgresConfig reads the URL and sets what the hub relies on.
//
// How many connections read is the URL's pool_max_conns, at least minReaders, or
// else four for each core.
func postgresConfig(url, schema string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The error may quote the URL, which may hold a password.
		return nil, hub.Errorf(hub.Invalid, "The Postgres URL cannot be read; it looks like postgres://user:password@host:5432/database.")
	}
	if asked, err := pgx.ParseConfig(url); err == nil && asked.RuntimeParams["pool_max_conns"] != "" {
		config.MaxConns = max(config.MaxConns, minReaders)
	} else {
		config.MaxConns = max(config.MaxConns, int32(4*cores()))
	}
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	set := config.ConnConfig.RuntimeParams
	set["search_path"] = pgx.Identifier{schema}.Sanitize() + ", public"
	set["timezone"] = "UTC"
	// Pages want a few rows, found by index. A plan for any argument is made
	// without knowing how many there are; and merging walks through a whole table
	// in the order of the page, which the planner thinks cheap.
	set["plan_cache_mode"], set["enable_mergejoin"] = "force_custom_plan", "off"
	// Statements are short. The writer's settings make a scan of a table of ten rows
	// look so dear that it would be compiled, which takes 30 ms.
	set["jit"] = "off"
	if set["application_name"] == "" {
		set["application_name"] = "hub"
	}
	return config, nil
}

// await waits for a server that is starting or not reachable yet.
func (p *postgres) await(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for told := false; ; told = true {
		err := p.pool.Ping(ctx)
		if err == nil {
			return nil
		}
		if !isLost(err) || isRefusedLogin(err) {
			return fmt.Errorf("store: connect to Postgres: %w", err)
		}
		if !told {
			log.Warn("waiting for Postgres", "error", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("store: Postgres does not answer: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// check refuses servers that the hub cannot work on.
func (p *postgres) check(ctx context.Context) error {
	var version string
	var standby bool
	err := p.pool.QueryRow(ctx, `SELECT current_setting('server_version_num'), pg_is_in_recovery()`).Scan(&version, &standby)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if n, _ := strconv.Atoi(version); n < minPostgres {
		return fmt.Errorf("store: Postgres %d is too old; at least %d is needed", n/10000, minPostgres/10000)
	}
	if standby {
		return errors.New("store: this Postgres is a read-only standby; name the primary in HUB_DATABASE_URL " +
			"(several hosts with target_session_attrs=read-write find it)")
	}
	return nil
}

// migrate brings the schema up to date. Of several processes that start at
// once, one does it.
func (p *postgres) migrate(ctx context.Context) error {
	if _, err := p.pool.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{p.schema}.Sanitize()); err != nil && !isCode(err, "23505") {
		return fmt.Errorf("store: create the schema %s: %w", p.schema, err)
	}
	files, err := fs.Sub(migrations, "migrations/postgres")
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(p.lockID("migrate")), lock.WithLockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	db := stdlib.OpenDBFromPool(p.pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName("nchat_schema_versions"),
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate the database: %w", err)
	}
	return p.nameSchema(ctx)
}

// nameSchema lets an operator's psql find the tables by their plain names, on a
// database that the hub does not share with a chat of the same table names.
func (p *postgres) nameSchema(ctx context.Context) error {
	_, err := p.pool.Exec(ctx, `DO $$ BEGIN
		IF to_regclass('public.nchat_users') IS NULL THEN
			EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I, public', current_user, current_database(), current_schema());
		END IF;
	EXCEPTION WHEN insufficient_privilege OR object_in_use OR internal_error THEN NULL; -- a convenience, no more
	END $$`)
	if err != nil && !isCode(err, "XX000") { // another hub did the same at this moment
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// lockID returns the key of an advisory lock of this hub's schema.
func (p *postgres) lockID(purpose string) int64 {
	// FNV-1a; databases have separate keys anyway, schemas do not.
	h := uint64(14695981039346656037)
	for _, c := range []byte("hub/" + p.schema + "/" + purpose) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return int64(h) //nolint:gosec // any 64 bits will do
}

// pgPool is the pool of reading connections.
type pgPool struct {
	pool *pgxpool.Pool
	time time.Duration // of one query; 0: readTime
}

func (p pgPool) query(ctx context.Context, text string, args ...any) (rows, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.time, readTime))
	found, err := p.pool.Query(ctx, text, pgArgs(args)...)
	if err != nil {
		cancel()
		return nil, pgRefusal(err)
	}
	return pgRows{Rows: found, done: func() error { cancel(); return nil }}, nil
}

func (p pgPool) snapshot(ctx context.Context, read func(querier) error) error {
	begin, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	tx, err := p.pool.BeginTx(begin, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return pgRefusal(err)
	}
	defer func() { // read only: nothing to keep
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	return read(pgSnapshot{tx})
}

// ping asks a second time when a connection is lost: one kept since before the
// database was restarted says nothing about it.
func (p pgPool) ping(ctx context.Context) error {
	readOnly, err := p.isReadOnly(ctx)
	if isLost(err) && ctx.Err() == nil {
		p.pool.Reset()
		readOnly, err = p.isReadOnly(ctx)
	}
	if err == nil && readOnly {
		err = hub.Errorf(hub.Unavailable, "The database is a read-only standby.")
	}
	return err
}

func (p pgPool) isReadOnly(ctx context.Context) (readOnly bool, err error) {
	err = p.pool.QueryRow(ctx, `SELECT current_setting('transaction_read_only') = 'on'`).Scan(&readOnly)
	return readOnly, err
}

func (p pgPool) close() error {
	p.pool.Close()
	return nil
}

// pgSnapshot reads what was committed when it began.
type pgSnapshot struct{ tx pgx.Tx }

func (s pgSnapshot) query(ctx context.Context, text string, args ...any) (rows, error) {
	found, err := s.tx.Query(ctx, text, pgArgs(args)...)
	if err != nil {
		return nil, pgRefusal(err)
	}
	return pgRows{Rows: found}, nil
}

// pgRows makes pgx.Rows of the form that the store expects; done, when set,
// ends what the rows were part of.
type pgRows struct {
	pgx.Rows
	done func() error
	raw  bool // errors as they are: the writer judges them
}

// Err implements rows.
func (r pgRows) Err() error {
	if r.raw {
		return r.Rows.Err()
	}
	return pgRefusal(r.Rows.Err())
}

// Close implements rows.
func (r pgRows) Close() error {
	r.Rows.Close()
	if r.done != nil {
		return r.done()
	}
	return nil
}

// pgArgs turns the store's column types into what pgx sends without a detour.
func pgArgs(args []any) []any {
	storable(args)
	for i, a := range args {
		switch v := a.(type) {
		case Time:
			if v.IsZero() {
				args[i] = nil
			} else {
				args[i] = v.Time
			}
		case jsonColumn:
			if text, err := v.Value(); err == nil {
				args[i] = text
			}
		}
	}
	return args
}

// SQLSTATE codes, "PostgreSQL Error Codes", appendix A of its manual.
const (
	codeUnique         = "23505"
	codeExists         = "42P07"
	codeInvalidValue   = "22023"
	codeDivisionByZero = "22012" // an assumption did not hold
	codeInvalidText    = "22P02" // such as an id that is no UUID
	codeReadOnly       = "25006"
	codeDiskFull       = "53100"
	codeTooMany        = "53300"
	codeAdminShutdown  = "57P01"
	codeCrashShutdown  = "57P02"
	codeCannotConnect  = "57P03"
	codeIdleTimeout    = "25P03"
	codeQueryCanceled  = "57014"
	codeLocked         = "55P03" // somebody else has what is wanted
	codeIdleSession    = "57P05"
	codeNoMemory       = "53200"
	codeLimit          = "54000" // the queue of NOTIFY is full; but also, a value does not fit an index
	codeIO             = "58030"
	codeWrongPassword  = "28P01"
	codeWrongAuth      = "28000"
	codeNoSuchDatabase = "3D000"
)

func isCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// isRefusedLogin reports that asking again will not help.
func isRefusedLogin(err error) bool {
	return isCode(err, codeWrongPassword, codeWrongAuth, codeNoSuchDatabase)
}

// isLost reports that the connection, not the statement, failed.
func isLost(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(e.Code, "08") || isCode(err, codeAdminShutdown, codeCrashShutdown, codeCannotConnect,
			codeIdleTimeout, codeIdleSession, codeTooMany, codeReadOnly)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.Timeout(err) || err != nil && strings.Contains(err.Error(), "conn closed")
}

// pgRefusal turns what Postgres says into what a caller may be told. Errors of
// package hub pass unchanged.
func pgRefusal(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*hub.Error](err); ok {
		return err
	}
	switch {
	case isCode(err, codeDivisionByZero, codeLimit):
		return errors.Join(errAssumed, err)
	case isCode(err, codeUnique):
		return hub.Wrap(hub.Conflict, err, "Something with this name or id exists already.")
	case isCode(err, codeInvalidText):
		return hub.Wrap(hub.NotFound, err, "There is nothing with such an id.")
	case isCode(err, codeDiskFull):
		return hub.Wrap(hub.StorageFull, err, "The database's disk is full; nothing was stored.")
	case isCode(err, codeReadOnly):
		return hub.Wrap(hub.Unavailable, err, "The database is a read-only standby now; nothing was stored.")
	case isLost(err), isRefusedLogin(err), isCode(err, codeQueryCanceled, codeLocked, codeIdleSession, codeNoMemory, codeIO):
		return hub.Wrap(hub.Unavailable, err, "The database does not answer; nothing was stored.")
	}
	return err
}
