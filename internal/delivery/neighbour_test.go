package delivery_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/delivery"
)

// neighbour is a second process on the rig's database that serves no lane: all that
// it publishes it hands over, or stores as due. What the two tell each other takes
// its time, in any order, and what the rig's engine is told is lost while it does
// not listen.
type neighbour struct {
	r      *rig
	engine *delivery.Engine

	mu    sync.Mutex
	rand  *rand.Rand
	life  int  // of the rig's engine: what was told to an earlier one is lost
	given int  // how often that has revoked its grants: earlier ones are not heard of
	deaf  bool // the rig's engine does not listen
	twice bool // grants are heard of twice
	under sync.WaitGroup
	// handed counts what was handed over, lost what of it was not heard of; last is
	// the latest of it.
	handed, lost int
	last         hub.Routing
}

const (
	here  = "node"
	there = "neighbour"
)

// members are the processes of a rig with a neighbour.
var members = []string{here, there}

func (r *rig) addNeighbour(seed uint64) {
	r.t.Helper()
	n := &neighbour{r: r, rand: rand.New(rand.NewPCG(seed, 3))}
	n.engine = &delivery.Engine{
		Store: &faultyStore{Store: r.store, rand: rand.New(rand.NewPCG(8, 8)), alive: true}, Sender: r.world, Keys: plain{},
		Node: there, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		OnForeign: func(lane hub.WebhookID) {
			n.tell(true, func() { r.engine.Due(there, lane) })
		},
	}
	ctx := context.Background()
	if err := n.engine.SetShare(ctx, members, func(hub.WebhookID) bool { return false }); err != nil {
		r.t.Fatal(err)
	}
	if err := n.engine.Start(ctx); err != nil {
		r.t.Fatal(err)
	}
	r.beside = n
	r.stop()
	r.start()
}

// begin introduces an engine of the rig that is about to start.
func (n *neighbour) begin(e *delivery.Engine) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.life++
	n.deaf = false
	e.OnGrant = func(g hub.Grant) {
		n.mu.Lock()
		given, times := n.given, 1
		if n.twice || n.rand.IntN(10) == 0 {
			times = 2
		}
		n.mu.Unlock()
		for range times {
			n.tell(false, func() {
				n.mu.Lock()
				void := n.given != given
				n.mu.Unlock()
				if !void {
					n.engine.Granted(g)
				}
			})
		}
	}
	e.OnRevoke = func() {
		n.mu.Lock()
		n.given++
		n.mu.Unlock()
		n.engine.Revoked(here)
	}
}

// tell says something to one of the two, after a while. heard: to the rig's
// engine, if that listens then.
func (n *neighbour) tell(heard bool, say func()) {
	n.mu.Lock()
	life, takes := n.life, time.Duration(n.rand.IntN(30))*time.Millisecond
	n.mu.Unlock()
	n.under.Go(func() {
		time.Sleep(takes)
		n.mu.Lock()
		lost := n.life != life || heard && n.deaf
		n.mu.Unlock()
		if !lost {
			say()
		}
	})
}

// listen has the rig's engine hear what it is told, or not.
func (n *neighbour) listen(does bool) {
	n.mu.Lock()
	n.deaf = !does
	n.mu.Unlock()
	node := ""
	if does {
		node = here
	}
	if err := n.r.engine.Listening(context.Background(), node); err != nil {
		n.r.t.Fatal(err)
	}
}

// lose loses what the rig's engine is told, without its knowing, until listen.
func (n *neighbour) lose() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deaf = true
}

// fails reports whether a commit of the neighbour is to fail.
func (n *neighbour) fails() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.r.faults.rate > 0 && n.rand.IntN(20) == 0
}

// publish is the rig's, by the neighbour.
func (n *neighbour) publish(name, key string) {
	n.r.publishBy(n.engine, name, key, func(routing hub.Routing) error {
		told := hub.Routing{Event: routing.Event}
		for i := range routing.Deliveries {
			d := &routing.Deliveries[i]
			if d.Handed {
				told.Deliveries = append(told.Deliveries, *d)
			}
			d.Handed = false // the embedded database takes it as any lease
		}
		if n.fails() {
			return errInjected
		}
		err := n.r.store.Publish(context.Background(), nil, routing)
		for i := range routing.Deliveries {
			d := &routing.Deliveries[i]
			at := slices.IndexFunc(told.Deliveries, func(t hub.RoutedDelivery) bool { return t.ID == d.ID })
			d.Handed = at >= 0
			if at >= 0 && d.Parked {
				told.Deliveries = slices.Delete(told.Deliveries, at, at+1)
			}
		}
		if err != nil || len(told.Deliveries) == 0 {
			return err
		}
		n.mu.Lock()
		n.handed, n.last = n.handed+len(told.Deliveries), told
		if n.deaf {
			n.lost += len(told.Deliveries)
		}
		again := n.rand.IntN(10) == 0
		n.mu.Unlock()
		n.tell(true, func() { n.r.engine.Handed(told) })
		if again {
			n.tell(true, func() { n.r.engine.Handed(told) })
		}
		return nil
	})
}

func (n *neighbour) close() {
	n.under.Wait()
	n.engine.Close()
}
