package control

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

// counted is an event log that counts how often it is read.
type counted struct {
	log
	// late happens once, after the next reading and before its answer.
	late func()
}

func (c *counted) EventsAfter(ctx context.Context, seq int64, limit int) ([]*hub.Event, error) {
	c.reads++
	found, err := c.log.EventsAfter(ctx, seq, limit)
	if late := c.late; late != nil {
		c.late = nil
		late()
	}
	return found, err
}

func (c *counted) add(n, size int) {
	for range n {
		c.events = append(c.events, &hub.Event{Seq: int64(len(c.events) + 1), Type: "a.b", Data: make([]byte, size)})
	}
}

// TestStreamsShareReadings: streams that stand at the same place cost one
// reading, and none as long as nothing comes.
func TestStreamsShareReadings(t *testing.T) {
	l, now := &counted{}, time.Unix(1_000_000, 0)
	s := &Service{Store: l, Bell: &Bell{}, Now: func() time.Time { return now }}
	after := make([]int64, 20)
	pass := func() {
		for i := range after {
			page, last, more, err := s.EventsAfter(t.Context(), actors["owner"], after[i], 256)
			if err != nil || more || last != int64(len(l.events)) || len(page) != int(last-after[i]) {
				t.Fatalf("stream %d after %d: %d events up to %d, more %v, %v", i, after[i], len(page), last, more, err)
			}
			after[i] = last
		}
	}
	pass()
	for range 10 {
		l.reads = 0
		l.add(3, 1)
		s.Bell.Ring()
		pass()
		pass()
		if l.reads != 1 {
			t.Errorf("%d streams read the log %d times", len(after), l.reads)
		}
	}
	// What is not announced, as in another process, is found soon.
	l.add(1, 1)
	now = now.Add(tailAge + 1)
	pass()
	// What was taken out of the log since is not shown any more.
	scrubbed := *l.events[0]
	scrubbed.Data = []byte("scrubbed")
	l.events[0] = &scrubbed
	now = now.Add(tailAge + 1)
	page, _, _, err := s.EventsAfter(t.Context(), actors["owner"], 0, 256)
	if err != nil || string(page[0].Data) != "scrubbed" {
		t.Errorf("shown from memory: %s, %v", page[0].Data, err)
	}
}

// TestTailIsBounded: little is kept, and what was given away stays.
func TestTailIsBounded(t *testing.T) {
	l := &counted{}
	s := &Service{Store: l, Bell: &Bell{}, Now: func() time.Time { return time.Unix(1, 0) }}
	var given [][]*hub.Event
	for range 50 {
		l.add(100, 1<<17)
		s.Bell.Ring()
		after := int64(len(l.events) - 100)
		page, err := s.eventsAfter(t.Context(), after, 256)
		if err != nil || len(page) != 100 {
			t.Fatal(len(page), err)
		}
		given = append(given, page)
		bytes := 0
		for _, e := range s.tail.events {
			bytes += len(e.Data)
		}
		if len(s.tail.events) > tailEvents || bytes > maxBytes+1<<17 || cap(s.tail.events) > 2*tailEvents {
			t.Fatalf("%d events of %d bytes are kept", len(s.tail.events), bytes)
		}
	}
	for i, page := range given {
		for j, e := range page {
			if e.Seq != int64(i*100+j+1) {
				t.Fatalf("a page that was given away changed: %d in place of %d", e.Seq, i*100+j+1)
			}
		}
	}
}

// TestTailMissesNothing: whatever the order of commits, bells and readings, a
// stream that goes to wait has seen all that was announced, each event once and
// in order.
func TestTailMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, now := &counted{}, time.Unix(1_000_000, 0)
		l.add(rapid.IntRange(0, 50).Draw(t, "before"), 1)
		s := &Service{Store: l, Bell: &Bell{}, Now: func() time.Time { return now }}
		announced := int64(len(l.events))
		ring := func() { announced = int64(len(l.events)); s.Bell.Ring() }
		after := make([]int64, rapid.IntRange(1, 5).Draw(t, "streams"))
		for i := range after {
			after[i] = rapid.Int64Range(0, announced).Draw(t, "from")
		}
		pass := func(i, limit int) (more bool) {
			page, last, more, err := s.EventsAfter(context.Background(), actors["owner"], after[i], limit)
			if err != nil || len(page) > limit {
				t.Fatal(len(page), err)
			}
			for _, e := range page {
				if after[i]++; e.Seq != after[i] {
					t.Fatalf("stream %d got %d in place of %d", i, e.Seq, after[i])
				}
			}
			if last != after[i] {
				t.Fatalf("stream %d stands at %d, told %d", i, after[i], last)
			}
			return more
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) { l.add(rapid.IntRange(1, 40).Draw(t, "events"), 1) },
			"commit while the log is read": func(t *rapid.T) {
				n := rapid.IntRange(1, 40).Draw(t, "events")
				l.late = func() { l.add(n, 1); ring() }
			},
			"bell": func(*rapid.T) { ring() },
			"time": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(-1, 3).Draw(t, "seconds")) * time.Second) },
			"pass": func(t *rapid.T) {
				pass(rapid.IntRange(0, len(after)-1).Draw(t, "stream"), rapid.SampledFrom([]int{1, 3, 16, 64}).Draw(t, "limit"))
			},
			"wait": func(t *rapid.T) {
				i := rapid.IntRange(0, len(after)-1).Draw(t, "stream")
				for waits := false; !waits; {
					wake := s.Bell.Wait()
					if more := pass(i, 64); more {
						continue
					}
					select {
					case <-wake:
					default:
						waits = true
					}
				}
				if after[i] < announced {
					t.Fatalf("stream %d waits after %d, and %d events were announced", i, after[i], announced)
				}
			},
		})
	})
}
