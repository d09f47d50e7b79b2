package store

import (
	"context"
	"errors"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// atCommit lets something happen just before the next commit.
type atCommit struct {
	writeConn
	happen func()
}

func (c *atCommit) commit() error {
	if happen := c.happen; happen != nil {
		c.happen = nil
		happen()
	}
	return c.writeConn.commit()
}

// joined opens a store whose process is a member.
func joined(t *testing.T, url, id string) (*Store, *atCommit) {
	t.Helper()
	s := openTest(t, Options{Postgres: url})
	if _, err := s.Join(t.Context(), id, "test"); err != nil {
		t.Fatal(err)
	}
	c := &atCommit{writeConn: s.w.conn}
	s.w.conn = c
	return s, c
}

func settingOf(t *testing.T, s *Store, key string) string {
	t.Helper()
	value, err := s.Setting(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestCommitUnanswered: a commit whose answer was lost is a success.
func TestCommitUnanswered(t *testing.T) {
	s, c := joined(t, postgrestest.URL(t), "one")
	c.happen = func() {
		p := c.writeConn.(*pgConn)
		if _, err := p.exec("COMMIT"); err != nil {
			t.Error(err)
		}
		p.disconnect()
	}
	if err := s.SetSetting(t.Context(), "key", "kept"); err != nil {
		t.Error(err)
	}
	if v := settingOf(t, s, "key"); v != "kept" {
		t.Errorf("stored is %q", v)
	}
	c.happen = func() { c.writeConn.(*pgConn).disconnect() }
	if err := s.SetSetting(t.Context(), "key", "lost"); hub.CodeOf(err) != hub.Unavailable || errors.Is(err, hub.ErrInDoubt) {
		t.Errorf("a commit that was never sent: %v", err)
	}
	if v := settingOf(t, s, "key"); v != "kept" {
		t.Errorf("stored is %q", v)
	}
}

// TestCommitUnknown: a member that was removed cannot tell what became of its
// last commit, says so, and has to join anew.
func TestCommitUnknown(t *testing.T) {
	url := postgrestest.URL(t)
	s, c := joined(t, url, "one")
	other, _ := joined(t, url, "two")
	c.happen = func() {
		p := c.writeConn.(*pgConn)
		if _, err := p.exec("COMMIT"); err != nil {
			t.Error(err)
		}
		p.disconnect()
		if err := other.Leave(t.Context(), "one"); err != nil {
			t.Error(err)
		}
	}
	const unknown = "The database went away in the middle of a commit; whether it took effect is not known."
	err := s.SetSetting(t.Context(), "key", "value")
	if e, ok := errors.AsType[*hub.Error](err); !ok || e.Code != hub.Unavailable || e.Detail != unknown || !errors.Is(err, hub.ErrInDoubt) {
		t.Errorf("got %v, want that it is not known", err)
	}
	if err := s.SetSetting(t.Context(), "key", "value"); !errors.Is(err, hub.ErrFenced) {
		t.Errorf("the next write: %v", err)
	}
	if _, err := s.Join(t.Context(), "three", "test"); err != nil {
		t.Error(err)
	}
	if err := s.SetSetting(t.Context(), "key", "value"); err != nil {
		t.Error(err)
	}
}

// TestCommitLostInACrash: a commit that did not reach the server before it
// crashed did not happen, even if the server has given the transaction's number
// to another one since: it does not know of numbers that it had not written to
// disk.
func TestCommitLostInACrash(t *testing.T) {
	server := postgrestest.Start(t)
	proxy := postgrestest.NewProxy(t, server.URL())
	other, _ := joined(t, server.URL(), "two")
	for _, setting := range []string{"wal_writer_delay = '10s'", "autovacuum = off"} {
		if _, err := other.pg.pool.Exec(t.Context(), "ALTER SYSTEM SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	server.Restart(postgrestest.Fast)
	s, c := joined(t, proxy.URL(), "one")

	ended, sent := make(chan error, 1), make(chan struct{})
	c.happen = func() {
		proxy.Pause()
		close(sent)
	}
	go func() { ended <- s.SetSetting(context.Background(), "lost", "yes") }()
	<-sent
	xid := c.writeConn.(*pgConn).xid
	server.Restart(postgrestest.Immediate)
	if err := other.SetSetting(t.Context(), "another", "yes"); err != nil {
		t.Fatal(err)
	}
	if again := other.w.conn.(*atCommit).writeConn.(*pgConn).xid; again != xid {
		t.Errorf("the server gave the next transaction the number %s after %s: this shows nothing", again, xid)
	}
	proxy.Cut()
	proxy.Resume()
	if err := <-ended; hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("the lost commit: %v", err)
	}
	if err := s.SetSetting(t.Context(), "again", "yes"); err != nil {
		t.Errorf("the next write: %v", err)
	}
	third := openTest(t, Options{Postgres: server.URL()}) // with no connection from before
	if v := settingOf(t, third, "lost"); v != "" {
		t.Errorf("it took effect: %q", v)
	}
}

// TestUnknownFateOfAGroup: when nobody can tell what became of a commit, every value
// in it is told so, and none is run again.
func TestUnknownFateOfAGroup(t *testing.T) {
	s, c := joined(t, postgrestest.URL(t), "four")
	runs := map[string]int{}
	value := func(key string) func(*tx) error {
		return func(t *tx) error {
			runs[key]++
			return put(key, "")(t)
		}
	}
	lost := func() {
		p := c.writeConn.(*pgConn)
		if _, err := p.exec("COMMIT"); err != nil {
			t.Error(err)
		}
		if _, err := p.p.pool.Exec(t.Context(), `DELETE FROM nchat_nodes`); err != nil {
			t.Error(err)
		}
		p.disconnect()
	}
	c.happen = func() { c.happen = lost } // the first commit is that of the group before
	answers := inOneGroup(t, s, value("a"), value("b"), value("c"))
	for i, err := range answers {
		if !errors.Is(err, errFateUnknown) || !errors.Is(err, hub.ErrInDoubt) || hub.CodeOf(err) != hub.Unavailable {
			t.Errorf("value %d is told %v", i, err)
		}
	}
	for key, n := range runs {
		if n != 1 {
			t.Errorf("value %s was run %d times", key, n)
		}
	}
	// It is in the list of members still, and does not know what it holds.
	if _, err := s.Beat(t.Context(), "four"); !errors.Is(err, hub.ErrFenced) {
		t.Errorf("its sign of life: %v; it has to join anew", err)
	}
}
