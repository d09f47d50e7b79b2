package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nself-chat/hub"
)

// PruneStore is what the clean-up needs of the database.
type PruneStore interface {
	// PruneWeeks removes whole weeks, where the database keeps them apart: of those
	// that may go the oldest, at most so many; 0: all. There is more when it could not
	// for the moment.
	PruneWeeks(ctx context.Context, r hub.Retention, most int) (hub.Pruned, error)
	// ByWeek reports whether room is made by whole weeks only, not by rows that go.
	ByWeek() bool
	// Prune looks at no more than limit events after a position, removes what
	// retention allows to go, and returns where it ended.
	Prune(ctx context.Context, r hub.Retention, after hub.EventID, limit int) (hub.Pruned, hub.EventID, error)
	// TrimCalls removes bodies of calls of incoming webhooks, the oldest with ids
	// above after and received before a time, until so many bytes are free or the
	// batch is large enough. It returns their bytes and the id of the last, "" when
	// there was none.
	TrimCalls(ctx context.Context, before time.Time, after hub.CallID, bytes int64) (int64, hub.CallID, error)
	// InUse is the number of bytes in use, without room that is used again.
	InUse(ctx context.Context) (int64, error)
	// Vacuum gives at most pages free pages back to the file system.
	Vacuum(ctx context.Context, pages int) error
}

// Pruner removes finished events with their deliveries and attempts when they
// are old, or when the database is over its quota. It works in small batches
// with rests between them, so that delivering never waits for it.
type Pruner struct {
	Store PruneStore
	Now   func() time.Time
	Log   *slog.Logger
	// Finished and Failed are how long finished work is kept, and work with a
	// failed delivery; 0: for ever.
	Finished, Failed time.Duration
	// Bytes is the quota of the database; 0: none.
	Bytes int64
	// Leads reports whether this process is the one to clean up. May be nil.
	Leads func() bool
	// Also are clean-ups of other packages, run once a round.
	Also []func(ctx context.Context) error

	// busySince is when weeks could first not go because somebody reads the tables; zero:
	// they can.
	busySince time.Time
}

const (
	// ageEvery is the time between looks at what is too old, quotaEvery
	// between looks at the size.
	ageEvery   = 10 * time.Minute
	quotaEvery = 5 * time.Second
	// A batch keeps the writer for about 5 ms.
	pruneBatch = 200
	pruneRest  = 2 * time.Millisecond
	// vacuumPages are given back to the file system after a clean-up that
	// removed something: 2 MiB. The rest is used again.
	vacuumPages = 512
	// quotaBatch is how many events are looked at first when the database is over
	// its quota; it doubles up to pruneBatch. No more than has to is to go.
	quotaBatch = 25
	// busyFor is how long the quota waits for who reads the tables of the weeks that are
	// to go: a backup may take a while. Then other things go in their place.
	busyFor = 30 * time.Minute
	// quotaKeep is kept whatever the quota says: what a receiver may still
	// ask about right now.
	quotaKeep = 5 * time.Second
)

// Run cleans up until ctx is done.
func (p *Pruner) Run(ctx context.Context) error {
	ticker := time.NewTicker(quotaEvery)
	defer ticker.Stop()
	next := p.Now().Add(ageEvery)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if p.Leads != nil && !p.Leads() {
			continue
		}
		round := p.quota
		if now := p.Now(); !now.Before(next) {
			next = now.Add(ageEvery)
			round = p.Round
		}
		if err := round(ctx); err != nil && ctx.Err() == nil {
			p.Log.Warn("clean-up failed; it is tried again", "error", err)
		}
	}
}

// Round removes all that may go now.
func (p *Pruner) Round(ctx context.Context) error {
	var errs []error
	for _, also := range p.Also {
		errs = append(errs, also(ctx))
	}
	if p.Finished > 0 {
		r := hub.Retention{FinishedBefore: p.Now().Add(-p.Finished)}
		if p.Failed > 0 {
			r.FailedBefore = p.Now().Add(-p.Failed)
		}
		_, err := p.prune(ctx, r, false)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, p.quota(ctx))...)
}

// quota makes room when the database is over its quota: the bodies of calls go
// first, then finished work, and work with a failed delivery only when nothing
// else is left; of each the oldest first, and no more than has to. Where whole weeks
// go, those of finished work are first: they alone give room back.
func (p *Pruner) quota(ctx context.Context) error {
	if p.Bytes == 0 {
		return nil
	}
	finished := hub.Retention{FinishedBefore: p.Now().Add(-quotaKeep)}
	failed := hub.Retention{FinishedBefore: finished.FinishedBefore, FailedBefore: finished.FinishedBefore}
	if enough, err := p.fits(ctx); err != nil || enough {
		return err
	}
	enough, err := false, error(nil)
	if p.Store.ByWeek() {
		// A week that cannot be looked at does not keep bodies from going.
		if enough, err = p.prune(ctx, finished, true); enough {
			return err
		}
	}
	enough, bodies := p.trimCalls(ctx)
	if err = errors.Join(err, bodies); err != nil || enough {
		return err
	}
	if !p.Store.ByWeek() {
		if enough, err = p.prune(ctx, finished, true); err != nil || enough {
			return err
		}
	}
	_, err = p.prune(ctx, failed, true)
	return err
}

