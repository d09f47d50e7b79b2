package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// Several processes may work on one database. Each lane is served by one of
// them at a time: only that one leases, sends and judges the endpoint's health,
// so concurrency, rate, order and breaker are as exact as with one process. The
// others hand over to it what they publish (handover.go), or store it as due and
// tell it (Engine.OnForeign).
//
//	wanted ──Acquire──▶ owned ──no longer wanted──▶ ceding ──empty──▶ leaving ──Cede──▶ not owned
//
// Who wants which lane follows from the list of members alone
// (package cluster), so all come to the same answer without talking.

// share is what this process serves.
type share struct {
	wants func(hub.WebhookID) bool // nil: everything
	// members are the processes at work, by the names under which they lease.
	members []string
	// aliveUntil is until when the others surely wait for this process before
	// they go on without it; zero: there are no others. By the monotonic clock.
	aliveUntil time.Time
	acquiring  bool            // acquireLater is at work
	ceding     bool            // cede is at work
	toCede     []hub.WebhookID // lanes that are empty, for cede to take
}

const (
	// acquireBatch is the number of lanes taken over in one commit.
	acquireBatch = 500
	// acquireAgain follows a try that left lanes in the hands of others.
	acquireAgain = 200 * time.Millisecond
)

// idle reports whether nothing may be sent at all. The caller holds mu.
func (e *Engine) idle() bool {
	return e.paused || e.stopping || !e.share.aliveUntil.IsZero() && time.Now().After(e.share.aliveUntil)
}

// Alive says until when the other processes surely wait for this one: nothing
// is sent after that. It is called before Start, and at each sign of life.
func (e *Engine) Alive(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.idle()
	e.share.aliveUntil = until
	if !was || e.lanes == nil {
		return
	}
	for _, l := range e.lanes {
		e.attend(l)
	}
}

// SetShare says which processes are at work, and which lanes this one is to
// serve. Lanes that it loses are given up as soon as nothing of them is in memory.
func (e *Engine) SetShare(ctx context.Context, members []string, wants func(hub.WebhookID) bool) error {
	e.mu.Lock()
	e.share.members, e.share.wants = members, wants
	if e.lanes == nil { // before Start
		e.mu.Unlock()
		return nil
	}
	e.revoke()
	e.forgetGrants()
	for _, l := range e.lanes {
		l.ceding = l.owned && !e.wanted(l)
		if l.ceding {
			e.giveBack(l)
		}
	}
	e.mu.Unlock()
	return e.TakeOver(ctx)
}

// TakeOver makes due what processes that are gone have left, and acquires the
// lanes of this process's share that are free.
func (e *Engine) TakeOver(ctx context.Context) error {
	voided, err := e.Store.VoidLeases(ctx)
	if err != nil {
		return err
	}
	if voided > 0 {
		e.Log.Info("deliveries taken over from a process that is gone", "count", voided)
	}
	if err := e.acquire(ctx); err != nil {
		return err
	}
	return e.Poll(ctx)
}

func (e *Engine) wanted(l *lane) bool { return e.share.wants == nil || e.share.wants(l.id) }

