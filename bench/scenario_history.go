package main

import (
	"context"
	"errors"
	"time"
)

// historyFanout is the number of deliveries of an event of the past; one of them is to the webhook that is measured.
const historyFanout = 10

// runHistory measures what a large past costs: the same load on an empty database, on one with millions of finished
// deliveries, many of them of the very webhook, and on an empty one again.
func runHistory(ctx context.Context, t *trial) error {
	events := t.opt.scaled(20_000)
	return withSink(ctx, func(s *sinkProcess) error {
		p := plan{events: events, endpoints: 1, load: t.closedLoad(events)}
		before, err := t.deliver(ctx, s, "before", p)
		if err != nil {
			return err
		}
		old, err := t.deliverAfterHistory(ctx, s, p)
		if err != nil {
			return err
		}
		after, err := t.deliver(ctx, s, "after", p)
		if err != nil {
			return err
		}
		t.recordThroughput(old)
		empty := (before.perSecond() + after.perSecond()) / 2
		t.set(metricEmpty, empty)
		t.set(metricHistory, old.perSecond()/empty)
		return nil
	})
}

func (t *trial) deliverAfterHistory(ctx context.Context, s *sinkProcess, p plan) (d delivery, err error) {
	st, err := t.newStage(ctx, s, "old", p)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	if err := st.subscribe(ctx, p); err != nil {
		return d, err
	}
	began := time.Now()
	if err := st.rewrite(ctx, t.opt.history); err != nil {
		return d, err
	}
	t.set(metricFill, time.Since(began).Seconds())
	return st.run(ctx, "old", p)
}

// rewrite gives the hub a past of n deliveries, on which it comes up as it would after years.
func (st *stage) rewrite(ctx context.Context, n int) error {
	webhooks := []string{st.hooks[0].ID}
	for len(webhooks) < historyFanout {
		other, err := st.clients[0].createOutgoing(ctx, outgoingConfig{
			name: "the past", url: st.sink.endpointURL(len(webhooks)), pattern: historyEvent,
		})
		if err != nil {
			return err
		}
		webhooks = append(webhooks, other.ID)
	}
	if err := st.stopHubs(); err != nil {
		return err
	}
	if err := st.db.fill(ctx, webhooks, n); err != nil {
		return err
	}
	return st.startHubs(ctx)
}
