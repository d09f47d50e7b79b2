package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxEndpoints is how many endpoints the sink has: /e/0 … /e/63.
const maxEndpoints = 64

// maxSinkBody bounds what the sink reads of one request.
const maxSinkBody = 1 << 20

// sink is a receiver that answers 204 and remembers what arrived. It must cost little and keep everything needed to
// prove a loss: per endpoint a bit for each event number and a hash of each delivery id.
//
//	POST /e/{n}                  a delivery
//	GET  /counts[?latency=1]     what arrived, see counts
//	GET  /seen?n=                bitset of the event numbers seen by endpoint n
//	GET  /sample?n=              headers and body of the first arrival at endpoint n
//	POST /hang?n=&for=30s        endpoint n answers only after that time
//	POST /release                nobody hangs any more, and those who do are answered
//	POST /reset                  forget everything
type sink struct {
	now       func() time.Time
	seed      maphash.Seed
	endpoints [maxEndpoints]endpoint

	mu      sync.Mutex
	release chan struct{} // closed by /release and /reset, then replaced
}

// endpoint is what one path has seen. mu guards all fields.
type endpoint struct {
	mu      sync.Mutex
	hang    time.Duration
	tally   endpointCounts
	seen    bitset
	ids     map[uint64]struct{} // hashes of delivery ids
	latency []uint32            // microseconds from the driver's send to the arrival, of first arrivals
	sample  *sample
}

// endpointCounts is what one endpoint has seen so far. Hanging requests are counted in Hung and nowhere else.
type endpointCounts struct {
	Received  int   `json:"received"`
	Distinct  int   `json:"distinct"` // different event numbers
	Doubled   int   `json:"doubled"`
	SameID    int   `json:"sameId"`
	Foreign   int   `json:"foreign"`
	Hung      int   `json:"hung"`
	BodyBytes int64 `json:"bodyBytes"`
	LastAt    int64 `json:"lastAt"` // Unix microseconds of the last arrival that was new
}

// counts is the sink's answer to GET /counts. Latency is present on request only, since it takes a sort.
type counts struct {
	Endpoints []endpointCounts `json:"endpoints"`
	Latency   *quantiles       `json:"latency,omitempty"`
}

// sample is one delivery as received.
type sample struct {
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

func newSink(now func() time.Time) *sink {
	return &sink{now: now, seed: maphash.MakeSeed(), release: make(chan struct{})}
}

// serveSink is the sink child: it prints its address as one JSON line and serves until stdin is closed.
func serveSink(ctx context.Context, _ []string, stdin io.Reader, stdout io.Writer) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newSink(time.Now).handler(), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	if err := json.NewEncoder(stdout).Encode(sinkAddress{Addr: ln.Addr().String()}); err != nil {
		return errors.Join(err, server.Close())
	}
	_, readErr := io.Copy(io.Discard, stdin)
	closeErr := server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(readErr, closeErr)
}

// sinkAddress is the sink child's first line.
type sinkAddress struct {
	Addr string `json:"addr"`
}

func (s *sink) handler() http.Handler {
	control := http.NewServeMux()
	control.HandleFunc("GET /counts", s.getCounts)
	control.HandleFunc("GET /seen", s.getSeen)
	control.HandleFunc("GET /sample", s.getSample)
	control.HandleFunc("POST /hang", s.postHang)
	control.HandleFunc("POST /release", s.postRelease)
	control.HandleFunc("POST /reset", s.postReset)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, ok := strings.CutPrefix(r.URL.Path, "/e/")
		if !ok {
			control.ServeHTTP(w, r)
			return
		}
		if e := s.endpoint(n); e != nil && r.Method == http.MethodPost {
			s.receive(w, r, e)
			return
		}
		http.NotFound(w, r)
	})
}

// endpoint is the endpoint of that number, or nil.
func (s *sink) endpoint(n string) *endpoint {
	i, err := strconv.Atoi(n)
	if err != nil || i < 0 || i >= maxEndpoints {
		return nil
	}
	return &s.endpoints[i]
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (s *sink) receive(w http.ResponseWriter, r *http.Request, e *endpoint) {
	buf := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(buf)
	buf.Reset()
	// The whole body is read before hanging: only then does the server notice that the sender went away.
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxSinkBody)); err != nil {
		http.Error(w, "unreadable body", http.StatusBadRequest)
		return
	}
	if d := e.hanging(); d > 0 {
		s.waitOut(r.Context(), d)
	} else {
		e.record(r.Header, buf.Bytes(), s.now(), s.seed)
	}
	w.WriteHeader(http.StatusNoContent)
}

