package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// batches is a store that has a number of batches to replay, two deliveries each,
// and lets something happen before each.
type batches struct {
	Store
	last   []hub.DeliveryID
	before func(ctx context.Context, batch int)
	fails  map[int]error
	taken  int
}

func (s *batches) ReplayBatch(ctx context.Context, _ *hub.ReplayRequest, _ hub.DeliveryID, _ int, _ time.Time, _ time.Duration) (
	hub.DeliveryID, int, error,
) {
	if s.before != nil {
		s.before(ctx, s.taken)
	}
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	if err := s.fails[s.taken]; err != nil {
		return s.last[s.taken], 2, err // what was looked at, and nothing of it taken
	}
	if s.taken == len(s.last) {
		return "", 0, nil
	}
	s.taken++
	return s.last[s.taken-1], 2, nil
}

func (*batches) LastEventID(context.Context) (hub.EventID, error) { return "", nil }

// replaying makes an engine on three batches, which lie a second apart.
func replaying(t *testing.T) (*Engine, *batches) {
	s := &batches{fails: make(map[int]error)}
	e := &Engine{Store: s, Now: time.Now, lanes: make(map[hub.WebhookID]*lane)}
	e.moveCtx, e.moveCancel = context.WithCancel(t.Context())
	t.Cleanup(e.moveCancel)
	for i := range 3 {
		s.last = append(s.last, hub.DeliveryID(hub.FirstID(batchTime(i))))
	}
	return e, s
}

func batchTime(i int) time.Time { return time.Date(2026, 3, 1, 12, 0, i, 7e6, time.UTC) }

// TestReplayGoesOn: a replay that took the first deliveries takes them all, although
// its caller has gone; the engine's stop ends it.
func TestReplayGoesOn(t *testing.T) {
	e, s := replaying(t)
	ctx, leave := context.WithCancel(t.Context())
	s.before = func(_ context.Context, batch int) {
		if batch == 1 {
			leave()
		}
	}
	if n, err := e.Replay(ctx, hub.ReplayRequest{Status: hub.DeliveryFailed}); n != 6 || err != nil {
		t.Errorf("its caller left: %d, %v", n, err)
	}
	e, s = replaying(t)
	if n, err := e.Replay(ctx, hub.ReplayRequest{Status: hub.DeliveryFailed}); n != 0 || !errors.Is(err, context.Canceled) || errors.Is(err, hub.ErrInDoubt) {
		t.Errorf("its caller left before: %d, %v", n, err)
	}
	s.before = func(ctx context.Context, batch int) {
		if batch == 2 {
			e.moveCancel()
			<-ctx.Done()
		}
	}
	if n, err := e.Replay(t.Context(), hub.ReplayRequest{Status: hub.DeliveryFailed}); n != 4 || !errors.Is(err, hub.ErrInDoubt) {
		t.Errorf("the engine stopped: %d, %v", n, err)
	}
}

// TestReplayBreaksOff: a replay that broke off says how many it sent again, how to
// go on, and that something is stored.
func TestReplayBreaksOff(t *testing.T) {
	until := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	away := hub.Errorf(hub.Unavailable, "The database does not answer; nothing was stored.")
	disabled := hub.Errorf(hub.Conflict, "The webhook is disabled; enable it first.")
	for _, c := range []struct {
		batch int
		err   error
		n     int
		want  string
	}{
		{0, away, 0, away.Detail},
		{2, away, 4, "The replay broke off after 4 deliveries, which are on their way again. For the others, repeat it since 2026-03-01T12:00:01.007Z until 2026-04-01T00:00:00Z."},
		{1, disabled, 2, "again. The webhook is disabled; enable it first. For the others,"},
	} {
		t.Run(fmt.Sprint(c.batch), func(t *testing.T) {
			e, s := replaying(t)
			s.fails[c.batch] = c.err
			n, err := e.Replay(t.Context(), hub.ReplayRequest{Status: hub.DeliveryFailed, Until: until})
			if n != c.n || !errors.Is(err, c.err) || errors.Is(err, hub.ErrInDoubt) != (n > 0) || n > 0 && hub.CodeOf(err) != hub.Unavailable {
				t.Errorf("%d, %v", n, err)
			}
			if !strings.Contains(err.Error(), c.want) || n > 0 && strings.Contains(err.Error(), "nothing was stored") {
				t.Error(err)
			}
		})
	}
}
