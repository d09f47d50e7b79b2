package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sameStop is how long after the first signal others are part of the same request: timeout(1) signals a process and
// its group, and a terminal that closes signals more than once.
const sameStop = 500 * time.Millisecond

// untilStopped returns a context that is done when the process is told to stop by one of stopSignals. A SIGINT or
// SIGTERM that comes later than sameStop ends the process at once.
func untilStopped() context.Context {
	told := make(chan os.Signal, 1)
	signal.Notify(told, stopSignals()...)
	ctx, stop := context.WithCancel(context.Background())
	go stopWhen(told, stop, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	return ctx
}

// stopSignals are SIGINT, SIGTERM, and the SIGHUP of a terminal that closes, unless that was ignored from the start (nohup).
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// stopWhen calls stop at the first signal and, sameStop later, hasten.
func stopWhen(told <-chan os.Signal, stop, hasten func()) {
	<-told
	stop()
	time.Sleep(sameStop)
	hasten()
}
