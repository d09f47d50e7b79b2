package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/nself-chat/hub"
)

// minSQLite is the first release without the WAL-reset corruption bug.
const minSQLite = "3.51.3"

// openSQLite opens the database at o.Path, creates it when absent, takes the
// folder's lock and migrates the schema.
func (s *Store) openSQLite(ctx context.Context, o Options) error {
	named := o.Path
	o.Path = realPath(o.Path)
	if !o.Shared {
		lock, err := lockDatabase(o.Path)
		if err != nil {
			return err
		}
		s.lock = lock
		if err := removeUnfinished(o.Path); err != nil {
			return err
		}
		// Only the hub's own account may read what is in it; SQLite gives the
		// files beside it the same mode.
		if err := createPrivate(o.Path); err != nil {
			return err
		}
	}
	readers, err := openSQLiteReaders(ctx, o)
	if err != nil {
		return err
	}
	readers.SetMaxOpenConns(max(4, 2*cores()))
	readers.SetMaxIdleConns(4)
	s.readers = sqlitePool{readers}
	pragmas := []string{
		"journal_mode(wal)", "synchronous(" + o.Synchronous + ")",
		"cache_size(-16000)", "journal_size_limit(67108864)", "max_page_count(" + strconv.Itoa(maxPages(o.MaxPages)) + ")",
	}
	if isEmpty(o.Path) { // SQLite writes to the file for it, also when it was set before
		pragmas = slices.Insert(pragmas, 0, "auto_vacuum(incremental)")
	}
	db, err := openSQLitePool(o.Path, pragmas...)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	conn := &sqliteConn{db: db, now: s.now, log: o.Log, path: o.Path}
	s.w = newWriter(conn, o)
	if o.Shared {
		return checkSQLite(ctx, readers, o.Path) // what writes connects when there is something to write
	}
	if err := checkSQLite(ctx, db, o.Path); err != nil {
		return err
	}
	if err := migrateSQLite(ctx, db, o.Path); err != nil {
		return err
	}
	if err := conn.connect(); err != nil {
		return err
	}
	s.place = &sqlitePlace{path: named, conn: conn}
	if s.place.db, err = os.Stat(named); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// realPath follows path when it is a symbolic link, also to a file that does not exist
// yet: SQLite does so too, and the lock and the log lie beside the file itself.
func realPath(path string) string {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(path) + string(filepath.Separator) + to
		}
		path = to
	}
	return path
}

// sqlitePlace is where the embedded database was found when it was opened.
type sqlitePlace struct {
	path string
	db   os.FileInfo
	conn *sqliteConn
}

// CheckPlace fails when the files of the embedded database are no longer in their
// place: what is stored from then on is gone when the process ends. It may be called
// as often as one likes.
func (s *Store) CheckPlace() error {
	if s.place == nil {
		return nil
	}
	err := sameFile(s.place.path, s.place.db)
	open := &s.place.conn.wal
	if log := open.Load(); err == nil && log != nil {
		if err = sameFile(s.place.conn.path+"-wal", *log); open.Load() != log {
			return nil // connected anew meanwhile
		}
	}
	if err != nil {
		return hub.Wrap(hub.Unavailable, err, "The file of the hub's database was deleted, moved or replaced while the hub runs; "+
			"nothing is taken in. Its operator has to put it back, or to stop the hub and restore a backup.")
	}
	return nil
}

// sameFile fails when another file than was, or none, has this name.
func sameFile(path string, was os.FileInfo) error {
	now, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store: %s is gone", path)
	case err == nil && !os.SameFile(now, was):
		return fmt.Errorf("store: %s is another file now", path)
	}
	return nil // or it cannot be told
}

func maxPages(n int) int {
	if n == 0 {
		return 4294967294 // SQLite's own limit
	}
	return n
}

// openSQLiteReaders opens the pool that reads. A file that is looked at beside a hub
// need not be writable.
func openSQLiteReaders(ctx context.Context, o Options) (*sql.DB, error) {
	pragmas := []string{"query_only(1)", "cache_size(-4000)"}
	if o.Shared {
		return openSQLiteToRead(ctx, o.Path, pragmas...)
	}
	return openSQLitePool(o.Path, pragmas...)
}

// openSQLitePool opens a pool whose connections run the pragmas in order. The file must
// exist when it connects.
func openSQLitePool(path string, pragmas ...string) (*sql.DB, error) {
	return openSQLiteAs(path, pragmas, url.Values{"mode": {"rw"}})
}

func openSQLiteAs(path string, pragmas []string, q url.Values) (*sql.DB, error) {
	q["_pragma"] = append([]string{"busy_timeout(10000)"}, pragmas...)
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", filepath.Base(path), err)
	}
	return db, nil
}

