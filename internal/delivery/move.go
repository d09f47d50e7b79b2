package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// moveBatch is the number of rows that one commit of a mover changes.
const moveBatch = 500

// giveBack returns the lane's ready jobs: it is not to send for a while, or
// another process is to serve it. The caller holds mu.
func (e *Engine) giveBack(l *lane) {
	if len(l.ready) == 0 || e.stopping {
		e.cedeWhenEmpty(l)
		return // at the stop, unlease takes them
	}
	jobs := l.ready
	l.ready = nil
	e.putBack(l, jobs, func() {})
}

// putBack returns jobs that are not in ready any more to the store, in the
// background; then is called when they are there, and before the lane can claim
// them anew. The caller holds mu.
func (e *Engine) putBack(l *lane, jobs []*hub.Job, then func()) {
	held := !l.open()
	l.returning++
	l.readyAt = e.now()
	back, done := make([]hub.Job, len(jobs)), make(chan struct{})
	for i, j := range jobs {
		back[i] = *j
		e.drop(l, j)
		e.returning[j.Delivery.ID] = done
	}
	e.movers.Add(1)
	go func() {
		defer e.movers.Done()
		e.untilUnleased(l, back, held)
		then()
		e.mu.Lock()
		defer e.mu.Unlock()
		for i := range back {
			delete(e.returning, back[i].Delivery.ID)
		}
		close(done)
		l.returning--
		if held || !l.open() {
			e.startMove(l)
		}
		if l.open() {
			e.laneDue(l, e.now())
			e.attend(l)
		}
		e.cedeWhenEmpty(l)
	}()
}

// untilUnleased gives leases back, and tries for as long as it takes. At the
// stop it gives up; the leases are voided at the next start.
func (e *Engine) untilUnleased(l *lane, jobs []hub.Job, held bool) {
	var failing trouble
	for {
		err := e.unleaseAll(jobs, held)
		if err == nil {
			failing.over(e.Log, "deliveries were given back")
			return
		}
		failing.failed(e.Log, slog.LevelError, "deliveries could not be given back; it is tried again", "webhook", l.id, "error", err)
		select {
		case <-e.moveCtx.Done():
			return
		case <-time.After(recordPause):
		}
	}
}

// unleaseAll gives leases back in batches.
func (e *Engine) unleaseAll(jobs []hub.Job, held bool) error {
	for batch := range slices.Chunk(jobs, moveBatch) {
		if err := e.Store.Unlease(context.Background(), batch, held); err != nil {
			return err
		}
	}
	return nil
}

// startMove brings the lane's rows in line with its webhook's state, in the
// background: held rows of an active webhook become due, due rows of a paused
// or disabled one are held, those of a deleted one canceled. The caller
// holds mu.
func (e *Engine) startMove(l *lane) {
	if l.moving || e.stopping {
		l.moveMore = true
		return
	}
	l.moving, l.moveMore = true, false
	e.movers.Add(1)
	go func() {
		defer e.movers.Done()
		e.move(l)
	}()
}

func (e *Engine) move(l *lane) {
	for {
		n, err := e.moveOnce(l)
		if err != nil && e.moveCtx.Err() == nil {
			e.Log.Warn("deliveries could not follow their webhook's state; the sweep tries again", "webhook", l.id, "error", err)
		}
		e.mu.Lock()
		l.moveFailed = err != nil
		if err == nil && n > 0 {
			if l.open() {
				e.laneDue(l, e.now())
				e.dispatch(l, e.now())
			}
			e.mu.Unlock()
			continue
		}
		if err == nil && l.moveMore && !e.stopping {
			l.moveMore = false
			e.mu.Unlock()
			continue
		}
		l.moving = false
		if l.gone && err == nil && l.empty() {
			e.unschedule(l)
			delete(e.lanes, l.id)
		}
		e.mu.Unlock()
		return
	}
}

