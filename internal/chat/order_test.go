package chat

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/nself-chat/hub"
)

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o order
		var all sync.WaitGroup
		var passed []int
		done, err := o.wait(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			all.Go(func() {
				done, err := o.wait(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				defer done()
				passed = append(passed, i) // the race detector watches
			})
			synctest.Wait() // in this order they came
		}
		other, err := o.wait(t.Context(), "b") // another key does not wait
		if err != nil {
			t.Fatal(err)
		}
		other()
		if len(passed) != 0 {
			t.Error("somebody passed out of turn")
		}
		done()
		all.Wait()
		for i, p := range passed {
			if i != p {
				t.Errorf("they passed as %v", passed)
			}
		}
		if len(o.turns) != 0 {
			t.Errorf("%d keys are left", len(o.turns))
		}
	})
}

func TestOrderGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o order
		done, err := o.wait(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		if _, err := o.wait(ctx, "a"); hub.CodeOf(err) != hub.Unavailable {
			t.Errorf("given up: %v", err)
		}
		done()
		if len(o.turns) != 0 {
			t.Errorf("%d keys are left", len(o.turns))
		}
		again, err := o.wait(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		again()
	})
}
