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
	// PruneWeeks removes whole weeks, where the database keeps them apart.
	PruneWeeks(ctx context.Context, r hub.Retention) (hub.Pruned, error)
	// Prune looks at no more than limit events after a position, removes what
	// retention allows to go, and returns where it ended.
	Prune(ctx context.Context, r hub.Retention, after hub.EventID, limit int) (hub.Pruned, hub.EventID, error)
	// TrimCalls removes bodies of calls of incoming webhooks, the oldest with ids
	// above after and received before a time, until so many bytes are free or the
	// batch is large enough. It returns their bytes and the id of the last, "" when
	// there was none.
	TrimCalls(ctx context.Context, before time.Time, after hub.CallID, bytes int64) (int64, hub.CallID, error)
	// Size is the number of bytes in use; OldestAge when the oldest event
	// happened.
	Size(ctx context.Context) (int64, error)
	OldestAge(ctx context.Context) (time.Time, error)
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
	// quotaShare is the part of the time span held that goes at a time when
	// the database is over its quota.
	quotaShare = 20
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
		_, err := p.prune(ctx, r, "", "age")
		errs = append(errs, err)
	}
	return errors.Join(append(errs, p.quota(ctx))...)
}

// quota makes room when the database is over its quota: the bodies of calls go
// first, then finished work, and work with a failed delivery only when nothing
// else is left; of each the oldest first, and no more than has to.
func (p *Pruner) quota(ctx context.Context) error {
	if p.Bytes == 0 {
		return nil
	}
	size, err := p.Store.Size(ctx)
	if err != nil || size <= p.Bytes {
		return err
	}
	if enough, err := p.trimCalls(ctx, size-p.Bytes); err != nil || enough {
		return err
	}
	if enough, err := p.pruneSlices(ctx, false); err != nil || enough {
		return err
	}
	_, err = p.pruneSlices(ctx, true)
	return err
}

// trimCalls removes bodies of calls until so many bytes are free, and reports
// whether there were as many.
func (p *Pruner) trimCalls(ctx context.Context, excess int64) (enough bool, err error) {
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

// pruneSlices removes the oldest work, a slice of the time span held after the
// other, until the database is within its quota, and reports whether it is. Work
// with a failed delivery stays unless it is to go as well.
func (p *Pruner) pruneSlices(ctx context.Context, failed bool) (enough bool, err error) {
	oldest, err := p.Store.OldestAge(ctx)
	if err != nil || oldest.IsZero() {
		return true, err
	}
	span := max(0, p.Now().Add(-quotaKeep).Sub(oldest))
	position := hub.EventID("")
	for i := range quotaShare + 1 {
		size, err := p.Store.Size(ctx)
		if err != nil || size <= p.Bytes {
			return true, err
		}
		if i == quotaShare {
			break
		}
		r := hub.Retention{FinishedBefore: oldest.Add(span / quotaShare * time.Duration(i+1))}
		if failed {
			r.FailedBefore = r.FinishedBefore
		}
		if position, err = p.prune(ctx, r, position, "quota"); err != nil {
			return false, err
		}
	}
	return false, nil
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

// prune removes what retention allows after a position in the event log, and
// returns where it ended.
func (p *Pruner) prune(ctx context.Context, r hub.Retention, position hub.EventID, why string) (hub.EventID, error) {
	total, err := p.Store.PruneWeeks(ctx, r)
	if err != nil {
		return position, err
	}
	for {
		n, next, err := p.Store.Prune(ctx, r, position, pruneBatch)
		if err != nil {
			return position, err
		}
		position = next
		total.Events += n.Events
		total.Deliveries += n.Deliveries
		total.Attempts += n.Attempts
		total.Weeks += n.Weeks
		if !n.More {
			break
		}
		if err := rest(ctx); err != nil {
			return position, err
		}
	}
	if total.Events > 0 || total.Weeks > 0 {
		if err := p.Store.Vacuum(ctx, vacuumPages); err != nil {
			return position, err
		}
		log := p.Log.Info
		if why == "quota" && !r.FailedBefore.IsZero() {
			why, log = "quota, and only work with failed deliveries is left", p.Log.Warn
		}
		log("finished work removed", "why", why, "events", total.Events, "deliveries", total.Deliveries, "attempts", total.Attempts, "weeks", total.Weeks)
	}
	return position, nil
}
