package delivery

import (
	"context"
	"math/bits"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// What one process publishes into a lane that another serves it hands over: it
// leases the delivery to the other one in the commit of the event, which carries
// the event to it, and nobody has to claim it.
//
//	publisher                            server of the lane
//	    ──due rows, "work is due"──────▶  claims them, and
//	    ◀─────────── grant ─────────────  while it keeps up, gives out numbers
//	    ──leased rows, with the event──▶  takes them; past the middle, grants more
//
// A grant bounds what may come, and its numbers are of the lane's one sequence, so
// that marks mean what they always do. It binds nobody: what comes when the server
// cannot use it goes back to the due rows, and a publisher without a grant stores
// what it has as due. What was handed over and not heard of is found by its number
// (recall), and what is heard of twice is taken once.

const (
	// grantSize is the number of leases of a grant: what a publisher brings in
	// the time of a commit and of the way back.
	grantSize = 256
	// maxGrants is how many of one publisher's are remembered in a lane. The last
	// one is in use, and of the ones before something may still be on its way.
	maxGrants = 4
	// grantLost is how long after its grant a publisher that has none is thought
	// not to have heard of it, and grantUseless after many that it cannot use them, as
	// its events are too large.
	grantLost    = time.Second
	grantUseless = time.Minute
	// maxHanded is the size of what an event says that is handed over at most, in
	// bytes: with what is said about it, it has to be less than 8000 ("NOTIFY",
	// manual of Postgres).
	maxHanded = 7000
)

// grant is what this process, which serves the lane, let another one lease.
type grant struct {
	to          string
	from, until int64
	came        [grantSize / 64]uint64 // a bit for each number that was used and heard of
	last        int64                  // the highest of them; from-1: none
	used        time.Time              // when it was given, or something came
	// void: the publisher does not use what is left of it.
	void bool
	// stale: this process has given the lane up since. What comes is given back,
	// as its marks went with the lane.
	stale bool
}

// credit is what is left of a grant that this process got.
type credit struct {
	node        string
	next, until int64
	mark        int64 // up to here the lane's mark needs no raising
}

// spend returns the next number of the lane's grants, and with it the mark to
// store, 0: none.
func (l *lane) spend() (node string, seq, mark int64) {
	for len(l.credits) > 0 {
		c := &l.credits[0]
		if c.next == c.until {
			l.credits = l.credits[1:]
			continue
		}
		seq = c.next
		c.next++
		if seq > c.mark {
			c.mark = min(c.until-1, seq+markAhead/2)
			mark = c.mark
		}
		return c.node, seq, mark
	}
	return "", 0, 0
}

// hand leases a delivery of a lane that another process serves to that one, as
// far as its grants go. The caller holds mu.
func (e *Engine) hand(l *lane, d *hub.RoutedDelivery, ev *hub.Event) bool {
	if l == nil || l.owned || l.leaving || handedSize(ev) > maxHanded {
		return false
	}
	node, seq, mark := l.spend()
	if node == "" {
		return false
	}
	d.Status, d.LeasedTo, d.Epoch, d.LeaseSeq = hub.DeliveryActive, node, 1, seq
	d.Mark, d.Handed = mark, true
	return true
}

// handedSize is the size of what a handover says of the event: its data as they
// are, the names as JSON, in which a byte takes six at most.
func handedSize(ev *hub.Event) int {
	names := len(ev.Type) + len(ev.OrderKey) + len(ev.Origin.ID) + len(ev.Origin.External)
	if by := ev.TriggeredBy; by != nil {
		names += len(by.UserID) + len(by.Username)
	}
	return len(ev.Data) + 6*names
}

// grant lets a publisher hand over more, unless it has enough or the lane cannot
// use it. asked: it has none, as it says. The caller holds mu.
func (e *Engine) grant(l *lane, to string, asked bool, now time.Time) {
	if e.OnGrant == nil || e.idle() || e.hears != e.Node || !l.takes(now, e.tight()) || !slices.Contains(e.share.members, to) {
		return
	}
	if free, _ := l.room(e.tight()); free < grantSize {
		return
	}
	left, last := l.granted(to)
	switch unused := time.Since(last); {
	case left <= grantSize/2:
	case !asked || unused < grantLost:
		return
	case left >= maxGrants*grantSize && unused < grantUseless:
		return
	}
	g := &grant{to: to, from: l.seq + 1, until: l.seq + 1 + grantSize, last: l.seq, used: time.Now()}
	l.seq += grantSize
	l.remember(g)
	mark := l.mark
	if len(l.ready) > l.window() { // it would be stored long before they are sent
		mark = g.until - 1
	}
	e.OnGrant(hub.Grant{WebhookID: l.id, By: e.Node, To: to, From: g.from, Until: g.until, Mark: mark})
}

// revoke lets nobody hand over any more, until there are new grants. The caller
// holds mu.
func (e *Engine) revoke() {
	given := false
	for _, l := range e.lanes {
		for _, g := range l.grants {
			given = given || !g.void
			g.void = true
		}
	}
	if given && e.OnRevoke != nil {
		e.OnRevoke()
	}
}

// granted returns how many numbers a publisher has that nothing came with, those
// aside that it went past, and when it last got or used some.
func (l *lane) granted(to string) (left int64, last time.Time) {
	for _, g := range l.grants {
		if g.to == to && !g.void {
			left, last = left+g.until-1-g.last, maxTime(last, g.used)
		}
	}
	return left, last
}

// remember adds a grant, and forgets the publisher's oldest of too many.
func (l *lane) remember(g *grant) {
	l.grants = append(l.grants, g)
	n := 0
	for _, other := range l.grants {
		if other.to == g.to {
			n++
		}
	}
	if n > maxGrants {
		oldest := slices.IndexFunc(l.grants, func(o *grant) bool { return o.to == g.to })
		l.grants = slices.Delete(l.grants, oldest, oldest+1)
	}
}

// began notes that this process serves the lane from now on.
func (l *lane) began() {
	l.credits = nil
	for _, g := range l.grants {
		g.void, g.stale = true, true
	}
}

// grantOf returns the grant that a number is of, nil: none that is remembered.
func (l *lane) grantOf(seq int64) *grant {
	for _, g := range l.grants {
		if g.from <= seq && seq < g.until {
			return g
		}
	}
	return nil
}

// use notes that a number was heard of, and reports whether it is the first time.
func (g *grant) use(seq int64) (first bool) {
	word, bit := &g.came[(seq-g.from)/64], uint64(1)<<((seq-g.from)%64)
	first = *word&bit == 0
	*word |= bit
	g.last, g.used = max(g.last, seq), time.Now()
	return first
}

// count returns how many numbers were heard of.
func (g *grant) count() (n int) {
	for _, word := range g.came {
		n += bits.OnesCount64(word)
	}
	return n
}

// Granted takes a grant of another process, which serves the lane. One that is
// heard of twice counts once.
func (e *Engine) Granted(g hub.Grant) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.lanes[g.WebhookID]
	if l == nil || l.owned || !slices.Contains(e.share.members, g.By) || g.By == l.heard.By && g.From < l.heard.Until {
		return
	}
	l.heard = g
	l.credits = append(l.credits, credit{node: g.By, next: g.From, until: g.Until, mark: g.Mark})
	if len(l.credits) > maxGrants {
		l.credits = slices.Delete(l.credits, 0, 1)
	}
}

