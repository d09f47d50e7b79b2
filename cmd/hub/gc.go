package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// gcPercent trades memory for CPU time while the live heap is small, 20 MB under
	// load: to collect it at every doubling costs 6 % of the throughput (measured).
	gcPercent = 300
	// gcGarbage is how much garbage it may come to, in bytes. A larger heap is
	// collected sooner, at the latest when it has doubled: with ten thousand webhooks
	// the hub took twice the memory otherwise (measured).
	gcGarbage = 96 << 20
	// gcPace is how often the heap is looked at.
	gcPace = time.Second
)

// gcPercentFor returns the percentage of a live heap, in bytes, that may be garbage.
func gcPercentFor(live uint64) int {
	return int(min(gcPercent, max(100, 100*gcGarbage/max(live, 1))))
}

// paceGC sets how often garbage is collected until ctx is done, unless the
// environment says it.
func paceGC(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(gcPercent)
	set := gcPercent
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	ticker := time.NewTicker(gcPace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		metrics.Read(live)
		if want := gcPercentFor(live[0].Value.Uint64()); want < set*9/10 || want > set*11/10 || want != set && want == gcPercent {
			debug.SetGCPercent(want)
			set = want
		}
	}
}
