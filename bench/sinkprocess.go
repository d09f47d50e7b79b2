package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// sinkProcess is the harness's hold on a sink child.
type sinkProcess struct {
	child *child
	base  string      // URL of its first address
	at    sinkAddress // its ports
	hosts bool        // each endpoint has a host of its own
	http  *http.Client
}

// startSink starts a sink with so many endpoints, each on a host of its own if hosts is set. The caller must stop it.
func startSink(ctx context.Context, endpoints int, hosts bool) (*sinkProcess, error) {
	c, err := startChild(ctx, "sink", "-endpoints", strconv.Itoa(endpoints), "-hosts="+strconv.FormatBool(hosts))
	if err != nil {
		return nil, err
	}
	var at sinkAddress
	if err := c.read(&at); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return &sinkProcess{
		child: c,
		base:  "http://127.0.0.1:" + strconv.Itoa(at.Port),
		at:    at,
		hosts: hosts,
		http:  &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}},
	}, nil
}

func (s *sinkProcess) stop() error {
	s.http.CloseIdleConnections()
	return s.child.stop()
}

// endpointURL is where endpoint n receives.
func (s *sinkProcess) endpointURL(n int) string { return s.url(n, s.at.Port) }

// frailURL is where endpoint n receives until the sink is shut.
func (s *sinkProcess) frailURL(n int) string { return s.url(n, s.at.Frail) }

func (s *sinkProcess) url(n, port int) string {
	host := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if s.hosts {
		host = netip.AddrFrom4([4]byte{127, byte(1 + n>>16), byte(n >> 8), byte(n)})
	}
	return fmt.Sprintf("http://%s/e/%d", netip.AddrPortFrom(host, uint16(port)), n)
}

// counts is what arrived.
func (s *sinkProcess) counts(ctx context.Context) (counts, error) {
	var c counts
	err := s.getJSON(ctx, "/counts", &c)
	return c, err
}

// total is what arrived at the endpoints from ≤ n < to, in all. It costs less than counts.
func (s *sinkProcess) total(ctx context.Context, from, to int) (endpointCounts, error) {
	var t endpointCounts
	err := s.getJSON(ctx, fmt.Sprintf("/total?from=%d&to=%d", from, to), &t)
	return t, err
}

// sample is the first delivery that endpoint n received.
func (s *sinkProcess) sample(ctx context.Context, n int) (sample, error) {
	var first sample
	err := s.getJSON(ctx, "/sample?n="+strconv.Itoa(n), &first)
	return first, err
}

// seen is the set of event numbers that endpoint n received.
func (s *sinkProcess) seen(ctx context.Context, n int) (bitset, error) {
	b, err := s.call(ctx, http.MethodGet, "/seen?n="+strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	return parseBitset(b)
}

func (s *sinkProcess) hang(ctx context.Context, n int, d time.Duration) error {
	q := url.Values{"n": {strconv.Itoa(n)}, "for": {d.String()}}
	_, err := s.call(ctx, http.MethodPost, "/hang?"+q.Encode())
	return err
}

func (s *sinkProcess) release(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodPost, "/release")
	return err
}

func (s *sinkProcess) reset(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodPost, "/reset")
	return err
}

// shut has the sink refuse connections at its second address from now on, and ends those that there are.
func (s *sinkProcess) shut(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodPost, "/shut")
	return err
}

func (s *sinkProcess) getJSON(ctx context.Context, path string, into any) error {
	b, err := s.call(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func (s *sinkProcess) call(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("sink: %s: status %d", path, res.StatusCode)
	}
	return b, nil
}
