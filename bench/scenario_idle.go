package main

import (
	"context"
	"errors"
	"time"
)

// idleFor is how long the hub is left alone before its memory is read.
const idleFor = 3 * time.Second

// runIdle starts a hub on an empty folder, or database, and reads how soon it was ready and what it holds when nothing
// happens.
func runIdle(ctx context.Context, t *trial) error {
	return withSink(ctx, func(s *sinkProcess) (err error) { // as for incoming
		st, err := t.newStage(ctx, s, "hub", plan{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.close(ctx)) }()
		t.set(metricReady, float64(st.hubs[0].readyIn)/float64(time.Millisecond))
		m, err := startMeter(st)
		if err != nil {
			return err
		}
		if err := pause(ctx, idleFor); err != nil {
			return err
		}
		u, err := m.stop()
		if err != nil {
			return err
		}
		t.set(metricIdleCPU, (u.hubs+u.database).Seconds()/u.duration.Seconds()*100)
		t.set(metricResident, megabytes(u.memory.resident))
		t.set(metricPeak, megabytes(u.memory.peak))
		t.worst(metricOthers, u.others*100)
		if t.server != nil {
			t.set(metricDatabaseMemory, megabytes(u.server))
		}
		return nil
	})
}
