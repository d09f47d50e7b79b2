package hub_test

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestHealthWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		wait, asked time.Duration // from now
		want        time.Duration
	}{
		"the breaker":                            {5 * time.Minute, -time.Hour, 5 * time.Minute},
		"a Retry-After":                          {24 * time.Hour, 24 * time.Hour, 24 * time.Hour},
		"over":                                   {-time.Second, -time.Second, 0},
		"the breaker, of a clock that ran ahead": {time.Hour, -time.Hour, 0},
		"a Retry-After of such a clock":          {25 * time.Hour, 25 * time.Hour, 0},
	} {
		h := hub.Health{WaitUntil: noon.Add(tt.wait), AskedUntil: noon.Add(tt.asked)}
		var want time.Time
		if tt.want > 0 {
			want = noon.Add(tt.want)
		}
		if got := h.Waits(noon); !got.Equal(want) {
			t.Errorf("%s: until %s, want %s", name, got, want)
		}
	}
	if got := (hub.Health{}).Waits(noon); !got.IsZero() {
		t.Errorf("healthy, and waits until %s", got)
	}
}
