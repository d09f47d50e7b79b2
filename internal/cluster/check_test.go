package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// awayStore is a membersStore that may be out of reach, or full.
type awayStore struct {
	membersStore
	away, full error
}

func (s *awayStore) Join(ctx context.Context, id, name string) (int, error) {
	if s.full != nil {
		return 0, s.full
	}
	return s.membersStore.Join(ctx, id, name)
}

func (s *awayStore) Beat(ctx context.Context, id string) (hub.Pulse, error) {
	if s.away != nil {
		return hub.Pulse{}, s.away
	}
	return s.membersStore.Beat(ctx, id)
}

// TestCheck: a process is ready while the others reckon with it, and says why it
// is not.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &awayStore{}
		c := New(Options{
			Store: store, Engine: &shareEngine{}, NewID: func() string { return "a" }, SetSlot: func(int) {}, Wake: func() {},
			Log: slog.New(slog.DiscardHandler), NoPolling: true,
		})
		if _, err := c.Join(t.Context()); err != nil {
			t.Fatal(err)
		}
		beats := func(n int, reason string) {
			t.Helper()
			for range n {
				<-time.After(time.Second)
				_ = c.once(t.Context(), 1)
			}
			err := c.Check(t.Context())
			if reason == "" && err == nil {
				return
			}
			if err == nil || reason == "" || !strings.Contains(err.Error(), reason) || hub.CodeOf(err) != hub.Unavailable {
				t.Errorf("%v, want %q", err, reason)
			}
		}
		beats(5, "")
		store.away = errors.New("no database")
		beats(3, "")
		beats(1, "is 4s old")
		store.away = nil
		beats(1, "")
		store.fenced, store.full = true, errors.New("16 hubs work on it")
		beats(1, "has not joined again")
		store.full = nil
		beats(1, "")
	})
}
