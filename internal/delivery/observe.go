package delivery

import (
	"time"

	"github.com/nself-chat/hub"
)

// Observer hears what the engine does, for statistics. Its methods must be
// cheap and safe for concurrent use.
type Observer interface {
	// Published: a commit made an event of this type.
	Published(eventType string)
	// Attempted: an attempt ended with this result (hub.Attempt.Result), after
	// this time.
	Attempted(result string, took time.Duration)
	// Delivered: a delivery succeeded this long after its event. Those sent again
	// by hand, or after their outcome was lost, are left out.
	Delivered(after time.Duration)
}

// unobserved is the Observer of an engine that has none.
type unobserved struct{}

func (unobserved) Published(string)                {}
func (unobserved) Attempted(string, time.Duration) {}
func (unobserved) Delivered(time.Duration)         {}

// observe tells of an attempt that ended at now.
func (e *Engine) observe(c *conclusion, now time.Time) {
	a, d := &c.outcome.Attempt, &c.job.Delivery
	e.Observer.Attempted(a.Result, a.Duration)
	if c.outcome.Status == hub.DeliverySuccess && d.Attempts == d.Tries {
		e.Observer.Delivered(now.Sub(c.job.Event.Time))
	}
}

// LaneFigures count the lanes that this process serves, and what of them is in
// its memory.
type LaneFigures struct {
	// Open lanes may send. BreakerOpen: only one probe at a time. Held: paused or
	// disabled. Each lane is one of them.
	Open, BreakerOpen, Held int
	// Ready deliveries wait in memory for a slot, Sending are on their way, and
	// Unrecorded wait for the commit of their outcome.
	Ready, Sending, Unrecorded int
}

// Lanes counts the lanes that this process serves.
func (e *Engine) Lanes() (f LaneFigures) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.lanes {
		f.Ready += len(l.ready)
		f.Sending += l.inflight
		f.Unrecorded += l.unrecorded
		switch {
		case !l.owned || l.gone:
		case !l.open():
			f.Held++
		case l.health.Open:
			f.BreakerOpen++
		default:
			f.Open++
		}
	}
	return f
}
