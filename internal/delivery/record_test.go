package delivery

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
)

// TestGatherOutcomes: outcomes that nobody waits for are recorded together, at a pace;
// one that something waits for takes along what is there.
func TestGatherOutcomes(t *testing.T) {
	success := hub.Outcome{Status: hub.DeliverySuccess}
	ordered := hub.Outcome{Status: hub.DeliverySuccess, OrderKey: "c:1"}
	again := hub.Outcome{Status: hub.DeliveryRetrying, OrderKey: "c:1", Health: &hub.Health{Failures: 1}}
	marked := hub.Outcome{Status: hub.DeliverySuccess, Mark: 200}
	told := hub.Outcome{Status: hub.DeliveryFailed, Health: &hub.Health{Failures: 1}, Notice: hub.NoticeDeadLetter}
	// Each comes a millisecond after the one before.
	for name, tt := range map[string]struct {
		come  []hub.Outcome
		until time.Duration
		want  int
		after time.Duration
	}{
		"after a rest":               {[]hub.Outcome{success, success}, 0, 1, 0},
		"at the pace":                {[]hub.Outcome{success, success, success, success}, 2500 * time.Microsecond, 3, 2500 * time.Microsecond},
		"the last of a conversation": {[]hub.Outcome{ordered, success}, time.Second, 1, 0},
		"to be tried again":          {[]hub.Outcome{again, success}, time.Second, 2, 2 * time.Millisecond},
		"its lane may send further":  {[]hub.Outcome{marked, success}, time.Second, 1, 0},
		"a notice":                   {[]hub.Outcome{told, success}, time.Second, 2, 2 * time.Millisecond},
		"one of the following waits": {[]hub.Outcome{success, success, ordered, success}, time.Second, 3, 2 * time.Millisecond},
		"enough":                     {slices.Repeat([]hub.Outcome{success}, 100), time.Second, recordEnough, (recordEnough - 1) * time.Millisecond},
		"the last":                   {[]hub.Outcome{success, success}, time.Second, 2, 2 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &Engine{outcomes: make(chan *result)}
				begun := time.Now()
				go func() {
					defer close(e.outcomes)
					for i := range tt.come {
						e.outcomes <- &result{outcome: &tt.come[i]}
						time.Sleep(time.Millisecond)
					}
				}()
				batch := e.gatherOutcomes(<-e.outcomes, begun.Add(tt.until))
				if took := time.Since(begun); len(batch) != tt.want || took != tt.after {
					t.Errorf("%d outcomes after %s, want %d after %s", len(batch), took, tt.want, tt.after)
				}
				for range e.outcomes { // to its end
				}
			})
		})
	}
}

// TestGatherWhatIsThere: what has come already is taken along up to a bound, however
// late it is.
func TestGatherWhatIsThere(t *testing.T) {
	e := &Engine{outcomes: make(chan *result, 2*maxRecord)}
	for range 2 * maxRecord {
		e.outcomes <- &result{outcome: &hub.Outcome{OrderKey: "c:1"}}
	}
	if batch := e.gatherOutcomes(<-e.outcomes, time.Time{}); len(batch) != maxRecord {
		t.Errorf("%d outcomes, want %d", len(batch), maxRecord)
	}
}
