package main

import (
	"context"
	"errors"
	"time"
)

// idleFor is how long the hub is left alone before its memory is read.
const idleFor = 3 * time.Second

// runIdle starts a hub on an empty folder and reads how soon it was ready and what it holds when nothing happens.
func runIdle(ctx context.Context, t *trial) (err error) {
	h, err := t.startHub(ctx, "hub")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	t.set(metricReady, float64(h.readyIn)/float64(time.Millisecond))
	before, err := processCPU(h.pid())
	if err != nil {
		return err
	}
	if err := pause(ctx, idleFor); err != nil {
		return err
	}
	after, err := processCPU(h.pid())
	if err != nil {
		return err
	}
	m, err := processMemory(h.pid())
	if err != nil {
		return err
	}
	t.set(metricIdleCPU, (after-before).Seconds()/idleFor.Seconds()*100)
	t.set(metricResident, megabytes(m.resident))
	t.set(metricPeak, megabytes(m.peak))
	return nil
}
