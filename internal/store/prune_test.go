package store

import (
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestTrimCalls: the oldest bodies go, as many as asked for, and the calls stay.
func TestTrimCalls(t *testing.T) { onBoth(t, testTrimCalls) }

func testTrimCalls(t *testing.T, s *Store, now *time.Time) {
	for n := range 5 {
		c := hub.Call{ID: hub.CallID(numbered(n + 1)), Verdict: "accepted", Status: 200, BodySize: 10, CreatedAt: s.Now()}
		if n != 1 {
			c.Body = make([]byte, 10)
		}
		if err := s.LogCall(t.Context(), nil, &c); err != nil {
			t.Fatal(err)
		}
	}
	trim := func(before time.Time, after hub.CallID, bytes, freed int64, last hub.CallID) {
		t.Helper()
		if n, id, err := s.TrimCalls(t.Context(), before, after, bytes); n != freed || id != last || err != nil {
			t.Errorf("freed %d up to %q, %v; want %d up to %q", n, id, err, freed, last)
		}
	}
	trim(noon, "", 100, 0, "") // all are younger
	later := now.Add(time.Second)
	trim(later, "", 11, 20, id3)
	trim(later, id3, 1, 10, id4)
	trim(later, "", 100, 10, id5)
	trim(later, "", 100, 0, "")
	calls, err := s.Calls(t.Context(), "", "", 10)
	if err != nil || len(calls) != 5 {
		t.Errorf("%d calls are left, %v", len(calls), err)
	}
}
