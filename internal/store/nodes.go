package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub"
)

// maxNodes is the number of slots for processes' ids (hub.IDs).
const maxNodes = 16

// Join makes this process a member under an id that was never used. All its
// later writes are refused once the others have removed it (hub.ErrFenced), so that
// a process that was stopped or cut off for a while cannot meddle. The embedded
// database has one process and no members; slot is 0 there.
//
// It does not go by way of the writer, whose transactions only a member may begin:
// what waits there under an earlier id must not slip through meanwhile.
func (s *Store) Join(ctx context.Context, id, name string) (slot int, err error) {
	if s.pg == nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	ear := "hub_" + strings.ToLower(rand.Text())
	err = pgx.BeginFunc(ctx, s.pg.pool, func(tx pgx.Tx) error {
		slot, err = s.pg.join(ctx, tx, id, name, ear)
		return err
	})
	if err != nil {
		return 0, pgRefusal(err)
	}
	s.pg.ear.Store(&ear)
	s.pg.setNode(id)
	return slot, nil
}

func (p *postgres) join(ctx context.Context, tx pgx.Tx, id, name, ear string) (slot int, err error) {
	// As for the writer: who stops in the middle does not keep the others waiting.
	_, err = tx.Exec(ctx, fmt.Sprintf(`SET LOCAL idle_in_transaction_session_timeout = %d`, idleTime.Milliseconds()))
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, p.lockID("write")); err != nil {
		return 0, err
	}
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return 0, err
	}
	if slot, err = freeSlot(ctx, tx); err != nil {
		return 0, err
	}
	if slot < 0 { // else the silent are for those to remove who were in touch
		_, err := tx.Exec(ctx, `DELETE FROM nchat_nodes WHERE beat_at < $1`, now.Add(-hub.DeadAfter))
		if err != nil {
			return 0, err
		}
		if slot, err = freeSlot(ctx, tx); err != nil {
			return 0, err
		}
	}
	if slot < 0 {
		return 0, hub.Errorf(hub.Conflict, "%d hubs work on this database already, which is the most there can be.", maxNodes)
	}
	_, err = tx.Exec(ctx, `INSERT INTO nchat_nodes (id, name, slot, started_at, beat_at, ear) VALUES ($1, $2, $3, $4, $4, $5)`,
		id, name, slot, now, ear)
	return slot, err
}

// freeSlot returns the lowest slot that no member has; -1: there is none.
func freeSlot(ctx context.Context, tx pgx.Tx) (slot int, err error) {
	err = tx.QueryRow(ctx, `SELECT coalesce(min(n), -1) FROM generate_series(0, $1::integer - 1) n
		WHERE n NOT IN (SELECT slot FROM nchat_nodes)`, maxNodes).Scan(&slot)
	return slot, err
}

// Beat says that this process is alive, and removes members that have been
// silent for hub.DeadAfter. When this process itself was removed, or gave up, it
// fails with hub.ErrFenced.
//
// Like Join it does not go by way of the writer, whose queue may be long, nor does
// it take the lock: a sign of life must not wait for work. Who is writing is not
// removed, for a member's transaction holds its row (beginQuery) to its end.
func (s *Store) Beat(ctx context.Context, id string) (p hub.Pulse, err error) {
	if s.pg.nodeID() == id+givenUp {
		return p, hub.ErrFenced
	}
	ctx, cancel := context.WithTimeout(ctx, beatTime)
	defer cancel()
	err = s.pg.pulse.use(ctx, func(conn *pgx.Conn) error {
		var ears map[string]string
		if p, ears, err = beat(ctx, conn, id); err != nil {
			return err
		}
		s.pg.ears.Store(&ears)
		return s.measureClock(ctx, pgConnQuerier{conn})
	})
	return p, pgRefusal(err)
}

// beatTime bounds a sign of life: one that takes longer is none.
const beatTime = 3 * time.Second

func beat(ctx context.Context, conn *pgx.Conn, id string) (p hub.Pulse, ears map[string]string, err error) {
	// All of it is with the server before it begins: a process that is stopped in
	// the middle keeps nobody waiting.
	b := &pgx.Batch{}
	b.Queue(removeSilent, hub.DeadAfter.Seconds(), id, inTouch.Seconds())
	b.Queue(`UPDATE nchat_nodes SET beat_at = clock_timestamp() WHERE id = $1`, id)
	b.Queue(`SELECT (SELECT coalesce(max(seq), 0) FROM nchat_events), (SELECT coalesce(max(revision), 0) FROM nchat_outgoing_webhook_revisions),
		(SELECT max(updated_at) FROM nchat_settings)`)
	b.Queue(`SELECT ear, id, name, slot, started_at, beat_at FROM nchat_nodes ORDER BY started_at, id`)
	answers := conn.SendBatch(ctx, b)
	defer func() { err = errors.Join(err, answers.Close()) }()
	if _, err := answers.Exec(); err != nil {
		return p, nil, err
	}
	tag, err := answers.Exec()
	if err != nil {
		return p, nil, err
	}
	if tag.RowsAffected() == 0 {
		return p, nil, hub.ErrFenced
	}
	if err := answers.QueryRow().Scan(&p.Seq, &p.Revision, into(&p.SettingsAt)); err != nil {
		return p, nil, err
	}
	found, err := answers.Query()
	if err != nil {
		return p, nil, err
	}
	defer found.Close()
	ears = make(map[string]string)
	for found.Next() {
		var n hub.Node
		var ear string
		if err := found.Scan(&ear, &n.ID, &n.Name, &n.Slot, into(&n.Started), into(&n.Beat)); err != nil {
			return p, nil, err
		}
		ears[n.ID] = ear
		p.Nodes = append(p.Nodes, n)
	}
	return p, ears, found.Err()
}

