package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestASecondSignalAtOnceDoesNotHasten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan os.Signal, 1)
		ctx, stop := context.WithCancel(t.Context())
		began, hastened := time.Now(), make(chan time.Duration, 1)
		go stopWhen(told, stop, func() { hastened <- time.Since(began) })
		told <- syscall.SIGTERM
		<-ctx.Done()
		told <- syscall.SIGTERM // as timeout(1) sends it: to the process, and to its group
		synctest.Wait()
		select {
		case <-hastened:
			t.Fatal("the second signal of one request ends the process")
		default:
		}
		if after := <-hastened; after != sameStop {
			t.Fatalf("a later signal ends the process after %s, want %s", after, sameStop)
		}
	})
}

// A terminal that closes stops the hub as SIGTERM does.
func TestHangupDrains(t *testing.T) {
	h := serve(t, map[string]string{"HUB_DATA_DIR": t.TempDir()})
	if err := h.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-h.exited
	if code := h.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s, want exit code 0", h.cmd.ProcessState)
	}
}

// Under nohup a hub outlives its terminal.
func TestHangupIsIgnoredUnderNohup(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if signals := stopSignals(); slices.Contains(signals, os.Signal(syscall.SIGHUP)) {
		t.Errorf("stopped by %v", signals)
	}
}

// A hub whose log nobody reads any more goes on without one, and stops as it should.
func TestServeOutlivesTheReaderOfItsLog(t *testing.T) {
	log, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	h := serveInto(t, end, map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_LOG": "debug"})
	if err := errors.Join(end.Close(), log.Close()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // each is a line of the log
		h.must(http.MethodGet, "/api/channels", nil, nil)
	}
	h.stop()
	if code := h.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s, want exit code 0", h.cmd.ProcessState)
	}
}
