package main

import (
	"context"
	"strconv"
)

// allCores lets a hub use what cores there are.
const allCores = 0

// runTwo measures what a second hub on the same database costs or brings: the same load by one hub, by two, and by one
// again, each on a database of its own. No hub runs Go code on more than so many cores at once, so that a second one
// brings what it would on a machine of its own; what else takes part shares this machine's. Where two hubs share all the
// cores that one had, they show what the second costs only.
func runTwo(events, endpoints, cores int) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		n := t.opt.scaled(events)
		return withSink(ctx, func(s *sinkProcess) error {
			p := plan{events: n, endpoints: endpoints, load: t.closedLoad(n)}
			if cores != allCores {
				p.env = []string{"GOMAXPROCS=" + strconv.Itoa(cores)}
			}
			before, err := t.deliver(ctx, s, "before", p)
			if err != nil {
				return err
			}
			p.hubs = 2
			pair, err := t.deliver(ctx, s, "pair", p)
			if err != nil {
				return err
			}
			p.hubs = 1
			after, err := t.deliver(ctx, s, "after", p)
			if err != nil {
				return err
			}
			t.recordThroughput(pair)
			single := (before.perSecond() + after.perSecond()) / 2
			t.set(metricSingle, single)
			t.set(metricPair, pair.perSecond()/single)
			return nil
		})
	}
}
