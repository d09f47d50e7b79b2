package main

import "context"

// hangEndpoints is how many endpoints there are, the hanging included.
const hangEndpoints = 10

// runHang measures what hanging endpoints cost the others: the same endpoints must get the same events in the same time,
// whether the others answer at once or hang. Each half runs on a hub of its own.
func runHang(hanging int) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		events := t.opt.scaled(5_000)
		return withSink(ctx, func(s *sinkProcess) error {
			p := plan{events: events, endpoints: hangEndpoints, load: t.closedLoad(events)}
			free, err := t.deliver(ctx, s, "free", p)
			if err != nil {
				return err
			}
			p.hanging = hanging
			hung, err := t.deliver(ctx, s, "hanging", p)
			if err != nil {
				return err
			}
			t.recordThroughput(hung)
			without := free.secondsAt(hanging, hangEndpoints)
			t.set(metricFreeSeconds, without)
			t.set(metricSlowdown, hung.seconds/without)
			return nil
		})
	}
}
