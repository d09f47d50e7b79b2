package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Now is the place where a stream begins that leaves out what happened before.
const Now int64 = -1

// Figures of a stream.
const (
	maxLine        = 32 << 20 // bytes of one line: an event of 10 MiB, escaped
	firstReconnect = 500 * time.Millisecond
	lastReconnect  = 30 * time.Second
	silence        = 45 * time.Second // three heartbeats of the hub
)

// ErrSilent is why a connection of a stream was given up that brought nothing,
// not even a heartbeat.
var ErrSilent = errors.New("client: the stream has gone silent")

// StreamOption changes how events are followed.
type StreamOption func(*stream)

// WithPattern follows only events of this name, or of names that match, such as
// "message.*". Which channels' events there are is up to the token.
func WithPattern(pattern string) StreamOption { return func(s *stream) { s.pattern = pattern } }

// WithChannel follows only what happens in the channel with this id.
func WithChannel(id string) StreamOption { return func(s *stream) { s.channel = id } }

// WithSilence sets after how long without a sign of life a connection is taken
// for dead and made again. The hub sends one every 15 seconds; without this
// option it is 45.
func WithSilence(d time.Duration) StreamOption { return func(s *stream) { s.silence = d } }

// WithBreaks calls told each time a connection ended, with the reason, before
// the stream goes on by itself.
func WithBreaks(told func(error)) StreamOption { return func(s *stream) { s.told = told } }

// Events follows events as they happen, beginning with the one after the
// number after (0: all that is kept; [Now]: only new ones). When the
// connection breaks or goes silent it goes on where it stopped, so that each
// event comes once and in order. It ends when ctx is done, and with an error
// when the hub refuses the stream or what comes is none.
func (c *Client) Events(ctx context.Context, after int64, options ...StreamOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{c: c, after: after, silence: silence, first: firstReconnect, told: func(error) {}}
		for _, o := range options {
			o(s)
		}
		s.run(ctx, yield)
	}
}

// stream is where a reader of events is.
type stream struct {
	c       *Client
	after   int64
	pattern string
	channel string
	silence time.Duration
	told    func(error)
	first   time.Duration // before the first try to come back
}

// unreadable is an end of a stream that comes again with every connection.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

func (s *stream) run(ctx context.Context, yield func(Event, error) bool) {
	for pause := time.Duration(0); ; {
		began := s.after
		goOn, err := s.follow(ctx, yield)
		if !goOn || ctx.Err() != nil {
			return
		}
		refusal, refused := errors.AsType[*Error](err)
		_, lasting := errors.AsType[unreadable](err)
		if lasting || refused && !refusal.Temporary() {
			yield(Event{}, err)
			return
		}
		s.told(err)
		if s.after != began {
			pause = 0
		}
		pause = min(max(2*pause, s.first), lastReconnect)
		if refused {
			pause = max(pause, refusal.RetryAfter)
		}
		if s.c.sleep(ctx, pause+time.Duration(s.c.random()*float64(pause)/4)) != nil {
			return
		}
	}
}

// follow reads one connection to its end. goOn is false when the reader wants
// no more.
func (s *stream) follow(ctx context.Context, yield func(Event, error) bool) (goOn bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // ends the response when the reader breaks off
	watch := time.AfterFunc(s.silence, func() { cancel(ErrSilent) })
	defer watch.Stop()
	goOn, err = s.connect(ctx, func(body io.Reader) io.Reader { return &watched{body, watch, s.silence} }, yield)
	if errors.Is(context.Cause(ctx), ErrSilent) {
		err = fmt.Errorf("hub: %w: nothing for %s", ErrSilent, s.silence)
	}
	if err == nil {
		err = fmt.Errorf("hub: follow events: %w", io.EOF)
	}
	return goOn, err
}

func (s *stream) connect(ctx context.Context, watched func(io.Reader) io.Reader, yield func(Event, error) bool) (goOn bool, err error) {
	q := url.Values{}
	if s.channel != "" {
		q.Set("channelId", s.channel)
	}
	if s.pattern != "" {
		q.Set("event", s.pattern)
	}
	req, err := s.c.newRequest(ctx, get("/api/events/stream", q), nil)
	if err != nil {
		return true, unreadable{err}
	}
	req.Header.Set("Accept", "text/event-stream")
	if s.after >= 0 {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(s.after, 10))
	}
	res, err := s.c.exchange(req)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return true, unreadable{fmt.Errorf("hub: follow events: the answer is %q and no stream; is the base URL the hub's?", kind)}
	}
	return s.read(watched(res.Body), yield)
}

// watched restarts the watch for each Read, and stops it while nobody
// reads: a slow receiver of events is no silent hub.
type watched struct {
	io.Reader
	watch   *time.Timer
	silence time.Duration
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	w.watch.Reset(w.silence)
	defer w.watch.Stop()
	return w.Reader.Read(p)
}

// block is what a stream said up to an empty line.
type block struct {
	data []byte
	id   int64 // -1: none
}

// read decodes a stream (HTML Living Standard §9.2.6). Of an event only the
// field data counts: the number stands in it as well. An id alone says where
// the stream begins.
func (s *stream) read(body io.Reader, yield func(Event, error) bool) (goOn bool, err error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	b := block{id: -1}
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
				b.id = n
			}
		case "data":
			b.data = append(append(b.data, value...), '\n')
		case "retry":
			if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
				s.first = min(max(time.Duration(ms)*time.Millisecond, firstReconnect), lastReconnect)
			}
		case "":
			if len(lines.Bytes()) > 0 {
				continue // a comment
			}
			if goOn, err := s.take(b, yield); !goOn || err != nil {
				return goOn, err
			}
			b = block{data: b.data[:0], id: -1}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return true, unreadable{fmt.Errorf("hub: follow events: after %d comes one of more than %d MiB", s.after, maxLine>>20)}
	}
	return true, lines.Err()
}

// take yields the event of a block.
func (s *stream) take(b block, yield func(Event, error) bool) (goOn bool, err error) {
	if len(b.data) == 0 {
		if b.id >= 0 {
			s.after = b.id
		}
		return true, nil
	}
	var e Event
	if err := json.Unmarshal(b.data, &e); err != nil {
		return true, unreadable{fmt.Errorf("hub: follow events: read the one after %d: %w", s.after, err)}
	}
	s.after = e.Seq
	return yield(e, nil), nil
}