// waitOut returns after d, or earlier when the sender is gone or the hanging are released.
func (s *sink) waitOut(ctx context.Context, d time.Duration) {
	s.mu.Lock()
	release := s.release
	s.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-release:
	}
}

// hanging is how long the endpoint hangs, 0 if it does not; a hanging request is counted.
func (e *endpoint) hanging() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hang > 0 {
		e.tally.Hung++
	}
	return e.hang
}

func (e *endpoint) record(h http.Header, body []byte, at time.Time, seed maphash.Seed) {
	m, marked := readMark(body)
	id := h.Get(headerStandardID)
	idHash := maphash.String(seed, id)

	e.mu.Lock()
	defer e.mu.Unlock()
	e.tally.Received++
	e.tally.BodyBytes += int64(len(body))
	if e.sample == nil {
		e.sample = &sample{Header: h.Clone(), Body: bytes.Clone(body)}
	}
	if !marked || id == "" {
		e.tally.Foreign++
		return
	}
	if e.ids == nil {
		e.ids = map[uint64]struct{}{}
	}
	if _, again := e.ids[idHash]; again {
		e.tally.SameID++
	}
	e.ids[idHash] = struct{}{}
	if !e.seen.add(m.seq) {
		e.tally.Doubled++
		return
	}
	e.tally.Distinct++
	now := at.UnixMicro()
	e.tally.LastAt = max(e.tally.LastAt, now)
	e.latency = append(e.latency, uint32(min(max(now-m.sent, 0), math.MaxUint32)))
}

func (s *sink) getCounts(w http.ResponseWriter, r *http.Request) {
	var c counts
	var all []uint32
	wantLatency := r.FormValue("latency") != ""
	for i := range s.endpoints {
		e := &s.endpoints[i]
		e.mu.Lock()
		c.Endpoints = append(c.Endpoints, e.tally)
		if wantLatency {
			all = append(all, e.latency...)
		}
		e.mu.Unlock()
	}
	if wantLatency {
		slices.Sort(all)
		q := sortedQuantiles(all, func(us uint32) float64 { return float64(us) / 1000 })
		c.Latency = &q
	}
	writeJSON(w, c)
}

func (s *sink) getSeen(w http.ResponseWriter, r *http.Request) {
	e := s.endpoint(r.FormValue("n"))
	if e == nil {
		http.NotFound(w, r)
		return
	}
	e.mu.Lock()
	b := e.seen.bytes()
	e.mu.Unlock()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(b) // the harness sees a short answer as an error of its own
}

func (s *sink) getSample(w http.ResponseWriter, r *http.Request) {
	e := s.endpoint(r.FormValue("n"))
	if e == nil {
		http.NotFound(w, r)
		return
	}
	e.mu.Lock()
	first := e.sample
	e.mu.Unlock()
	if first == nil {
		http.Error(w, "nothing has arrived", http.StatusNotFound)
		return
	}
	writeJSON(w, first)
}

func (s *sink) postHang(w http.ResponseWriter, r *http.Request) {
	e := s.endpoint(r.FormValue("n"))
	d, err := time.ParseDuration(r.FormValue("for"))
	if e == nil || err != nil || d < 0 {
		http.Error(w, "want n= and for=", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	e.hang = d
	e.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (s *sink) postRelease(w http.ResponseWriter, _ *http.Request) {
	s.letGo()
	w.WriteHeader(http.StatusNoContent)
}

func (s *sink) postReset(w http.ResponseWriter, _ *http.Request) {
	s.letGo()
	for i := range s.endpoints {
		e := &s.endpoints[i]
		e.mu.Lock()
		e.tally, e.seen, e.ids, e.latency, e.sample = endpointCounts{}, nil, nil, nil, nil
		e.mu.Unlock()
	}
	w.WriteHeader(http.StatusNoContent)
}

// letGo ends all hanging, present and future.
func (s *sink) letGo() {
	for i := range s.endpoints {
		e := &s.endpoints[i]
		e.mu.Lock()
		e.hang = 0
		e.mu.Unlock()
	}
	s.mu.Lock()
	close(s.release)
	s.release = make(chan struct{})
	s.mu.Unlock()
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client sees a broken answer
}
