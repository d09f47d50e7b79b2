package store

import (
	"context"
	"fmt"
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
	err = pgx.BeginFunc(ctx, s.pg.pool, func(tx pgx.Tx) error {
		slot, err = s.pg.join(ctx, tx, id, name)
		return err
	})
	if err != nil {
		return 0, pgRefusal(err)
	}
	s.pg.setNode(id)
	return slot, nil
}

func (p *postgres) join(ctx context.Context, tx pgx.Tx, id, name string) (slot int, err error) {
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
	if _, err := tx.Exec(ctx, removeSilent, now.Add(-hub.DeadAfter)); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT coalesce(min(n), -1) FROM generate_series(0, $1::integer - 1) n
		WHERE n NOT IN (SELECT slot FROM nchat_nodes)`, maxNodes).Scan(&slot)
	if err != nil {
		return 0, err
	}
	if slot < 0 {
		return 0, hub.Errorf(hub.Conflict, "%d hubs work on this database already, which is the most there can be.", maxNodes)
	}
	_, err = tx.Exec(ctx, `INSERT INTO nchat_nodes (id, name, slot, started_at, beat_at) VALUES ($1, $2, $3, $4, $4)`, id, name, slot, now)
	return slot, err
}

// Beat says that this process is alive, and removes members that have been
// silent for hub.DeadAfter. When this process itself was removed it fails with
// hub.ErrFenced.
func (s *Store) Beat(ctx context.Context, id string) (p hub.Pulse, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		p = hub.Pulse{Seq: t.seq}
		if err := t.later(`UPDATE nchat_nodes SET beat_at = $2 WHERE id = $1`, id, at(t.now)); err != nil {
			return err
		}
		if err := t.later(removeSilent, at(t.now.Add(-hub.DeadAfter))); err != nil {
			return err
		}
		if p.Revision, err = lastRevision(ctx, t); err != nil {
			return err
		}
		err = each(ctx, t, func(row scanner) error { return row.Scan(into(&p.SettingsAt)) }, `SELECT max(updated_at) FROM nchat_settings`)
		if err != nil {
			return err
		}
		p.Nodes, err = list(ctx, t, scanNode, `SELECT id, name, slot, started_at, beat_at FROM nchat_nodes ORDER BY started_at, id`)
		return err
	})
	if err == nil {
		err = s.syncClock(ctx)
	}
	return p, err
}

// removeSilent removes the members that the others have to go on without.
const removeSilent = `DELETE FROM nchat_nodes WHERE beat_at < $1`

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

func (p *postgres) setNode(id string) { p.node.Store(&id) }

// syncClock measures by how much the database's clock is ahead of this
// process's: half of the shortest of three trips is the error.
func (s *Store) syncClock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*hub.BeatEvery)
	defer cancel()
	best := time.Hour
	var offset time.Duration
	for range 3 {
		var theirs time.Time
		before, began := s.pg.local(), time.Now()
		err := each(ctx, s.readers, func(row scanner) error { return row.Scan(into(&theirs)) }, `SELECT clock_timestamp()`)
		if err != nil {
			return err
		}
		if trip := time.Since(began); trip < best {
			best, offset = trip, theirs.Sub(before.Add(trip/2))
		}
	}
	s.pg.offset.Store(int64(offset))
	return nil
}