// Revoked drops the grants of a process, which takes nothing by them any more.
func (e *Engine) Revoked(node string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dropCredits(func(of string) bool { return of == node })
}

// forgetGrants drops what other processes gave, as lanes may be served by others
// now, and what those got that are gone, when nothing can be on its way any more. The
// caller holds mu.
func (e *Engine) forgetGrants() {
	e.dropCredits(func(string) bool { return true })
	for _, l := range e.lanes {
		l.grants = slices.DeleteFunc(l.grants, func(g *grant) bool {
			return !slices.Contains(e.share.members, g.to) && time.Since(g.used) > repairAge
		})
	}
}

func (e *Engine) dropCredits(drop func(node string) bool) {
	for _, l := range e.lanes {
		l.credits = slices.DeleteFunc(l.credits, func(c credit) bool { return drop(c.node) })
	}
}

// Handed takes what another process has leased to this one.
func (e *Engine) Handed(r hub.Routing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lanes == nil {
		return
	}
	now := e.now()
	for i := range r.Deliveries {
		d := &r.Deliveries[i]
		if d.LeasedTo != e.Node { // the others took that one for dead: to be voided
			e.acquireLater()
			continue
		}
		l := e.laneOf(d.WebhookID)
		if e.holds(l, d.ID) {
			continue
		}
		j := &hub.Job{Delivery: d.Delivery, Event: r.Event}
		g := l.grantOf(d.LeaseSeq)
		if g == nil || !g.use(d.LeaseSeq) || g.stale || !e.canHold(l) {
			e.refuse(l, j)
			continue
		}
		e.stats.Handed.Add(1)
		l.marked(d.Mark)
		e.take(l, j)
		e.lastClaim = now
		e.attend(l)
		e.grant(l, g.to, false, now)
	}
}

