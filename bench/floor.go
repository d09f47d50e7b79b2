package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The floor is the least that any sender written with net/http must spend: build the envelope, sign it both ways,
// post it, read the answer. It stores nothing, matches nothing and guards nothing.

const (
	floorSecret    = secretPrefix + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	floorWebhookID = "019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c04"
)

// floorResult is what the floor child prints.
type floorResult struct {
	Posts     int     `json:"posts"`
	Seconds   float64 `json:"seconds"` // from the first request to the last answer
	BodyBytes int64   `json:"bodyBytes"`
}

// postFloor is the floor child: args are flags, the result is one JSON line.
func postFloor(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	var f floor
	fs := flag.NewFlagSet("floor", flag.ContinueOnError)
	fs.StringVar(&f.url, "url", "", "base URL of the sink")
	fs.IntVar(&f.posts, "posts", 20000, "posts")
	fs.IntVar(&f.endpoints, "endpoints", 1, "endpoints, in turn")
	fs.IntVar(&f.concurrency, "concurrency", 100, "concurrent posts")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if f.url == "" || f.endpoints < 1 || f.concurrency < 1 {
		return errors.New("want -url, and positive -endpoints and -concurrency")
	}
	res, err := f.post(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(res)
}

// floor posts without a hub between.
type floor struct {
	url         string
	posts       int
	endpoints   int
	concurrency int

	next  atomic.Int64
	bytes atomic.Int64
}

func (f *floor) post(ctx context.Context) (floorResult, error) {
	key, err := standardKey(floorSecret)
	if err != nil {
		return floorResult{}, err
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConns: f.concurrency, MaxIdleConnsPerHost: f.concurrency, DisableCompression: true,
	}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	start := time.Now()
	var all sync.WaitGroup
	for range f.concurrency {
		all.Go(func() {
			if err := f.postSome(ctx, client, key); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	if err := context.Cause(ctx); err != nil {
		return floorResult{}, err
	}
	return floorResult{Posts: f.posts, Seconds: took.Seconds(), BodyBytes: f.bytes.Load()}, nil
}

// postSome posts until all posts are taken.
func (f *floor) postSome(ctx context.Context, client *http.Client, key []byte) error {
	var body []byte
	for {
		n := int(f.next.Add(1)) - 1
		if n >= f.posts {
			return nil
		}
		now := time.Now()
		id := fmt.Sprintf("019a9f3e-7c1d-7b52-9c3e-%012x", n)
		// Event numbers are per endpoint, so that the sink sees each once.
		body = appendEnvelope(body[:0], id, n/f.endpoints, now)
		f.bytes.Add(int64(len(body)))
		url := f.url + "/e/" + strconv.Itoa(n%f.endpoints)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		setDeliveryHeaders(req.Header, floorSecret, key, id, now, body)
		if err := postOnce(client, req); err != nil {
			return err
		}
	}
}

func postOnce(client *http.Client, req *http.Request) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("sink answered %d", res.StatusCode)
	}
	return nil
}

// appendEnvelope appends the body of an outgoing request as the hub's contract has it.
func appendEnvelope(b []byte, id string, seq int, now time.Time) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, id...)
	b = append(b, `","event":"`+eventName+`","webhookId":"`+floorWebhookID+`","timestamp":"`...)
	b = now.UTC().Truncate(time.Microsecond).AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","version":"1.0","data":`...)
	b = appendData(b, seq, now)
	return append(b, `,"triggeredBy":{"userId":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c05","username":"owner"}}`...)
}

// floorFigure is one measurement of the floor as the harness sees it.
type floorFigure struct {
	perSecond float64
	cpuPer10k float64 // CPU seconds of the floor process per 10,000 posts
	bodyBytes float64 // average
}

// measureFloor runs the floor n times against the sink, which is reset before each and must hold everything after.
func measureFloor(ctx context.Context, s *sinkProcess, n, posts, endpoints, concurrency int) ([]floorFigure, error) {
	var figures []floorFigure
	for range n {
		if err := s.reset(ctx); err != nil {
			return nil, err
		}
		one, err := runFloor(ctx, s.base, posts, endpoints, concurrency)
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		t, err := s.total(ctx, 0, endpoints)
		if err != nil {
			return nil, err
		}
		if t.Distinct != posts || t.Doubled+t.SameID+t.Foreign != 0 {
			return nil, fmt.Errorf("floor: posted %d, the sink has %+v: the harness itself is at fault", posts, t)
		}
		figures = append(figures, one)
	}
	return figures, s.reset(ctx)
}

func runFloor(ctx context.Context, url string, posts, endpoints, concurrency int) (floorFigure, error) {
	c, err := startChild(ctx, "floor", "-url", url, "-posts", strconv.Itoa(posts),
		"-endpoints", strconv.Itoa(endpoints), "-concurrency", strconv.Itoa(concurrency))
	if err != nil {
		return floorFigure{}, err
	}
	var res floorResult
	readErr := c.read(&res)
	if err := errors.Join(readErr, c.wait()); err != nil {
		return floorFigure{}, err
	}
	cpu := c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	return floorFigure{
		perSecond: float64(res.Posts) / res.Seconds,
		cpuPer10k: cpu.Seconds() / float64(res.Posts) * 10_000,
		bodyBytes: float64(res.BodyBytes) / float64(res.Posts),
	}, nil
}
