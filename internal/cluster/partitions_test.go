package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// roomStore is a Store whose tables may be hard to give room.
type roomStore struct {
	Store
	mu    sync.Mutex
	asked int
	err   error
}

func (s *roomStore) EnsurePartitions(ctx context.Context) error {
	s.mu.Lock()
	s.asked++
	err := s.err
	s.mu.Unlock()
	if err != nil {
		<-time.After(2 * time.Second)
	}
	return err
}

// begin sets how the next calls end, and returns how many there were so far.
func (s *roomStore) begin(err error) (asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, s.asked, s.err = s.asked, 0, err
	return asked
}

func (s *roomStore) WeeksAhead(context.Context) (int, error) { return 1, nil }

// TestLeaderMakesRoom: the one that leads sees every minute to the weeks to come,
// again and again when it fails, and says so.
func TestLeaderMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &roomStore{}
		var log bytes.Buffer
		c := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
		c.id = "a"
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.partitions(ctx) }()
		for _, step := range []struct {
			members []hub.Node
			err     error
			asked   int // in the next three minutes
		}{
			{[]hub.Node{{ID: "b"}, {ID: "a"}}, nil, 0},
			{[]hub.Node{{ID: "a"}, {ID: "b"}}, nil, 3},
			{[]hub.Node{{ID: "a"}}, errors.New("somebody is in the way"), 3},
			{[]hub.Node{{ID: "a"}}, nil, 3},
		} {
			c.note(step.members)
			store.begin(step.err)
			<-time.After(3*time.Minute + time.Second)
			synctest.Wait()
			if asked := store.begin(step.err); asked != step.asked {
				t.Errorf("asked %d times by %v, want %d", asked, step.members, step.asked)
			}
		}
		stop()
		<-ended
		if n := strings.Count(log.String(), "weeks_ahead=1"); n != 3 {
			t.Errorf("told of %d failures:\n%s", n, log.String())
		}
	})
}