// canHold reports whether the lane has use for what is handed over.
func (e *Engine) canHold(l *lane) bool {
	if !l.serves() || !l.open() || e.paused {
		return false
	}
	free, _ := l.room(e.tight())
	return free > 0
}

// refuse gives back what was handed over. It changes nothing when the lease has
// moved on. The caller holds mu.
func (e *Engine) refuse(l *lane, jobs ...*hub.Job) {
	for _, j := range jobs {
		if e.stopping {
			e.take(l, j) // unlease gives it back
		} else {
			e.hold(l, j)
		}
	}
	if !e.stopping {
		e.putBack(l, jobs, func() {})
	}
}

// Listening says under which name this process now hears of what is handed over
// to it, "" that it does not. What it did not hear of before is recalled.
func (e *Engine) Listening(ctx context.Context, node string) error {
	e.mu.Lock()
	e.hears = ""
	e.revoke()
	e.mu.Unlock()
	if node == "" {
		return nil
	}
	if err := e.recall(ctx, -recallAge); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hears = node
	return nil
}

// recallAge is how old a handover is that the sweep takes for one that nobody
// heard of: telling takes milliseconds.
const recallAge = 10 * time.Second

// recall gives back what was handed over to this process, at least age ago,
// without its hearing of it.
func (e *Engine) recall(ctx context.Context, age time.Duration) error {
	e.mu.Lock()
	missing := false
	for _, l := range e.lanes {
		for _, g := range l.grants {
			missing = missing || g.count() < grantSize
		}
	}
	e.mu.Unlock()
	for after := hub.DeliveryID(""); missing; {
		leased, err := e.Store.Leased(ctx, e.now().Add(-age), after, moveBatch)
		if err != nil || len(leased) == 0 {
			return err
		}
		after = leased[len(leased)-1].ID
		e.recallAll(leased)
	}
	return nil
}

func (e *Engine) recallAll(leased []hub.Delivery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lost := make(map[*lane][]*hub.Job)
	for i := range leased {
		d := &leased[i]
		l := e.lanes[d.WebhookID]
		if l == nil || d.LeasedTo != e.Node {
			continue
		}
		if g := l.grantOf(d.LeaseSeq); g != nil && !e.holds(l, d.ID) {
			g.use(d.LeaseSeq)
			lost[l] = append(lost[l], &hub.Job{Delivery: *d, Event: &hub.Event{}})
		}
	}
	for l, jobs := range lost {
		e.Log.Info("deliveries that were handed over unheard are taken up", "webhook", l.id, "count", len(jobs))
		e.refuse(l, jobs...)
	}
}
