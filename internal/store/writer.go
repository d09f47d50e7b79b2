package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/fault"
)

// maxGroup is the number of values merged into one transaction at most. It
// bounds how long the first of them waits for the last.
const maxGroup = 256

// maxRefused is the number of values that may fail in a group before the
// remaining ones are run one by one.
const maxRefused = 4

// errClosed answers writes after Close.
var errClosed = hub.Errorf(hub.Unavailable, "The hub is stopping.")

// writer owns the only connection that writes. Callers hand it values; it
// takes all that wait, runs them in one transaction, and answers them after
// COMMIT, so that one fsync serves many.
//
// When a value fails, the transaction is rolled back and run again without
// it; the failed one is then run alone, and its own error is its answer. So
// what is acknowledged is stored and what is refused is absent, exactly. No
// caller's context reaches the connection: an interrupt would roll back the
// others' work.
type writer struct {
	db       *sql.DB
	log      *slog.Logger
	now      func() time.Time
	onEvents func(int64)

	mu     sync.RWMutex // held for reading while a value enters the queue
	closed bool
	queue  chan *write
	ended  chan struct{}
	// answers recycles the channels on which callers wait.
	answers sync.Pool

	// Owned by the goroutine of run.
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	seq   int64 // number of the last committed event
	group []*write
}

// write is a value on its way: apply may be run again, after a rollback.
type write struct {
	apply func(*tx) error
	done  chan error // capacity 1
	alone bool       // runs outside any transaction, by itself
	// err is what the value was refused with although its group went on.
	err error
}

func newWriter(db *sql.DB, o Options) *writer {
	return &writer{
		db: db, log: o.Log, now: o.Now, onEvents: o.OnEvents,
		queue: make(chan *write, 4*maxGroup), ended: make(chan struct{}), closed: true,
		answers: sync.Pool{New: func() any { return make(chan error, 1) }},
	}
}

// start opens the connection and runs the writer.
func (w *writer) start(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	w.closed = false
	go w.run()
	return nil
}