// openSQLiteToRead opens a pool that only reads, and connects. To read, SQLite makes a
// log and an index of it beside the file. Where it cannot (the disk is full, or must not
// be written to) and no log is there, no hub is at work either, and the file alone is read.
func openSQLiteToRead(ctx context.Context, path string, pragmas ...string) (*sql.DB, error) {
	// SQLite says no more than that it cannot open it. The file is not opened for
	// this: to close it would end SQLite's locks on it in this process.
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS); errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("store: open the database %s: %w; run this as the account that the hub runs as", path, err)
	}
	db, err := openSQLitePool(path, pragmas...)
	if err != nil {
		return nil, err
	}
	look := func() error {
		if err := each(ctx, sqlitePool{db}, func(scanner) error { return nil }, `SELECT 1 FROM sqlite_schema LIMIT 1`); err != nil {
			_ = db.Close()
			return fmt.Errorf("store: open the database %s: %w", path, err)
		}
		return nil
	}
	err = look()
	if err == nil {
		return db, nil
	}
	if !cannotWrite(err) || !isEmpty(path+"-wal") {
		return nil, err
	}
	if db, err = openSQLiteAs(path, pragmas, url.Values{"mode": {"ro"}, "immutable": {"1"}}); err != nil {
		return nil, err
	}
	return db, look()
}

// cannotWrite reports whether SQLite failed to make or to write a file.
func cannotWrite(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && slices.Contains([]int{sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}, e.Code()&0xff)
}

// isEmpty reports whether there is nothing in a file, or no file.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

// checkSQLite opens the first connection and refuses a library with a known
// corruption bug.
func checkSQLite(ctx context.Context, db *sql.DB, path string) error {
	v, err := sqliteVersion(ctx, sqlitePool{db})
	if err != nil {
		return fmt.Errorf("store: open the database %s: %w", path, err)
	}
	if compareVersions(v, minSQLite) < 0 {
		return fmt.Errorf("store: SQLite %s can corrupt a database; at least %s is needed", v, minSQLite)
	}
	return nil
}

func sqliteVersion(ctx context.Context, q querier) (string, error) {
	return one(ctx, q, "version", scanText, "SELECT sqlite_version()")
}

func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if d := versionPart(as, i) - versionPart(bs, i); d != 0 {
			return d
		}
	}
	return 0
}

func versionPart(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[i])
	return n
}

// createPrivate makes an empty file that only this account may read, unless it
// is there.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return f.Close()
}

// ErrRunning refuses a database that another process has locked.
var ErrRunning = errors.New("another hub is running")

// lockDatabase takes the exclusive lock that says which process owns the database at
// path.
func lockDatabase(path string) (*os.File, error) {
	path = realPath(path)
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("store: the folder %s does not exist", filepath.Dir(path))
		}
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("store: %w on %s, or a command is at work there; stop it, or give this one its own HUB_DATA_DIR",
			ErrRunning, filepath.Dir(path))
	}
	return f, nil
}

// sqlitePool is the pool of reading connections.
type sqlitePool struct{ db *sql.DB }

func (p sqlitePool) query(ctx context.Context, text string, args ...any) (rows, error) {
	storable(args)
	return p.db.QueryContext(ctx, text, args...) //nolint:rowserrcheck // by each
}

func (p sqlitePool) snapshot(ctx context.Context, read func(querier) error) error {
	tx, err := p.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("store: snapshot: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // read only: nothing to keep
	return read(sqliteSnapshot{tx})
}

func (p sqlitePool) ping(ctx context.Context) error { return p.db.PingContext(ctx) }

func (p sqlitePool) close() error { return p.db.Close() }

// sqliteSnapshot reads what was committed when it began.
type sqliteSnapshot struct{ tx *sql.Tx }

func (s sqliteSnapshot) query(ctx context.Context, text string, args ...any) (rows, error) {
	storable(args)
	return s.tx.QueryContext(ctx, text, args...) //nolint:rowserrcheck // by each
}

// sqliteConn implements writeConn. It keeps every statement prepared for the
// life of its connection. No caller's context reaches the connection: an
// interrupt would roll back the others' work.
//
// What returns no rows goes to the driver itself: database/sql costs a tenth of such
// a statement.
type sqliteConn struct {
	db      *sql.DB
	now     func() time.Time
	log     *slog.Logger
	conn    *sql.Conn            // nil: to be opened
	queries map[string]*sql.Stmt // by text
	changes map[string]driver.StmtExecContext
	args    []driver.NamedValue // those of the change under way
	path    string
	// wal is the log that the connection has open. While it has, SQLite itself neither
	// removes nor replaces it. nil: not known.
	wal atomic.Pointer[os.FileInfo]
}

// connect opens the connection afresh.
func (s *sqliteConn) connect() error {
	s.disconnect()
	conn, err := s.db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("store: connect: %w", err)
	}
	s.conn, s.queries, s.changes = conn, make(map[string]*sql.Stmt), make(map[string]driver.StmtExecContext)
	if wal, err := os.Stat(s.path + "-wal"); err == nil {
		s.wal.Store(&wal)
	}
	return nil
}

func (s *sqliteConn) disconnect() {
	if s.conn == nil {
		return
	}
	s.wal.Store(nil)
	for _, stmt := range s.queries {
		_ = stmt.Close()
	}
	_ = s.conn.Raw(func(any) error {
		for _, stmt := range s.changes {
			if c, ok := stmt.(driver.Stmt); ok {
				_ = c.Close()
			}
		}
		return driver.ErrBadConn // one that may hold a broken transaction is not to be reused
	})
	_ = s.conn.Close()
	s.conn = nil
}

