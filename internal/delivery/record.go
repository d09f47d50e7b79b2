package delivery

import (
	"context"
	"log/slog"
	"time"

	"github.com/nself-chat/hub"
)

// maxRecord is the number of outcomes recorded in one commit at most.
const maxRecord = 256

const (
	// recordPace is the least time from one batch of outcomes to the next when nobody
	// waits for them. A batch costs the database as much as ten of its rows: the
	// deliveries of a busy endpoint cost 5 % less CPU time this way (measured). When the
	// hub is killed, what it sent in that time is sent once more.
	recordPace = 10 * time.Millisecond
	// recordEnough is the number of outcomes that wait for no more of them.
	recordEnough = 96
)

// recordPause follows a commit that the database refused.
const recordPause = 250 * time.Millisecond

// record commits outcomes in the order they came, in batches, until the channel is
// closed.
func (e *Engine) record() {
	var began time.Time // the batch before
	for first := range e.outcomes {
		batch := e.gatherOutcomes(first, began.Add(recordPace))
		began = time.Now()
		e.recordAll(batch)
	}
}

// gatherOutcomes returns first and what came after it. Until the time given it waits
// for more, unless there are enough or one of them is waited for.
func (e *Engine) gatherOutcomes(first *result, until time.Time) []*result {
	batch := append(make([]*result, 0, 32), first)
	late := isAwaited(first.outcome)
	var timeout <-chan time.Time // made when there is something to wait for
	for len(batch) < maxRecord {
		var r *result
		var ok bool
		select {
		case r, ok = <-e.outcomes:
		default:
			if late || len(batch) >= recordEnough {
				return batch
			}
			if timeout == nil {
				timeout = time.After(time.Until(until))
			}
			select {
			case r, ok = <-e.outcomes:
			case <-timeout:
				late = true
				continue
			}
		}
		if !ok {
			break
		}
		batch = append(batch, r)
		late = late || isAwaited(r.outcome)
	}
	return batch
}

// isAwaited reports whether something goes on when the outcome is recorded: its lane,
// which may send only up to the mark that is stored with it, or the next of its
// conversation.
func isAwaited(o *hub.Outcome) bool {
	return o.Mark != 0 || o.OrderKey != "" && o.Status.Final()
}

// recordAll commits a batch, and tries again for as long as it takes: an
// outcome is given up only when its own content is refused, or when the hub
// stops and the database refuses it even then. When a batch is refused as a whole, each outcome is tried by itself, so
// that a bad one cannot keep the others back.
func (e *Engine) recordAll(batch []*result) {
	outcomes := make([]*hub.Outcome, len(batch))
	e.mu.Lock()
	for i, r := range batch {
		outcomes[i] = r.outcome
		if r.outcome.Health != nil {
			r.lane.renew(r.outcome)
		}
	}
	e.mu.Unlock()
	for last := false; ; {
		recorded, err := e.Store.Record(context.Background(), outcomes)
		if err == nil {
			e.unrecorded.over(e.Log, "outcomes are recorded again")
			e.recorded(batch, recorded)
			return
		}
		code := hub.CodeOf(err)
		whole := code == hub.StorageFull || code == hub.Unavailable // it is not about one of them
		const text = "outcomes could not be recorded"
		switch {
		case !whole && len(batch) > 1:
			e.Log.Error(text+" together; each is tried by itself", "count", len(batch), "error", err)
			for _, r := range batch {
				e.recordAll([]*result{r})
			}
			return
		case code == hub.Conflict || code == hub.Invalid || last:
			e.Log.Error(text, "count", len(batch), "error", err)
			// The lease stays and is voided by the sweep, or at the next start.
			e.forget(batch)
			return
		}
		e.unrecorded.failed(e.Log, slog.LevelError, text+"; it is tried again", "count", len(batch), "error", err)
		last = !e.waitToRecord()
	}
}

// renew gives an outcome the lane's newest health: outcomes may overtake each other on
// their way to the record. A webhook that was changed meanwhile is not disabled for what
// was answered before.
func (l *lane) renew(o *hub.Outcome) {
	*o.Health = l.health
	if version := l.target.sealed.UpdatedAt; !version.Equal(o.WebhookVersion) {
		o.WebhookVersion = version
		if o.Notice.Disabling() {
			o.Notice = hub.NoticeNone
		}
	}
}

// waitToRecord pauses before the next try; false: the engine is stopping, and
// the next try is the last.
func (e *Engine) waitToRecord() bool {
	select {
	case <-e.stopCtx.Done():
		return false
	case <-time.After(recordPause):
		return true
	}
}

// recorded takes note of what the commit changed.
func (e *Engine) recorded(batch []*result, recorded []hub.Recorded) {
	notice, reload := false, false
	now := e.now()
	e.mu.Lock()
	for i, r := range batch {
		l, o := r.lane, r.outcome
		l.unrecorded--
		e.drop(l, r.job)
		if recorded[i].Stale { // nothing was written, the mark neither
			l.asked = l.mark
			e.stats.Stale.Add(1)
			e.Log.Warn("an outcome came too late: the lease had moved on", "delivery", o.DeliveryID)
			continue
		}
		if o.Node == e.Node { // else the mark was that of the name it had before it was taken for dead
			l.marked(o.Mark)
		}
		switch {
		case o.Status == hub.DeliverySuccess:
			e.stats.Succeeded.Add(1)
		case o.Status == hub.DeliveryFailed:
			e.stats.Failed.Add(1)
		default:
			e.stats.Retried.Add(1)
		}
		if !o.DueAt.IsZero() {
			l.noteDue(o.DueAt)
		}
		if recorded[i].Released {
			l.noteDue(now)
		}
		if o.Status == hub.DeliveryHeld && l.open() || !l.open() {
			e.startMove(l)
		}
		notice = notice || o.Notice != hub.NoticeNone
		reload = reload || o.Notice.Disabling()
	}
	for _, r := range batch {
		e.dispatch(r.lane, now)
		e.cedeWhenEmpty(r.lane)
	}
	e.mu.Unlock()
	if reload {
		if err := e.Reload(context.Background()); err != nil {
			e.Log.Error("webhooks could not be reloaded", "error", err)
		}
	}
	if notice && e.OnNotice != nil {
		e.OnNotice()
	}
}

// forget gives up on recording: the outcome is refused for what it says, or the
// engine stops while the database refuses everything.
func (e *Engine) forget(batch []*result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for _, r := range batch {
		r.lane.unrecorded--
		e.drop(r.lane, r.job)
		r.lane.asked = r.lane.mark
		e.dispatch(r.lane, now)
		e.cedeWhenEmpty(r.lane)
	}
}
