package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReady(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asks %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("the answer"))
	}))
	ask := func(addr string) (string, error) {
		return execute(t, newReadyCommand(), map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_ADDR": addr})
	}
	addr := server.Listener.Addr().String()
	if out, err := ask(addr); err != nil || out != "the answer" {
		t.Errorf("%q, %v", out, err)
	}
	status = http.StatusServiceUnavailable
	if out, err := ask(addr); err == nil || !strings.Contains(err.Error(), "503") || out != "the answer" {
		t.Errorf("a hub that is not ready: %q, %v", out, err)
	}
	server.Close()
	if _, err := ask(addr); err == nil || !strings.Contains(err.Error(), "no hub answers") {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := ask("127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "--addr") {
		t.Errorf("a port of the system's choice: %v", err)
	}
}
