package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testSink is a sink in this process, its clock standing still.
func testSink(t *testing.T, now time.Time) *sinkProcess {
	t.Helper()
	server := httptest.NewServer(newSink(func() time.Time { return now }, usualEndpoints).handler())
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	return &sinkProcess{base: server.URL, at: sinkAddress{Port: port, Frail: port}, http: server.Client()}
}

func (s *sinkProcess) deliver(ctx context.Context, n int, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpointURL(n), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if id != "" {
		req.Header.Set(headerStandardID, id)
	}
	return postOnce(s.http, req)
}

func TestSinkTellsArrivalsApart(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	s := testSink(t, now)
	sent := now.Add(-3 * time.Millisecond)
	event := func(seq int) []byte { return appendEnvelope(nil, "x", seq, sent) }
	for _, d := range []struct {
		n    int
		id   string
		body []byte
	}{
		{0, "a", event(0)},
		{0, "a", event(0)},            // a retry although answered
		{0, "b", event(0)},            // a twin
		{0, "a", event(1)},            // another event under a used id
		{1, "a", event(0)},            // the same at another endpoint is no double
		{0, "c", []byte(`{"x":1}`)},   // no mark
		{0, "", event(2)},             // no id
		{0, "d", []byte(`benchSeq"`)}, // half a mark
	} {
		if err := s.deliver(ctx, d.n, d.id, d.body); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := c.Endpoints[0]
	got.BodyBytes = 0
	want := endpointCounts{Received: 7, Distinct: 2, Doubled: 2, SameID: 2, Foreign: 3, LastAt: now.UnixMicro()}
	if got != want {
		t.Errorf("endpoint 0: %+v, want %+v", got, want)
	}
	if c.Endpoints[1].Distinct != 1 || c.Endpoints[1].Doubled != 0 {
		t.Errorf("endpoint 1: %+v, want one arrival", c.Endpoints[1])
	}
	if all, err := s.total(ctx, 0, usualEndpoints); err != nil || all != total(c.Endpoints) || all.Distinct != 3 {
		t.Errorf("in all %+v, %v; want what the endpoints add up to, %+v", all, err, total(c.Endpoints))
	}
	if *c.Latency != (quantiles{N: 3, P50: 3, P99: 3, Max: 3}) {
		t.Errorf("latency %+v, want 3 ms thrice", *c.Latency)
	}
	seen, err := s.seen(ctx, 0)
	if err != nil || !seen.has(0) || !seen.has(1) || seen.has(2) || seen.count() != 2 {
		t.Errorf("seen %b, %v; want 0 and 1", seen, err)
	}
	if err := s.reset(ctx); err != nil {
		t.Fatal(err)
	}
	if all, err := s.total(ctx, 0, usualEndpoints); err != nil || all != (endpointCounts{}) {
		t.Errorf("after reset %+v, %v", all, err)
	}
}

func TestSinkHangsUntilReleased(t *testing.T) {
	ctx := t.Context()
	s := testSink(t, time.Now())
	if err := s.hang(ctx, 2, time.Hour); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() { answered <- s.deliver(ctx, 2, "a", appendEnvelope(nil, "a", 0, time.Now())) }()
	for hung := 0; hung == 0; { // the sink's own count is the signal
		at, err := s.total(ctx, 2, 3)
		if err != nil {
			t.Fatal(err)
		}
		hung = at.Hung
	}
	select {
	case err := <-answered:
		t.Fatalf("answered while hanging: %v", err)
	default:
	}
	if err := s.deliver(ctx, 3, "b", appendEnvelope(nil, "b", 0, time.Now())); err != nil {
		t.Errorf("another endpoint: %v", err)
	}
	if err := s.release(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("after release: %v", err)
	}
	if err := s.deliver(ctx, 2, "c", appendEnvelope(nil, "c", 1, time.Now())); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestSinkRefuses(t *testing.T) {
	s := testSink(t, time.Now())
	for _, call := range []struct{ method, path string }{
		{http.MethodGet, "/e/0"},
		{http.MethodPost, "/e/64"},
		{http.MethodPost, "/e/-1"},
		{http.MethodPost, "/e/x"},
		{http.MethodPost, "/hang?n=0&for=-1s"},
		{http.MethodPost, "/hang?n=99&for=1s"},
		{http.MethodGet, "/seen?n=99"},
		{http.MethodGet, "/sample?n=0"},
		{http.MethodGet, "/total"},
		{http.MethodGet, "/total?from=-1&to=2"},
		{http.MethodGet, "/total?from=3&to=2"},
		{http.MethodGet, "/total?from=0&to=65"},
		{http.MethodGet, "/nothing"},
	} {
		if _, err := s.call(t.Context(), call.method, call.path); err == nil {
			t.Errorf("%s %s was accepted", call.method, call.path)
		}
	}
	if err := s.deliver(t.Context(), 0, "a", make([]byte, maxSinkBody+1)); err == nil {
		t.Error("an endless body was accepted")
	}
}

// Every endpoint has a host of its own, and what is shut refuses.
func TestSinkOnManyHosts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the hosts of loopback are Linux's")
	}
	ctx := t.Context()
	s, err := startSink(ctx, 300, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}()
	if a, b := s.endpointURL(0), s.endpointURL(299); !strings.HasPrefix(a, "http://127.1.0.0:") || !strings.HasPrefix(b, "http://127.1.1.43:") {
		t.Errorf("endpoints at %s and %s, want hosts of their own", a, b)
	}
	post := func(url string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(appendEnvelope(nil, "a", 0, time.Now())))
		if err != nil {
			return err
		}
		req.Header.Set(headerStandardID, "a")
		return postOnce(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, req)
	}
	if err := errors.Join(post(s.endpointURL(299)), post(s.frailURL(7))); err != nil {
		t.Fatal(err)
	}
	if err := s.shut(ctx); err != nil {
		t.Fatal(err)
	}
	if err := post(s.frailURL(7)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("shut, it answers %v, want a refused connection", err)
	}
	if err := post(s.endpointURL(7)); err != nil {
		t.Errorf("the other address: %v", err)
	}
	all, err := s.total(ctx, 0, 300)
	if err != nil || all.Received != 3 {
		t.Errorf("%+v, %v; want 3 arrivals", all, err)
	}
}
