package cluster

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/nself-chat/hub"
)

// signalStore is a Store that only takes signals.
type signalStore struct {
	Store
	err error
}

func (s *signalStore) Signal(context.Context, hub.Signal) error { return s.err }

// TestSignalsAreCounted: those that went out, and those of others; not the one
// by which a new connection stands in for what was missed.
func TestSignalsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &signalStore{}
		c := New(Options{Store: store, Wake: func() {}, Log: slog.New(slog.DiscardHandler)})
		c.note([]hub.Node{{ID: "a"}, {ID: "b"}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.signals(ctx) }()
		c.OnChange()
		synctest.Wait()
		stop()
		<-ended

		store.err = errors.New("no database")
		ctx, stop = context.WithCancel(t.Context())
		ended = make(chan struct{})
		go func() { defer close(ended); c.signals(ctx) }()
		c.OnChange()
		synctest.Wait()
		stop()
		<-ended

		c.heard(hub.Signal{From: "b", Seq: 3})
		c.heard(hub.Signal{Seq: -1})
		if n := c.Counters(); n.Sent.Load() != 1 || n.Heard.Load() != 1 || n.Fenced.Load() != 0 {
			t.Errorf("sent %d, heard %d, fenced %d", n.Sent.Load(), n.Heard.Load(), n.Fenced.Load())
		}
	})
}
