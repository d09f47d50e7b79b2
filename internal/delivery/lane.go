package delivery

import (
	"container/heap"
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
	// owned: this process serves the lane, and no other does. ceding: it is to
	// go to another one, once nothing of it is in memory. leaving: it is not
	// served any more, and the store does not know that yet.
	owned, ceding, leaving bool

	ready      []*hub.Job // leased, waiting for a slot; in the order of their numbers, nearly
	reserved   int        // room given to routings that are not settled yet
	inflight   int
	unrecorded int
	leased     map[hub.DeliveryID]int64 // in memory, with the number of the lease

	// Leases are numbered; see hub.Quota. seq is the last number given out, mark
	// the stored one up to which jobs may be sent, and asked the highest mark on
	// its way to the store.
	seq, mark, asked int64
	marking          bool // a mark is being stored by itself

	// grants are the numbers that other processes may lease by, the eldest first;
	// credits are those that this process may, while another serves the lane.
	grants  []*grant
	credits []credit
	// heard is the last grant that this process heard of.
	heard hub.Grant

	// due is the earliest due time of a row that this process knows of; zero:
	// none. It may be too early, never too late.
	due      time.Time
	claiming bool
	// asking is since when the rows were due that a claim is to fetch, or failed
	// to; zero: there are none. readyAt is when ready last got its first job, or
	// let one go.
	asking, readyAt time.Time
	// grown bounds what is held in memory: little after a wait, more with every
	// success, so that what a lane gives back is in proportion to what it sends.
	grown int
	// returning counts the batches of jobs on their way back to the store.
	returning int
	moving    bool // a mover works on this lane
	moveMore  bool // and should look again when done
	// moveFailed: the last one gave up; the sweep starts another.
	moveFailed bool
	// unlike: the health that is stored is another, because the webhook was changed when
	// it was to be.
	unlike    bool
	limiter   *rate.Limiter
	allowedAt time.Time // when the limiter was last asked

	// wakeAt and index belong to the scheduler's heap; index -1: not in it.
	wakeAt time.Time
	index  int
}

