package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/nself-chat/hub"
)

// Options configure a Store.
type Options struct {
	// Path is the file of the embedded database; its folder must exist.
	Path string
	// Postgres is the URL of a Postgres database (libpq's form), instead of Path.
	Postgres string
	// Schema holds the hub's tables on Postgres; empty: "hub".
	Schema string
	// Synchronous is FULL (a commit survives a power cut) or NORMAL (it
	// survives a crash of the process). Empty: FULL. Postgres has a setting of
	// its own, synchronous_commit.
	Synchronous string
	// Shared opens a database that a running hub owns, for a command line
	// that looks at it or adds a row: no lock is taken, no migration run.
	Shared bool
	// Now is the clock; nil: time.Now. On Postgres the database's counts, and this
	// one is compared with it.
	Now func() time.Time
	// Log receives what the writer has to say; nil: slog.Default().
	Log *slog.Logger
	// OnEvents is called after a commit of this process that added events. It must
	// not block. May be nil.
	OnEvents func()
	// OnChange is called after a commit that changed what other processes keep
	// copies of. It must not block. May be nil.
	OnChange func()
	// Meters measure what the store does.
	Meters Meters
	// MaxPages limits the embedded database's size in pages; 0: no limit.
	MaxPages int

	copying bool // it is the target of Copy, which alone may open half a copy
}

// Store is the hub's database. It is safe for concurrent use.
type Store struct {
	readers pool
	w       *writer
	now     func() time.Time
	lock    *os.File     // of the embedded database's folder
	place   *sqlitePlace // of the embedded database
	pg      *postgres    // nil: the embedded database
}

// pool is the connections that read. Each query sees the last commit.
type pool interface {
	querier
	// snapshot lets read see the database as of one moment.
	snapshot(ctx context.Context, read func(querier) error) error
	ping(ctx context.Context) error
	// conns counts its connections.
	conns() (inUse, idle, most int)
	close() error
}

// Open opens the database that o names, creates what is absent, and migrates
// the schema. Close must be called.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Synchronous == "" {
		o.Synchronous = "FULL"
	}
	s := &Store{now: o.Now}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	open := s.openSQLite
	if o.Postgres != "" {
		open = s.openPostgres
	}
	if err := open(ctx, o); err != nil {
		return nil, err
	}
	if o.Meters.Read != nil {
		s.readers = meteredPool{pool: s.readers, read: o.Meters.Read}
	}
	if !o.copying {
		if err := s.refuseHalfCopy(ctx); err != nil {
			return nil, err
		}
	}
	s.w.start()
	return s, nil
}

// Close waits for the writes in hand, closes the database and releases the
// folder. Writes that arrive later are refused. It may be called again.
func (s *Store) Close() error {
	var errs []error
	if s.w != nil {
		errs = append(errs, s.w.close())
	}
	if s.pg != nil {
		s.pg.pulse.close()
	}
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // releases the lock
		s.lock = nil
	}
	return errors.Join(errs...)
}

// Ping reports whether the database can be read, and written as far as it says
// so itself.
func (s *Store) Ping(ctx context.Context) error {
	err := s.readers.ping(ctx)
	if _, said := errors.AsType[*hub.Error](err); said {
		return err
	}
	if err != nil {
		return hub.Wrap(hub.Unavailable, err, "The database cannot be read.")
	}
	return nil
}

// Now returns the store's clock: it decides dues and leases.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// cores is how many cores the process may use. (More goroutines than that may run.)
func cores() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) }
