package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// soakWindow is how many deliveries may be under way. A driver without a bound would only measure a growing backlog.
	soakWindow = 2_000
	// soakSample is the time between two samples of memory and disk.
	soakSample = time.Second
	// soakPoll is the time between two looks at the sink.
	soakPoll = 20 * time.Millisecond
)

// soakKeeps makes the hub keep so little finished work, some 20,000 events, that it must prune all the time.
const soakKeeps = "HUB_RETENTION_BYTES=8MiB"

// runSoak delivers for as long as it takes and watches memory and disk: once warm, neither may grow.
func runSoak(ctx context.Context, t *trial) error {
	events := t.opt.soakDeliveries
	return withSink(ctx, func(s *sinkProcess) error {
		g := newGate(soakWindow)
		d, err := t.deliver(ctx, s, "hub", plan{
			events: events, endpoints: 1, env: []string{soakKeeps}, prunes: true,
			load: func(ctx context.Context, send sendFunc) *load {
				return closedLoop(ctx, t.opt.senders, events, g.pass, send)
			},
			alongside: func(ctx context.Context, st *stage) error { return g.close(st.watchSoak(ctx, g)) },
		})
		if err != nil {
			return err
		}
		t.recordThroughput(d)
		t.set(metricRetained, float64(d.stats.Total)/float64(events)*100)
		t.recordGrowth()
		return nil
	})
}

// watchSoak opens the gate as deliveries arrive, and samples, until ctx ends.
func (st *stage) watchSoak(ctx context.Context, g *gate) error {
	start := time.Now()
	next := start
	got, changed := 0, start
	poll := time.NewTicker(soakPoll)
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
		case <-st.exited():
			return errors.New("the hub ended under load")
		case <-ctx.Done():
			return ctx.Err()
		}
		at, err := st.sink.total(ctx, 0, 1)
		if err != nil {
			return err
		}
		arrived := at.Distinct
		g.arrived(arrived)
		now := time.Now()
		if arrived != got {
			got, changed = arrived, now
		}
		if now.Sub(changed) > st.t.opt.stall {
			return fmt.Errorf("nothing arrived for %v", st.t.opt.stall)
		}
		if now.After(next) {
			next = now.Add(soakSample)
			if err := st.sampleSoak(ctx, now.Sub(start), arrived); err != nil {
				return err
			}
		}
	}
}

func (st *stage) sampleSoak(ctx context.Context, at time.Duration, arrived int) error {
	m, err := processMemory(st.hubs[0].pid())
	if err != nil {
		return err
	}
	size, err := st.dataSize(ctx)
	if err != nil {
		return err
	}
	st.t.series = append(st.t.series, point{
		Seconds: at.Seconds(), Deliveries: arrived, ResidentMB: megabytes(m.resident), DataMB: megabytes(size),
	})
	return nil
}

// recordGrowth compares the most in the last quarter of the samples with the most in the second; the first is warm-up.
func (t *trial) recordGrowth() {
	n := len(t.series)
	if n < 8 {
		t.notes = append(t.notes, "too short to tell growth")
		return
	}
	most := func(from, to int, of func(point) float64) float64 {
		m := 0.0
		for _, p := range t.series[from:to] {
			m = max(m, of(p))
		}
		return m
	}
	growth := func(of func(point) float64) float64 { return most(3*n/4, n, of) / most(n/4, n/2, of) }
	t.set(metricMemoryGrowth, growth(func(p point) float64 { return p.ResidentMB }))
	t.set(metricDataGrowth, growth(func(p point) float64 { return p.DataMB }))
	t.set(metricData, most(0, n, func(p point) float64 { return p.DataMB }))
}

// gate holds senders back while too many deliveries are under way.
type gate struct {
	mu     sync.Mutex
	cond   *sync.Cond
	window int
	done   int   // deliveries arrived
	err    error // the gate is closed for good
}

func newGate(window int) *gate {
	g := &gate{window: window}
	g.cond = sync.NewCond(&g.mu)
	return g
}

// pass returns when request seq may be sent, or with the error the gate was closed with. It fits closedLoop's before.
func (g *gate) pass(_ context.Context, seq int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.err == nil && seq >= g.done+g.window {
		g.cond.Wait()
	}
	return g.err
}

func (g *gate) arrived(n int) {
	g.mu.Lock()
	g.done = n
	g.mu.Unlock()
	g.cond.Broadcast()
}

// close lets nobody pass any more and hands err back.
func (g *gate) close(err error) error {
	g.mu.Lock()
	g.err = err
	g.mu.Unlock()
	g.cond.Broadcast()
	return err
}
