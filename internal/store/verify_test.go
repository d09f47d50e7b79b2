package store

import (
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestVerifyTakesBoundedMemory: however large the events are, few of them are
// read at once, and each of them once.
func TestVerifyTakesBoundedMemory(t *testing.T) { onBoth(t, testVerifyTakesBoundedMemory) }

func testVerifyTakesBoundedMemory(t *testing.T, s *Store, _ *time.Time) {
	const events = 30
	data := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	for n := range events {
		e := &hub.Event{ID: hub.EventID(numbered(n + 1)), Type: "x", Time: noon, Data: data, Origin: hub.Origin{Kind: hub.OriginHub}}
		if err := s.Publish(t.Context(), nil, hub.Routing{Event: e}); err != nil {
			t.Fatal(err)
		}
	}
	v := &verifier{q: s.readers}
	after, portions := hub.EventID(lowestID), 0
	for more := true; more; portions++ {
		var err error
		if after, more, err = v.portion(t.Context(), after); err != nil {
			t.Fatal(err)
		}
		if want := min(numbered(8*(portions+1)), numbered(events)); after != hub.EventID(want) {
			t.Errorf("portion %d ends with %s, want %s", portions+1, after, want)
		}
	}
	if portions != 4 {
		t.Errorf("%d portions", portions)
	}
	if after, more, err := v.portion(t.Context(), hub.EventID(numbered(events))); after != hub.EventID(numbered(events)) || more || err != nil {
		t.Errorf("behind the last: %s, %v, %v", after, more, err)
	}
	if report, err := s.Verify(t.Context()); err != nil || !report.Clean() || report.Events != events {
		t.Errorf("%+v, %v", report, err)
	}
}
