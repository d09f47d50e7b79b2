package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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

// plan is one load of events through a fresh hub.
type plan struct {
	events    int
	endpoints int
	hanging   int      // endpoints 0 … hanging−1 hang; they are judged by nothing
	env       []string // for the hub
	prunes    bool     // the hub forgets finished deliveries, so its count proves nothing
	// load sends the events.
	load func(ctx context.Context, send sendFunc) *load
	// alongside, if not nil, runs during the load until its context ends.
	alongside func(ctx context.Context, h *hubProcess, s *sinkProcess) error
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
	stats     queueStats // of the hub, at the end
}

// perSecond is the rate at which deliveries reached the sink.
func (d delivery) perSecond() float64 { return float64(d.arrived) / d.seconds }

// cpuPer10k is the hub's CPU seconds per 10,000 deliveries.
func (d delivery) cpuPer10k() float64 { return d.usage.cpu.Seconds() / float64(d.arrived) * 10_000 }

// secondsAt is the time from the first send to the last arrival at the endpoints from ≤ n < to.
func (d delivery) secondsAt(from, to int) float64 {
	last := total(d.counts.Endpoints[from:to]).LastAt
	return max(float64(last-d.load.started.UnixMicro())/1e6, 1e-6)
}

// deliver carries a plan out on a hub of its own and audits it. name tells the data folders of one trial apart.
func (t *trial) deliver(ctx context.Context, s *sinkProcess, name string, p plan) (d delivery, err error) {
	if err := s.reset(ctx); err != nil {
		return d, err
	}
	h, err := t.startHub(ctx, name, p.env...)
	if err != nil {
		return d, err
	}
	defer func() {
		// Whoever hangs is let go first, so that the hub's last requests can end.
		err = errors.Join(err, s.release(context.WithoutCancel(ctx)), h.stop())
	}()
	client := newHubClient(h, t.opt.senders)
	defer client.close()

	hooks, err := t.subscribe(ctx, client, s, p)
	if err != nil {
		return d, err
	}
	m, err := startMeter(h, s)
	if err != nil {
		return d, err
	}
	stopAlongside := runAlongside(ctx, func(ctx context.Context) error {
		if p.alongside == nil {
			return nil
		}
		return p.alongside(ctx, h, s)
	})
	profiled := t.profile(ctx, h, name)
	d.load = p.load(ctx, client.eventSender(p.endpoints))
	err = t.collect(ctx, h, client, s, p, &d)
	err = errors.Join(err, stopAlongside())
	if err != nil {
		return d, err
	}
	if d.usage, err = m.stop(); err != nil {
		return d, err
	}
	t.noteError(profiled())
	return d, t.audit(ctx, s, hooks, p, &d)
}

// subscribe makes one outgoing webhook per endpoint and lets the first ones hang.
func (t *trial) subscribe(ctx context.Context, client *hubClient, s *sinkProcess, p plan) ([]outgoing, error) {
	var hooks []outgoing
	for n := range p.endpoints {
		hook, err := client.createOutgoing(ctx, fmt.Sprintf("bench %d", n), s.endpointURL(n), t.opt.concurrency)
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, hook)
		if n < p.hanging {
			if err := s.hang(ctx, n, t.opt.hang); err != nil {
				return nil, err
			}
		}
	}
	return hooks, nil
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
func (t *trial) collect(ctx context.Context, h *hubProcess, client *hubClient, s *sinkProcess, p plan, d *delivery) error {
	want := d.load.count(acked) * (p.endpoints - p.hanging)
	if err := t.awaitArrivals(ctx, h, client, s, p, want); err != nil {
		return err
	}
	if p.hanging > 0 {
		return nil // the hub is not done, and will not be for long
	}
	if err := awaitIdle(ctx, client, want, d, p.prunes); err != nil {
		return err
	}
	return pause(ctx, linger)
}

// awaitArrivals returns when the healthy endpoints have want events in all, or when nothing came for the stall time, or
// when nothing comes and the hub says that nothing is under way.
func (t *trial) awaitArrivals(ctx context.Context, h *hubProcess, client *hubClient, s *sinkProcess, p plan, want int) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	got, changed := -1, time.Now()
	for {
		c, err := s.counts(ctx, false)
		if err != nil {
			return err
		}
		now := total(c.Endpoints[p.hanging:p.endpoints]).Distinct
		if now >= want {
			return nil
		}
		if now != got {
			got, changed = now, time.Now()
		}
		quiet := time.Since(changed)
		if quiet > t.opt.stall {
			return nil
		}
		if quiet > idleGrace {
			stats, err := client.queueStats(ctx)
			if err != nil {
				return err
			}
			if stats.idle() {
				return nil
			}
		}
		select {
		case <-poll.C:
		case <-h.exited:
			return errors.New("the hub ended under load")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitIdle returns when the hub says that nothing is under way and that it completed want deliveries, or when what it
// says has not changed for too long. A wrong count is a mismatch then.
func awaitIdle(ctx context.Context, client *hubClient, want int, d *delivery, prunes bool) error {
	changed := time.Now()
	for {
		stats, err := client.queueStats(ctx)
		if err != nil {
			return err
		}
		if stats != d.stats {
			d.stats, changed = stats, time.Now()
		}
		if stats.idle() && (prunes || stats.Completed == want) {
			return nil
		}
		patience := busyPatience
		if stats.idle() {
			patience = idlePatience
		}
		if time.Since(changed) > patience {
			if !prunes {
				d.audit.Mismatch = max(stats.Completed-want, want-stats.Completed)
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
func (t *trial) audit(ctx context.Context, s *sinkProcess, hooks []outgoing, p plan, d *delivery) error {
	c, err := s.counts(ctx, true)
	if err != nil {
		return err
	}
	healthy := total(c.Endpoints[p.hanging:p.endpoints])
	d.counts = c
	d.latency = *c.Latency
	d.arrived = healthy.Distinct
	d.seconds = d.secondsAt(p.hanging, p.endpoints)
	d.bodyBytes = float64(healthy.BodyBytes) / float64(max(healthy.Received, 1))
	d.audit.Doubled, d.audit.SameID, d.audit.Foreign = healthy.Doubled, healthy.SameID, healthy.Foreign
	d.audit.Refused = p.events - d.load.count(acked)
	for n := p.hanging; n < p.endpoints; n++ {
		seen, err := s.seen(ctx, n)
		if err != nil {
			return err
		}
		d.audit = d.audit.plus(compare(d.load.verdicts, seen))
		if c.Endpoints[n].Received == 0 {
			continue
		}
		first, err := s.sample(ctx, n)
		if err != nil {
			return err
		}
		if err := checkSignatures(hooks[n].Secret, first.Header, first.Body); err != nil {
			return fmt.Errorf("a delivery to endpoint %d: %w", n, err)
		}
	}
	t.count(d.audit)
	t.noteError(d.load.firstErr)
	t.worst(metricOthers, d.usage.others*100)
	return nil
}

// startHub starts a hub in a folder of its own under the trial's.
func (t *trial) startHub(ctx context.Context, name string, env ...string) (*hubProcess, error) {
	return startHub(ctx, hubConfig{
		binary:  t.binary,
		dir:     filepath.Join(t.dir, name),
		env:     append(env, t.opt.hubEnv...),
		profile: t.opt.cpuProfile != "",
	})
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