// acquire takes over the lanes that are wanted and not owned. After an error those
// may be this process's already of which the store could tell; the rest is for the
// next call.
func (e *Engine) acquire(ctx context.Context) error {
	e.acquiring.Lock()
	defer e.acquiring.Unlock()
	e.mu.Lock()
	node := e.Node
	var missing []hub.WebhookID
	for _, l := range e.lanes {
		if !l.owned && !l.leaving && !l.gone && e.wanted(l) {
			missing = append(missing, l.id)
		}
	}
	e.mu.Unlock()
	slices.Sort(missing)
	var got []hub.WebhookID
	var err error
	for batch := range slices.Chunk(missing, acquireBatch) {
		var some []hub.WebhookID
		if some, err = e.Store.Acquire(ctx, node, batch); err != nil {
			break // the batches before are this process's
		}
		got = append(got, some...)
	}
	if len(got) == 0 {
		return err
	}
	learned, lerr := e.Store.HealthOf(ctx, got) // as processes that served them before know it
	if lerr != nil {
		return errors.Join(err, lerr) // the store knows them as this process's: the next call gets them again
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Node != node {
		return err
	}
	e.own(got, learned)
	if err == nil && len(got) < len(missing) {
		e.acquireLater()
	}
	return err
}

// own begins to serve lanes. The caller holds mu.
func (e *Engine) own(lanes []hub.WebhookID, learned map[hub.WebhookID]hub.Health) {
	for _, id := range lanes {
		l := e.lanes[id]
		if l == nil {
			continue
		}
		if !l.owned {
			l.mark, l.asked = 0, 0 // those of an earlier time went with the lane
			l.began()
			l.health = learned[id]
		}
		l.owned, l.ceding = true, !e.wanted(l)
		e.attend(l)
		e.cedeWhenEmpty(l)
	}
}

// acquireLater tries again when the others had time to let go. The caller
// holds mu.
func (e *Engine) acquireLater() {
	if e.share.acquiring || e.stopping {
		return
	}
	e.share.acquiring = true
	e.movers.Add(1)
	go func() {
		defer e.movers.Done()
		select {
		case <-e.moveCtx.Done():
		case <-time.After(acquireAgain):
		}
		e.mu.Lock()
		e.share.acquiring = false
		e.mu.Unlock()
		if e.moveCtx.Err() != nil {
			return
		}
		if err := e.TakeOver(e.moveCtx); err != nil && e.moveCtx.Err() == nil {
			e.Log.Warn("lanes could not be taken over; it is tried again", "error", err)
			e.mu.Lock()
			e.acquireLater()
			e.mu.Unlock()
		}
	}()
}

// cedeWhenEmpty gives the lane up once nothing of it is in memory. The caller
// holds mu.
func (e *Engine) cedeWhenEmpty(l *lane) {
	if !l.ceding || !l.empty() || e.stopping {
		return
	}
	l.ceding, l.owned, l.leaving = false, false, true
	l.nothingDue()
	e.share.toCede = append(e.share.toCede, l.id)
	if e.share.ceding {
		return // the one that runs takes it
	}
	e.share.ceding = true
	e.movers.Add(1)
	go func() {
		defer e.movers.Done()
		e.cede()
	}()
}

// cede gives up in the store what is to be ceded, and tries for as long as it
// takes: until then a lane is nobody's.
func (e *Engine) cede() {
	for {
		e.mu.Lock()
		node, lanes := e.Node, e.share.toCede
		e.share.toCede = nil
		e.share.ceding = len(lanes) > 0
		e.mu.Unlock()
		if len(lanes) == 0 {
			return
		}
		for batch := range slices.Chunk(lanes, acquireBatch) {
			if !e.cedeBatch(node, batch) {
				break // they are this process's no more, or it stops
			}
		}
		if e.OnForeign != nil {
			e.OnForeign("")
		}
	}
}

// cedeBatch reports whether this process is still the one that gave the lanes
// up.
func (e *Engine) cedeBatch(node string, lanes []hub.WebhookID) bool {
	for {
		err := e.Store.Cede(e.moveCtx, node, lanes)
		e.mu.Lock()
		if e.Node != node || e.stopping {
			e.mu.Unlock()
			return false
		}
		if err == nil {
			again := false
			for _, id := range lanes {
				if l := e.lanes[id]; l != nil {
					l.leaving = false
					again = again || e.wanted(l)
				}
			}
			if again {
				e.acquireLater()
			}
			e.mu.Unlock()
			return true
		}
		e.mu.Unlock()
		e.Log.Warn("lanes could not be given up; it is tried again", "error", err)
		select {
		case <-e.moveCtx.Done():
			return false
		case <-time.After(claimPause):
		}
	}
}

// laneDue notes that a row of the lane is due at t, or lets the process know
// that serves it. The caller holds mu.
func (e *Engine) laneDue(l *lane, t time.Time) {
	if !l.owned && e.OnForeign != nil {
		e.OnForeign(l.id)
	}
	l.noteDue(t)
}

// Due is told by another process that rows of lanes became due, which it had no
// grant to hand over.
func (e *Engine) Due(from string, lanes ...hub.WebhookID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for _, id := range lanes {
		if l := e.lanes[id]; l != nil && l.owned {
			l.noteDue(now)
			e.attend(l)
			e.grant(l, from, true, now)
		}
	}
}

// Rejoin goes on under a new name after the others took this process for dead:
// what it held is theirs. Attempts under way are cut off.
func (e *Engine) Rejoin(ctx context.Context, node string) error {
	e.mu.Lock()
	e.Node = node
	e.sendCancel()
	e.sendCtx, e.sendCancel = context.WithCancel(e.stopCtx)
	for _, l := range e.lanes {
		l.owned, l.ceding, l.leaving = false, false, false
		for _, j := range l.ready {
			e.drop(l, j)
		}
		l.ready = nil
		l.mark, l.asked = 0, 0
		l.grants, l.credits = nil, nil
		l.nothingDue()
	}
	e.share.toCede = nil
	e.mu.Unlock()
	return e.TakeOver(ctx)
}
