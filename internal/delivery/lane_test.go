package delivery

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestRateLimitWhenTheClockGoesBack: the limit goes on from there, and does not wait
// for the clock to come where it was.
func TestRateLimitWhenTheClockGoesBack(t *testing.T) {
	l := newLane("w")
	l.retarget(&target{policy: hub.Policy{RateLimit: 10}})
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	sent := func(d time.Duration) (n int) {
		for range int(d / time.Second) {
			now = now.Add(time.Second)
			for l.waits(now).IsZero() && l.allow(now) {
				n++
			}
		}
		return n
	}
	if n := sent(10 * time.Minute); n != 100 {
		t.Errorf("%d requests in ten minutes, want 100", n)
	}
	now = now.Add(-time.Hour)
	if n := sent(10 * time.Minute); n < 100 || n > 101 {
		t.Errorf("%d requests in the ten minutes after the clock went back, want 100", n)
	}
	now = now.Add(-500 * time.Millisecond) // such as NTP's: no new allowance
	if n := sent(10 * time.Minute); n > 100 {
		t.Errorf("%d requests in ten minutes, want 100", n)
	}
}
