package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/fault"
)

// maxGroup is the number of values merged into one transaction at most. It
// bounds how long the first of them waits for the last.
const maxGroup = 256

// maxGroupRows is the number of rows from which on no further value is taken into
// a group: one event may have ten thousand deliveries.
const maxGroupRows = 20_000

// maxRefused is the number of values that may fail in a group before the
// remaining ones are run one by one.
const maxRefused = 4

// errClosed answers writes after Close.
var errClosed = hub.Errorf(hub.Unavailable, "The hub is stopping.")

// writeConn is the one connection of a process that writes, in the words of one
// database. It is used by one goroutine.
type writeConn interface {
	// begin opens a transaction that excludes every other writer of the
	// database, of this process or another. It returns the store's time and the
	// number of the last event. After an error no transaction is open.
	begin() (now time.Time, seq int64, err error)
	// commit makes the transaction durable. After an error nothing of it is.
	commit() error
	rollback()
	// exec runs a statement and returns how many rows it changed.
	exec(text string, args ...any) (int64, error)
	// later runs a statement before the next exec, query or commit, whose error
	// may be this one's.
	later(text string, args ...any) error
	query(text string, args ...any) (rows, error)
	// refusal turns what the database says into what a caller may be told.
	refusal(err error) error
	close() error
}

// writer owns that connection. Callers hand it values; it takes all that wait,
// runs them in one transaction, and answers them after COMMIT, so that one
// fsync serves many.
//
// When a value fails, the transaction is rolled back and run again without
// it; the failed one is then run alone, and its own error is its answer. So
// what is acknowledged is stored and what is refused is absent, exactly. No
// caller's context reaches the connection: an interrupt would roll back the
// others' work.
type writer struct {
	conn writeConn
	bulk bool // rows are better inserted many at a time
	// revision returns that of the subscriptions when the transaction began; nil:
	// nobody else changes them.
	revision func() int64
	log      *slog.Logger
	onEvents func()
	earOf    func(node string) string                     // see postgres.ears
	news     func(seq int64) (ears []string, text string) // see postgres.news
	onChange func()
	meters   Meters
	failed   atomic.Int64 // transactions, as a whole
	turn     turn

	mu     sync.RWMutex // held for reading while a value enters the queue
	closed bool
	queue  chan *write
	ended  chan struct{}
	// answers recycles the channels on which callers wait.
	answers sync.Pool

	// Owned by the goroutine of run.
	group []*write
	held  *write // what was met while the group was gathered, and runs next
}

// write is a value on its way: apply may be run again, after a rollback.
type write struct {
	apply func(*tx) error
	done  chan error // capacity 1
	rows  int        // it is known to insert, one row apart
	alone bool       // runs outside any transaction, by itself
	// err is what the value was refused with although its group went on.
	err error
}

func newWriter(c writeConn, o Options) *writer {
	return &writer{
		conn: c, log: o.Log, onEvents: o.OnEvents, onChange: o.OnChange, meters: o.Meters,
		queue: make(chan *write, 4*maxGroup), ended: make(chan struct{}), closed: true,
		answers: sync.Pool{New: func() any { return make(chan error, 1) }},
	}
}

// start runs the writer.
func (w *writer) start() {
	w.closed = false
	go w.run()
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
	return w.conn.close()
}

// write hands a value to the writer and waits for its fate. ctx is respected
// until the value is queued; after that the answer is awaited, because the
// value may already be stored.
func (s *Store) write(ctx context.Context, apply func(*tx) error) error {
	return s.writeRows(ctx, 0, apply)
}

// writeRouted is write for a value that publishes events.
func (s *Store) writeRouted(ctx context.Context, routings []hub.Routing, apply func(*tx) error) error {
	rows := 0
	for i := range routings {
		rows += len(routings[i].Deliveries)
	}
	return s.writeRows(ctx, rows, func(t *tx) error {
		if err := t.inForce(routings); err != nil {
			return err
		}
		return apply(t)
	})
}