// over returns by how many bytes the database is over its quota.
func (p *Pruner) over(ctx context.Context) (int64, error) {
	inUse, err := p.Store.InUse(ctx)
	return max(0, inUse-p.Bytes), err
}

// fits reports whether the database is within its quota.
func (p *Pruner) fits(ctx context.Context) (bool, error) {
	over, err := p.over(ctx)
	return over == 0, err
}

// trimCalls removes bodies of calls until the database is within its quota, and
// reports whether it is.
func (p *Pruner) trimCalls(ctx context.Context) (enough bool, err error) {
	excess, err := p.over(ctx)
	if err != nil || excess == 0 {
		return err == nil, err
	}
	freed := int64(0)
	for after := hub.CallID(""); freed < excess; {
		n, last, err := p.Store.TrimCalls(ctx, p.Now().Add(-quotaKeep), after, excess-freed)
		if err != nil {
			return false, err
		}
		if last == "" {
			break
		}
		freed, after = freed+n, last
		if err := rest(ctx); err != nil {
			return false, err
		}
	}
	if freed == 0 {
		return false, nil
	}
	p.Log.Info("bodies of incoming calls removed", "why", "quota", "bytes", freed)
	return freed >= excess, p.Store.Vacuum(ctx, vacuumPages)
}

// rest leaves the writer to others for a moment.
func rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pruneRest):
		return nil
	}
}

// prune removes what retention allows, the oldest first, and tells of it. For the
// quota it ends when the database is within it, and reports whether nothing else is
// to go.
func (p *Pruner) prune(ctx context.Context, r hub.Retention, quota bool) (enough bool, err error) {
	total, enough, err := p.remove(ctx, r, quota)
	if total.Events == 0 && total.Weeks == 0 {
		return enough, err
	}
	log, why := p.Log.Info, "age"
	switch {
	case quota && !r.FailedBefore.IsZero():
		log, why = p.Log.Warn, "quota, and only work with failed deliveries is left"
	case quota:
		why = "quota"
	}
	log("finished work removed", "why", why, "events", total.Events, "deliveries", total.Deliveries, "attempts", total.Attempts, "weeks", total.Weeks)
	return enough, errors.Join(err, p.Store.Vacuum(ctx, vacuumPages))
}

func (p *Pruner) remove(ctx context.Context, r hub.Retention, quota bool) (total hub.Pruned, enough bool, err error) {
	if !quota {
		total, err = p.Store.PruneWeeks(ctx, r, 0)
	} else if p.Store.ByWeek() {
		return p.removeWeeks(ctx, r)
	}
	batch := pruneBatch
	if quota {
		batch = quotaBatch
	}
	position, more := hub.EventID(""), true
	for err == nil && more {
		var n hub.Pruned
		if n, position, err = p.Store.Prune(ctx, r, position, batch); err != nil {
			break
		}
		total.Events += n.Events
		total.Deliveries += n.Deliveries
		total.Attempts += n.Attempts
		more, batch = n.More, min(2*batch, pruneBatch)
		if quota {
			if enough, err = p.fits(ctx); err != nil || enough {
				break
			}
		}
		if more {
			err = rest(ctx)
		}
	}
	return total, enough, err
}

// removeWeeks removes whole weeks for the quota, one after the other. While it
// cannot, nothing else is to go in their place, for busyFor: there is a next round.
func (p *Pruner) removeWeeks(ctx context.Context, r hub.Retention) (total hub.Pruned, enough bool, err error) {
	for !enough {
		n, err := p.Store.PruneWeeks(ctx, r, 1)
		if err != nil || n.Weeks == 0 {
			return total, n.More && p.waits(), err
		}
		p.busySince = time.Time{}
		total.Weeks += n.Weeks
		total.Deliveries += n.Deliveries
		if enough, err = p.fits(ctx); err != nil {
			return total, false, err
		}
	}
	return total, true, nil
}

// waits reports whether to wait for who reads the tables.
func (p *Pruner) waits() bool {
	now := p.Now()
	if p.busySince.IsZero() {
		p.busySince = now
	}
	if now.Sub(p.busySince) < busyFor {
		return true
	}
	p.Log.Warn("the database is over its quota, and weeks of finished work cannot go: another session reads their tables; "+
		"other things go in their place", "since", p.busySince)
	p.busySince = now // and is said again after as long
	return false
}
