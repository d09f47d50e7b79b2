package main

import (
	"context"
	"errors"
	"time"
)

// Of the webhooks of this scenario every tenth is dead and every hundredth hangs; an event goes to ten of them, of which
// one is dead.
const (
	lanes        = 10_000
	laneFanout   = 10
	laneEvents   = 10_000
	deadShare    = 10
	hangingShare = 100
)

// runLanes measures what many faulty endpoints among very many cost the others: the same webhooks get the same events from
// the same hub, first while all is well, then while some hang and others refuse connections. Each has a host of its own,
// and has been called once before, so that neither half pays for the connections.
func runLanes(ctx context.Context, t *trial) error {
	endpoints := max(1, t.opt.scaled(lanes)/laneFanout) * laneFanout
	faulty := plan{
		endpoints: endpoints, groups: endpoints / laneFanout,
		hanging: max(1, endpoints/hangingShare), dead: max(1, endpoints/deadShare),
	}
	return withEndpoints(ctx, endpoints, true, func(s *sinkProcess) (err error) {
		st, err := t.newStage(ctx, s, "hub", faulty)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.close(ctx)) }()
		began := time.Now()
		if err := st.subscribe(ctx, faulty); err != nil {
			return err
		}
		t.set(metricSetUp, time.Since(began).Seconds())

		well := faulty
		well.hanging, well.dead = 0, 0
		run := func(name string, p plan, events int) (delivery, error) {
			p.events, p.load = events, t.closedLoad(events)
			return st.run(ctx, name, p)
		}
		if _, err := run("warm-up", well, well.groups); err != nil {
			return err
		}
		events := t.opt.scaled(laneEvents)
		free, err := run("well", well, events)
		if err != nil {
			return err
		}
		hurt, err := run("faulty", faulty, events)
		if err != nil {
			return err
		}
		t.recordThroughput(hurt)
		without := free.secondsAt(faulty.faulty(), endpoints)
		t.set(metricWellSeconds, without)
		t.set(metricKept, without/hurt.seconds)
		return nil
	})
}
