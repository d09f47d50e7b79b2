package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// events is a stream being read.
type events struct {
	t    testing.TB
	scan *bufio.Scanner
	body io.Closer
	stop context.CancelFunc
}

// stream opens a stream as the named caller.
func (r *rig) stream(as, query string, headers ...string) *events {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/events/stream"+query, http.NoBody)
	must(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.tokens[as])
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := r.http.Do(req) //nolint:bodyclose // close does
	must(r.t, err)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		r.t.Fatalf("status %d, %s", res.StatusCode, res.Header)
	}
	s := &events{t: r.t, scan: bufio.NewScanner(res.Body), body: res.Body, stop: cancel}
	s.scan.Buffer(nil, 1<<20)
	r.t.Cleanup(s.close)
	return s
}

func (s *events) close() {
	s.stop()
	_ = s.body.Close() // closed twice is fine
}

// next returns the next event, and false when the stream ended. Comments are skipped.
func (s *events) next() (id int64, e Event, ok bool) {
	s.t.Helper()
	kind := ""
	for s.scan.Scan() {
		name, value, _ := strings.Cut(s.scan.Text(), ": ")
		switch name {
		case "id":
			var err error
			id, err = strconv.ParseInt(value, 10, 64)
			must(s.t, err)
		case "event":
			kind = value
		case "data":
			must(s.t, json.Unmarshal([]byte(value), &e))
			if e.Event != kind || e.Seq != id {
				s.t.Fatalf("event %s of type %s, number %d, id %d", e.ID, kind, e.Seq, id)
			}
			return id, e, true
		}
	}
	return 0, e, false
}

// until reads on to an event of the type.
func (s *events) until(kind string) (int64, Event) {
	s.t.Helper()
	for {
		id, e, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended before %s: %v", kind, s.scan.Err())
		}
		if e.Event == kind {
			return id, e
		}
	}
}

func TestStream(t *testing.T) {
	r := newRig(t)
	s := r.stream("reader", "")
	var want []hub.EventID
	for i := range 5 {
		want = append(want, r.publishAs("owner", map[string]any{"event": "live.one", "data": map[string]any{"n": i, "text": "a\nb"}}))
	}
	var ids []int64
	for i := range want {
		id, e := s.until("live.one")
		if e.ID != want[i] || string(e.Data) != `{"n":`+strconv.Itoa(i)+`,"text":"a\nb"}` {
			t.Fatalf("event %d: %+v", i, e)
		}
		ids = append(ids, id)
	}
	// Resumed after the second, the rest comes again, without a gap.
	for _, again := range []*events{
		r.stream("reader", "", "Last-Event-ID: "+strconv.FormatInt(ids[1], 10)),
		r.stream("reader", "?after="+strconv.FormatInt(ids[1], 10)),
		r.stream("reader", "?event=live.*&after=0"),
	} {
		if _, e := again.until("live.one"); e.ID != want[2] && e.ID != want[0] {
			t.Errorf("resumed with %+v", e)
		}
		again.close()
	}
	r.call("reader", http.MethodGet, "/api/events/stream?after=x", nil).refused(http.StatusBadRequest, hub.Invalid, "after")
	r.call("reader", http.MethodGet, "/api/events/stream?event=%5B", nil).refused(http.StatusBadRequest, hub.Invalid, "event")
	r.call("reader", http.MethodGet, "/api/events/stream", nil, "Last-Event-ID: -1").refused(http.StatusBadRequest, hub.Invalid, "Last-Event-ID")
}

// TestStreamVisibility: what happens in private channels is streamed to those
// who see them.
func TestStreamVisibility(t *testing.T) {
	r := newRig(t)
	secret := r.makeChannel("secret", "private")
	owner, reader, guest := r.stream("owner", ""), r.stream("reader", ""), r.stream("guest", "")
	hidden := r.post("owner", secret, "hidden")
	shown := r.post("owner", r.defaults.General, "shown")
	if _, e := owner.until(hub.EventMessageCreated); !strings.Contains(string(e.Data), string(hidden.ID)) {
		t.Errorf("the owner misses %s", hidden.ID)
	}
	for _, s := range []*events{reader, guest} {
		if _, e := s.until(hub.EventMessageCreated); !strings.Contains(string(e.Data), string(shown.ID)) {
			t.Errorf("got %s", e.Data)
		}
	}
}

// TestStreamEnds: a stream ends with the access of its reader, and at shutdown.
func TestStreamEnds(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Heartbeat = time.Millisecond })
	s := r.stream("reader", "")
	must(t, r.control.DeleteToken(t.Context(), r.owner, r.tokenID("reader")))
	if _, e, ok := s.next(); ok {
		t.Errorf("still streamed: %+v", e)
	}
	stop := make(chan struct{})
	r = newRig(t, func(o *Options) { o.Stopping = stop })
	s = r.stream("reader", "")
	close(stop)
	if _, e, ok := s.next(); ok {
		t.Errorf("still streamed: %+v", e)
	}
}

// TestStreamEndsBehind: a reader that is far behind does not outlast the
// shutdown, nor its access.
func TestStreamEndsBehind(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	r := newRig(t, func(o *Options) { o.Stopping = stop })
	var last hub.EventID
	for range 2*streamBatch + 1 {
		out, err := r.control.Publish(t.Context(), r.owner, control.Publication{Event: "far.behind", Data: json.RawMessage("1")})
		must(t, err)
		last = out.EventID
	}
	s := r.stream("reader", "?after=0")
	n := 0
	for {
		_, e, ok := s.next()
		if !ok {
			break
		}
		if n++; e.ID == last {
			t.Fatal("all of the log was streamed to the end")
		}
	}
	if n == 0 {
		t.Error("nothing was streamed")
	}
}

// TestStreamsAreCapped: a credential has so many streams and no more; what is
// closed makes room.
func TestStreamsAreCapped(t *testing.T) {
	r := newRig(t)
	var open []*events
	for range maxStreams {
		open = append(open, r.stream("reader", ""))
	}
	p := r.call("reader", http.MethodGet, "/api/events/stream", nil).refused(http.StatusTooManyRequests, hub.RateLimited)
	if p.header.Get("Retry-After") == "" || !strings.Contains(string(p.body), "close one") {
		t.Errorf("%v %s", p.header, p.body)
	}
	r.stream("owner", "").close()
	r.publishAs("owner", map[string]any{"event": "live.one", "data": 1})
	for _, s := range open {
		s.until("live.one")
	}
	open[0].close()
	deadline := time.Now().Add(10 * time.Second)
	for r.api.streams.count(credential{token: r.tokenID("reader")}) == maxStreams {
		if time.Now().After(deadline) {
			t.Fatal("a closed stream is still counted")
		}
		r.publishAs("owner", map[string]any{"event": "live.two", "data": 1}) // what is written to it shows that it is closed
	}
	r.stream("reader", "").close()
}

// count returns how many streams a credential has open.
func (s *openStreams) count(c credential) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[c]
}
