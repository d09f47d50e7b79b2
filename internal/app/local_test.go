package app

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/store"
)

// runTestApp runs a hub until stop is called.
func runTestApp(t *testing.T, a *App) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(ctx, func() { close(ready) }) }()
	<-ready
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func localCalls(t *testing.T, c Config) (*Local, *client.Client) {
	t.Helper()
	l, err := OpenLocal(t.Context(), c, "v1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	calls, err := client.New(LocalURL, "", client.WithHTTPClient(&http.Client{Transport: l.Transport()}), client.WithRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	return l, calls
}

// deliver makes a webhook and an event for it, and returns the webhook's id.
func deliver(t *testing.T, calls *client.Client, url string) string {
	t.Helper()
	w, err := calls.CreateOutgoingWebhook(t.Context(), client.OutgoingWebhookFields{
		Name: client.Set("local"), URL: client.Set(url), Events: client.Set([]string{"local.*"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := calls.Publish(t.Context(), client.Publication{Event: "local.made", Data: 1})
	if err != nil || p.Deliveries != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	return w.ID
}

func deliveries(t *testing.T, calls *client.Client, webhook string) []client.Delivery {
	t.Helper()
	all, err := client.Collect(calls.Deliveries(t.Context(), client.DeliveryQuery{WebhookID: webhook}))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLocalWithoutAHub: the command line does everything without a hub; what it
// leaves to be sent is sent by the hub that starts next.
func TestLocalWithoutAHub(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		testLocalWithoutAHub(t, nil)
	})
	t.Run("postgres", func(t *testing.T) {
		testLocalWithoutAHub(t, map[string]string{"HUB_DATABASE_URL": postgrestest.URL(t), "HUB_SECRET_KEYS": "k:" + keyText})
	})
}

func testLocalWithoutAHub(t *testing.T, env map[string]string) {
	c := emptyFolder(t, env)
	if !c.Database.Postgres {
		if _, err := OpenLocal(t.Context(), c, "v1"); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("without a database: %v", err)
		}
	}
	settings := map[string]string{"HUB_DATA_DIR": c.DataDir}
	for k, v := range env {
		settings[k] = v
	}
	closeApp(t, newTestApp(t, settings))

	l, calls := localCalls(t, c)
	if l.Running() {
		t.Error("a hub runs")
	}
	url, arrived := receiver(t)
	webhook := deliver(t, calls, url)
	if all := deliveries(t, calls, webhook); len(all) != 1 || all[0].Status != "pending" {
		t.Errorf("without a hub: %+v", all)
	}
	if !c.Database.Postgres {
		_, err := New(t.Context(), c, Options{Log: l.guest.app.log})
		if err == nil || !strings.Contains(err.Error(), "another hub is running") {
			t.Errorf("a hub beside it: %v", err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	defer runTestApp(t, newTestApp(t, settings))()
	l, calls = localCalls(t, c)
	if !l.Running() {
		t.Error("no hub runs")
	}
	expectArrival(t, arrived)
	if all := deliveries(t, calls, webhook); len(all) != 1 {
		t.Errorf("through the hub: %+v", all)
	}
}

// TestLocalWaits: a command waits for another one that holds the database, until it is interrupted. A hub
// does not.
func TestLocalWaits(t *testing.T) {
	c := emptyFolder(t, nil)
	closeApp(t, newTestApp(t, map[string]string{"HUB_DATA_DIR": c.DataDir}))
	first, err := OpenLocal(t.Context(), c, "v1")
	if err != nil {
		t.Fatal(err)
	}
	type opened struct {
		*Local
		error
	}
	second := make(chan opened, 1)
	open := func() {
		l, err := OpenLocal(t.Context(), c, "v1")
		second <- opened{l, err}
	}
	go open()
	if _, err := New(t.Context(), c, Options{Log: first.guest.app.log}); !errors.Is(err, store.ErrRunning) {
		t.Errorf("a hub beside a command: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	waited := <-second
	if waited.error != nil {
		t.Fatal(waited.error)
	}
	if _, err := OpenLocal(canceled(t), c, "v1"); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if err := waited.Close(); err != nil {
		t.Fatal(err)
	}
}

// receiver tells of each request that it gets.
func receiver(t *testing.T) (url string, arrived <-chan struct{}) {
	requests := make(chan struct{}, 16)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests <- struct{}{} }))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func expectArrival(t *testing.T, arrived <-chan struct{}) {
	t.Helper()
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		t.Fatal("nothing arrived")
	}
}

// TestLocalBesideHubs: a hub on the same database but with another data folder
// sends what a guest left to it, by the webhook that the guest made.
func TestLocalBesideHubs(t *testing.T) {
	env := map[string]string{"HUB_DATABASE_URL": postgrestest.URL(t), "HUB_SECRET_KEYS": "k:" + keyText}
	defer runTestApp(t, newTestApp(t, env))()
	c := emptyFolder(t, env)
	l, calls := localCalls(t, c)
	if l.Running() {
		t.Error("it found the hub")
	}
	url, arrived := receiver(t)
	deliver(t, calls, url)
	expectArrival(t, arrived)
	events, err := client.Collect(calls.EventLog(t.Context(), "local.*"))
	if err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// TestSocket: only its owner may open it, a dead hub's is replaced, a living
// hub's is left alone, and it is gone when its hub is.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), socketName)
	first, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := listenSocket(t.Context(), path); !errors.Is(err, errSocketTaken) {
		t.Errorf("over a living one: %v", err)
	}
	if err := first.(*socket).Listener.Close(); err != nil { // as if it had been killed
		t.Fatal(err)
	}
	second, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	conn, err := dialSocket(t.Context(), path)
	if err != nil {
		t.Fatalf("the first one's end took the second's: %v", err)
	}
	_ = conn.Close()
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := newPipes().dial(canceled(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("dialling nobody: %v", err)
	}
	closed := newPipes()
	_ = closed.Close()
	if _, err := closed.dial(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dialling a closed one: %v", err)
	}
}

// TestLocalMakesNothing: where no hub has made the keys, a command does not, and leaves no folder behind.
func TestLocalMakesNothing(t *testing.T) {
	c := emptyFolder(t, map[string]string{"HUB_DATABASE_URL": postgrestest.URL(t)})
	c.DataDir = filepath.Join(c.DataDir, "none")
	if _, err := OpenLocal(t.Context(), c, "v1"); hub.CodeOf(err) != hub.NotFound || !strings.Contains(err.Error(), "HUB_SECRET_KEYS") {
		t.Error(err)
	}
	c = emptyFolder(t, map[string]string{"HUB_DATABASE_URL": postgrestest.URL(t), "HUB_SECRET_KEYS": "k:" + keyText})
	if _, err := OpenLocal(t.Context(), c, "v1"); hub.CodeOf(err) != hub.NotFound || !strings.Contains(err.Error(), "hub serve") {
		t.Error(err)
	}
	if _, err := os.Stat(c.DataDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data folder: %v", err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
