package delivery

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/nself-chat/hub"
)

// maxUnrecorded is the number of outcomes of one lane that may wait for their
// commit before the lane sends no more: a database that does not answer stops
// the sending, and memory stays bounded.
const maxUnrecorded = 512

// lane is one webhook's share of the engine. Its fields are owned by
// Engine.mu.
type lane struct {
	id     hub.WebhookID
	target *target
	health hub.Health
	// gone: the webhook was deleted; what is left is canceled.
	gone bool

	ready      []*hub.Job // leased, waiting for a slot
	reserved   int        // room given to routings that are not settled yet
	inflight   int
	unrecorded int
	probing    bool // the request in flight is an open breaker's probe
	leased     map[hub.DeliveryID]struct{}

	// due is the earliest due time of a row that this process knows of; zero:
	// none. It may be too early, never too late.
	due      time.Time
	claiming bool
	moving   bool // a mover works on this lane
	moveMore bool // and should look again when done
	limiter  *rate.Limiter

	// wakeAt and index belong to the scheduler's heap; index -1: not in it.
	wakeAt time.Time
	index  int
}

func newLane(id hub.WebhookID) *lane {
	return &lane{id: id, index: -1, leased: make(map[hub.DeliveryID]struct{})}
}

// retarget takes over a new version of the webhook.
func (l *lane) retarget(t *target) {
	l.target = t
	if t.policy.RateLimit == 0 {
		l.limiter = nil
		return
	}
	every := rate.Limit(float64(t.policy.RateLimit) / 60)
	burst := max(1, t.policy.RateLimit/60)
	if l.limiter == nil || l.limiter.Limit() != every {
		l.limiter = rate.NewLimiter(every, burst)
	}
}

// open reports whether the lane may send at all.
func (l *lane) open() bool { return !l.gone && l.target.state == hub.WebhookActive }

// waits returns until when the lane must not send; zero: it may.
func (l *lane) waits(now time.Time) time.Time {
	if l.health.WaitUntil.After(now) {
		return l.health.WaitUntil
	}
	return time.Time{}
}

// room is the number of further deliveries the lane may hold in memory.
func (l *lane) room() int {
	limit := 2 * l.target.policy.Concurrency
	if l.health.Open {
		limit = 1 // the probe
	}
	if l.unrecorded >= maxUnrecorded {
		return 0
	}
	return max(0, limit-len(l.ready)-l.reserved-l.inflight)
}

// slots is the number of further requests that may go out at once.
func (l *lane) slots() int {
	limit := l.target.policy.Concurrency
	if l.health.Open {
		limit = 1
	}
	if l.unrecorded >= maxUnrecorded {
		return 0
	}
	return max(0, limit-l.inflight)
}

// takes reports whether a new delivery may be leased to the lane at once,
// rather than queue behind the ones that are due.
func (l *lane) takes(now time.Time) bool {
	return l.open() && !l.health.Open && l.waits(now).IsZero() && (l.due.IsZero() || l.due.After(now)) &&
		l.room() > 0 && l.target.err == nil
}

// noteDue remembers that a row is due at t.
func (l *lane) noteDue(t time.Time) {
	if l.due.IsZero() || t.Before(l.due) {
		l.due = t
	}
}

// allow takes a token of the rate limit. It returns zero when the request may
// go now, else when to ask again.
func (l *lane) allow(now time.Time) time.Time {
	if l.limiter == nil || l.limiter.AllowN(now, 1) {
		return time.Time{}
	}
	r := l.limiter.ReserveN(now, 1)
	defer r.CancelAt(now)
	return now.Add(max(r.DelayFrom(now), time.Millisecond))
}

// laneHeap orders lanes by when they want attention (container/heap).
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].wakeAt.Before(h[j].wakeAt) }
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop implements heap.Interface.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	l.index = -1
	return l
}
