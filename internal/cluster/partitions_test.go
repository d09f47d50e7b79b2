package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// roomStore is a Store whose tables may be hard to give room.
type roomStore struct {
	Store
	asked int
	err   error
}

func (s *roomStore) EnsurePartitions(ctx context.Context) error {
	s.asked++
	if s.err != nil {
		<-time.After(2 * time.Second)
	}
	return s.err
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
			store.asked, store.err = 0, step.err
			<-time.After(3*time.Minute + time.Second)
			synctest.Wait()
			if store.asked != step.asked {
				t.Errorf("asked %d times by %v, want %d", store.asked, step.members, step.asked)
			}
		}
		stop()
		<-ended
		if n := strings.Count(log.String(), "weeks_ahead=1"); n != 3 {
			t.Errorf("told of %d failures:\n%s", n, log.String())
		}
	})
}
