package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asHub, when set, makes the test binary the hub: a process that can be killed.
const asHub = "HUB_TEST_AS_HUB"

const processToken = "hub_processTestTokenThatIsLongEnough0123456789"

// command is a hub's command, as a process of its own, in an environment in
// which no setting is set but those given.
func command(ctx context.Context, env map[string]string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.WaitDelay = 10 * time.Second
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "HUB_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, asHub+"=1")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// run runs a command to its end.
func run(t *testing.T, env map[string]string, args ...string) (out string, err error) {
	t.Helper()
	text, err := command(t.Context(), env, args...).CombinedOutput()
	return string(text), err
}

// mustRun is run that fails the test on an error.
func mustRun(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	out, err := run(t, env, args...)
	if err != nil {
		t.Fatalf("hub %s: %v\n%s", args[0], err, out)
	}
	return out
}

// running is a hub at work.
type running struct {
	t      *testing.T
	url    string
	cmd    *exec.Cmd
	exited chan struct{}
	client *http.Client
}

// serve starts a hub and waits until it is ready. It ends with the test.
func serve(t *testing.T, env map[string]string) *running {
	t.Helper()
	return serveInto(t, new(bytes.Buffer), env)
}

// serveInto is serve with the output and the log in one writer.
func serveInto(t *testing.T, log io.Writer, env map[string]string) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"HUB_ADDR": addr, "HUB_ADMIN_TOKEN": processToken, "HUB_LOG_FORMAT": "text"}
	for name, value := range env {
		settings[name] = value
	}
	h := &running{t: t, url: "http://" + addr, cmd: command(context.Background(), settings, "serve"), exited: make(chan struct{})}
	h.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: time.Minute}
	h.cmd.Stdout, h.cmd.Stderr = log, log
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var wait sync.Once
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		wait.Do(func() { h.kill() })
	})
	go func() {
		_ = h.cmd.Wait()
		close(h.exited)
	}()
	deadline := time.Now().Add(time.Minute)
	for {
		if resp, err := h.client.Get(h.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return h
			}
		}
		select {
		case <-h.exited:
			t.Fatalf("the hub ended before it was ready\n%s", log)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the hub is not ready after a minute")
		}
	}
}

// kill ends the hub at once (SIGKILL).
func (h *running) kill() {
	_ = h.cmd.Process.Kill()
	<-h.exited
}

// stop ends the hub as an operator does.
func (h *running) stop() {
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	<-h.exited
}

// call sends a JSON request and decodes the answer into out, unless it is nil.
func (h *running) call(method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return h.send(method, path, "application/json", bytes.NewReader(body), out)
}

func (h *running) send(method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(context.Background(), method, h.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+processToken)
	req.Header.Set("Content-Type", contentType)
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode > 299:
		return fmt.Errorf("%s %s: %d: %s", method, path, resp.StatusCode, text)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(text)
		return nil
	}
	return json.Unmarshal(text, out)
}

// must is call that fails the test on an error.
func (h *running) must(method, path string, in, out any) {
	h.t.Helper()
	if err := h.call(method, path, in, out); err != nil {
		h.t.Fatal(err)
	}
}

// publish publishes an event and returns its id.
func (h *running) publish(n int) (string, error) {
	var out struct{ EventID string }
	err := h.call(http.MethodPost, "/api/events", map[string]any{"event": "order.created", "data": map[string]any{"n": n}}, &out)
	return out.EventID, err
}

// general returns the id of the default channel.
func (h *running) general() string {
	h.t.Helper()
	var all struct{ Items []struct{ ID, Name string } }
	h.must(http.MethodGet, "/api/channels", nil, &all)
	for _, c := range all.Items {
		if c.Name == "general" {
			return c.ID
		}
	}
	h.t.Fatal("there is no channel general")
	return ""
}