func (w *writer) close() error {
	w.mu.Lock()
	started := !w.closed
	if started {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	if started {
		<-w.ended
	}
	return w.db.Close()
}

// connect opens the writer's connection afresh and reads where the event
// log stands.
func (w *writer) connect(ctx context.Context) error {
	w.disconnect()
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: connect: %w", err)
	}
	w.conn, w.stmts = conn, make(map[string]*sql.Stmt)
	err = conn.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM nchat_events`).Scan(&w.seq)
	if err != nil {
		return fmt.Errorf("store: read the event log: %w", err)
	}
	return nil
}

func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	for _, s := range w.stmts {
		_ = s.Close()
	}
	// A connection that may hold a broken transaction is not to be reused.
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = w.conn.Close()
	w.conn = nil
}

// write hands a value to the writer and waits for its fate. ctx is respected
// until the value is queued; after that the answer is awaited, because the
// value may already be stored.
func (s *Store) write(ctx context.Context, apply func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The request was given up before anything was stored.")
	}
	v := &write{apply: apply, done: s.w.answers.Get().(chan error)}
	if err := s.w.enqueue(ctx, v); err != nil {
		return err
	}
	err := <-v.done
	s.w.answers.Put(v.done)
	return err
}

func (w *writer) enqueue(ctx context.Context, v *write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- v:
		return nil
	case <-ctx.Done():
		return hub.Wrap(hub.Unavailable, ctx.Err(), "The request was given up before anything was stored.")
	}
}

func (w *writer) run() {
	defer close(w.ended)
	defer w.disconnect()
	for v := range w.queue {
		w.group = append(w.group[:0], v)
		for len(w.group) < maxGroup {
			select {
			case v, ok := <-w.queue:
				if ok {
					w.group = append(w.group, v)
					continue
				}
			default:
			}
			break
		}
		w.commit(w.group)
	}
}

// commit runs the group and answers every value in it. A value that fails is
// taken out and the rest run again; what failed is run by itself at the end,
// because its failure may have been another's doing.
func (w *writer) commit(group []*write) {
	group = w.maintenance(group)
	if len(group) == 1 {
		w.single(group[0])
		return
	}
	var alone []*write
	for len(group) > 0 {
		failed, err := w.try(group)
		if err == nil {
			for _, v := range group {
				v.done <- v.err
			}
			break
		}
		if failed < 0 || len(alone) == maxRefused {
			alone = append(alone, group...)
			break
		}
		alone = append(alone, group[failed])
		group = slices.Delete(group, failed, failed+1)
	}
	for _, v := range alone {
		w.single(v)
	}
}

// single runs a value by itself and answers it.
func (w *writer) single(v *write) {
	_, err := w.try([]*write{v})
	if err == nil {
		err = v.err
	}
	v.done <- err
}

// maintenance runs the values that need to be outside a transaction, and
// returns the others.
func (w *writer) maintenance(group []*write) []*write {
	return slices.DeleteFunc(group, func(v *write) bool {
		if v.alone {
			var err error
			if w.conn == nil {
				err = w.connect(context.Background())
			}
			if err == nil {
				err = (&tx{w: w}).apply(v.apply)
			}
			v.done <- err
		}
		return v.alone
	})
}

// try runs the values in one transaction. It returns the index of the value
// that failed, or -1 when the transaction itself did.
func (w *writer) try(group []*write) (failed int, err error) {
	ctx := context.Background()
	if w.conn == nil {
		if err := w.connect(ctx); err != nil {
			return -1, refusal(err)
		}
	}
	t := &tx{w: w, now: w.now().UTC().Truncate(time.Microsecond), seq: w.seq}
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		w.rollback()
		return -1, refusal(err)
	}
	for i, v := range group {
		t.changed = 0
		v.err = t.apply(v.apply)
		if v.err != nil && (t.changed > 0 || !isRefusal(v.err)) {
			w.rollback()
			return i, refusal(v.err)
		}
	}
	if err := t.flushCounters(); err != nil {
		w.rollback()
		return -1, refusal(err)
	}
	fault.Point(fault.CommitBefore)
	if _, err := t.exec("COMMIT"); err != nil {
		w.rollback()
		return -1, refusal(err)
	}
	fault.Point(fault.CommitAfter)
	if t.seq != w.seq {
		w.seq = t.seq
		if w.onEvents != nil {
			w.onEvents(t.seq)
		}
	}
	return 0, nil
}

// rollback rolls back, and gives the connection up when that does not work:
// SQLite may have rolled back by itself, or be beyond use.
func (w *writer) rollback() {
	t := &tx{w: w}
	if _, err := t.exec("ROLLBACK"); err != nil {
		w.log.Debug("database connection reopened after a failed rollback", "error", err)
		w.disconnect()
	}
}

// tx is the writer's transaction as a value sees it.
type tx struct {
	w        *writer
	now      time.Time // one time for everything in the group
	seq      int64
	counters map[counterKey]int
	changed  int64 // rows, by the present value
}

// apply runs one value. A panic in it is an error of that value alone.
func (t *tx) apply(fn func(*tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.w.log.Error("panic in a write", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("store: panic in a write: %v", p)
		}
	}()
	return fn(t)
}

// stmt returns the prepared statement of the query, kept for the life of the
// connection.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if s, ok := t.w.stmts[query]; ok {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("store: prepare: %w", err)
	}
	t.w.stmts[query] = s
	return s, nil
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	s, err := t.stmt(query) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, fmt.Errorf("store: write: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("store: write: %w", err)
	}
	t.changed += n
	return n, nil
}

// QueryContext implements querier on the transaction; ctx is not passed on.
func (t *tx) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.stmt(query) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// isRefusal reports whether a value was refused by its own rules, rather than
// by the database: then the transaction is as sound as before.
func isRefusal(err error) bool {
	if _, ok := errors.AsType[*hub.RepeatedError](err); ok {
		return true
	}
	e, ok := errors.AsType[*hub.Error](err)
	return ok && e.Code != hub.Internal
}

// refusal turns what the database says into what a caller may be told. An
// error of package hub passes unchanged.
func refusal(err error) error {
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
