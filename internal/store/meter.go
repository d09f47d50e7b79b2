package store

import (
	"context"
	"time"
)

// Observer takes measurements, as the histograms of Prometheus do. It must be
// cheap and safe for concurrent use.
type Observer interface{ Observe(value float64) }

// Meters measure what the store does. Those that are nil are left out.
type Meters struct {
	// Turn is how many seconds a group of writes waits until it may begin: on
	// Postgres, for the other processes'.
	Turn Observer
	// Commit is how many seconds a group takes from when the writer takes it to its
	// commit; Turn is a part of it.
	Commit Observer
	// Group is how many writes shared the commit.
	Group Observer
	// Read is how many seconds a query takes, to its last row.
	Read Observer
}

func observe(o Observer, value float64) {
	if o != nil {
		o.Observe(value)
	}
}

func observeSince(o Observer, began time.Time) {
	if o != nil {
		o.Observe(time.Since(began).Seconds())
	}
}

// Figures are the state of the store at one moment.
type Figures struct {
	// Queued is how many writes wait for a group to take them.
	Queued int
	// InUse and Idle are the connections that read, MaxConns how many there may
	// be. The one that writes is none of them.
	InUse, Idle, MaxConns int
	// Failed counts the transactions that the database refused or lost as a
	// whole, and Reconnects the connections for writing that were made anew.
	Failed, Reconnects int64
	// ClockAhead is by how much the database's clock is ahead of this process's,
	// as measured last; 0 with the embedded database.
	ClockAhead time.Duration
}

// Figures returns the state of the store.
func (s *Store) Figures() Figures {
	f := Figures{Queued: len(s.w.queue), Failed: s.w.failed.Load()}
	f.InUse, f.Idle, f.MaxConns = s.readers.conns()
	if s.pg != nil {
		f.Reconnects = max(0, s.pg.connects.Load()-1)
		f.ClockAhead = s.pg.clock.Load().ahead
	}
	return f
}

func (p sqlitePool) conns() (inUse, idle, most int) {
	s := p.db.Stats()
	return s.InUse, s.Idle, s.MaxOpenConnections
}

func (p pgPool) conns() (inUse, idle, most int) {
	s := p.pool.Stat()
	return int(s.AcquiredConns()), int(s.IdleConns()), int(s.MaxConns())
}

// meteredPool measures the queries of a pool.
type meteredPool struct {
	pool
	read Observer
}

func (p meteredPool) query(ctx context.Context, text string, args ...any) (rows, error) {
	began := time.Now()
	found, err := p.pool.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return meteredRows{rows: found, began: began, read: p.read}, nil
}

// meteredRows end their measurement when they are closed.
type meteredRows struct {
	rows
	began time.Time
	read  Observer
}

// Close implements rows.
func (r meteredRows) Close() error {
	observeSince(r.read, r.began)
	return r.rows.Close()
}
