package delivery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
)

// Engine figures.
const (
	// sweepEvery is how often the engine looks for work it does not know of.
	sweepEvery = 30 * time.Second
	// maxClaimLanes is the number of lanes served by one claim, and maxClaim
	// the number of deliveries claimed of one of them.
	maxClaimLanes = 64
	maxClaim      = 128
	// maxHeld is the size of the event data in memory, in bytes, from which on
	// lanes hold only what keeps their slots busy.
	maxHeld = 32 << 20
	// claimPause follows a claim that the database refused.
	claimPause = time.Second
	// DrainTime is how long attempts in flight may go on after the stop.
	DrainTime = 10 * time.Second
)

// Engine sends deliveries. Set the exported fields, call Start, then Run; the
// other methods may be called from then on, concurrently.
type Engine struct {
	Store  Store
	Sender Sender
	Keys   Opener
	// Node names this process in leases. Rejoin changes it.
	Node string
	// Now is the clock, and Rand a random number in [0, 1) for jitter.
	Now  func() time.Time
	Rand func() float64
	Log  *slog.Logger
	// OnNotice is called when a notice about a webhook became due. It must not
	// block. May be nil.
	OnNotice func()
	// OnForeign is called when work became due in a lane that another process
	// serves, to let it know, with "" when lanes may have become free. It must
	// not block. May be nil.
	OnForeign func(hub.WebhookID)
	// OnGrant is called with what another process may hand over, to let it know,
	// and OnRevoke when nobody may any more. They must not block. May be nil.
	OnGrant  func(hub.Grant)
	OnRevoke func()
	// Observer hears what is done; nil: nobody does.
	Observer Observer

	snap      atomic.Pointer[snapshot]
	reloading sync.Mutex // serialises reloads
	// reloadsAsked counts the calls of Reload, and reloadsDone, which reloading
	// guards, those whose reload is done.
	reloadsAsked atomic.Int64
	reloadsDone  int64
	acquiring    sync.Mutex // serialises acquire: what it finds missing stays so until it is told
	pausing      sync.Mutex // keeps the setting and the field paused alike

	mu     sync.Mutex
	lanes  map[hub.WebhookID]*lane
	timers laneHeap
	// returning are the deliveries on their way back to the store, with what is
	// closed when they are there.
	returning map[hub.DeliveryID]chan struct{}
	paused    bool // by an operator: nothing is sent
	stopping  bool
	held      int // bytes of event data in memory
	share     share
	// hears is the name under which this process hears of what is handed over to
	// it; "": it does not.
	hears string
	// lastClaim is when work was last claimed or handed over: progress.
	lastClaim time.Time

	wake     chan struct{} // to the scheduler: something is earlier now
	outcomes chan *result
	// unrecorded belongs to record.
	unrecorded trouble
	workers    sync.WaitGroup // attempts in flight
	movers     sync.WaitGroup
	// stopCtx ends with the drain, and with it the attempts that outlast it.
	// sendCtx is its child; it ends when the others have taken this process for
	// dead and go on with what it was doing. Owned by mu.
	stopCtx    context.Context
	stopCancel context.CancelFunc
	sendCtx    context.Context
	sendCancel context.CancelFunc
	moveCtx    context.Context
	moveCancel context.CancelFunc

	stats Counters
}

// Counters count what the engine did since it started; all only grow.
type Counters struct {
	Sent, Succeeded, Retried, Failed, Stale, Claimed, Handed, Repaired atomic.Int64
}

// Counters returns the live counters.
func (e *Engine) Counters() *Counters { return &e.stats }

func (e *Engine) now() time.Time { return e.Now().UTC().Truncate(time.Microsecond) }

// Start loads the webhooks, voids what processes that are gone left leased,
// and takes over the lanes of its share.
func (e *Engine) Start(ctx context.Context) error {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Rand == nil {
		e.Rand = rand.Float64
	}
	if e.Log == nil {
		e.Log = slog.Default()
	}
	if e.Observer == nil {
		e.Observer = unobserved{}
	}
	e.lanes = make(map[hub.WebhookID]*lane)
	e.returning = make(map[hub.DeliveryID]chan struct{})
	e.wake = make(chan struct{}, 1)
	e.outcomes = make(chan *result, 4096)
	e.stopCtx, e.stopCancel = context.WithCancel(context.WithoutCancel(ctx))
	e.sendCtx, e.sendCancel = context.WithCancel(e.stopCtx)
	e.moveCtx, e.moveCancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := e.LoadPaused(ctx); err != nil {
		return err
	}
	voided, err := e.Store.VoidLeases(ctx)
	if err != nil {
		return err
	}
	if voided > 0 {
		e.Log.Info("deliveries taken up again after an unclean stop", "count", voided)
	}
	if err := e.Reload(ctx); err != nil {
		return err
	}
	return e.sweep(ctx)
}

