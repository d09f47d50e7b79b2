package delivery

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nself-chat/hub"
)

// gatedStore has no webhooks. Its first Snapshot waits until the gate is open.
type gatedStore struct {
	Store
	gate      chan struct{}
	snapshots atomic.Int64
}

func (s *gatedStore) Snapshot(context.Context) (int64, []hub.OutgoingWebhook, error) {
	n := s.snapshots.Add(1)
	if n == 1 {
		<-s.gate
	}
	return n, nil, nil
}

// TestReloadsAreShared: of many changes while one reloads, one more reload brings
// all into force. (With one for each, which reads all webhooks, ten thousand took
// longer than anybody waits to be made.)
func TestReloadsAreShared(t *testing.T) {
	s := &gatedStore{gate: make(chan struct{})}
	e := &Engine{Store: s, Log: slog.New(slog.DiscardHandler), lanes: map[hub.WebhookID]*lane{}}
	var all sync.WaitGroup
	reload := func(atLeast int64) {
		if err := e.Reload(t.Context()); err != nil {
			t.Error(err)
		}
		if got := e.snap.Load().revision; got < atLeast {
			t.Errorf("the webhooks are those of snapshot %d, from before the change", got)
		}
	}
	all.Go(func() { reload(1) })
	for s.snapshots.Load() == 0 {
		runtime.Gosched()
	}
	const others = 50
	for range others {
		all.Go(func() { reload(2) })
	}
	for e.reloadsAsked.Load() < 1+others {
		runtime.Gosched()
	}
	close(s.gate)
	all.Wait()
	if n := s.snapshots.Load(); n != 2 {
		t.Errorf("%d snapshots were taken, want 2", n)
	}
}
