package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

const (
	pollInterval  = 20 * time.Millisecond  // of the sink's counts
	statsInterval = 50 * time.Millisecond  // of the hub's queue statistics
	busyPatience  = 30 * time.Second       // with a hub that has work and gets nowhere, once all has arrived
	idlePatience  = 2 * time.Second        // with a hub that has no work and a wrong count
	idleGrace     = time.Second            // no arrival for so long, and nothing queued: nothing will come
	linger        = 300 * time.Millisecond // after all is settled, for a late second copy
)

// plan is one load of events, and the hubs and webhooks for it.
type plan struct {
	events    int
	endpoints int
	hanging   int      // endpoints 0 … hanging−1 hang; they are judged by nothing
	dead      int      // the next ones refuse connections, and are judged by nothing either
	groups    int      // more than 1: event n goes to the endpoints that leave the same remainder as n
	hubs      int      // more than 1: that many on one database
	env       []string // for the hubs
	prunes    bool     // the hub forgets finished deliveries, so its count proves nothing
	// load sends the events.
	load func(ctx context.Context, send sendFunc) *load
	// alongside, if not nil, runs during the load until its context ends.
	alongside func(ctx context.Context, st *stage) error
}

// faulty is the number of endpoints, the first ones, that take nothing.
func (p plan) faulty() int { return p.hanging + p.dead }

// fanout is the number of endpoints that an event goes to.
func (p plan) fanout() int { return p.endpoints / max(p.groups, 1) }

// eventType is the type of event number seq.
func (p plan) eventType(seq int) string {
	if p.groups < 2 {
		return eventName
	}
	return eventName + "." + strconv.Itoa(seq%p.groups)
}

// pattern is what endpoint number n subscribes to.
func (p plan) pattern(n int) string {
	if p.groups < 2 {
		return eventPattern
	}
	return p.eventType(n)
}

// verdictsAt are the verdicts on the events that go to endpoint number n; for it the others were never sent.
func (p plan) verdictsAt(n int, all []verdict) []verdict {
	if p.groups < 2 {
		return all
	}
	some := make([]verdict, len(all))
	for seq := n % p.groups; seq < len(all); seq += p.groups {
		some[seq] = all[seq]
	}
	return some
}

// expected is the number of deliveries that the healthy endpoints are to get.
func (p plan) expected(all []verdict) int {
	groups := max(p.groups, 1)
	healthy := make([]int, groups)
	for n := p.faulty(); n < p.endpoints; n++ {
		healthy[n%groups]++
	}
	want := 0
	for seq, v := range all {
		if v == acked {
			want += healthy[seq%groups]
		}
	}
	return want
}

// delivery is what became of a plan.
type delivery struct {
	load      *load
	audit     audit
	latency   quantiles // event sent → at the sink
	seconds   float64   // from the first send to the last arrival at a healthy endpoint
	arrived   int       // deliveries at healthy endpoints
	bodyBytes float64   // average, at healthy endpoints
	counts    counts
	usage     usage
	before    queueStats // of the hub, at the start
	stats     queueStats // and at the end
}

// perSecond is the rate at which deliveries reached the sink.
func (d delivery) perSecond() float64 { return float64(d.arrived) / d.seconds }

// secondsAt is the time from the first send to the last arrival at the endpoints from ≤ n < to.
func (d delivery) secondsAt(from, to int) float64 {
	last := total(d.counts.Endpoints[from:to]).LastAt
	return max(float64(last-d.load.started.UnixMicro())/1e6, 1e-6)
}

// deliver carries a plan out on a stage of its own. name tells the data folders of one trial apart.
func (t *trial) deliver(ctx context.Context, s *sinkProcess, name string, p plan) (d delivery, err error) {
	st, err := t.newStage(ctx, s, name, p)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	if err := st.subscribe(ctx, p); err != nil {
		return d, err
	}
	return st.run(ctx, name, p)
}

// run carries a plan out on the stage, which has subscribed to its events, and audits it.
func (st *stage) run(ctx context.Context, name string, p plan) (d delivery, err error) {
	if err := st.spoil(ctx, p); err != nil {
		return d, err
	}
	if d.before, err = st.clients[0].queueStats(ctx); err != nil {
		return d, err
	}
	m, err := startMeter(st)
	if err != nil {
		return d, err
	}
	stopAlongside := runAlongside(ctx, func(ctx context.Context) error {
		if p.alongside == nil {
			return nil
		}
		return p.alongside(ctx, st)
	})
	profiled := st.t.profile(ctx, st.hubs[0], name)
	d.load = p.load(ctx, st.sender(p))
	err = st.collect(ctx, p, &d)
	err = errors.Join(err, stopAlongside())
	if err != nil {
		return d, err
	}
	if d.usage, err = m.stop(); err != nil {
		return d, err
	}
	st.t.noteError(profiled())
	return d, st.audit(ctx, p, &d)
}

