package delivery

import (
	"context"
	"log/slog"
	"time"
)

// troubleEvery is the least time from one line of the log about a trouble to the next.
const troubleEvery = time.Minute

// trouble is what keeps something from being done that is tried again and again. Its first failure is logged, then one
// a minute at most, and its end. The zero value is none; not safe for concurrent use.
type trouble struct {
	since, said time.Time
	kept        int // failures that were not logged since the last that was
}

// failed logs a failure, when a line is due.
func (t *trouble) failed(log *slog.Logger, level slog.Level, text string, args ...any) {
	now := time.Now()
	if t.since.IsZero() {
		t.since = now
	} else if now.Sub(t.said) < troubleEvery {
		t.kept++
		return
	}
	if t.kept > 0 {
		args = append(args, "times", t.kept+1)
	}
	t.said, t.kept = now, 0
	log.Log(context.Background(), level, text, args...) //nolint:sloglint // a literal of the caller's
}

// over logs the end of the trouble, if there was one.
func (t *trouble) over(log *slog.Logger, text string) {
	if !t.since.IsZero() {
		log.Info(text, "after", time.Since(t.since).Round(time.Millisecond).String()) //nolint:sloglint // a literal of the caller's
		*t = trouble{}
	}
}
