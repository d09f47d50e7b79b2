package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the "sqlite" driver

	"github.com/nself-chat/hub"
)

// minSQLite is the first release without the WAL-reset corruption bug.
const minSQLite = "3.51.3"

// Options configure a Store.
type Options struct {
	// Path is the database file; its folder must exist.
	Path string
	// Synchronous is FULL (a commit survives a power cut) or NORMAL (it
	// survives a crash of the process). Empty: FULL.
	Synchronous string
	// Shared opens a database that a running hub owns, for a command line
	// that looks at it or adds a row: no lock is taken, no migration run.
	Shared bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log receives what the writer has to say; nil: slog.Default().
	Log *slog.Logger
	// OnEvents is called after a commit that added events, with the number of
	// the last one. It must not block. May be nil.
	OnEvents func(seq int64)
	// MaxPages limits the database's size in pages; 0: no limit.
	MaxPages int
}

// Store is the hub's database. It is safe for concurrent use.
type Store struct {
	readers *sql.DB
	w       *writer
	now     func() time.Time
	lock    *os.File
	path    string
}

// Open opens the database at o.Path, creates it when absent, takes the
// folder's lock and migrates the schema. Close must be called.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Synchronous == "" {
		o.Synchronous = "FULL"
	}
	s := &Store{now: o.Now, path: o.Path}
	ok := false
	defer func() {
		if !ok {
			_ = s.Close()
		}
	}()
	if !o.Shared {
		lock, err := lockFile(o.Path + ".lock")
		if err != nil {
			return nil, err
		}
		s.lock = lock
		// Only the hub's own account may read what is in it; SQLite gives the
		// files beside it the same mode.
		if err := createPrivate(o.Path); err != nil {
			return nil, err
		}
	}
	writeDB, err := openDB(o.Path, "auto_vacuum(incremental)", "journal_mode(wal)", "synchronous("+o.Synchronous+")",
		"cache_size(-16000)", "journal_size_limit(67108864)", "max_page_count("+strconv.Itoa(maxPages(o.MaxPages))+")")
	if err != nil {
		return nil, err
	}
	writeDB.SetMaxOpenConns(1)
	s.w = newWriter(writeDB, o)
	if s.readers, err = openDB(o.Path, "query_only(1)", "cache_size(-4000)"); err != nil {
		return nil, err
	}
	s.readers.SetMaxOpenConns(max(4, 2*runtime.GOMAXPROCS(0)))
	s.readers.SetMaxIdleConns(4)
	if err := s.check(ctx, writeDB); err != nil {
		return nil, err
	}
	if !o.Shared {
		if err := migrate(ctx, writeDB, o.Path); err != nil {
			return nil, err
		}
	}
	if err := s.w.start(ctx); err != nil {
		return nil, err
	}
	ok = true
	return s, nil
}

func maxPages(n int) int {
	if n == 0 {
		return 4294967294 // SQLite's own limit
	}
	return n
}

// openDB opens a pool whose connections run the pragmas in order.
func openDB(path string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", filepath.Base(path), err)
	}
	return db, nil
}

// check opens the first connection and refuses a library with a known
// corruption bug.
func (s *Store) check(ctx context.Context, db *sql.DB) error {
	v, err := sqliteVersion(ctx, db)
	if err != nil {
		return fmt.Errorf("store: open the database %s: %w", s.path, err)
	}
	if compareVersions(v, minSQLite) < 0 {
		return fmt.Errorf("store: SQLite %s can corrupt a database; at least %s is needed", v, minSQLite)
	}
	return nil
}

func sqliteVersion(ctx context.Context, db *sql.DB) (v string, err error) {
	err = db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&v)
	return v, err
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

// Close waits for the writes in hand, closes the database and releases the
// folder. Writes that arrive later are refused. It may be called again.
func (s *Store) Close() error {
	var errs []error
	if s.w != nil {
		errs = append(errs, s.w.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // releases the lock
		s.lock = nil
	}
	return errors.Join(errs...)
}

// Ping reports whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.readers.PingContext(ctx); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The database cannot be read.")
	}
	return nil
}

// Size returns the bytes in use by the database, free pages not counted.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var size int64
	err := s.readers.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&size)
	if err != nil {
		return 0, fmt.Errorf("store: size: %w", err)
	}
	return size, nil
}

// Now returns the store's clock: it decides dues and leases.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// createPrivate makes an empty file that only this account may read, unless it
// is there.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return f.Close()
}

// lockFile takes the exclusive lock that says which process owns the folder.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("store: the folder %s does not exist", filepath.Dir(path))
		}
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("store: another hub is running on %s; stop it, or give this one its own HUB_DATA_DIR",
			filepath.Dir(path))
	}
	return f, nil
}
