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

// quota removes the oldest work, a slice of the time span held after the
// other, until the database is within its quota.
func (p *Pruner) quota(ctx context.Context) error {
	if p.Bytes == 0 {
		return nil
	}
	oldest, err := p.Store.OldestAge(ctx)
	if err != nil || oldest.IsZero() {
		return err
	}
	span := max(0, p.Now().Add(-quotaKeep).Sub(oldest))
	position := hub.EventID("")
	for i := range quotaShare {
		size, err := p.Store.Size(ctx)
		if err != nil || size <= p.Bytes {
			return err
		}
		cutoff := oldest.Add(span / quotaShare * time.Duration(i+1))
		if position, err = p.prune(ctx, hub.Retention{FinishedBefore: cutoff, FailedBefore: cutoff}, position, "quota"); err != nil {
			return err
		}
	}
	return nil
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
		select {
		case <-ctx.Done():
			return position, ctx.Err()
		case <-time.After(pruneRest):
		}
	}
	if total.Events > 0 || total.Weeks > 0 {
		if err := p.Store.Vacuum(ctx, vacuumPages); err != nil {
			return position, err
		}
		p.Log.Info("finished work removed", "why", why, "events", total.Events, "deliveries", total.Deliveries, "attempts", total.Attempts, "weeks", total.Weeks)
	}
	return position, nil
}
