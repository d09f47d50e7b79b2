package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// TestSignalsOverLostServer: when the database's machine is lost and another one
// answers in its place, connections that are open say nothing any more, not even
// that they are dead. Signals cross all the same within ten seconds, both ways.
func TestSignalsOverLostServer(t *testing.T) {
	database := postgrestest.URL(t)
	proxy := postgrestest.NewProxy(t, database)
	there := openTest(t, Options{Postgres: database})
	here := openTest(t, Options{Postgres: proxy.URL()})
	defer proxy.Cut() // who closes a connection waits for its end
	there.pg.setNode("there")
	here.pg.setNode("here")
	heard := map[*Store]chan int64{here: make(chan int64, 1000), there: make(chan int64, 1000)}
	ctx, stop := context.WithCancel(t.Context())
	var listening sync.WaitGroup
	defer listening.Wait()
	defer stop()
	for s, ch := range heard {
		listening.Go(func() { _ = s.Listen(ctx, hub.Ears{Signal: func(sig hub.Signal) { ch <- sig.Seq }}) })
		if seq := <-ch; seq != -1 {
			t.Fatalf("heard %d before it listens", seq)
		}
	}
	crosses := func(from, to *Store, seq int64, limit time.Duration) {
		t.Helper()
		again := time.NewTicker(50 * time.Millisecond) // while nobody listens, none is heard
		defer again.Stop()
		over := time.After(limit)
		_ = from.Signal(t.Context(), hub.Signal{Seq: seq})
		for {
			select {
			case n := <-heard[to]:
				if n == seq {
					return
				}
			case <-again.C:
				_ = from.Signal(t.Context(), hub.Signal{Seq: seq})
			case <-over:
				t.Fatalf("a signal does not cross in %s", limit)
			}
		}
	}
	crosses(there, here, 1, 10*time.Second)
	crosses(here, there, 2, 10*time.Second)
	proxy.Strand()
	crosses(there, here, 3, 10*time.Second)
	proxy.Strand()
	crosses(here, there, 4, 10*time.Second)
}

// TestSnapshotOverLostServer: the engine waits for the webhooks in force, and
// must not wait for ever.
func TestSnapshotOverLostServer(t *testing.T) {
	proxy := postgrestest.NewProxy(t, postgrestest.URL(t))
	s := openTest(t, Options{Postgres: proxy.URL()})
	defer proxy.Cut()
	proxy.Strand()
	answer := make(chan error, 1)
	go func() {
		_, _, err := s.Snapshot(context.WithoutCancel(t.Context()))
		answer <- err
	}()
	select {
	case err := <-answer:
		if hub.CodeOf(err) != hub.Unavailable {
			t.Errorf("it says %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no answer in 10 s")
	}
}
