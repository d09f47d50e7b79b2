package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running starts s on a free port and returns its URL, a client, and a
// function that stops it and returns what Run returned.
func running(t *testing.T, s *Server) (url string, client *http.Client, stop func() error) {
	t.Helper()
	s.o.Addr = "127.0.0.1:0"
	addr, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	client = &http.Client{Transport: &http.Transport{}}
	stop = func() error {
		cancel()
		err := <-ran
		client.CloseIdleConnections()
		return err
	}
	return "http://" + addr.String(), client, stop
}

func get(client *http.Client, url string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header = header
	return client.Do(r)
}

func TestRunDrains(t *testing.T) {
	s := newServer(t, Options{DrainTimeout: time.Minute})
	inside, release := make(chan struct{}), make(chan struct{})
	s.Mux().HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-s.Stopping() // the server has begun to stop
		ready := httptest.NewRecorder()
		s.ServeHTTP(ready, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if ready.Code != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d while stopping", ready.Code)
		}
		<-release
		if err := r.Context().Err(); err != nil {
			t.Errorf("a request in hand was cancelled: %v", err)
		}
		_, _ = io.WriteString(w, "done")
	})
	url, client, stop := running(t, s)
	answer := make(chan string, 1)
	go func() {
		resp, err := get(client, url+"/slow", nil)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-inside
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	<-s.stopping.Done()
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("the request in hand got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
		_ = conn.Close()
		t.Error("still accepting after Run")
	}
}

// TestRunTellsBeforeItDrains: while a load balancer is given time to notice,
// /readyz fails and everything else goes on, streams included.
func TestRunTellsBeforeItDrains(t *testing.T) {
	s := newServer(t, Options{DrainTimeout: time.Minute, DrainDelay: time.Hour})
	asleep, wake := make(chan time.Duration), make(chan struct{})
	s.sleep = func(d time.Duration) { asleep <- d; <-wake }
	s.Mux().HandleFunc("GET /stream", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	url, client, stop := running(t, s)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := get(client, url+"/stream", http.Header{"Accept": {"text/event-stream"}}); err == nil {
			resp.Body.Close()
		}
	}()
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	if d := <-asleep; d != time.Hour {
		t.Errorf("waits for %s", d)
	}
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK} {
		resp, err := get(client, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, resp.StatusCode, want)
		}
	}
	if s.Ready(t.Context()) {
		t.Error("says that it is ready")
	}
	select {
	case <-s.Stopping():
		t.Error("streams are told to end already")
	default:
	}
	close(wake)
	if err := <-stopped; err != nil {
		t.Errorf("Run returned %v", err)
	}
	<-ended
}

// Who does not end in time is cut off, which is no failure of the stop.
func TestRunCutsOffAfterTheDrainTimeout(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{DrainTimeout: time.Nanosecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	inside := make(chan struct{})
	s.Mux().HandleFunc("GET /stuck", func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
	})
	url, client, stop := running(t, s)
	failed := make(chan error, 1)
	go func() {
		resp, err := get(client, url+"/stuck", nil)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		failed <- err
	}()
	<-inside
	if err := stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request was not cut off")
	}
	if !strings.Contains(log.String(), "level=WARN msg=\"requests were cut off") {
		t.Errorf("logged:\n%s", log.String())
	}
}

// exhausted is a listener whose process has no file descriptor left, at first.
type exhausted struct {
	net.Listener
	left int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.left > 0 {
		e.left--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return e.Listener.Accept()
}

func TestConnectionsNotAcceptedAreLogged(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = &exhausted{Listener: l, left: 3}
	url, client, stop := running(t, s)
	resp, err := get(client, url+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	want := regexp.MustCompile(`^[^\n]*level=WARN msg="connections cannot be accepted" error="[^\n]*too many open files" do="raise[^\n]*\n$`)
	if !want.MatchString(log.String()) {
		t.Errorf("logged:\n%swant one line", log.String())
	}
}

// An event stream has no end of its own and must not hold up the drain.
func TestRunEndsStreams(t *testing.T) {
	s := newServer(t, Options{DrainTimeout: time.Minute})
	s.Mux().HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	url, client, stop := running(t, s)
	resp, err := get(client, url+"/stream", http.Header{"Accept": {"text/event-stream"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRunReportsABusyAddress(t *testing.T) {
	first := newServer(t, Options{})
	url, _, stop := running(t, first)
	second := newServer(t, Options{Addr: strings.TrimPrefix(url, "http://")})
	if err := second.Run(t.Context()); err == nil {
		t.Error("two servers on one address")
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestCloseWithoutRun(t *testing.T) {
	s := newServer(t, Options{Addr: "127.0.0.1:0"})
	addr, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", addr.String()); err == nil {
		_ = conn.Close()
		t.Error("still accepting after Close")
	}
}

func TestHeaderLimit(t *testing.T) {
	url, client, stop := running(t, newServer(t, Options{}))
	resp, err := get(client, url+"/healthz", http.Header{"X-Long": {strings.Repeat("a", maxHeaderBytes+8<<10)}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
