package chat

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// clearBatch is the number of messages deleted in one commit after their
	// channel was. It keeps the writer for about 5 ms.
	clearBatch = 100
	clearRest  = 5 * time.Millisecond
	// clearEvery is when Run looks by itself: after a failure, and for
	// channels that another process deleted.
	clearEvery = time.Minute
)

// clearing wakes Run. The zero value is ready.
type clearing struct {
	once sync.Once
	bell chan struct{}
}

// deleted returns the channel that receives after a channel was deleted.
func (c *clearing) deleted() chan struct{} {
	c.once.Do(func() { c.bell = make(chan struct{}, 1) })
	return c.bell
}

func (c *clearing) wake() {
	select {
	case c.deleted() <- struct{}{}:
	default: // it will look already
	}
}

// Run deletes the messages of deleted channels, in small batches with rests
// between them, until ctx is done. What is left then is deleted after the next
// start: which channels are not done with is in the database.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(clearEvery)
	defer ticker.Stop()
	for {
		if err := s.clearChannels(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("messages of a deleted channel could not be deleted; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.clearing.deleted():
		case <-ticker.C:
		}
	}
}

func (s *Service) clearChannels(ctx context.Context) error {
	channels, err := s.Store.ClearingChannels(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range channels {
		errs = append(errs, s.clearChannel(ctx, id))
	}
	return errors.Join(errs...)
}

func (s *Service) clearChannel(ctx context.Context, id hub.ChannelID) error {
	for last := hub.MessageID(""); ; {
		next, err := s.Store.ClearChannel(ctx, id, last, clearBatch, s.scrubber())
		if err != nil || next == "" {
			return err
		}
		last = next
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(clearRest):
		}
	}
}
