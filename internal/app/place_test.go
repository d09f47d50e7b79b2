package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/store"
)

// TestDatabaseIsLost: when the database was deleted, nothing is taken in, /readyz says
// why, and the log says it once.
func TestDatabaseIsLost(t *testing.T) {
	var log bytes.Buffer
	a := newTestAppOf(t, nil, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Version: "v1"})
	defer closeApp(t, a)
	now := time.Now()
	a.gate.now = func() time.Time { return now }
	ask := func() (int, string) {
		now = now.Add(diskCheckEvery)
		w := httptest.NewRecorder()
		a.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code, w.Body.String()
	}
	if status, body := ask(); status != http.StatusOK {
		t.Fatalf("at first: %d %s", status, body)
	}
	path := a.config.Database.Path
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status, body := ask(); status != http.StatusServiceUnavailable || !strings.Contains(body, `"check":"place"`) ||
			!strings.Contains(body, "deleted, moved or replaced") {
			t.Errorf("without its database: %d %s", status, body)
		}
	}
	for _, reserve := range []int64{0, 1 << 60} {
		a.gate.reserve, now = reserve, now.Add(diskCheckEvery)
		if err := a.gate.Check(); hub.CodeOf(err) != hub.Unavailable {
			t.Errorf("intake with a reserve of %d: %v", reserve, err)
		}
	}
	if said := strings.Count(log.String(), "not in its place"); said != 1 {
		t.Errorf("said %d times:\n%s", said, log.String())
	}
	a.gate.reserve = 0
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if status, body := ask(); status != http.StatusOK {
		t.Errorf("with its database again: %d %s", status, body)
	}
}

// TestSecondHubWithoutALock: who removed the lock of a running hub's folder gets no
// second hub on it.
func TestSecondHubWithoutALock(t *testing.T) {
	first := newTestApp(t, nil)
	defer closeApp(t, first)
	defer runTestApp(t, first)()
	if err := os.Remove(first.config.Database.Path + ".lock"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	second, err := New(ctx, first.config, Options{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		closeApp(t, second)
	}
	if !errors.Is(err, store.ErrRunning) || !strings.Contains(err.Error(), first.config.SocketPath()) {
		t.Errorf("a second hub: %v", err)
	}
	if _, err := first.openSocket(ctx); !errors.Is(err, store.ErrRunning) {
		t.Errorf("the same, a moment later: %v", err)
	}
}