// inForce refuses events that were matched with subscriptions which another
// process has changed since. (Of one process control sees to it, as well as it can: what
// changes a webhook returns when events are matched by the change.)
func (t *tx) inForce(routings []hub.Routing) error {
	for i := range routings {
		if e := routings[i].Event; t.bulk != nil && e.Revision < t.revision {
			return hub.ErrOutdated
		}
	}
	return nil
}

func (s *Store) writeRows(ctx context.Context, rows int, apply func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return hub.Wrap(hub.Unavailable, err, "The request was given up before anything was stored.")
	}
	v := &write{apply: apply, rows: rows, done: s.w.answers.Get().(chan error)}
	if err := s.w.enqueue(ctx, v); err != nil {
		return err
	}
	err := <-v.done
	s.w.answers.Put(v.done)
	return err
}

// change is write for what processes keep copies of: webhooks, channels,
// users, credentials, settings.
func (s *Store) change(ctx context.Context, apply func(*tx) error) error {
	return s.write(ctx, func(t *tx) error {
		err := apply(t)
		t.copied = t.copied || err == nil
		return err
	})
}

// changeRouted is change for a value that publishes events.
func (s *Store) changeRouted(ctx context.Context, routings []hub.Routing, apply func(*tx) error) error {
	return s.change(ctx, func(t *tx) error {
		if err := t.inForce(routings); err != nil {
			return err
		}
		return apply(t)
	})
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
	for v, ok := w.next(); ok; v, ok = w.next() {
		if v.alone {
			v.done <- (&tx{w: w, conn: w.conn}).apply(v.apply)
			continue
		}
		if len(w.group) > 1 {
			// Under load: who is about to hand over a value may do so first. One turn
			// makes groups so much larger that a delivery costs 13 % less CPU; more
			// turns cost what they save.
			runtime.Gosched()
		}
		w.group = append(w.group[:0], v)
		w.commit()
	}
}

// next waits for the first value of a group. It is false after close.
func (w *writer) next() (v *write, ok bool) {
	if v = w.held; v != nil {
		w.held = nil
		return v, true
	}
	v, ok = <-w.queue
	return v, ok
}

// gather adds to the group what waits by now, up to a value that is to run outside
// any transaction: that one comes next.
func (w *writer) gather() {
	rows := w.group[0].rows
	for len(w.group) < maxGroup && rows < maxGroupRows {
		select {
		case v, ok := <-w.queue:
			switch {
			case !ok:
				return
			case v.alone:
				w.held = v
				return
			}
			w.group = append(w.group, v)
			rows += v.rows
		default:
			return
		}
	}
}

// commit runs the group and answers every value in it. A value that fails is
// taken out and the rest run again; what failed is run by itself at the end,
// because its failure may have been another's doing.
func (w *writer) commit() {
	var alone []*write
	careful := false
	for first := true; len(w.group) > 0; first = false {
		failed, err := w.try(w.group, first, careful)
		if errors.Is(err, errAssumed) && !careful {
			careful = true
			continue
		}
		if err == nil {
			for _, v := range w.group {
				v.done <- v.err
			}
			break
		}
		if failed == notBegun || errors.Is(err, errFateUnknown) || len(w.group) == 1 {
			// To run them one by one would wait as often for what does not answer, do
			// again what may be done, or be the same again.
			for _, v := range w.group {
				v.done <- err
			}
			break
		}
		if failed < 0 || len(alone) == maxRefused {
			alone = append(alone, w.group...)
			break
		}
		alone = append(alone, w.group[failed])
		w.group = slices.Delete(w.group, failed, failed+1)
	}
	for _, v := range alone {
		w.single(v)
	}
}

// single runs a value by itself and answers it.
func (w *writer) single(v *write) {
	_, err := w.try([]*write{v}, false, true)
	if err == nil {
		err = v.err
	}
	v.done <- err
}

// notBegun is what try returns of a transaction that could not be begun.
const notBegun = -2

// errFateUnknown marks a commit of which nobody can tell whether it took effect.
var errFateUnknown = errors.New("store: the fate of the commit is not known")

