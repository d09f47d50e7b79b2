package cluster_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/cluster"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// door is an endpoint as all hubs share it: how many requests are with it at once.
type door struct {
	mu           sync.Mutex
	inside, most map[string]int
	total        int
	open         chan struct{} // nobody gets through before it is closed
}

func (d *door) pass(path string) {
	d.mu.Lock()
	d.inside[path]++
	d.most[path] = max(d.most[path], d.inside[path])
	d.total++
	d.mu.Unlock()
	<-d.open
	<-time.After(30 * time.Millisecond) // what a request takes
	d.mu.Lock()
	d.inside[path]--
	d.mu.Unlock()
}

func (d *door) passed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// TestConcurrencyOverJoinAndLeave: no endpoint has more requests in flight than its
// webhook allows, over all hubs, while hubs join and leave and its lane changes
// hands under load. Nothing is sent twice, nothing stays.
func TestConcurrencyOverJoinAndLeave(t *testing.T) {
	database := postgrestest.URL(t)
	d := &door{inside: map[string]int{}, most: map[string]int{}, open: make(chan struct{})}
	a := startWith(t, database, cluster.Options{}, d.pass)
	const lanes = 16 // so that each hub serves some: with six, one hub in 64 had none
	for i := range lanes {
		a.subscribeAt("work", fmt.Sprintf("http://receiver/%d", i))
	}
	var made []hub.RoutedDelivery
	var publishing sync.WaitGroup
	stop := make(chan struct{})
	publishing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if made = append(made, a.publish("work")...); len(made)-d.passed() > 2000 { // enough for every lane
				<-time.After(20 * time.Millisecond)
			}
		}
	})
	limit := hub.DefaultPolicy().Concurrency
	within(t, time.Minute, "every endpoint has all it may have", func() bool { return d.passed() >= lanes*limit })
	close(d.open)
	for round := range 3 {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			b := startWith(t, database, cluster.Options{}, d.pass)
			within(t, 10*time.Second, "the other hub does its share", func() bool {
				b.mu.Lock()
				defer b.mu.Unlock()
				return len(b.sent) >= 100
			})
		}) // it leaves, with work under way
		before := d.passed()
		within(t, 10*time.Second, "the work goes on", func() bool { return d.passed() >= before+200 })
	}
	close(stop)
	publishing.Wait()
	within(t, time.Minute, "all work is done", func() bool { return d.passed() >= len(made) })
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, most := range d.most {
		if most > limit {
			t.Errorf("%s had %d requests in flight, want %d at the most", path, most, limit)
		}
	}
	if d.total != len(made) || len(d.most) != lanes {
		t.Errorf("%d requests for %d deliveries to %d endpoints", d.total, len(made), len(d.most))
	}
}
