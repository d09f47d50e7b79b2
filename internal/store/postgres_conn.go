package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/nself-chat/hub"
)

const (
	// transactionTime bounds a group, the wait for another process's included.
	// It is longer than idleTime, after which a process that hangs gives way, and
	// not much: who waits for longer waits on a connection that leads nowhere.
	transactionTime = 6 * time.Second
	// idleTime is after how long the server gives up a transaction whose
	// process does nothing, stopped or cut off, and lets the others on.
	idleTime = 3 * time.Second
	// reconnectTime is how long a group waits for a database that went away.
	// Every value can be run again, so until then nobody hears of it.
	reconnectTime = 3 * time.Second
	reconnectGap  = 50 * time.Millisecond
	// fateTime is how long a commit whose answer was lost is asked about.
	fateTime = 10 * time.Second
	// plansKept is for how long the writer's statements follow the plans that the server
	// made for them. By itself it makes them anew when a table was analyzed or altered: what
	// it planned while it knew the coming week's partition to be empty would have each
	// statement read that partition from end to end until then, with the week well under way.
	plansKept = 10 * time.Second
)

// errEnded is a transaction that Postgres rolled back although it was asked to
// commit.
var errEnded = errors.New("store: the transaction had been ended by an error")

// pgConn implements writeConn. One writer at a time works on the database,
// whichever process it belongs to: every transaction begins by taking the same
// advisory lock. So what holds for the embedded database holds here (events
// are numbered in the order of their commits, what a transaction read stays
// true until its end), and the lock is held only for the time of one group.
type pgConn struct {
	p      *postgres
	config *pgx.ConnConfig
	log    *slog.Logger

	conn   *pgx.Conn // nil or closed: to be opened
	queued *pgx.Batch
	ctx    context.Context // of the transaction
	cancel context.CancelFunc
	xid    string // of the transaction, to ask for its fate
	// revision is that of the subscriptions when the transaction began.
	revision int64
	node     string // as which the transaction began, and when by the database's clock: its mark
	began    time.Time
	down     time.Time // since when the database has not answered; zero: it does
	planned  time.Time // since when the connection keeps plans
}

func newPgConn(p *postgres, config *pgx.ConnConfig, log *slog.Logger) *pgConn {
	set := config.RuntimeParams
	set["idle_in_transaction_session_timeout"] = fmt.Sprint(idleTime.Milliseconds())
	set["statement_timeout"] = fmt.Sprint(transactionTime.Milliseconds())
	// Every statement of the writer is served by an index. The planner is not
	// to guess otherwise from statistics of tables that grow by thousands of
	// rows between two of its looks.
	set["enable_seqscan"], set["enable_hashjoin"], set["enable_mergejoin"] = "off", "off", "off"
	set["plan_cache_mode"] = "auto"
	return &pgConn{p: p, config: config, log: log, queued: &pgx.Batch{}}
}

func (s *pgConn) connect() error {
	s.disconnect()
	ctx, cancel := context.WithTimeout(context.Background(), s.config.ConnectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		return err
	}
	takeArrays(conn)
	s.conn, s.planned = conn, time.Now()
	s.p.connects.Add(1)
	return nil
}

func (s *pgConn) disconnect() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
	s.conn = nil
}

// begin opens the transaction. A database that is away is waited for, for a
// bounded time since it left.
func (s *pgConn) begin() (now time.Time, seq int64, err error) {
	for {
		now, seq, err = s.tryBegin()
		if err == nil || !isLost(err) {
			s.down = time.Time{}
			return now, seq, err
		}
		if isCode(err, codeReadOnly) {
			s.disconnect() // a standby now; another host of the URL may be the primary
		}
		if s.down.IsZero() {
			s.down = time.Now()
			s.p.pool.Reset() // the readers' connections lead nowhere either
			s.log.Warn("the database went away; writes wait for it", "error", err)
		}
		if time.Since(s.down) > reconnectTime {
			return now, 0, err
		}
		time.Sleep(reconnectGap)
	}
}

const beginQuery = `WITH own AS (UPDATE nchat_nodes SET wrote_at = clock_timestamp() WHERE id = $1 RETURNING wrote_at)
	SELECT coalesce((SELECT wrote_at FROM own), clock_timestamp()), (SELECT coalesce(max(seq), 0) FROM nchat_events),
		pg_current_xact_id()::text, $1 = '' OR EXISTS (SELECT 1 FROM own),
		(SELECT coalesce(max(revision), 0) FROM nchat_outgoing_webhook_revisions)`

func (s *pgConn) tryBegin() (now time.Time, seq int64, err error) {
	if s.conn == nil || s.conn.IsClosed() {
		if err := s.connect(); err != nil {
			return now, 0, err
		}
	}
	s.ctx, s.cancel = context.WithTimeout(context.Background(), transactionTime)
	s.queued = &pgx.Batch{}
	b := &pgx.Batch{}
	b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED") // whatever the database's default is
	if time.Since(s.planned) > plansKept {
		b.Queue("DISCARD PLANS")
		s.planned = time.Now()
	}
	b.Queue("SELECT pg_advisory_xact_lock($1)", s.p.lockID("write"))
	s.node = s.p.nodeID()
	b.Queue(beginQuery, s.node)
	answers := s.conn.SendBatch(s.ctx, b)
	for i := 0; err == nil && i < b.Len()-1; i++ {
		_, err = answers.Exec()
	}
	member := false
	if err == nil {
		err = answers.QueryRow().Scan(&now, &seq, &s.xid, &member, &s.revision)
	}
	if err = errors.Join(err, answers.Close()); err != nil {
		s.rollback()
		return now, 0, err
	}
	if !member {
		s.rollback()
		return now, 0, hub.ErrFenced
	}
	s.began = now
	return now.UTC(), seq, nil
}

