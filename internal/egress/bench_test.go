package egress

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// sinkVariable makes the test binary a receiver, so that what a benchmark
// measures of its process is the sender alone.
const sinkVariable = "EGRESS_BENCH_SINK"

// runSink answers every request with 200 "ok" until its standard input ends.
func runSink() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	go func() { _ = http.Serve(listener, handler) }()
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func startSink(b *testing.B) (url string) {
	b.Helper()
	sink := exec.Command(os.Args[0])
	sink.Env = append(os.Environ(), sinkVariable+"=1")
	sink.Stderr = os.Stderr
	stdin, err := sink.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := sink.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := sink.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = sink.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address) + "/hook"
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// inParallel makes b.N calls of send from ten goroutines and reports the CPU
// time of this process for 10,000 of them.
func inParallel(b *testing.B, send func() error) {
	b.Helper()
	b.ReportAllocs()
	if err := send(); err != nil {
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	before := cpuTime(b)
	var workers sync.WaitGroup
	for range 10 {
		workers.Go(func() {
			for left.Add(-1) >= 0 {
				if err := send(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	b.StopTimer()
	b.ReportMetric((cpuTime(b)-before).Seconds()/float64(b.N)*10_000, "cpu-s/10k")
}

var benchBody = []byte(`{"id":"` + strings.Repeat("x", 400) + `"}`)

// benchHeader is what a delivery carries, values and all, made anew each time.
func benchHeader(h http.Header) http.Header {
	h["Content-Type"] = []string{"application/json"}
	for _, name := range []string{
		"X-Webhook-Id", "X-Webhook-Event", "X-Webhook-Attempt", "X-Webhook-Timestamp",
		"X-Webhook-Signature", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "X-Hub-Hop",
	} {
		h[name] = []string{"0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b"}
	}
	return h
}

// BenchmarkDo measures the hot path of a delivery: concurrency 10, a body of
// 400 bytes, the headers of a signed webhook.
func BenchmarkDo(b *testing.B) {
	url := startSink(b)
	c := New(Options{Policy: Policy{AllowLoopback: true}})
	defer c.Close()
	target, err := ParseURL(url)
	if err != nil {
		b.Fatal(err)
	}
	inParallel(b, func() error {
		result := c.Do(context.Background(), &Request{Target: target, Header: benchHeader(c.NewHeader(10)), Body: benchBody})
		if result.Status != http.StatusOK {
			return fmt.Errorf("status %d: %w", result.Status, result.Err)
		}
		return nil
	})
}

// BenchmarkBare is what BenchmarkDo is compared with: net/http used directly,
// with the same timeout and connection pool.
func BenchmarkBare(b *testing.B) {
	url := startSink(b)
	client := &http.Client{Timeout: DefaultTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: maxIdlePerHost}}
	defer client.CloseIdleConnections()
	inParallel(b, func() error {
		r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(benchBody))
		if err != nil {
			return err
		}
		benchHeader(r.Header)
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		_, err = io.Copy(io.Discard, response.Body)
		return err
	})
}
