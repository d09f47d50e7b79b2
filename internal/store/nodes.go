package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// maxNodes is the number of slots for processes' ids (hub.IDs).
const maxNodes = 16

// Join makes this process a member under an id that was never used. All its
// later writes are refused once the others have removed it (hub.ErrFenced), so that
// a process that was stopped or cut off for a while cannot meddle. The embedded
// database has one process and no members; slot is 0 there.
func (s *Store) Join(ctx context.Context, id, name string) (slot int, err error) {
	if s.pg == nil {
		return 0, nil
	}
	s.pg.setNode("")
	err = s.write(ctx, func(t *tx) error {
		if err := t.removeSilent(); err != nil {
			return err
		}
		taken := make(map[int]bool)
		err := each(ctx, t, func(row scanner) error {
			var n int
			err := row.Scan(&n)
			taken[n] = true
			return err
		}, `SELECT slot FROM nchat_nodes`)
		if err != nil {
			return err
		}
		for slot = 0; taken[slot]; slot++ {
		}
		if slot >= maxNodes {
			return hub.Errorf(hub.Conflict, "%d hubs work on this database already, which is the most there can be.", maxNodes)
		}
		_, err = t.exec(`INSERT INTO nchat_nodes (id, name, slot, started_at, beat_at) VALUES ($1, $2, $3, $4, $4)`, id, name, slot, at(t.now))
		return err
	})
	if err == nil {
		s.pg.setNode(id)
	}
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
		if err := t.removeSilent(); err != nil {
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
func (t *tx) removeSilent() error {
	return t.later(`DELETE FROM nchat_nodes WHERE beat_at < $1`, at(t.now.Add(-hub.DeadAfter)))
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
