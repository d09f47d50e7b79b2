package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen soon. It is long for
// the sake of machines that have much else to do.
const patience = 45 * time.Second

// arrival is one request as a receiver got it.
type arrival struct {
	Header http.Header
	Body   []byte
	At     time.Time
}

// envelope is the body of a delivery.
type envelope struct {
	ID, Event, WebhookID, Version string
	Timestamp                     time.Time
	Data                          json.RawMessage
	TriggeredBy                   *struct{ UserID, Username string }
}

// envelope decodes the arrival's body.
func (a *arrival) envelope(t *testing.T) envelope {
	t.Helper()
	var e envelope
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatalf("the delivery's body: %v\n%s", err, a.Body)
	}
	return e
}

// data decodes the delivered data as T.
func data[T any](t *testing.T, a arrival) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.envelope(t).Data, &v); err != nil {
		t.Fatalf("the delivery's data: %v\n%s", err, a.Body)
	}
	return v
}

// sink is a receiver with any number of paths. It keeps every request, and
// answers 204 unless it was told otherwise.
type sink struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	boxes   map[string][]arrival
	scripts map[string]func(n int, w http.ResponseWriter) // n is the arrival's number on its path, from 1
	grown   chan struct{}                                 // closed and replaced at every arrival
}

func newSink(t *testing.T) *sink {
	s := &sink{
		t: t, boxes: make(map[string][]arrival), scripts: make(map[string]func(int, http.ResponseWriter)), grown: make(chan struct{}),
	}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// url is the address of a path at the sink.
func (s *sink) url(path string) string { return s.server.URL + path }

// script decides what the path answers from now on.
func (s *sink) script(path string, answer func(n int, w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[path] = answer
}

// answers makes the path answer with these statuses in turn from the next
// request on; the last one stays.
func (s *sink) answers(path string, statuses ...int) {
	before := len(s.arrived(path))
	s.script(path, func(n int, w http.ResponseWriter) {
		w.WriteHeader(statuses[min(n-before, len(statuses))-1])
	})
}

// ServeHTTP takes a request.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.boxes[r.URL.Path] = append(s.boxes[r.URL.Path], arrival{r.Header.Clone(), body, time.Now()})
	n, script := len(s.boxes[r.URL.Path]), s.scripts[r.URL.Path]
	close(s.grown)
	s.grown = make(chan struct{})
	s.mu.Unlock()
	if script == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	script(n, w)
}

// arrived returns what has come on a path so far.
func (s *sink) arrived(path string) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.boxes[path]...)
}

// await waits until the path has n requests and returns all that came.
func (s *sink) await(path string, n int) []arrival {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		got, grown := append([]arrival(nil), s.boxes[path]...), s.grown
		s.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-grown:
		case <-deadline:
			s.t.Fatalf("%d requests arrived at %s, want %d", len(got), path, n)
		}
	}
}

// everything returns all requests on all paths.
func (s *sink) everything() map[string][]arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]arrival, len(s.boxes))
	for path, box := range s.boxes {
		all[path] = append([]arrival(nil), box...)
	}
	return all
}

// eventually asks again and again until the condition holds. It is for what
// tells nobody when it happens.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s for: %s", patience, what)
		}
	}
}