// Run works until ctx is done, then stops claiming, lets attempts in flight
// finish for at most DrainTime, records them, and gives back what it holds.
func (e *Engine) Run(ctx context.Context) error {
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		e.record()
	}()
	e.schedule(ctx)

	e.mu.Lock()
	e.stopping = true
	e.revoke()
	e.mu.Unlock()
	e.moveCancel()
	timer := time.AfterFunc(DrainTime, e.stopCancel)
	e.workers.Wait()
	timer.Stop()
	e.stopCancel()
	e.movers.Wait()
	close(e.outcomes)
	<-recorded
	return errors.Join(e.recall(context.WithoutCancel(ctx), -recallAge), e.unlease())
}

// unlease gives back everything in memory, due at once.
func (e *Engine) unlease() error {
	e.mu.Lock()
	var jobs []hub.Job
	for _, l := range e.lanes {
		for _, j := range l.ready {
			jobs = append(jobs, *j)
		}
		l.ready = nil
	}
	e.mu.Unlock()
	return e.unleaseAll(jobs, false)
}

// Close ends what Start began, for an engine that never runs.
func (e *Engine) Close() {
	if e.moveCancel == nil {
		return
	}
	e.mu.Lock()
	e.stopping = true
	e.mu.Unlock()
	e.moveCancel()
	e.stopCancel()
	e.workers.Wait()
	e.movers.Wait()
}

// schedule is the loop that wakes lanes when their time has come.
func (e *Engine) schedule(ctx context.Context) {
	// The sweep goes by the monotonic clock: the wall clock may step back.
	swept := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if time.Since(swept) >= sweepEvery {
			swept = time.Now()
			if err := e.sweep(ctx); err != nil && ctx.Err() == nil {
				e.Log.Warn("sweep failed; it is tried again", "error", err)
			}
		}
		now := e.now()
		next, quotas := e.tick(now)
		if len(quotas) > 0 {
			e.claim(ctx, quotas)
			continue
		}
		wait := sweepEvery - time.Since(swept)
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		timer.Reset(max(0, wait))
		select {
		case <-ctx.Done():
		case <-e.wake:
		case <-timer.C:
		}
	}
}

// tick serves every lane whose time has come. It returns what to claim, and
// when the next lane wants attention.
func (e *Engine) tick(now time.Time) (next time.Time, quotas []hub.Quota) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.timers) > 0 {
		l := e.timers[0]
		if l.wakeAt.After(now) {
			return l.wakeAt, quotas
		}
		if len(quotas) == maxClaimLanes {
			return now, quotas
		}
		e.pop()
		e.dispatch(l, now)
		if n := e.wants(l, now); n > 0 {
			if l.asking.IsZero() {
				l.asking = l.due
			}
			l.claiming, l.due = true, time.Time{}
			quotas = append(quotas, l.quota(n))
			l.reserved += n
		}
	}
	return time.Time{}, quotas
}

// wants returns how many due deliveries to claim for the lane now. A lane that
// is busy waits until half of its room is free, so that claims come in batches.
func (e *Engine) wants(l *lane, now time.Time) int {
	if e.idle() || l.claiming || l.returning > 0 || !l.serves() || !l.open() || l.due.IsZero() || l.due.After(now) ||
		!l.waits(now).IsZero() {
		return 0
	}
	free, of := l.room(e.tight())
	if free < of/2 {
		return 0
	}
	return min(free, maxClaim)
}

// tight reports whether memory is short.
func (e *Engine) tight() bool { return e.held > maxHeld }

// claim takes due deliveries and puts them to work.
func (e *Engine) claim(ctx context.Context, quotas []hub.Quota) {
	e.mu.Lock()
	node := e.Node
	e.mu.Unlock()
	jobs, next, err := e.Store.Claim(ctx, node, quotas)
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Node != node && len(jobs) > 0 {
		jobs = nil // leased under a name that the others took for dead: to be voided
		e.acquireLater()
	}
	if err != nil {
		jobs = nil
		if ctx.Err() == nil {
			e.Log.Warn("claim failed; it is tried again", "error", err)
		}
		for _, q := range quotas {
			next = append(next, hub.LaneDue{WebhookID: q.WebhookID, DueAt: now.Add(claimPause)})
		}
	}
	for _, q := range quotas {
		if l := e.lanes[q.WebhookID]; l != nil {
			l.reserved -= q.Max
		}
	}
	e.stats.Claimed.Add(int64(len(jobs)))
	last := make(map[hub.WebhookID]int64, len(quotas))
	for i := range jobs {
		last[jobs[i].Delivery.WebhookID] = jobs[i].Delivery.LeaseSeq
		if l := e.lanes[jobs[i].Delivery.WebhookID]; l != nil {
			e.take(l, &jobs[i])
		}
	}
	for _, n := range next {
		if l := e.lanes[n.WebhookID]; l != nil {
			l.noteDue(n.DueAt)
		}
	}
	for _, q := range quotas {
		l := e.lanes[q.WebhookID]
		if l == nil {
			continue
		}
		l.claiming = false
		if err == nil {
			l.asking = time.Time{}
		}
		l.marked(min(q.Ahead, last[q.WebhookID]))
		if !l.open() || !l.serves() {
			e.giveBack(l)
		}
		e.dispatch(l, now)
	}
	if len(jobs) > 0 {
		e.lastClaim = now
	}
}