// errAssumed fails a transaction some value of which took for granted, to spare a
// trip, what turned out not to be so. It is run again by careful values.
var errAssumed = errors.New("store: an assumption did not hold")

// try runs the values in one transaction; gather asks to add to them first what
// came while it was begun (on Postgres a quarter of the time, or another process's
// turn), careful to assume nothing (errAssumed). It returns the index of the value that failed, -1 when the transaction
// itself did, or notBegun.
func (w *writer) try(group []*write, gather, careful bool) (failed int, err error) {
	began := time.Now()
	defer func() {
		switch {
		case err == nil:
			observeSince(w.meters.Commit, began)
			observe(w.meters.Group, float64(len(group)))
		case failed < 0 && (careful || !errors.Is(err, errAssumed)):
			w.failed.Add(1)
		}
	}()
	t := &tx{w: w, conn: w.conn, careful: careful}
	if w.bulk {
		t.bulk = &bulk{}
	}
	var seq int64
	w.turn.wanted()
	if t.now, seq, err = w.conn.begin(); err != nil {
		err = w.conn.refusal(err)
	}
	w.turn.over(err)
	if gather {
		w.gather()
		group = w.group
	}
	if err != nil {
		return notBegun, err
	}
	observeSince(w.meters.Turn, began)
	t.seq, t.nowText = seq, at(t.now).text()
	if w.revision != nil {
		t.revision = w.revision()
	}
	for i, v := range group {
		t.changed = 0
		v.err = t.apply(v.apply)
		if v.err != nil && (t.changed > 0 || !isRefusal(v.err)) {
			w.conn.rollback()
			return i, w.conn.refusal(v.err)
		}
	}
	if t.seq != seq && t.bulk != nil && !careful { // that they can be told is an assumption, too
		t.bulk.tell(w.news(t.seq))
	}
	if err := t.flush(); err != nil {
		w.conn.rollback()
		return -1, w.conn.refusal(err)
	}
	fault.Point(fault.CommitBefore)
	if err := w.conn.commit(); err != nil {
		return -1, w.conn.refusal(err)
	}
	fault.Point(fault.CommitAfter)
	if t.seq != seq && w.onEvents != nil {
		w.onEvents()
	}
	if t.copied && w.onChange != nil {
		w.onChange()
	}
	return 0, nil
}

// tx is the writer's transaction as a value sees it.
type tx struct {
	conn     writeConn
	bulk     *bulk // nil: rows are inserted one by one
	w        *writer
	now      time.Time // one time for everything in the group
	nowText  string    // as it is stored in SQLite
	seq      int64
	revision int64 // of the subscriptions in force
	counters map[counterKey]int
	changed  int64 // rows, by the present value
	careful  bool  // values are to assume nothing
	copied   bool  // something changed that processes keep copies of
	// disturbed: finished deliveries were changed or removed.
	disturbed bool
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

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	err := t.settle(text)
	var n int64
	if err == nil {
		n, err = t.conn.exec(text, args...)
	}
	if err != nil {
		return 0, fmt.Errorf("store: write: %w", err)
	}
	t.changed += n
	return n, nil
}

// later runs a statement whose answer nobody waits for, some time before the
// next that is waited for: many of them cost one trip to the database.
func (t *tx) later(text string, args ...any) error {
	if err := t.settle(text); err != nil {
		return fmt.Errorf("store: write: %w", err)
	}
	return t.aside(text, args...)
}

// aside is later for a statement that is about none of the rows which the
// transaction inserts, so that they can go on waiting for more.
func (t *tx) aside(text string, args ...any) error {
	if err := t.conn.later(text, args...); err != nil {
		return fmt.Errorf("store: write: %w", err)
	}
	t.changed++ // perhaps none; it only decides whether to roll back
	return nil
}

// query implements querier on the transaction; ctx is not passed on, because
// one caller's leaving must not undo the others' work.
func (t *tx) query(_ context.Context, text string, args ...any) (rows, error) {
	if err := t.settle(text); err != nil {
		return nil, err
	}
	return t.conn.query(text, args...)
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
