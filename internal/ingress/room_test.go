package ingress

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

// TestRoomIsBounded: neither all holders together nor one of them ever have
// more than they may, and nobody is refused what there is.
func TestRoomIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total, share := rapid.Int64Range(1, 100).Draw(t, "total"), rapid.Int64Range(1, 100).Draw(t, "share")
		r := newRoom(total, share)
		type holding struct {
			who hub.IncomingID
			n   int64
		}
		var taken []holding
		sums := func(who hub.IncomingID) (all, own int64) {
			for _, h := range taken {
				all += h.n
				if h.who == who {
					own += h.n
				}
			}
			return all, own
		}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			if len(taken) > 0 && rapid.Bool().Draw(t, "give") {
				i := rapid.IntRange(0, len(taken)-1).Draw(t, "which")
				r.give(taken[i].who, taken[i].n)
				taken = append(taken[:i], taken[i+1:]...)
				continue
			}
			h := holding{rapid.SampledFrom([]hub.IncomingID{"", "a", "b"}).Draw(t, "who"), rapid.Int64Range(1, 60).Draw(t, "n")}
			all, own := sums(h.who)
			fits := all+h.n <= total && own+h.n <= share
			if got := r.take(context.Background(), h.who, h.n, 0); got != fits {
				t.Fatalf("%d of %d taken, %d of them its own of %d: %d more were given %v", all, total, own, share, h.n, got)
			}
			if fits {
				taken = append(taken, h)
			}
		}
		for _, h := range taken {
			r.give(h.who, h.n)
		}
		if r.used != 0 || len(r.by) != 0 {
			t.Errorf("all was given back and %d are held by %v", r.used, r.by)
		}
	})
}

func TestRoomIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(10, 10)
		ctx, cancel := context.WithCancel(t.Context())
		r.take(ctx, "a", 8, 0)
		begin := time.Now()
		if r.take(ctx, "b", 4, time.Second) || time.Since(begin) != time.Second {
			t.Errorf("got what there was not, or waited %s", time.Since(begin))
		}
		got := make(chan bool)
		for range 2 {
			go func() { got <- r.take(ctx, "b", 4, time.Minute) }()
		}
		synctest.Wait()
		r.give("a", 1)
		synctest.Wait() // too little, nobody is served
		r.give("a", 3)
		if !<-got {
			t.Error("not served when there was room")
		}
		cancel()
		if <-got {
			t.Error("served beyond the total")
		}
		if time.Since(begin) != time.Second {
			t.Errorf("waited %s", time.Since(begin))
		}
	})
}
