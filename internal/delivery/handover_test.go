package delivery_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// besideTest runs a test with a neighbour and one webhook, of which the neighbour
// has a grant.
func besideTest(t *testing.T, behaves string, change func(*hub.Policy), test func(t *testing.T, r *rig, n *neighbour)) {
	path := filepath.Join(t.TempDir(), "hub.db")
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newWorld(t, 1), path)
		r.addNeighbour(1)
		r.addWebhook(behaves, change)
		r.beside.publish("all.x", "") // as due, which is what makes a grant
		time.Sleep(time.Second)
		test(t, r, r.beside)
		r.end()
	})
}

// due is how many deliveries wait in the store, leased how many are leased.
func (r *rig) due() (due, leased int64) {
	r.t.Helper()
	s, err := r.engine.Stats(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Pending, s.Active
}

// takenOnce fails unless each delivery was sent once.
func (r *rig) takenOnce(want int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sends) != want {
		r.t.Errorf("%d deliveries were sent, want %d", len(r.sends), want)
	}
	for id, n := range r.sends {
		if n != 1 {
			r.t.Errorf("delivery %s was sent %d times", id, n)
		}
	}
}

func TestHandover(t *testing.T) {
	besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
		claimed := r.engine.Counters().Claimed.Load()
		n.twice = true
		for range 600 { // more than two grants
			n.publish("all.x", "")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		r.takenOnce(601)
		if n.handed != 600 || r.engine.Counters().Claimed.Load() != claimed {
			t.Errorf("%d were handed over, %d claimed; want 600, %d", n.handed, r.engine.Counters().Claimed.Load(), claimed)
		}
	})
}

// TestHandoverKeepsOrder: what is handed over waits for an earlier delivery of its
// conversation, whoever published that.
func TestHandoverKeepsOrder(t *testing.T) {
	besideTest(t, "slow", nil, func(_ *testing.T, r *rig, n *neighbour) {
		for range 20 { // world.checkOrder looks at each request
			n.publish("all.x", "m:1")
			r.publish("all.x", "m:1")
		}
		time.Sleep(time.Hour)
		r.takenOnce(41)
	})
}

// TestHandoverUnheard: what is told while nobody listens is taken up when somebody
// does, and not sent again when it is heard of late.
func TestHandoverUnheard(t *testing.T) {
	besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
		n.lose()
		for range 10 {
			n.publish("all.x", "")
		}
		time.Sleep(time.Second)
		if due, leased := r.due(); due != 0 || leased != 10 {
			t.Errorf("unheard: %d due, %d leased", due, leased)
		}
		n.listen(true)
		time.Sleep(time.Second)
		r.takenOnce(11)
		for range 5 {
			n.publish("all.x", "")
		}
		n.listen(true) // what is on its way is recalled, and heard of then
		time.Sleep(time.Minute)
		r.takenOnce(16)
	})
}

// TestHandoverHeardTwice: what is being sent is not taken, or given back, again.
func TestHandoverHeardTwice(t *testing.T) {
	besideTest(t, "hanging", nil, func(t *testing.T, r *rig, n *neighbour) {
		n.publish("all.x", "")
		time.Sleep(time.Second)
		r.engine.Handed(n.last)
		time.Sleep(time.Second)
		if got := r.attempts(n.last.Deliveries[0].ID); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
		if due, _ := r.due(); due != 0 {
			t.Errorf("%d are due while they are sent", due)
		}
	})
}

// TestHandoverIsFoundBySweep: what was not heard of although this process listens is
// taken up all the same.
func TestHandoverIsFoundBySweep(t *testing.T) {
	besideTest(t, "well", nil, func(_ *testing.T, r *rig, n *neighbour) {
		n.lose()
		n.publish("all.x", "")
		time.Sleep(time.Minute)
		r.takenOnce(2)
	})
}

// TestHandoverAtTheStop: what comes while the engine is stopping, or is not heard of
// until then, was not sent and is due.
func TestHandoverAtTheStop(t *testing.T) {
	for name, heard := range map[string]bool{"heard": true, "unheard": false} {
		t.Run(name, func(t *testing.T) {
			besideTest(t, "hanging", nil, func(t *testing.T, r *rig, n *neighbour) {
				n.lose()
				n.publish("all.x", "")
				if heard {
					go func() {
						time.Sleep(delivery.DrainTime / 2)
						r.engine.Handed(n.last)
					}()
				}
				r.stop() // it waits for the request that hangs
				d, err := r.store.Delivery(context.Background(), n.last.Deliveries[0].ID)
				if err != nil || d.Status != hub.DeliveryPending || d.LeasedTo != "" || d.Attempts != 0 || d.DueAt.IsZero() {
					t.Errorf("it is %+v, %v", d, err)
				}
				r.start()
			})
		})
	}
}

// TestHandoverToTheDeaf: who knows that it hears nothing is handed nothing, and finds
// what was handed over before when it looks for work.
func TestHandoverToTheDeaf(t *testing.T) {
	besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
		n.lose()
		n.publish("all.x", "")
		n.listen(false)
		n.publish("all.x", "")
		if n.handed != 1 {
			t.Errorf("%d were handed over", n.handed)
		}
		if err := r.engine.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r.takenOnce(3)
	})
}

