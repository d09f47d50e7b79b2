package delivery

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// heard remembers what an Observer was told.
type heard struct {
	unobserved
	results   []string
	delivered []time.Duration
}

func (h *heard) Attempted(result string, _ time.Duration) { h.results = append(h.results, result) }
func (h *heard) Delivered(after time.Duration)            { h.delivered = append(h.delivered, after) }

// TestObserveLeavesOutReplays: of how long deliveries take, those tell nothing
// that somebody sent again.
func TestObserveLeavesOutReplays(t *testing.T) {
	h := &heard{}
	e := &Engine{Observer: h}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status          hub.DeliveryStatus
		attempts, tries int
	}{
		{hub.DeliverySuccess, 0, 0},
		{hub.DeliverySuccess, 2, 2},
		{hub.DeliverySuccess, 5, 1},  // sent again
		{hub.DeliveryRetrying, 1, 1}, // not there yet
		{hub.DeliveryFailed, 3, 3},
	} {
		e.observe(&conclusion{
			job: &hub.Job{
				Delivery: hub.Delivery{Attempts: c.attempts, Tries: c.tries},
				Event:    &hub.Event{Time: now.Add(-time.Duration(c.attempts+1) * time.Second)},
			},
			outcome: &hub.Outcome{Status: c.status, Attempt: hub.Attempt{Result: string(c.status)}},
		}, now)
	}
	if len(h.results) != 5 || len(h.delivered) != 2 || h.delivered[0] != time.Second || h.delivered[1] != 3*time.Second {
		t.Errorf("results %v, delivered after %v", h.results, h.delivered)
	}
}

func TestLaneFigures(t *testing.T) {
	active, paused := &target{state: hub.WebhookActive}, &target{state: hub.WebhookPaused}
	e := &Engine{lanes: map[hub.WebhookID]*lane{
		"open":      {target: active, owned: true, inflight: 2, ready: make([]*hub.Job, 3)},
		"broken":    {target: active, owned: true, health: hub.Health{Open: true}, unrecorded: 4},
		"paused":    {target: paused, owned: true, health: hub.Health{Open: true}},
		"elsewhere": {target: active},
		"deleted":   {gone: true, owned: true},
	}}
	want := LaneFigures{Open: 1, BreakerOpen: 1, Held: 1, Ready: 3, Sending: 2, Unrecorded: 4}
	if got := e.Lanes(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