// commit ends the transaction. When its answer is lost, the database is asked
// what became of it, so that what is acknowledged is stored and what is refused
// is absent even then.
func (s *pgConn) commit() error {
	defer s.cancel()
	s.queued.Queue("COMMIT")
	err := s.send(func(answers pgx.BatchResults) error {
		tag, err := answers.Exec()
		if err == nil && tag.String() != "COMMIT" {
			err = errEnded
		}
		return errors.Join(err, answers.Close())
	})
	if err == nil {
		return nil
	}
	if !isLost(err) {
		s.rollback()
		return err
	}
	s.disconnect()
	return s.fate(err)
}

// fate asks what became of the last transaction.
func (s *pgConn) fate(lost error) error {
	for began := time.Now(); time.Since(began) < fateTime; time.Sleep(reconnectGap) {
		if s.conn == nil || s.conn.IsClosed() {
			if err := s.connect(); err != nil {
				continue
			}
		}
		status, err := s.status()
		switch {
		case err != nil || status == "in progress":
			continue
		case status == "aborted":
			return lost
		case status == "committed":
			s.log.Warn("the database went away during a commit, which took effect", "error", lost)
			return nil
		}
		break
	}
	if s.node != "" && s.p.nodeID() == s.node {
		s.p.giveUp(s.node)
	}
	// The code is for those who repeat without harm: outcomes, notices, whoever has a
	// key in the commit. hub.ErrInDoubt is for the others.
	return hub.Wrap(hub.Unavailable, errors.Join(hub.ErrInDoubt, errFateUnknown, lost),
		"The database went away in the middle of a commit; whether it took effect is not known.")
}

// status returns "in progress", "aborted", "committed", or "" when nobody can
// tell. A transaction's number alone does not: a server that crashed before any
// of it was on the disk gives the number to another one. So what is said to be
// committed must have left its mark, too.
func (s *pgConn) status() (status string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.ConnectTimeout)
	defer cancel()
	err = s.conn.QueryRow(ctx, `SELECT coalesce(pg_xact_status($1::text::xid8), '')`, s.xid).Scan(&status)
	if isCode(err, codeInvalidValue) && s.recovered(ctx) {
		return "aborted", nil // a number that the server has not given out: the crash took it back
	}
	if err != nil || status != "committed" {
		return status, err
	}
	var own *bool
	err = s.conn.QueryRow(ctx, `SELECT (SELECT wrote_at IS NOT DISTINCT FROM $2 FROM nchat_nodes WHERE id = $1)`, s.node, s.began).Scan(&own)
	switch {
	case err != nil || own == nil: // no member, or not any more
		return "", err
	case !*own:
		return "aborted", nil
	}
	return status, nil
}

// recovered reports whether the server is a primary that has read all of its log.
func (s *pgConn) recovered(ctx context.Context) bool {
	recovering := true
	err := s.conn.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering)
	return err == nil && !recovering
}

func (s *pgConn) rollback() {
	s.queued = &pgx.Batch{}
	if s.conn != nil && !s.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
			s.log.Debug("database connection reopened after a failed rollback", "error", err)
			s.disconnect()
		}
	}
	if s.cancel != nil {
		s.cancel()
	}
}

// send sends what is queued in one trip. last reads the answer of the last
// statement, and must close it.
func (s *pgConn) send(last func(pgx.BatchResults) error) (err error) {
	b := s.queued
	s.queued = &pgx.Batch{}
	if s.conn == nil {
		return errors.New("store: conn closed")
	}
	answers := s.conn.SendBatch(s.ctx, b)
	for range b.Len() - 1 {
		if _, err := answers.Exec(); err != nil {
			return errors.Join(err, ignore(answers.Close()))
		}
	}
	return last(answers)
}

// ignore drops an error that repeats one known already.
func ignore(error) error { return nil }

func (s *pgConn) exec(text string, args ...any) (n int64, err error) {
	s.queued.Queue(text, pgArgs(args)...)
	err = s.send(func(answers pgx.BatchResults) error {
		var tag pgconn.CommandTag
		tag, err := answers.Exec()
		n = tag.RowsAffected()
		return errors.Join(err, answers.Close())
	})
	return n, err
}

func (s *pgConn) later(text string, args ...any) error {
	s.queued.Queue(text, pgArgs(args)...)
	return nil
}

func (s *pgConn) query(text string, args ...any) (found rows, err error) {
	s.queued.Queue(text, pgArgs(args)...)
	err = s.send(func(answers pgx.BatchResults) error {
		r, err := answers.Query()
		if err != nil {
			return errors.Join(err, ignore(answers.Close()))
		}
		found = pgRows{Rows: r, done: answers.Close, raw: true}
		return nil
	})
	return found, err
}

func (s *pgConn) close() error {
	s.disconnect()
	return nil
}

func (s *pgConn) refusal(err error) error { return pgRefusal(err) }