// dispatch starts what the lane may send now, and asks to be woken for the
// rest. The caller holds mu.
func (e *Engine) dispatch(l *lane, now time.Time) {
	if e.paused {
		e.giveBack(l)
	}
	if e.idle() || !l.owned || !l.open() {
		return
	}
	if until := l.waits(now); !until.IsZero() {
		e.rest(l, now, until)
		return
	}
	for l.next() && l.slots() > 0 {
		if !l.allow(now) {
			e.rest(l, now, maxTime(l.waits(now), now.Add(time.Millisecond)))
			return
		}
		e.launch(l, l.pop(now))
	}
	if len(l.ready) > 0 && !l.next() && l.inflight == 0 && l.unrecorded == 0 {
		e.storeMark(l) // no commit of the lane is on its way that could carry it
	}
	if !l.due.IsZero() && !l.claiming && (e.wants(l, now) > 0 || l.due.After(now)) {
		e.wakeLane(l, l.due)
	}
}

// rest lets the lane wait. The caller holds mu.
func (e *Engine) rest(l *lane, now, until time.Time) {
	if len(l.ready) > 0 && (l.health.Open || until.Sub(now) > keepReady) {
		l.grown = l.window()
		e.giveBack(l)
	}
	if len(l.ready) > 0 || !l.due.IsZero() {
		e.wakeLane(l, until)
	}
}

// storeMark stores the lane's mark by itself. The caller holds mu.
func (e *Engine) storeMark(l *lane) {
	if l.marking {
		return
	}
	l.marking = true
	mark, node := l.highest(l.window()), e.Node
	e.movers.Add(1)
	go func() {
		defer e.movers.Done()
		err := e.Store.SetMark(e.moveCtx, l.id, node, mark)
		e.mu.Lock()
		defer e.mu.Unlock()
		l.marking = false
		if e.Node != node {
			e.dispatch(l, e.now())
			e.cedeWhenEmpty(l)
			return
		}
		if err != nil {
			if e.moveCtx.Err() == nil {
				e.Log.Warn("a lane's mark could not be stored; it is tried again", "webhook", l.id, "error", err)
			}
			e.wakeLane(l, e.now().Add(claimPause))
			e.cedeWhenEmpty(l)
			return
		}
		l.marked(mark)
		e.dispatch(l, e.now())
		e.cedeWhenEmpty(l)
	}()
}

// push puts the lane into the scheduler's heap at t, and wakes the scheduler
// when it is the earliest now.
func (e *Engine) push(l *lane, t time.Time) {
	l.wakeAt = t
	if l.index >= 0 {
		heapFix(&e.timers, l.index)
	} else {
		heapPush(&e.timers, l)
	}
	if e.timers[0] == l {
		select {
		case e.wake <- struct{}{}:
		default:
		}
	}
}

func (e *Engine) pop() *lane { return heapPop(&e.timers) }

// unschedule takes the lane out of the heap.
func (e *Engine) unschedule(l *lane) {
	if l.index >= 0 {
		heapRemove(&e.timers, l.index)
	}
}

// sweep finds what this process does not know of, or once knew and failed at:
// changed webhooks, lanes with work, movers that gave up, deliveries of deleted
// webhooks, and leases in this node's name that it does not remember.
func (e *Engine) sweep(ctx context.Context) error {
	revision, err := e.Store.Revision(ctx)
	if err != nil {
		return err
	}
	if err := e.LoadPaused(ctx); err != nil {
		return err
	}
	if revision != e.snap.Load().revision {
		if err := e.Reload(ctx); err != nil {
			return err
		}
	}
	if err := e.acquire(ctx); err != nil { // what Reload could not take over
		e.Log.Warn("lanes could not be taken over; it is tried again", "error", err)
	}
	if err := e.Poll(ctx); err != nil {
		return err
	}
	abandoned, err := e.Store.Abandoned(ctx)
	if err != nil {
		return err
	}
	e.attendMoves(abandoned)
	if err := e.recall(ctx, recallAge); err != nil {
		return err
	}
	return e.repair(ctx)
}

