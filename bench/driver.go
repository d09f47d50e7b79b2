package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sendFunc sends request number seq and returns nil if it was acknowledged, a *refusal if it was answered otherwise.
type sendFunc func(ctx context.Context, seq int) error

// load is what the driver did and was told.
type load struct {
	verdicts []verdict // by request number
	started  time.Time
	ended    time.Time
	answers  []time.Duration // how long each answered request took
	lags     []time.Duration // open loop only: how late each request was sent
	firstErr error           // of the requests that were not acknowledged
}

// faultBudget is how many requests may fail before a closed loop gives up: a hub that answers nothing must not keep the
// harness for hours.
const faultBudget = 200

// closedLoop sends n requests with so many senders, each of which waits for its answer before it sends the next.
// before, if not nil, is called ahead of each request and may block; its error ends the load.
func closedLoop(ctx context.Context, senders, n int, before func(ctx context.Context, seq int) error, send sendFunc) *load {
	l := &load{verdicts: make([]verdict, n), started: time.Now()}
	var next, faults atomic.Int64
	var mu sync.Mutex // guards l.answers and l.firstErr; each verdict has one writer
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			var answers []time.Duration
			var firstErr error
			for ctx.Err() == nil && faults.Load() < faultBudget {
				seq := int(next.Add(1)) - 1
				if seq >= n {
					break
				}
				if before != nil {
					if firstErr = before(ctx, seq); firstErr != nil {
						break
					}
				}
				took, err := l.one(ctx, seq, send)
				answers = append(answers, took)
				if err == nil {
					continue
				}
				faults.Add(1)
				if firstErr == nil {
					firstErr = err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			l.answers = append(l.answers, answers...)
			if l.firstErr == nil {
				l.firstErr = firstErr
			}
		})
	}
	all.Wait()
	l.ended = time.Now()
	return l
}

// openLoop sends n requests at fixed intervals, whether or not earlier ones were answered.
func openLoop(ctx context.Context, n int, interval time.Duration, send sendFunc) *load {
	l := &load{
		verdicts: make([]verdict, n), answers: make([]time.Duration, n), lags: make([]time.Duration, n), started: time.Now(),
	}
	errs := make([]error, n)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var all sync.WaitGroup
	sent := 0
	for ; sent < n; sent++ {
		seq := sent
		due := l.started.Add(time.Duration(seq) * interval)
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			l.lags[seq] = time.Since(due)
			l.answers[seq], errs[seq] = l.one(ctx, seq, send)
		})
	}
	all.Wait()
	l.ended = time.Now()
	l.answers, l.lags = l.answers[:sent], l.lags[:sent]
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		l.firstErr = errs[i]
	}
	return l
}

// one sends one request and notes the verdict.
func (l *load) one(ctx context.Context, seq int, send sendFunc) (time.Duration, error) {
	start := time.Now()
	err := send(ctx, seq)
	var r *refusal
	switch {
	case err == nil:
		l.verdicts[seq] = acked
	case errors.As(err, &r):
		l.verdicts[seq] = refused
	default:
		l.verdicts[seq] = unanswered
	}
	return time.Since(start), err
}

// count is how many requests got that verdict.
func (l *load) count(v verdict) int {
	n := 0
	for _, got := range l.verdicts {
		if got == v {
			n++
		}
	}
	return n
}

// answerTimes sums up how long the hub took to answer.
func (l *load) answerTimes() quantiles { return durationQuantiles(l.answers) }

// lagTimes sums up how late the open loop sent.
func (l *load) lagTimes() quantiles { return durationQuantiles(l.lags) }

func durationQuantiles(unsorted []time.Duration) quantiles {
	sorted := slices.Sorted(slices.Values(unsorted))
	return sortedQuantiles(sorted, func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) })
}
