package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// part is a long-lived part of the hub: it runs until its context is done.
type part struct {
	name   string
	cancel context.CancelFunc
	ended  chan struct{}
}

// lifecycle runs parts and stops them one after the other, the one started
// last first. A part that ends by itself ends them all.
type lifecycle struct {
	log   *slog.Logger
	parts []*part
	// failed receives the first part that ended by itself.
	failed chan error
	errs   chan error
}

func newLifecycle(log *slog.Logger) *lifecycle {
	return &lifecycle{log: log, failed: make(chan error, 1), errs: make(chan error, 16)}
}

// start runs a part. Parts do not see the caller's cancellation: stop ends
// them, in order.
func (l *lifecycle) start(ctx context.Context, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &part{name: name, cancel: cancel, ended: make(chan struct{})}
	l.parts = append(l.parts, p)
	go func() {
		defer close(p.ended)
		err := run(ctx)
		if ctx.Err() == nil {
			select {
			case l.failed <- fmt.Errorf("%s ended: %w", name, orUnknown(err)):
			default:
			}
			return
		}
		if err != nil {
			l.errs <- fmt.Errorf("stop %s: %w", name, err)
		}
	}()
}

var errEnded = errors.New("without an error")

func orUnknown(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

// wait returns when ctx is done (nil) or a part ended by itself.
func (l *lifecycle) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.failed:
		return err
	}
}

// stop ends all parts in the reverse order of their start, and returns what
// went wrong.
func (l *lifecycle) stop() error {
	for i := len(l.parts) - 1; i >= 0; i-- {
		p := l.parts[i]
		began := time.Now()
		p.cancel()
		<-p.ended
		l.log.Debug("stopped", "part", p.name, "took", time.Since(began).Round(time.Millisecond))
	}
	l.parts = nil
	close(l.errs)
	var errs []error
	for err := range l.errs {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