// Poll looks for rows that became due without this process knowing, as those
// which another one made.
func (e *Engine) Poll(ctx context.Context) error {
	due, err := e.Store.Lanes(ctx)
	if err != nil {
		return err
	}
	e.attendAll(due)
	e.mu.Lock()
	deaf := e.hears == ""
	e.mu.Unlock()
	if deaf {
		return e.recall(ctx, -recallAge)
	}
	return nil
}

func (e *Engine) attendAll(due []hub.LaneDue) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	if e.lastClaim.After(now) {
		e.lastClaim = now // the clock stepped back
	}
	for _, d := range due {
		l := e.lanes[d.WebhookID]
		if l == nil {
			continue // of a webhook that is not known yet (Reload), or deleted (Abandoned)
		}
		if !l.claiming {
			l.noteDue(d.DueAt)
		}
		if l.open() {
			e.wakeLane(l, maxTime(l.due, l.waits(now)))
		} else {
			e.startMove(l)
		}
	}
}

// attendMoves starts the movers that have something to do, or gave up.
func (e *Engine) attendMoves(abandoned []hub.WebhookID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range abandoned {
		e.startMove(e.laneOf(id))
	}
	for _, l := range e.lanes {
		if l.moveFailed {
			e.startMove(l)
		}
	}
}

// laneOf returns a webhook's lane; one that is not known is of a deleted
// webhook. The caller holds mu.
func (e *Engine) laneOf(id hub.WebhookID) *lane {
	l := e.lanes[id]
	if l == nil {
		l = newLane(id)
		l.gone = true
		e.lanes[id] = l
	}
	return l
}

func maxTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// repairAge is how old a lease must be to be looked at: older than any
// attempt, its queueing in memory aside.
const repairAge = 5 * time.Minute

// repair voids leases that nobody remembers. There are none unless something
// is wrong.
func (e *Engine) repair(ctx context.Context) error {
	for after := hub.DeliveryID(""); ; {
		old, err := e.Store.Leased(ctx, e.now().Add(-repairAge), after, moveBatch)
		if err != nil || len(old) == 0 {
			return err
		}
		after = old[len(old)-1].ID
		for i := range old {
			if err := e.repairLease(ctx, &old[i]); err != nil {
				return err
			}
		}
	}
}

func (e *Engine) repairLease(ctx context.Context, d *hub.Delivery) error {
	e.mu.Lock()
	l := e.lanes[d.WebhookID]
	// Another process's leases are its own affair; those of one that is gone
	// are voided with the change of members.
	known := d.LeasedTo != e.Node
	if l != nil && !known {
		known = e.holds(l, d.ID)
	}
	e.mu.Unlock()
	if known {
		return nil
	}
	voided, err := e.Store.VoidLease(ctx, d.ID, d.Epoch)
	if err != nil || !voided {
		return err
	}
	e.stats.Repaired.Add(1)
	e.Log.Error("a lease that nobody remembers was voided", "delivery", d.ID, "webhook", d.WebhookID)
	e.noteDue(d.WebhookID, e.now())
	return nil
}

// Progress reports since when deliveries have been waiting that could be sent
// although nothing was claimed or sent; zero: the engine keeps up. Readiness is
// made of it.
func (e *Engine) Progress() (stuckSince time.Time) {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paused {
		return time.Time{}
	}
	for _, l := range e.lanes {
		if since := l.stalled(now); !since.IsZero() && (stuckSince.IsZero() || since.Before(stuckSince)) {
			stuckSince = since
		}
	}
	if stuckSince.Before(e.lastClaim) && !stuckSince.IsZero() {
		return e.lastClaim
	}
	return stuckSince
}

// pausedSetting is the key of the setting that remembers PauseAll, with its
// values. It was never set until the first PauseAll.
const (
	pausedSetting = "queue_paused"
	pausedYes     = "yes"
	pausedNo      = "no"
)

// PauseAll stops sending for all webhooks until ResumeAll, also over a
// restart; deliveries go on being made.
func (e *Engine) PauseAll(ctx context.Context) error {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	if err := e.Store.SetSetting(ctx, pausedSetting, pausedYes); err != nil {
		return err
	}
	e.setPaused(true)
	return nil
}

// ResumeAll ends a PauseAll.
func (e *Engine) ResumeAll(ctx context.Context) error {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	if err := e.Store.SetSetting(ctx, pausedSetting, pausedNo); err != nil {
		return err
	}
	e.setPaused(false)
	return nil
}

// LoadPaused reads whether an operator paused all sending, here or through
// another process.
func (e *Engine) LoadPaused(ctx context.Context) error {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	value, err := e.Store.Setting(ctx, pausedSetting)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return err
	}
	e.setPaused(value == pausedYes)
	return nil
}

func (e *Engine) setPaused(paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paused == paused {
		return
	}
	e.paused = paused
	now := e.now()
	e.lastClaim = now // what waited meanwhile was not stuck
	for _, l := range e.lanes {
		e.dispatch(l, now)
	}
}
