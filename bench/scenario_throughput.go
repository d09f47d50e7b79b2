package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// bodyTolerance is by how much the bodies of hub and floor may differ in size, as a share.
const bodyTolerance = 0.15

// Throughput: as many events as the senders get acknowledged, until the sink has every delivery, against the floor.

func runOne(ctx context.Context, t *trial) error {
	return runThroughput(ctx, t, t.opt.scaled(20_000), 1)
}

func runFanout(ctx context.Context, t *trial) error {
	return runThroughput(ctx, t, t.opt.scaled(2_000), 10)
}

func runThroughput(ctx context.Context, t *trial, events, endpoints int) error {
	return withSink(ctx, func(s *sinkProcess) error {
		floor := func() ([]floorFigure, error) {
			return measureFloor(ctx, s, t.opt.floorRuns, events*endpoints, endpoints, t.opt.floorConcurrency)
		}
		before, err := floor()
		if err != nil {
			return err
		}
		d, err := t.deliver(ctx, s, "hub", plan{events: events, endpoints: endpoints, load: t.closedLoad(events)})
		if err != nil {
			return err
		}
		after, err := floor()
		if err != nil {
			return err
		}
		t.recordThroughput(d)
		t.recordFloor(d, append(before, after...))
		return nil
	})
}

// closedLoad is n requests by the driver's senders.
func (t *trial) closedLoad(n int) func(context.Context, sendFunc) *load {
	return func(ctx context.Context, send sendFunc) *load {
		return closedLoop(ctx, t.opt.senders, n, nil, send)
	}
}

// recordThroughput records what holds for any plan under full load.
func (t *trial) recordThroughput(d delivery) {
	t.set(metricSeconds, d.seconds)
	t.set(metricDeliveries, d.perSecond())
	t.recordUsage(d.usage, d.arrived)
	t.set(metricBody, d.bodyBytes)
	answers := d.load.answerTimes()
	t.set(metricAnswerP50, answers.P50)
	t.set(metricAnswerP99, answers.P99)
}

// recordUsage records what hubs and database spent on n deliveries or posts.
func (t *trial) recordUsage(u usage, n int) {
	per10k := func(cpu time.Duration) float64 { return cpu.Seconds() / float64(max(n, 1)) * 10_000 }
	t.set(metricCPU, per10k(u.hubs+u.database))
	t.set(metricPeak, megabytes(u.memory.peak))
	if t.server != nil {
		t.set(metricDatabaseCPU, per10k(u.database))
		t.set(metricDatabaseMemory, megabytes(u.server))
	}
}

// recordFloor records the medians of the floor and the ratio of the hub to it.
func (t *trial) recordFloor(d delivery, floors []floorFigure) {
	var rates, cpus []float64
	for _, f := range floors {
		rates = append(rates, f.perSecond)
		cpus = append(cpus, f.cpuPer10k)
	}
	rate := median(rates)
	t.set(metricFloor, rate)
	t.set(metricFloorCPU, median(cpus))
	t.set(metricFloorBody, floors[0].bodyBytes)
	t.set(metricRatio, d.perSecond()/rate)
	if off := d.bodyBytes/floors[0].bodyBytes - 1; math.Abs(off) > bodyTolerance {
		t.notes = append(t.notes,
			fmt.Sprintf("the hub's bodies differ by %+.0f %% from the floor's: the ratio is not quite fair", off*100))
	}
}

// megabytes is bytes in units of 10⁶.
func megabytes(n int64) float64 { return float64(n) / 1e6 }