func newLane(id hub.WebhookID) *lane {
	return &lane{id: id, index: -1, leased: make(map[hub.DeliveryID]int64), grown: maxReady}
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

// serves reports whether this process may take further deliveries of the lane.
func (l *lane) serves() bool { return l.owned && !l.ceding }

// open reports whether the lane may send at all.
func (l *lane) open() bool { return !l.gone && l.target.state == hub.WebhookActive }

// waits returns until when the lane must not send; zero: it may.
func (l *lane) waits(now time.Time) (until time.Time) {
	return maxTime(l.health.Waits(now), l.limited(now))
}

// limited returns when the rate limit allows the next request; zero: now.
func (l *lane) limited(now time.Time) time.Time {
	if l.limiter == nil {
		return time.Time{}
	}
	if l.allowedAt.Sub(now) > time.Second {
		// The clock was set back: the limiter would allow nothing until it is there again.
		l.limiter = rate.NewLimiter(l.limiter.Limit(), l.limiter.Burst())
		l.allowedAt = now
	}
	missing := 1 - l.limiter.TokensAt(now)
	wait := time.Duration(missing / float64(l.limiter.Limit()) * float64(time.Second))
	if wait <= 0 {
		return time.Time{}
	}
	return now.Add(max(wait, time.Millisecond))
}

// stalled returns since when the lane has had work that it may send while
// nothing of it moves; zero: it has none, or sends.
func (l *lane) stalled(now time.Time) (since time.Time) {
	if !l.owned || !l.open() || l.inflight > 0 || !l.waits(now).IsZero() {
		return since
	}
	note := func(work bool, t time.Time) {
		if work && (since.IsZero() || t.Before(since)) {
			since = t
		}
	}
	note(!l.due.IsZero() && l.due.Before(now), l.due)
	note(!l.asking.IsZero(), l.asking)
	note(len(l.ready) > 0 || l.returning > 0, l.readyAt)
	if ended := l.health.WaitUntil; !since.IsZero() && ended.Before(now) {
		since = maxTime(since, ended)
	}
	return since
}

// empty reports whether nothing of the lane is in memory or on its way there.
func (l *lane) empty() bool {
	return l.inflight == 0 && l.unrecorded == 0 && l.reserved == 0 && len(l.ready) == 0 && l.returning == 0 &&
		!l.claiming && !l.marking
}

// maxReady is the number of deliveries a lane may hold in memory. It bridges
// the time that commits and claims take: with twice the concurrency only, a
// prompt receiver waits for the database (measured: 4,000 deliveries a second
// instead of 9,700, and 0.5 CPU seconds more for 10,000).
const maxReady = 4096

// keepReady is how long what is in memory may wait there for the lane to be
// allowed to send. What waits longer is given back: it can be canceled then, and
// is not counted as being sent.
const keepReady = 3 * time.Second

// room is the number of further deliveries the lane may hold in memory, of so
// many when it holds none. tight: memory is short, and only what keeps the slots
// busy is held.
func (l *lane) room(tight bool) (free, of int) {
	of = min(maxReady, l.grown)
	switch {
	case l.unrecorded >= maxUnrecorded:
		return 0, of
	case l.health.Open:
		of = 1 // the probe
	case tight:
		of = 2 * l.target.policy.Concurrency
	}
	waiting := len(l.ready) + l.reserved
	free = of - waiting - l.inflight
	if l.limiter != nil { // no more than it lets go soon
		soon := max(1, l.target.policy.RateLimit*int(keepReady/time.Second)/60)
		free, of = min(free, soon-waiting), min(of, soon)
	}
	return max(0, free), of
}

// markAhead is the least number of jobs that a mark is stored ahead for. Marks
// ride on commits, so it bounds what a lane sends between two of them: with
// twice the concurrency only, that was the ceiling (measured: 5,900 deliveries
// a second at concurrency 10).
const markAhead = 128

// window is the number of ready jobs that a mark is stored ahead for: what a
// crash leaves unknown is at most about twice as many.
func (l *lane) window() int { return max(markAhead, 2*l.target.policy.Concurrency) }

// number gives out the number of the next lease, and the mark to store with
// it; 0: others go first, and the mark is raised when it is needed.
func (l *lane) number() (seq, mark int64) {
	l.seq++
	if l.seq > l.asked && len(l.ready)+l.reserved+l.inflight < l.window() {
		l.asked = l.seq + int64(l.window())
		mark = l.asked
	}
	return l.seq, mark
}

// quota numbers a claim of at most n deliveries.
func (l *lane) quota(n int) hub.Quota {
	q := hub.Quota{WebhookID: l.id, Max: n, After: l.seq}
	if open := l.window() - len(l.ready) - l.reserved; open > 0 {
		q.Ahead = l.seq + int64(open)
	}
	l.seq += int64(n)
	return q
}

// raise returns the mark to store with the next commit, 0 when enough jobs may
// be sent without.
func (l *lane) raise() int64 {
	if half := l.window() / 2; l.highest(half) <= l.asked {
		return 0
	}
	l.asked = l.highest(l.window())
	return l.asked
}

// highest returns the highest number among the next n ready jobs.
func (l *lane) highest(n int) (seq int64) {
	for _, j := range l.ready[:min(n, len(l.ready))] {
		seq = max(seq, j.Delivery.LeaseSeq)
	}
	return seq
}

// marked takes note of a mark that is stored.
func (l *lane) marked(mark int64) {
	l.mark = max(l.mark, mark)
	l.asked = max(l.asked, l.mark)
}

// next reports whether the next ready job may be sent as far as its mark goes.
func (l *lane) next() bool { return len(l.ready) > 0 && l.ready[0].Delivery.LeaseSeq <= l.mark }

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

// freshDue is by how much a new delivery may overtake those of other conversations
// that are due. They are claimed meanwhile; but as long as the other hubs bring work
// for a lane there is always something due, and who queued behind it would
// cost a claim, too. (Measured, two hubs: all deliveries were claimed, not half.)
const freshDue = 250 * time.Millisecond

// takes reports whether a new delivery may be leased to the lane at once,
// rather than queue behind the ones that are due.
func (l *lane) takes(now time.Time, tight bool) bool {
	if !l.serves() || !l.open() || l.health.Open || !l.waits(now).IsZero() || !l.due.IsZero() && now.Sub(l.due) > freshDue {
		return false
	}
	free, _ := l.room(tight)
	return free > 0
}

// succeeded lets the lane hold more in memory.
func (l *lane) succeeded() { l.grown = min(l.grown+2, maxReady) }

// nothingDue forgets what is due.
func (l *lane) nothingDue() { l.due, l.asking = time.Time{}, time.Time{} }

// noteDue remembers that a row is due at t.
func (l *lane) noteDue(t time.Time) {
	if l.due.IsZero() || t.Before(l.due) {
		l.due = t
	}
}

// allow takes a token of the rate limit and reports whether there was one.
func (l *lane) allow(now time.Time) bool {
	if l.limiter == nil {
		return true
	}
	l.allowedAt = maxTime(l.allowedAt, now)
	return l.limiter.AllowN(now, 1)
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

func heapRemove(h *laneHeap, i int) { heap.Remove(h, i) }
func heapFix(h *laneHeap, i int)    { heap.Fix(h, i) }
func heapPush(h *laneHeap, l *lane) { heap.Push(h, l) }
func heapPop(h *laneHeap) *lane     { return heap.Pop(h).(*lane) }
