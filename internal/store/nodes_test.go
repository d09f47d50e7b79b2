package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// holdTurn takes the turn to write, as another hub would, until release is called.
func holdTurn(t *testing.T, s *Store) (release func()) {
	t.Helper()
	tx, err := s.pg.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1)`, s.pg.lockID("write")); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }
}

// silence makes a member's last sign of life older.
func silence(t *testing.T, s *Store, id string, by time.Duration) {
	t.Helper()
	tag, err := s.pg.pool.Exec(t.Context(), `UPDATE nchat_nodes SET beat_at = clock_timestamp() - make_interval(secs => $2) WHERE id = $1`,
		id, by.Seconds())
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
}

func idsOf(p hub.Pulse) (ids []string) {
	for _, n := range p.Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

// TestBeatPastTheQueue: a sign of life waits neither for this process's turn to
// write nor for what another one has not finished writing.
func TestBeatPastTheQueue(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	for _, id := range []string{"writing", "one"} {
		if _, err := s.Join(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
	}
	release := holdTurn(t, s)
	written := make(chan error, 1)
	go func() { written <- s.SetSetting(context.WithoutCancel(t.Context()), "key", "value") }()
	// Another member's transaction is under way, and it has been silent for too long.
	silence(t, s, "writing", 2*hub.DeadAfter)
	writing, err := s.pg.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var seq, revision int64
	var now time.Time
	var xid string
	var member bool
	if err := writing.QueryRow(t.Context(), beginQuery, "writing").Scan(&now, &seq, &xid, &member, &revision); err != nil || !member {
		t.Fatal(member, err)
	}
	for range 3 {
		p, err := s.Beat(t.Context(), "one")
		if err != nil || fmt.Sprint(idsOf(p)) != "[writing one]" {
			t.Errorf("%v, %v; who is writing stays", p, err)
		}
	}
	if err := writing.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if p, err := s.Beat(t.Context(), "one"); err != nil || fmt.Sprint(idsOf(p)) != "[one]" {
		t.Errorf("%v, %v; then it goes", p, err)
	}
	release()
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestMembers: there is a place for 16 hubs. The 17th is refused, until one of them
// has been silent for five seconds and is removed by another's sign of life or by
// who joins; it is not for less. Its place is taken then, and it is told.
func TestMembers(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	slots := map[int]bool{}
	for i := range maxNodes {
		slot, err := s.Join(t.Context(), fmt.Sprint("hub ", i), "test")
		if err != nil || slots[slot] {
			t.Fatalf("hub %d: place %d, %v", i, slot, err)
		}
		slots[slot] = true
	}
	if _, err := s.Join(t.Context(), "hub 16", "test"); hub.CodeOf(err) != hub.Conflict {
		t.Fatalf("the 17th is told %v", err)
	}
	silence(t, s, "hub 3", hub.DeadAfter-3*time.Second)
	if p, err := s.Beat(t.Context(), "hub 0"); err != nil || len(p.Nodes) != maxNodes {
		t.Errorf("%d members, %v, though none was silent for long enough", len(p.Nodes), err)
	}
	for _, id := range []string{"hub 3", "hub 5"} {
		silence(t, s, id, hub.DeadAfter+100*time.Millisecond)
	}
	slot, err := s.Join(t.Context(), "hub 16", "test")
	if err != nil || slot != 3 {
		t.Errorf("the 17th has place %d, %v", slot, err)
	}
	silence(t, s, "hub 7", hub.DeadAfter+100*time.Millisecond)
	p, err := s.Beat(t.Context(), "hub 16")
	if err != nil || len(p.Nodes) != maxNodes-2 || p.Nodes[0].ID != "hub 0" || p.Nodes[len(p.Nodes)-1].ID != "hub 16" {
		t.Errorf("members %v, %v", idsOf(p), err)
	}
	for _, id := range []string{"hub 3", "hub 5", "hub 7"} {
		if _, err := s.Beat(t.Context(), id); !errors.Is(err, hub.ErrFenced) {
			t.Errorf("%s is told %v", id, err)
		}
	}
	if _, err := s.Beat(t.Context(), "hub 0"); err != nil {
		t.Errorf("who asks for itself: %v", err)
	}
}

// TestFrozenWriterIsCutOff: a hub that stops in the middle of a transaction does
// not keep the others waiting for longer than three seconds, and nothing of it
// remains.
func TestFrozenWriterIsCutOff(t *testing.T) {
	database := postgrestest.URL(t)
	frozen, c := joined(t, database, "frozen")
	other, _ := joined(t, database, "other")
	stopped, wake := make(chan struct{}), make(chan struct{})
	c.happen = func() {
		if _, err := c.writeConn.exec(`SELECT 1`); err != nil { // the change is with the server
			t.Error(err)
		}
		close(stopped)
		<-wake
	}
	written := make(chan error, 1)
	go func() { written <- frozen.SetSetting(context.WithoutCancel(t.Context()), "key", "of the frozen") }()
	<-stopped
	began := time.Now()
	err := other.SetSetting(t.Context(), "key", "of the other")
	if took := time.Since(began); err != nil || took > idleTime+2*time.Second {
		t.Errorf("the other writes after %s, %v", took, err)
	}
	close(wake)
	// It is told the truth: its commit did not take effect, and was made again or not.
	err = <-written
	if got := settingOf(t, other, "key"); (err == nil) != (got == "of the frozen") {
		t.Errorf("the frozen hub was told %v, and there is %q", err, got)
	}
}

// TestCheckWriter: a hub whose writes wait for their turn is not ready, nor is one
// whose writes are refused; it is again afterwards.
func TestCheckWriter(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	if _, err := s.Join(t.Context(), "one", "test"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.CheckWriter(t.Context()), s.CheckRoom(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.w.turn.wanted()
	s.w.turn.since = time.Now().Add(-turnPatience)
	if err := s.CheckWriter(t.Context()); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("while it waits: %v", err)
	}
	if err := s.SetSetting(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckWriter(t.Context()); err != nil {
		t.Errorf("after a write: %v", err)
	}
	s.pg.setNode("removed")
	if err := s.SetSetting(t.Context(), "key", "value"); !errors.Is(err, hub.ErrFenced) {
		t.Fatal(err)
	}
	if err := s.CheckWriter(t.Context()); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("when it is refused: %v", err)
	}
	s.w.turn.refused = time.Now().Add(-refusalKept)
	if err := s.CheckWriter(t.Context()); err != nil {
		t.Errorf("when nobody has tried for a while: %v", err)
	}
}

// TestCheckRoom: without a partition for the present week nothing can be stored.
func TestCheckRoom(t *testing.T) {
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	err := pgx.BeginFunc(t.Context(), s.pg.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `DROP TABLE `+partitionName("nchat_webhook_attempts", weekOf(s.Now())))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckRoom(t.Context()); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("%v", err)
	}
	if err := errors.Join(s.EnsurePartitions(t.Context()), s.CheckRoom(t.Context())); err != nil {
		t.Error(err)
	}
}

// TestSilenceOfAll: after the database itself was away, whoever comes first removes
// nobody; who stays silent goes a moment later.
func TestSilenceOfAll(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	for _, id := range []string{"one", "two"} {
		if _, err := s.Join(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		silence(t, s, id, 2*hub.DeadAfter)
	}
	if p, err := s.Beat(t.Context(), "one"); err != nil || fmt.Sprint(idsOf(p)) != "[one two]" {
		t.Errorf("members %v, %v; want both", idsOf(p), err)
	}
	if p, err := s.Beat(t.Context(), "one"); err != nil || fmt.Sprint(idsOf(p)) != "[one]" {
		t.Errorf("members %v, %v; want one", idsOf(p), err)
	}
}

// TestLocalClockSteps: a step of this process's wall clock does not reach the store's
// time, nor the ids that are made of it, before or after it is noticed.
func TestLocalClockSteps(t *testing.T) {
	o := EmptyPostgres(t)
	var step time.Duration
	o.Now = func() time.Time { return time.Now().Add(step) }
	s := openTest(t, o)
	if _, err := s.Join(t.Context(), "one", "test"); err != nil {
		t.Fatal(err)
	}
	right := func(when string) {
		t.Helper()
		ids := hub.IDs{Now: s.Now}
		for what, got := range map[string]time.Time{"now": s.Now(), "an id": hub.IDTime(ids.New())} {
			if time.Until(got).Abs() > time.Hour { // the database runs on this machine
				t.Errorf("%s: %s is of %s", when, what, got)
			}
		}
		if err := s.CheckRoom(t.Context()); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	for _, step = range []time.Duration{30 * 24 * time.Hour, -30 * 24 * time.Hour} {
		right("after a step")
		if _, err := s.Beat(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		right("once it is measured")
		if ahead := s.Figures().ClockAhead; (ahead + step).Abs() > time.Hour {
			t.Errorf("the database's clock is said to be ahead by %s after a step of %s", ahead, step)
		}
	}
}

// TestClockReading: the database's clock goes on by the monotonic one.
func TestClockReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := clockReading{theirs: noon, at: time.Now()}
		time.Sleep(time.Minute)
		if got := r.now(); !got.Equal(noon.Add(time.Minute)) {
			t.Errorf("after a minute it is %s", got)
		}
	})
}
