package delivery

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// fullStore records nothing until its disk has room.
type fullStore struct {
	Store
	until time.Time
}

func (s *fullStore) Record(_ context.Context, outcomes []*hub.Outcome) ([]hub.Recorded, error) {
	if time.Now().Before(s.until) {
		return nil, hub.Errorf(hub.StorageFull, "The disk is full.")
	}
	return make([]hub.Recorded, len(outcomes)), nil
}

// A disk that is full does not fill up with lines that say so.
func TestOutcomesNotRecordedAreLoggedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		const full = 5*time.Minute + 10*time.Second
		stopCtx, stop := context.WithCancel(t.Context())
		defer stop()
		e := &Engine{
			Store: &fullStore{until: time.Now().Add(full)}, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now, stopCtx: stopCtx,
		}
		r := &result{
			lane:    &lane{target: &target{state: hub.WebhookActive}},
			job:     &hub.Job{Event: &hub.Event{}},
			outcome: &hub.Outcome{Status: hub.DeliverySuccess},
		}
		e.recordAll([]*result{r})
		e.recordAll([]*result{r})
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 7 {
			t.Fatalf("%d lines, want the first, one a minute, and the end:\n%s", len(lines), log.String())
		}
		for i, want := range []string{"level=ERROR", "times=240", "times=240", "times=240", "times=240", "times=240", "level=INFO msg=\"outcomes are recorded again\""} {
			if !strings.Contains(lines[i], want) {
				t.Errorf("line %d: %s\nwant %s", i, lines[i], want)
			}
		}
	})
}
