package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// sinkProcess is the harness's hold on a sink child.
type sinkProcess struct {
	child *child
	base  string
	http  *http.Client
}

// startSink starts a sink. The caller must stop it.
func startSink(ctx context.Context) (*sinkProcess, error) {
	c, err := startChild(ctx, "sink")
	if err != nil {
		return nil, err
	}
	var at sinkAddress
	if err := c.read(&at); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return &sinkProcess{
		child: c,
		base:  "http://" + at.Addr,
		http:  &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}},
	}, nil
}

func (s *sinkProcess) stop() error {
	s.http.CloseIdleConnections()
	return s.child.stop()
}

// endpointURL is where endpoint n receives.
func (s *sinkProcess) endpointURL(n int) string { return s.base + "/e/" + strconv.Itoa(n) }

func (s *sinkProcess) counts(ctx context.Context, latency bool) (counts, error) {
	path := "/counts"
	if latency {
		path += "?latency=1"
	}
	var c counts
	err := s.getJSON(ctx, path, &c)
	return c, err
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
