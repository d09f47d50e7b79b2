package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

func TestHealth(t *testing.T) {
	var database, queue error
	s := newServer(t, Options{})
	s.AddCheck("database", func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a check may hang for ever")
		}
		return database
	})
	s.AddCheck("queue", func(context.Context) error { return queue })
	s.HandleMetrics(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hub_up 1\n")) }))
	get := func(path string, status int, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := strings.TrimSpace(w.Body.String()); w.Code != status || got != body {
			t.Errorf("%s: %d %s, want %d %s", path, w.Code, got, status, body)
		}
	}
	get("/healthz", 200, `{"status":"ok"}`)
	get("/readyz", 200, `{"status":"ready"}`)
	get("/metrics", 200, "hub_up 1")

	queue = hub.Errorf(hub.Unavailable, "Work is due and nothing was claimed for 30 s.")
	get("/readyz", 503, `{"status":"not ready","failed":[{"check":"queue","detail":"Work is due and nothing was claimed for 30 s."}]}`)

	database = errors.New("open /srv/secret/hub.db: no such file")
	queue = nil
	get("/readyz", 503, `{"status":"not ready","failed":[{"check":"database","detail":"It failed; the reason is in the hub's log."}]}`)
	get("/healthz", 200, `{"status":"ok"}`)

	s.draining.Store(true)
	get("/readyz", 503, `{"status":"stopping"}`)
}