// spoil lets the sink forget what was, and makes the faulty endpoints faulty.
func (st *stage) spoil(ctx context.Context, p plan) error {
	if err := st.sink.reset(ctx); err != nil {
		return err
	}
	for n := range p.hanging {
		if err := st.sink.hang(ctx, n, st.t.opt.hang); err != nil {
			return err
		}
	}
	if p.dead == 0 {
		return nil
	}
	return st.sink.shut(ctx)
}

// runAlongside runs f in a goroutine; the function returned ends it and hands out its error.
func runAlongside(ctx context.Context, f func(context.Context) error) func() error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	return func() error {
		cancel()
		err := <-done
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
}

// collect waits until every healthy endpoint has everything acknowledged, or nothing more can be expected, and then
// until the hub has booked it.
func (st *stage) collect(ctx context.Context, p plan, d *delivery) error {
	want := p.expected(d.load.verdicts)
	if err := st.awaitArrivals(ctx, p, want); err != nil {
		return err
	}
	if p.faulty() > 0 {
		return nil // the hub is not done, and will not be for long
	}
	if err := st.awaitIdle(ctx, want, d, p.prunes); err != nil {
		return err
	}
	return pause(ctx, linger)
}

// awaitArrivals returns when the healthy endpoints have want events in all, or when nothing came for the stall time, or
// when nothing comes and the hub says that nothing is under way.
func (st *stage) awaitArrivals(ctx context.Context, p plan, want int) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	got, changed := -1, time.Now()
	for {
		healthy, err := st.sink.total(ctx, p.faulty(), p.endpoints)
		if err != nil {
			return err
		}
		now := healthy.Distinct
		if now >= want {
			return nil
		}
		if now != got {
			got, changed = now, time.Now()
		}
		quiet := time.Since(changed)
		if quiet > st.t.opt.stall {
			return nil
		}
		if quiet > idleGrace {
			stats, err := st.clients[0].queueStats(ctx)
			if err != nil {
				return err
			}
			if stats.idle() {
				return nil
			}
		}
		select {
		case <-poll.C:
		case <-st.exited():
			return errors.New("the hub ended under load")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitIdle returns when the hub says that nothing is under way and that it completed want deliveries, or when what it
// says has not changed for too long. A wrong count is a mismatch then.
func (st *stage) awaitIdle(ctx context.Context, want int, d *delivery, prunes bool) error {
	changed := time.Now()
	for {
		stats, err := st.clients[0].queueStats(ctx)
		if err != nil {
			return err
		}
		if stats != d.stats {
			d.stats, changed = stats, time.Now()
		}
		completed := stats.Completed - d.before.Completed
		if stats.idle() && (prunes || completed == want) {
			return nil
		}
		patience := busyPatience
		if stats.idle() {
			patience = idlePatience
		}
		if time.Since(changed) > patience {
			if !prunes {
				d.audit.Mismatch = max(completed-want, want-completed)
			}
			return nil
		}
		if err := pause(ctx, statsInterval); err != nil {
			return err
		}
	}
}

// pause returns after d, or earlier with the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// audit compares what arrived with what was acknowledged, endpoint by endpoint, and checks one signature of each.
func (st *stage) audit(ctx context.Context, p plan, d *delivery) error {
	c, err := st.sink.counts(ctx)
	if err != nil {
		return err
	}
	healthy := total(c.Endpoints[p.faulty():p.endpoints])
	d.counts = c
	d.latency = *c.Latency
	d.arrived = healthy.Distinct
	d.seconds = d.secondsAt(p.faulty(), p.endpoints)
	d.bodyBytes = float64(healthy.BodyBytes) / float64(max(healthy.Received, 1))
	d.audit.Doubled, d.audit.SameID, d.audit.Foreign = healthy.Doubled, healthy.SameID, healthy.Foreign
	d.audit.Refused = p.events - d.load.count(acked)
	for n := p.faulty(); n < p.endpoints; n++ {
		seen, err := st.sink.seen(ctx, n)
		if err != nil {
			return err
		}
		d.audit = d.audit.plus(compare(p.verdictsAt(n, d.load.verdicts), seen))
		if c.Endpoints[n].Received == 0 {
			continue
		}
		first, err := st.sink.sample(ctx, n)
		if err != nil {
			return err
		}
		if err := checkSignatures(st.hooks[n].Secret, first.Header, first.Body); err != nil {
			return fmt.Errorf("a delivery to endpoint %d: %w", n, err)
		}
	}
	st.t.count(d.audit)
	st.t.noteError(d.load.firstErr)
	st.t.worst(metricOthers, d.usage.others*100)
	return nil
}

// profile starts a CPU profile if one was asked for; the function returned waits for it.
func (t *trial) profile(ctx context.Context, h *hubProcess, name string) func() error {
	if t.opt.cpuProfile == "" {
		return func() error { return nil }
	}
	file := fmt.Sprintf("%s-%s-%s.pprof", t.opt.cpuProfile, filepath.Base(t.dir), name)
	done := make(chan error, 1)
	go func() { done <- h.profile(ctx, file, t.opt.profileFor) }()
	return func() error { return <-done }
}
