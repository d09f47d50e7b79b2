package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// QueueStats returns how many deliveries are in which state.
func (s *Service) QueueStats(ctx context.Context, a hub.Actor) (hub.QueueStats, error) {
	if err := allow(a, readQueue); err != nil {
		return hub.QueueStats{}, err
	}
	return s.Engine.Stats(ctx)
}

// MayReadQueue refuses an actor who may not read the queue's figures, for those
// that show them in another form.
func (s *Service) MayReadQueue(a hub.Actor) error { return allow(a, readQueue) }

// PauseQueue stops all sending. Events are still taken and deliveries made.
func (s *Service) PauseQueue(ctx context.Context, a hub.Actor) error {
	return s.switchQueue(ctx, a, "queue.pause", true, s.Engine.PauseAll)
}

// ResumeQueue begins to send again.
func (s *Service) ResumeQueue(ctx context.Context, a hub.Actor) error {
	return s.switchQueue(ctx, a, "queue.resume", false, s.Engine.ResumeAll)
}

func (s *Service) switchQueue(ctx context.Context, a hub.Actor, what string, paused bool, do func(context.Context) error) error {
	if err := allow(a, manageQueue); err != nil {
		return err
	}
	if err := do(ctx); err != nil {
		return err
	}
	s.audit(ctx, a, what, "queue", nil, map[string]any{"paused": paused})
	return nil
}
