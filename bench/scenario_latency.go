package main

import (
	"context"
	"time"
)

// latencyInterval is the time between two events of the open loop: 200 a second.
const latencyInterval = 5 * time.Millisecond

// runLatency sends at a fixed rate, whatever the hub does, for 20 s. Times run from the moment the driver sends, which it
// writes into the event, to the moment the sink has read the delivery: one machine, one clock. How late the driver itself
// was is a figure of its own, so that a stalled driver cannot flatter the hub unseen.
func runLatency(ctx context.Context, t *trial) error {
	events := t.opt.scaled(4_000)
	return withSink(ctx, func(s *sinkProcess) error {
		d, err := t.deliver(ctx, s, "hub", plan{
			events: events, endpoints: 1,
			load: func(ctx context.Context, send sendFunc) *load { return openLoop(ctx, events, latencyInterval, send) },
		})
		if err != nil {
			return err
		}
		t.recordThroughput(d)
		t.set(metricP50, d.latency.P50)
		t.set(metricP99, d.latency.P99)
		t.set(metricMax, d.latency.Max)
		t.set(metricLag, d.load.lagTimes().P99)
		return nil
	})
}