func (s *sqliteConn) begin() (now time.Time, seq int64, err error) {
	if s.conn == nil {
		if err := s.connect(); err != nil {
			return now, 0, err
		}
	}
	if _, err := s.exec("BEGIN IMMEDIATE"); err != nil {
		s.rollback()
		return now, 0, err
	}
	found, err := s.query(lastEventQuery)
	if err == nil {
		seq, err = scanOnly[int64](found)
	}
	if err != nil {
		s.rollback()
		return now, 0, err
	}
	return s.now().UTC().Truncate(time.Microsecond), seq, nil
}

func (s *sqliteConn) commit() error {
	if _, err := s.exec("COMMIT"); err != nil {
		s.rollback()
		return err
	}
	return nil
}

// rollback rolls back, and gives the connection up when that does not work:
// SQLite may have rolled back by itself, or be beyond use.
func (s *sqliteConn) rollback() {
	if _, err := s.exec("ROLLBACK"); err != nil {
		s.log.Debug("database connection reopened after a failed rollback", "error", err)
		s.disconnect()
	}
}

// errNoConnection answers statements after a rollback that failed.
var errNoConnection = errors.New("store: no connection")

func (s *sqliteConn) exec(text string, args ...any) (n int64, err error) {
	storable(args)
	if s.conn == nil {
		return 0, errNoConnection
	}
	if err := s.take(args); err != nil {
		return 0, err
	}
	err = s.conn.Raw(func(conn any) (err error) {
		// Of a panic database/sql would conclude that the connection is broken, and close
		// it with our statements on it.
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("store: panic in the driver: %v", p)
			}
		}()
		stmt, ok := s.changes[text]
		if !ok {
			if stmt, err = prepareChange(conn, text); err != nil {
				return err
			}
			s.changes[text] = stmt
		}
		result, err := stmt.ExecContext(context.Background(), s.args)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	clear(s.args)
	return n, err
}

func prepareChange(conn any, text string) (driver.StmtExecContext, error) {
	c, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("store: prepare: %T cannot", conn)
	}
	stmt, err := c.PrepareContext(context.Background(), positional(text))
	if err != nil {
		return nil, fmt.Errorf("store: prepare: %w", err)
	}
	change, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return nil, fmt.Errorf("store: prepare: %T cannot", stmt)
	}
	return change, nil
}

// take puts arguments into args, as values that the driver knows.
func (s *sqliteConn) take(args []any) error {
	s.args = s.args[:0]
	for i, a := range args {
		var v driver.Value
		switch a := a.(type) {
		case nil, string, int64, []byte:
			v = a
		case int:
			v = int64(a)
		default:
			var err error
			if v, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return fmt.Errorf("store: argument %d: %w", i+1, err)
			}
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return nil
}

// positional writes ? for $1, $2 and so on, where each is there once and they are in
// order: the driver asks SQLite for the name of every other parameter, each time.
func positional(text string) string {
	n := 0
	inOrder := true
	out := parameter.ReplaceAllStringFunc(text, func(name string) string {
		n++
		inOrder = inOrder && name == "$"+strconv.Itoa(n)
		return "?"
	})
	if !inOrder {
		return text
	}
	return out
}

var parameter = regexp.MustCompile(`\$[0-9]+`)

// later runs the statement at once: there is no trip to save.
func (s *sqliteConn) later(text string, args ...any) error {
	_, err := s.exec(text, args...)
	return err
}

func (s *sqliteConn) query(text string, args ...any) (rows, error) {
	storable(args)
	if s.conn == nil {
		return nil, errNoConnection
	}
	stmt, ok := s.queries[text]
	if !ok {
		var err error
		if stmt, err = s.conn.PrepareContext(context.Background(), positional(text)); err != nil {
			return nil, fmt.Errorf("store: prepare: %w", err)
		}
		s.queries[text] = stmt
	}
	return stmt.QueryContext(context.Background(), args...) //nolint:rowserrcheck // by each
}

func (s *sqliteConn) close() error {
	s.disconnect()
	return s.db.Close()
}

func (s *sqliteConn) refusal(err error) error {
	if _, ok := errors.AsType[*hub.Error](err); ok {
		return err
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch code := e.Code(); {
	case code&0xff == sqlite3.SQLITE_FULL:
		return hub.Wrap(hub.StorageFull, err, "The hub's disk is full; nothing was stored.")
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return hub.Wrap(hub.Conflict, err, "Something with this name or id exists already.")
	case code&0xff == sqlite3.SQLITE_IOERR, code&0xff == sqlite3.SQLITE_BUSY, code&0xff == sqlite3.SQLITE_READONLY,
		code&0xff == sqlite3.SQLITE_CANTOPEN:
		return hub.Wrap(hub.Unavailable, err, "The hub's database cannot be written now; nothing was stored.")
	}
	return err
}