func (e *Engine) moveOnce(l *lane) (int, error) {
	e.mu.Lock()
	open, gone := l.open(), l.gone
	if !open {
		l.nothingDue()
	}
	e.mu.Unlock()
	switch {
	case gone:
		return e.Store.CancelUnfinished(e.moveCtx, l.id, "", moveBatch)
	case !open:
		return e.Store.HoldDue(e.moveCtx, l.id, moveBatch)
	}
	if held, err := e.Store.HasHeld(e.moveCtx, l.id); err != nil || !held {
		return 0, err
	}
	return e.Store.ReleaseHeld(e.moveCtx, l.id, moveBatch)
}

// ReleaseHeld makes what a webhook holds due, in the background, or cancels
// all of it before it returns. Cancel before the webhook is resumed, deliver
// after.
func (e *Engine) ReleaseHeld(ctx context.Context, id hub.WebhookID, deliver bool) error {
	if deliver {
		e.mu.Lock()
		defer e.mu.Unlock()
		if l := e.lanes[id]; l != nil {
			e.startMove(l)
		}
		return nil
	}
	// What is there now, and what waits behind it; not what comes meanwhile.
	until, err := e.untilNow(ctx)
	if err != nil {
		return err
	}
	below := hub.DeliveryID(hub.FirstID(until))
	for {
		n, err := e.Store.CancelUnfinished(ctx, id, below, moveBatch)
		if err != nil || n == 0 {
			return err
		}
	}
}

// untilNow returns the time up to which, it excluded, the ids of all deliveries so far
// are: ids follow the clock, but do not go back with it.
func (e *Engine) untilNow(ctx context.Context) (time.Time, error) {
	last, err := e.Store.LastEventID(ctx)
	return maxTime(e.now(), hub.IDTime(string(last))).Add(time.Millisecond), err
}

// Retry begins a new series of tries for one delivery that is not being sent.
func (e *Engine) Retry(ctx context.Context, id hub.DeliveryID) error {
	return e.outOfMemory(ctx, id, func() error {
		d, err := e.Store.RetryDelivery(ctx, id)
		if err == nil {
			e.noteDue(d.WebhookID, d.DueAt)
		}
		return err
	})
}

// Cancel cancels one delivery that is waiting.
func (e *Engine) Cancel(ctx context.Context, id hub.DeliveryID) error {
	return e.outOfMemory(ctx, id, func() error {
		d, released, err := e.Store.CancelDelivery(ctx, id)
		if released {
			e.noteDue(d.WebhookID, e.now())
		}
		return err
	})
}

