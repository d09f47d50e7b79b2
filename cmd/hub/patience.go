package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

const (
	// answerTime is how long a hub is waited for that neither takes what it is sent nor begins to answer.
	answerTime = time.Minute
	// silentFor is how long after that calls fail at once: the client would wait as long for each repetition of one.
	silentFor = 5 * time.Second
)

// silence is the error of a call that a hub took and did not answer.
type silence struct{ after time.Duration }

// Error implements error.
func (s *silence) Error() string { return "it has not answered for " + s.after.String() }

// patience ends calls to a hub that hangs. What takes long but goes on does not count: an upload, a stream, an answer
// that has begun, and what is answered when many deliveries are done with.
type patience struct {
	next http.RoundTripper
	most time.Duration

	mu    sync.Mutex
	ended time.Time // when the last call without an answer was given up
}

// RoundTrip implements http.RoundTripper.
func (p *patience) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	rests := !p.ended.IsZero() && time.Since(p.ended) < silentFor
	p.mu.Unlock()
	if rests {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &silence{p.most}
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	w := &watch{most: p.most, end: func() { cancel(&silence{p.most}) }}
	defer w.stop()
	long := strings.HasSuffix(r.URL.Path, "/replay") || strings.HasSuffix(r.URL.Path, "/resume") // of all that is held
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) {
			if long {
				w.stop()
			} else {
				w.start()
			}
		},
	}))
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &watchedBody{r.Body, w}
	}
	res, err := p.next.RoundTrip(r)
	if err == nil {
		res.Body = &endingBody{res.Body, cancel}
		return res, nil
	}
	defer cancel(nil)
	if silent, ok := errors.AsType[*silence](context.Cause(ctx)); ok {
		p.mu.Lock()
		p.ended = time.Now()
		p.mu.Unlock()
		return nil, silent
	}
	return nil, err
}

// watch calls end when nothing happens for as long as most.
type watch struct {
	most time.Duration
	end  func()

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

// start begins to wait.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stopped:
	case w.timer == nil:
		w.timer = time.AfterFunc(w.most, w.end)
	default:
		w.timer.Reset(w.most)
	}
}

// rest waits no longer, until start.
func (w *watch) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pause()
}

// stop ends it for good.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.pause()
}

// pause is called with mu held.
func (w *watch) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// watchedBody is what a hub is sent. That there is nothing to send yet is not the hub's fault.
type watchedBody struct {
	io.ReadCloser
	watch *watch
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	b.watch.rest()
	defer b.watch.start()
	return b.ReadCloser.Read(p)
}

// endingBody is an answer, at whose end the call's context ends.
type endingBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close implements io.Closer.
func (b *endingBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