// removeSilent removes the members that the others have to go on without. Only who
// was in touch may do so: after the database itself was away all were silent, and
// whoever comes first would remove the rest.
const removeSilent = `DELETE FROM nchat_nodes WHERE id IN (SELECT id FROM nchat_nodes
		WHERE beat_at < clock_timestamp() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED)
	AND EXISTS (SELECT 1 FROM nchat_nodes WHERE id = $2 AND beat_at > clock_timestamp() - make_interval(secs => $3))`

// inTouch is how old the last sign of life is at most of who may remove others.
const inTouch = hub.DeadAfter / 2

// ownConn is a connection for one purpose, made when it is needed.
type ownConn struct {
	config *pgx.ConnConfig
	onLost func() // a connection was
	mu     sync.Mutex
	conn   *pgx.Conn // nil or closed: to be opened
}

// use calls do with the connection. When it turns out to be lost it is made anew,
// and do called again.
func (o *ownConn) use(ctx context.Context, do func(*pgx.Conn) error) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for fresh := false; ; {
		if o.conn == nil || o.conn.IsClosed() {
			fresh = true
			if o.conn, err = pgx.ConnectConfig(ctx, o.config); err != nil {
				return err
			}
		}
		if err = do(o.conn); err == nil || !isLost(err) {
			return err
		}
		o.drop()
		o.onLost()
		if fresh || ctx.Err() != nil {
			return err
		}
	}
}

func (o *ownConn) drop() {
	if o.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = o.conn.Close(ctx)
	o.conn = nil
}

func (o *ownConn) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop()
}

// Leave ends the membership.
func (s *Store) Leave(ctx context.Context, id string) error {
	if s.pg == nil {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM nchat_nodes WHERE id = $1`, id)
		return err
	})
}

func scanNode(row scanner) (n hub.Node, err error) {
	err = row.Scan(&n.ID, &n.Name, &n.Slot, into(&n.Started), into(&n.Beat))
	return n, err
}

func (p *postgres) nodeID() string {
	if id := p.node.Load(); id != nil {
		return *id
	}
	return ""
}

// giveUp ends the membership for this process, which does not know any more what it
// holds: it has to join anew.
func (p *postgres) giveUp(id string) { p.setNode(id + givenUp) }

// givenUp ends the name of a member that gave up.
const givenUp = " no more"

func (p *postgres) setNode(id string) { p.node.Store(&id) }

// clockReading is what the database's clock said at a moment of this process.
type clockReading struct {
	theirs time.Time
	at     time.Time     // the moment, with its monotonic reading
	ahead  time.Duration // by how much it was ahead of this process's wall clock
}

// now returns what the database's clock says now. It goes on by the monotonic
// clock, so that steps of this process's wall clock do not matter: an id made
// weeks ahead would have all that follow it there, too. (While a machine sleeps,
// that clock may stand still; until the next sign of life it is late, which spoils
// nothing.)
func (r *clockReading) now() time.Time { return r.theirs.Add(time.Since(r.at)) }

// syncClock measures the database's clock.
func (s *Store) syncClock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*hub.BeatEvery)
	defer cancel()
	return s.measureClock(ctx, s.readers)
}

// measureClock is syncClock by way of q: half of the shortest of three trips is
// the error.
func (s *Store) measureClock(ctx context.Context, q querier) error {
	var best time.Duration
	var reading clockReading
	for i := range 3 {
		var theirs time.Time
		local, began := s.pg.local(), time.Now()
		err := each(ctx, q, func(row scanner) error { return row.Scan(into(&theirs)) }, `SELECT clock_timestamp()`)
		if err != nil {
			return err
		}
		if trip := time.Since(began); i == 0 || trip < best {
			best = trip
			reading = clockReading{theirs: theirs, at: began.Add(trip / 2), ahead: theirs.Sub(local.Add(trip / 2))}
		}
	}
	s.pg.clock.Store(&reading)
	return nil
}

// pgConnQuerier queries by one connection.
type pgConnQuerier struct{ conn *pgx.Conn }

func (q pgConnQuerier) query(ctx context.Context, text string, args ...any) (rows, error) {
	found, err := q.conn.Query(ctx, text, pgArgs(args)...)
	if err != nil {
		return nil, err
	}
	return pgRows{Rows: found, raw: true}, nil
}