// outOfMemory does what the store refuses to do with a delivery that is leased;
// one that is leased but only waits in memory is given back for it.
func (e *Engine) outOfMemory(ctx context.Context, id hub.DeliveryID, do func() error) error {
	for {
		err := do()
		if hub.CodeOf(err) != hub.Conflict {
			return err
		}
		done, ours := e.withdraw(id, func() { err = do() })
		if done == nil {
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if ours {
			return err
		}
	}
}

// withdraw gives back a delivery that waits in memory and calls then. done is
// closed when it is back; nil: it does not wait there. ours: it was not on its
// way back already, in which case then is not called.
func (e *Engine) withdraw(id hub.DeliveryID, then func()) (done <-chan struct{}, ours bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if done := e.returning[id]; done != nil {
		return done, false
	}
	for _, l := range e.lanes {
		if _, leased := l.leased[id]; !leased || e.stopping {
			continue
		}
		for i, j := range l.ready {
			if j.Delivery.ID == id {
				l.ready = slices.Delete(l.ready, i, i+1)
				e.putBack(l, []*hub.Job{j}, then)
				return e.returning[id], true
			}
		}
	}
	return nil, false
}

func (e *Engine) noteDue(id hub.WebhookID, due time.Time) {
	if due.IsZero() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.lanes[id]; l != nil {
		e.laneDue(l, due)
		e.attend(l)
	}
}

// Replay sends finished deliveries of a webhook again and returns how many;
// with DryRun it only counts them. The due times are stored, so a replay that
// has been accepted goes on after a restart. Once the first are taken it goes on
// until all are, also when its caller has gone; only the engine's stop ends it. The
// error of one that broke off is hub.ErrInDoubt and says how to go on.
func (e *Engine) Replay(ctx context.Context, r hub.ReplayRequest) (int, error) {
	if r.DryRun {
		return e.Store.CountReplay(ctx, &r)
	}
	var gap time.Duration
	if r.RatePerMinute > 0 {
		gap = time.Minute / time.Duration(r.RatePerMinute)
	}
	if r.Until.IsZero() {
		var err error
		if r.Until, err = e.untilNow(ctx); err != nil { // what fails again meanwhile is not taken twice
			return 0, err
		}
	}
	goesOn, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(e.moveCtx, cancel)()
	total, due := 0, e.now()
	for after := hub.DeliveryID(""); ; {
		last, n, err := e.Store.ReplayBatch(ctx, &r, after, moveBatch, due, gap)
		if err != nil && total > 0 {
			return total, brokenOff(err, total, after, r.Until)
		}
		if err != nil || last == "" {
			return total, err
		}
		if n > 0 {
			e.noteDue(r.WebhookID, due)
			ctx = goesOn
		}
		total += n
		after, due = last, due.Add(time.Duration(n)*gap)
	}
}

// brokenOff is the error of a replay that took n deliveries, the last one of them
// or before it, and then failed.
func brokenOff(err error, n int, last hub.DeliveryID, until time.Time) error {
	why := ""
	if e, ok := errors.AsType[*hub.Error](err); ok && (e.Code == hub.Conflict || e.Code == hub.NotFound) {
		why = " " + e.Detail
	}
	since := hub.IDTime(string(last))
	return hub.Wrap(hub.Unavailable, errors.Join(hub.ErrInDoubt, err), fmt.Sprintf(
		"The replay broke off after %d deliveries, which are on their way again.%s For the others, repeat it since %s until %s.",
		n, why, since.Format(time.RFC3339Nano), until.UTC().Format(time.RFC3339Nano)))
}

// Stats counts all deliveries in nself-chat's words; those of deleted webhooks
// are in the sums, and in no lane.
func (e *Engine) Stats(ctx context.Context) (hub.QueueStats, error) {
	counts, err := e.Store.DeliveryCounts(ctx)
	if err != nil {
		return hub.QueueStats{}, err
	}
	now := e.now()
	due, oldest, err := e.Store.DueCounts(ctx, now)
	if err != nil {
		return hub.QueueStats{}, err
	}
	s := hub.QueueStats{Pending: due}
	if !oldest.IsZero() {
		s.OldestDue = now.Sub(oldest)
	}
	waiting := int64(0)
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, byStatus := range counts {
		if l := e.lanes[id]; l != nil && l.target != nil && !l.gone {
			s.Lanes = append(s.Lanes, hub.LaneStats{WebhookID: id, Counts: byStatus, Health: l.health, State: l.target.state})
		}
		s.Active += byStatus[hub.DeliveryActive]
		s.Completed += byStatus[hub.DeliverySuccess]
		s.Failed += byStatus[hub.DeliveryFailed]
		waiting += byStatus[hub.DeliveryPending] + byStatus[hub.DeliveryRetrying] + byStatus[hub.DeliveryHeld]
	}
	s.Delayed = max(0, waiting-due)
	s.Total = s.Active + s.Completed + s.Failed + waiting
	return s, nil
}

// Request rebuilds the request of a delivery's next attempt, or of its last
// one when it is final: the body byte for byte, the headers without the
// signatures of the moment and with the owner's own masked.
func (e *Engine) Request(ctx context.Context, d hub.Delivery) (http.Header, []byte, error) {
	ev, err := e.Store.Event(ctx, d.EventID)
	if err != nil {
		return nil, nil, err
	}
	h := http.Header{"Content-Type": contentType, "User-Agent": userAgent}
	attempt := d.Attempts
	if !d.Status.Final() {
		attempt++
	}
	for name, value := range map[string]string{
		"X-Webhook-Id": string(d.ID), "X-Webhook-Event": d.EventType, "X-Webhook-Attempt": itoa(attempt), "Webhook-Id": string(d.ID),
	} {
		h.Set(name, value)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.lanes[d.WebhookID]; l != nil && l.target != nil {
		for name := range l.target.headers {
			h.Set(name, masked)
		}
	}
	return h, Envelope(&d, ev), nil
}
