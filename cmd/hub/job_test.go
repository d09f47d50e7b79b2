package main

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// TestWatchEndsWhenNobodyReads: what cannot be printed is not printed for ever.
func TestWatchEndsWhenNobodyReads(t *testing.T) {
	for _, width := range []int{0, 80} {
		j := &job{connection: &connection{said: &recorder{}, running: true}, output: &output{out: closedPipe{}, width: width}, ctx: t.Context()}
		err := j.watch(time.Hour, func() error {
			_, err := fmt.Fprintln(j.out, "page")
			return err
		})
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%d columns: %v", width, err)
		}
	}
}
