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
	"net/http"
	"strconv"
	"time"
)

// Now is the place where a stream begins that leaves out what happened before.
const Now int64 = -1

// Figures of a stream.
const (
	maxLine        = 32 << 20 // bytes of one line: an event of 10 MiB, escaped
	firstReconnect = 500 * time.Millisecond
	lastReconnect  = 30 * time.Second
)

// Events follows events as they happen, beginning with the one after the
// number after (0: all that is kept; [Now]: only new ones). When the
// connection breaks it goes on where it stopped. It ends when ctx is done,
// and with an error when the hub refuses the stream.
func (c *Client) Events(ctx context.Context, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{c: c, after: after}
		pause := firstReconnect
		for {
			began := s.after
			goOn, err := s.follow(ctx, yield)
			if !goOn || ctx.Err() != nil {
				return
			}
			if refusal, ok := errors.AsType[*Error](err); ok {
				if !refusal.Temporary() {
					yield(Event{}, err)
					return
				}
				pause = max(pause, refusal.RetryAfter)
			}
			if s.after != began {
				pause = firstReconnect
			}
			if c.sleep(ctx, pause) != nil {
				return
			}
			pause = min(2*pause, lastReconnect)
		}
	}
}

// stream is where a reader of events is.
type stream struct {
	c     *Client
	after int64
}

// follow reads one connection to its end. goOn is false when the reader wants
// no more.
func (s *stream) follow(ctx context.Context, yield func(Event, error) bool) (goOn bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the response when the reader breaks off
	req, err := s.c.newRequest(ctx, request{method: http.MethodGet, path: "/api/events/stream"}, nil)
	if err != nil {
		return true, err
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
	return s.read(res.Body, yield)
}

// read decodes a stream (HTML Living Standard §9.2.6). Of an event only the
// field data counts: the number stands in it as well. An id alone says where
// the stream begins.
func (s *stream) read(body io.Reader, yield func(Event, error) bool) (goOn bool, err error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	var data []byte
	place := int64(-1) // the id of the block being read
	for lines.Scan() {
		line := lines.Bytes()
		if rest, ok := bytes.CutPrefix(line, []byte("id:")); ok {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64); err == nil {
				place = n
			}
			continue
		}
		if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(append(data, bytes.TrimPrefix(rest, []byte(" "))...), '\n')
			continue
		}
		if len(line) > 0 {
			continue
		}
		if len(data) == 0 {
			if place >= 0 {
				s.after, place = place, -1
			}
			continue
		}
		place = -1
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return true, fmt.Errorf("hub: read an event: %w", err)
		}
		data = data[:0]
		s.after = e.Seq
		if !yield(e, nil) {
			return false, nil
		}
	}
	return true, lines.Err()
}
