package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
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

// usualEndpoints is how many endpoints a sink has, unless it is told otherwise: /e/0 … /e/63.
const usualEndpoints = 64

// maxSinkBody bounds what the sink reads of one request.
const maxSinkBody = 1 << 20

// sink is a receiver that answers 204 and remembers what arrived. It must cost little and keep everything needed to
// prove a loss: per endpoint a bit for each event number and a hash of each delivery id.
//
//	POST /e/{n}                  a delivery
//	GET  /counts                 what arrived, see counts
//	GET  /total?from=&to=        what arrived at the endpoints from ≤ n < to, in all
//	GET  /seen?n=                bitset of the event numbers seen by endpoint n
//	GET  /sample?n=              headers and body of the first arrival at endpoint n
//	POST /hang?n=&for=30s        endpoint n answers only after that time
//	POST /release                nobody hangs any more, and those who do are answered
//	POST /reset                  forget everything
//	POST /shut                   refuse connections at the second address from now on
//
// It listens at two addresses, of which the second can be shut. Both may be all of loopback, 127.0.0.0/8 with one port, so
// that endpoints have hosts of their own.
type sink struct {
	now       func() time.Time
	seed      maphash.Seed
	endpoints []endpoint
	shut      func() error // closes the second address

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

// counts is the sink's answer to GET /counts.
type counts struct {
	Endpoints []endpointCounts `json:"endpoints"`
	Latency   *quantiles       `json:"latency"`
}

// plus adds the counts up; LastAt is the later.
func (c endpointCounts) plus(d endpointCounts) endpointCounts {
	c.Received += d.Received
	c.Distinct += d.Distinct
	c.Doubled += d.Doubled
	c.SameID += d.SameID
	c.Foreign += d.Foreign
	c.Hung += d.Hung
	c.BodyBytes += d.BodyBytes
	c.LastAt = max(c.LastAt, d.LastAt)
	return c
}

// total is the counts of several endpoints in all.
func total(endpoints []endpointCounts) (t endpointCounts) {
	for _, e := range endpoints {
		t = t.plus(e)
	}
	return t
}

// sample is one delivery as received.
type sample struct {
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

func newSink(now func() time.Time, endpoints int) *sink {
	return &sink{
		now: now, seed: maphash.MakeSeed(), endpoints: make([]endpoint, endpoints), release: make(chan struct{}),
		shut: func() error { return nil },
	}
}

// serveSink is the sink child: it prints its addresses as one JSON line and serves until stdin is closed.
func serveSink(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	fs := flag.NewFlagSet("sink", flag.ContinueOnError)
	endpoints := fs.Int("endpoints", usualEndpoints, "endpoints")
	hosts := fs.Bool("hosts", false, "listen on all of loopback")
	if err := fs.Parse(args); err != nil {
		return err
	}
	listen := listenLoopback
	if *hosts {
		listen = listenLoopbackHosts
	}
	s := newSink(time.Now, *endpoints)
	var at sinkAddress
	var servers []*http.Server
	ended := make(chan error, 2)
	for _, port := range []*int{&at.Port, &at.Frail} {
		ln, err := listen(ctx)
		if err != nil {
			return err
		}
		*port = ln.Addr().(*net.TCPAddr).Port
		server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute}
		servers = append(servers, server)
		go func() { ended <- server.Serve(ln) }()
	}
	s.shut = servers[1].Close
	if err := json.NewEncoder(stdout).Encode(at); err != nil {
		return err
	}
	_, readErr := io.Copy(io.Discard, stdin)
	err := errors.Join(readErr, servers[0].Close(), servers[1].Close())
	for range servers {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// sinkAddress is the sink child's first line: the ports on which it listens.
type sinkAddress struct {
	Port  int `json:"port"`
	Frail int `json:"frail"` // the one that can be shut
}

func listenLoopback(ctx context.Context) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
}

func (s *sink) handler() http.Handler {
	control := http.NewServeMux()
	control.HandleFunc("GET /counts", s.getCounts)
	control.HandleFunc("GET /total", s.getTotal)
	control.HandleFunc("GET /seen", s.getSeen)
	control.HandleFunc("GET /sample", s.getSample)
	control.HandleFunc("POST /hang", s.postHang)
	control.HandleFunc("POST /release", s.postRelease)
	control.HandleFunc("POST /reset", s.postReset)
	control.HandleFunc("POST /shut", s.postShut)
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
	if err != nil || i < 0 || i >= len(s.endpoints) {
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

func (s *sink) getCounts(w http.ResponseWriter, _ *http.Request) {
	var c counts
	var all []uint32
	for i := range s.endpoints {
		e := &s.endpoints[i]
		e.mu.Lock()
		c.Endpoints = append(c.Endpoints, e.tally)
		all = append(all, e.latency...)
		e.mu.Unlock()
	}
	slices.Sort(all)
	q := sortedQuantiles(all, func(us uint32) float64 { return float64(us) / 1000 })
	c.Latency = &q
	writeJSON(w, c)
}

func (s *sink) getTotal(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.Atoi(r.FormValue("from"))
	to, toErr := strconv.Atoi(r.FormValue("to"))
	if err != nil || toErr != nil || from < 0 || from > to || to > len(s.endpoints) {
		http.Error(w, "want from= and to=", http.StatusBadRequest)
		return
	}
	var t endpointCounts
	for i := from; i < to; i++ {
		e := &s.endpoints[i]
		e.mu.Lock()
		t = t.plus(e.tally)
		e.mu.Unlock()
	}
	writeJSON(w, t)
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

func (s *sink) postShut(w http.ResponseWriter, _ *http.Request) {
	if err := s.shut(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
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
