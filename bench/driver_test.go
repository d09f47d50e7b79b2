package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestClosedLoopKeepsVerdicts(t *testing.T) {
	var mu sync.Mutex
	inFlight, most := 0, 0
	send := func(_ context.Context, seq int) error {
		mu.Lock()
		inFlight++
		most = max(most, inFlight)
		mu.Unlock()
		defer func() { mu.Lock(); inFlight--; mu.Unlock() }()
		switch seq {
		case 3:
			return &refusal{status: 507}
		case 4:
			return errors.New("reset")
		}
		return nil
	}
	l := closedLoop(t.Context(), 4, 100, nil, send)
	if l.verdicts[3] != refused || l.verdicts[4] != unanswered || l.count(acked) != 98 || l.firstErr == nil {
		t.Errorf("verdicts %v, first error %v", l.verdicts, l.firstErr)
	}
	if most > 4 || len(l.answers) != 100 {
		t.Errorf("%d in flight, %d answer times", most, len(l.answers))
	}
}

func TestClosedLoopGivesUp(t *testing.T) {
	l := closedLoop(t.Context(), 4, 100_000, nil, func(context.Context, int) error { return &refusal{status: 500} })
	if n := l.count(refused); n < faultBudget || n > faultBudget+4 {
		t.Errorf("%d requests were refused before the loop gave up, want about %d", n, faultBudget)
	}
}

func TestOpenLoopDoesNotWaitForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var sent []time.Duration
		l := openLoop(t.Context(), 10, 5*time.Millisecond, func(ctx context.Context, _ int) error {
			mu.Lock()
			sent = append(sent, time.Since(start))
			mu.Unlock()
			return pause(ctx, time.Second)
		})
		for i, at := range sent {
			if want := time.Duration(i) * 5 * time.Millisecond; at != want {
				t.Errorf("request %d sent at %v, want %v", i, at, want)
			}
		}
		if q := l.answerTimes(); q.N != 10 || q.P50 != 1000 || l.count(acked) != 10 || l.lagTimes().Max != 0 {
			t.Errorf("answers %+v, lags %+v", q, l.lagTimes())
		}
	})
}

func TestOpenLoopEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Millisecond)
		defer cancel()
		l := openLoop(ctx, 10, 5*time.Millisecond, func(context.Context, int) error { return nil })
		if l.count(acked) != 3 || l.count(unsent) != 7 || len(l.answers) != 3 {
			t.Errorf("verdicts %v", l.verdicts)
		}
	})
}

func TestGateHoldsTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(5)
		var mu sync.Mutex
		sent := 0
		done := make(chan *load)
		go func() {
			done <- closedLoop(t.Context(), 3, 20, g.pass, func(context.Context, int) error {
				mu.Lock()
				sent++
				mu.Unlock()
				return nil
			})
		}()
		at := func(want int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if sent != want {
				t.Errorf("%d sent, want %d", sent, want)
			}
		}
		at(5)
		g.arrived(4)
		at(9)
		boom := errors.New("boom")
		_ = g.close(boom)
		if l := <-done; !errors.Is(l.firstErr, boom) || l.count(unsent) != 11 {
			t.Errorf("first error %v, %d unsent", l.firstErr, l.count(unsent))
		}
	})
}