// TestHandoverIsBounded: what is handed over takes no more memory than what is
// published here.
func TestHandoverIsBounded(t *testing.T) {
	besideTest(t, "hanging", nil, func(t *testing.T, r *rig, n *neighbour) {
		for range 6 {
			r.addWebhook("hanging", nil)
		}
		r.data = `"` + strings.Repeat("x", 6000) + `"`
		for range 1500 {
			n.publish("all.x", "")
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		if _, leased := r.due(); leased > 32<<20/6000 {
			t.Errorf("%d are in memory", leased)
		}
	})
}

// TestHandoverToAFormerServer: what comes for a lane that this process serves no
// more, or anew, goes back to the due rows.
func TestHandoverToAFormerServer(t *testing.T) {
	besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
		share := func(all bool) {
			t.Helper()
			if err := r.engine.SetShare(context.Background(), members, func(hub.WebhookID) bool { return all }); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		r.engine.OnRevoke = nil // the publisher does not hear of it in time
		share(false)
		n.publish("all.x", "")
		time.Sleep(time.Second)
		if due, leased := r.due(); due != 1 || leased != 0 {
			t.Errorf("after the lane was given up: %d due, %d leased", due, leased)
		}
		share(true)
		claimed := r.engine.Counters().Claimed.Load()
		n.publish("all.x", "") // by a grant of before
		time.Sleep(time.Minute)
		r.takenOnce(3)
		if n.handed != 2 || r.engine.Counters().Claimed.Load() != claimed+1 {
			t.Errorf("%d were handed over, %d claimed since", n.handed, r.engine.Counters().Claimed.Load()-claimed)
		}
	})
}

// TestGrantIsVoid: nothing is handed over to who stops, or is gone.
func TestGrantIsVoid(t *testing.T) {
	for name, void := range map[string]func(n *neighbour) error{
		"stopping": func(n *neighbour) error { n.engine.Revoked(here); return nil },
		// Telling may be what failed.
		"a failed commit": func(n *neighbour) error {
			n.engine.Settle(false, n.engine.Route(&hub.Event{ID: hub.EventID(n.r.ids.New()), Type: "all.x"}))
			return nil
		},
		"gone": func(n *neighbour) error {
			return n.engine.SetShare(context.Background(), []string{there}, func(hub.WebhookID) bool { return false })
		},
	} {
		t.Run(name, func(t *testing.T) {
			besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
				if err := void(n); err != nil {
					t.Fatal(err)
				}
				n.publish("all.x", "")
				if n.handed != 0 {
					t.Error("it was handed over")
				}
				time.Sleep(time.Second)
				r.takenOnce(2)
			})
		})
	}
}

// TestNoGrant: who cannot use what would come, or would not hear of it, asks for
// nothing.
func TestNoGrant(t *testing.T) {
	nothing := func(*testing.T, *rig) {}
	for name, c := range map[string]struct {
		behaves string
		change  func(*hub.Policy)
		before  func(*testing.T, *rig)
	}{
		"a rate limit": {"well", func(p *hub.Policy) { p.RateLimit = 60 }, nothing},
		"a breaker":    {"dead", nil, nothing},
		"deaf":         {"well", nil, func(_ *testing.T, r *rig) { r.beside.listen(false) }},
		"paused": {"well", nil, func(t *testing.T, r *rig) {
			if err := r.engine.PauseAll(context.Background()); err != nil {
				t.Fatal(err)
			}
		}},
		"a stranger": {"well", nil, func(t *testing.T, r *rig) {
			if err := r.engine.SetShare(context.Background(), []string{here}, nil); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hub.db")
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, newWorld(t, 1), path)
				r.addNeighbour(1)
				r.addWebhook(c.behaves, c.change)
				if c.behaves == "dead" {
					for range hub.BreakerFailures {
						r.publish("all.x", "")
					}
					time.Sleep(time.Minute)
				}
				c.before(t, r)
				for range 10 {
					r.beside.publish("all.x", "")
					r.engine.Due(there, r.hooks[0].ID)
					time.Sleep(2 * time.Second)
				}
				if r.beside.handed != 0 {
					t.Errorf("%d were handed over", r.beside.handed)
				}
				r.end()
			})
		})
	}
}

// TestGrantIsGivenAgain: a publisher that did not hear of its grant gets another.
func TestGrantIsGivenAgain(t *testing.T) {
	besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
		n.engine.Revoked(here) // as if it had not heard
		n.publish("all.x", "")
		time.Sleep(2 * time.Second)
		n.publish("all.x", "")
		time.Sleep(time.Second)
		n.publish("all.x", "")
		if n.handed == 0 {
			t.Error("nothing is handed over any more")
		}
		time.Sleep(time.Second)
		r.takenOnce(4)
	})
}

// TestLargeEventsAreNotHandedOver: a notification of Postgres holds 8000 bytes.
func TestLargeEventsAreNotHandedOver(t *testing.T) {
	besideTest(t, "well", nil, func(t *testing.T, r *rig, n *neighbour) {
		for size, want := range map[int]bool{6000: true, 8000: false} {
			r.data = `"` + strings.Repeat("x", size) + `"`
			before := n.handed
			n.publish("all.x", "")
			if got := n.handed > before; got != want {
				t.Errorf("with %d bytes: handed over %t", size, got)
			}
		}
	})
}
