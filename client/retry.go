package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// firstPause is before the first repetition; it doubles with each one.
	firstPause = 200 * time.Millisecond
	// maxWait is the longest Retry-After that is waited for; a longer one ends
	// the call with the refusal.
	maxWait = time.Minute
)

// repeatable reports whether a call may be made again when it is not known
// whether it took effect.
func (r request) repeatable() bool {
	switch r.method {
	case http.MethodGet, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.key != ""
}

// unanswered reports whether the hub's own answer to a call that failed is not
// known: that of a gateway says nothing about what the hub did.
func unanswered(err error) bool {
	refusal, refused := errors.AsType[*Error](err)
	return !refused || refusal.Status == http.StatusBadGateway || refusal.Status == http.StatusGatewayTimeout
}

// repeat makes a call with once, and again while it fails, may be repeated, and
// may succeed.
func (c *Client) repeat(ctx context.Context, r request, once func() error) error {
	lost := false // an answer was, so the call may have taken effect
	for try := 0; ; try++ {
		err := once()
		if err == nil || lost && r.method == http.MethodDelete && CodeOf(err) == CodeNotFound {
			return nil
		}
		pause, again := c.again(ctx, r, try, err)
		if !again {
			return err
		}
		lost = lost || unanswered(err)
		if ended := c.sleep(ctx, pause); ended != nil {
			return fmt.Errorf("%w (%w while waiting to repeat it)", err, ended)
		}
	}
}

// again decides whether to repeat a call that failed, and after which pause.
func (c *Client) again(ctx context.Context, r request, try int, err error) (time.Duration, bool) {
	if try >= c.retries || ctx.Err() != nil {
		return 0, false
	}
	pause := firstPause << min(try, 10)
	if refusal, ok := errors.AsType[*Error](err); ok {
		untouched := refusal.Status == http.StatusTooManyRequests // nothing of it took effect
		if !refusal.Temporary() || !untouched && !r.repeatable() || refusal.RetryAfter > maxWait {
			return 0, false
		}
		pause = max(pause, refusal.RetryAfter)
	} else if isFinal(err) || !r.repeatable() {
		return 0, false
	}
	pause += time.Duration(c.random() * float64(pause) / 4) // so that not all come back at once
	deadline, limited := ctx.Deadline()
	return pause, !limited || time.Until(deadline) > pause
}

// isFinal reports a failure, other than a refusal, that a repetition would meet
// again.
func isFinal(err error) bool {
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, malformed := errors.AsType[misread](err)
	return distrusted || malformed
}

// sleeper waits for d or until ctx is done.
type sleeper func(ctx context.Context, d time.Duration) error

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
