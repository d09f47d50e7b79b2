package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// Diagnosis is how a Postgres database serves this machine.
type Diagnosis struct {
	Version string // of the server
	// Empty: there are no tables yet; the first start of a hub makes them.
	Empty   bool
	Members []hub.Node // the hubs at work, the eldest first
	// ClockAhead is by how much the database's clock is ahead of this machine's.
	ClockAhead time.Duration
	// Connections that may still be made to the server, and how many a hub on
	// this machine makes at most.
	ConnectionsLeft, ConnectionsOfAHub int
	// Commit is how long a small transaction takes until it is durable, the median
	// of three.
	Commit time.Duration
	// Unsafe are server settings by which a commit may be lost when the server
	// crashes, as "name = value".
	Unsafe []string
}

// undefinedTable is the SQLSTATE of a query of a table that is not there.
const undefinedTable = "42P01"

// writerAndListener are the connections of a hub besides those that read.
const writerAndListener = 2

// Diagnose looks at a Postgres database and changes no table of it. It fails
// when the schema is not that of this program.
func (s *Store) Diagnose(ctx context.Context) (d Diagnosis, err error) {
	d.ClockAhead = s.Figures().ClockAhead
	_, _, most := s.readers.conns()
	d.ConnectionsOfAHub = most + writerAndListener
	if err := s.diagnoseServer(ctx, &d); err != nil {
		return d, err
	}
	if d.Commit, err = s.timeCommit(ctx); err != nil {
		return d, err
	}
	if _, err = s.checkSchema(ctx); isCode(err, undefinedTable) {
		d.Empty = true
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.Members, err = list(ctx, s.readers, scanNode, `SELECT id, name, slot, started_at, beat_at FROM nchat_nodes ORDER BY started_at, id`)
	d.Members = slices.DeleteFunc(d.Members, func(n hub.Node) bool { return s.Now().Sub(n.Beat) > hub.DeadAfter })
	return d, err
}

// diagnoseServer asks what the server says of itself. Postgres 16 keeps
// connections for roles with pg_use_reserved_connections as well
// (reserved_connections).
func (s *Store) diagnoseServer(ctx context.Context, d *Diagnosis) error {
	var fsync, synchronous string
	err := each(ctx, s.readers, func(row scanner) error {
		return row.Scan(&d.Version, &d.ConnectionsLeft, &fsync, &synchronous)
	}, `SELECT current_setting('server_version'), current_setting('max_connections')::int
			- current_setting('superuser_reserved_connections')::int
			- coalesce(current_setting('reserved_connections', true), '0')::int
			- (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int,
		current_setting('fsync'), current_setting('synchronous_commit')`)
	for name, value := range map[string]string{"fsync": fsync, "synchronous_commit": synchronous} {
		if value == "off" {
			d.Unsafe = append(d.Unsafe, fmt.Sprintf("%s = %s", name, value))
		}
	}
	slices.Sort(d.Unsafe)
	return err
}

// timeCommit measures a transaction that writes to the log of the server and to
// no table ("Generic WAL messages", manual of Postgres).
func (s *Store) timeCommit(ctx context.Context) (time.Duration, error) {
	var took [3]time.Duration
	for i := range took {
		began := time.Now()
		err := each(ctx, s.readers, func(scanner) error { return nil },
			`SELECT pg_logical_emit_message(true, 'nself-chat hub', 'hub doctor')::text`)
		if err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took[:])
	return took[1], nil
}
