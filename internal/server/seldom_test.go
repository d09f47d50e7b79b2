package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestSeldom(t *testing.T) {
	var s seldom
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		after time.Duration
		kept  int
		due   bool
	}{
		{0, 0, true},
		{time.Second, 0, false},
		{seldomEvery - 1, 0, false},
		{seldomEvery, 2, true},
		{2 * seldomEvery, 0, true},
		{0, 0, true}, // the clock went back
	} {
		if kept, due := s.due(at.Add(step.after), "full"); kept != step.kept || due != step.due {
			t.Errorf("after %s: %d, %v; want %d, %v", step.after, kept, due, step.kept, step.due)
		}
	}
}

// TestSeldomTexts: one reason hides no other, and however many there are, they are bounded.
func TestSeldomTexts(t *testing.T) {
	var s seldom
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	lines := 0
	for range 3 {
		for i := range 3 * seldomTexts {
			if _, due := s.due(at, fmt.Sprint("reason ", i)); due {
				lines++
			}
		}
	}
	if lines != seldomTexts+1 {
		t.Errorf("%d lines, want %d", lines, seldomTexts+1)
	}
}

// What is refused for as long as the disk is full does not fill the log, and so the disk.
func TestRefusalsOfOneReasonAreLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	codes := map[string]hub.Code{"/full": hub.StorageFull, "/away": hub.Unavailable, "/broken": hub.Internal}
	for path, code := range codes {
		s.Mux().HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { WriteProblem(w, r, hub.Errorf(code, "No.")) })
	}
	for path, want := range map[string]int{"/full": 1, "/away": 1, "/broken": 5} {
		log.Reset()
		for range 5 {
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}
		if n := strings.Count(log.String(), "request failed"); n != want {
			t.Errorf("%s: %d lines, want %d\n%s", path, n, want, log.String())
		}
	}
}
