package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
)

// readyTimeout bounds all checks of one /readyz together.
const readyTimeout = 3 * time.Second

type check struct {
	name string
	run  func(context.Context) error
}

// AddCheck adds a condition to /readyz, before Run. The detail of a hub.Error
// is shown; of another error only that the check failed.
func (s *Server) AddCheck(name string, run func(context.Context) error) {
	s.checks = append(s.checks, check{name, run})
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, readiness{Status: "ok"})
}

type readiness struct {
	Status string        `json:"status"`
	Failed []failedCheck `json:"failed,omitempty"`
}

type failedCheck struct {
	Check  string `json:"check"`
	Detail string `json:"detail"`
}

// readyz says whether the hub does its work: 200, or 503 with what is wrong.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		writeJSON(w, http.StatusServiceUnavailable, readiness{Status: "stopping"})
		return
	}
	if failed := s.failing(r.Context()); failed != nil {
		writeJSON(w, http.StatusServiceUnavailable, readiness{"not ready", failed})
		return
	}
	writeJSON(w, http.StatusOK, readiness{Status: "ready"})
}

// Ready reports what /readyz would say.
func (s *Server) Ready(ctx context.Context) bool { return !s.draining.Load() && s.failing(ctx) == nil }

// failing runs the checks and returns those that fail.
func (s *Server) failing(ctx context.Context) (failed []failedCheck) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for _, c := range s.checks {
		if err := c.run(ctx); err != nil {
			s.o.Log.Warn("not ready", "check", c.name, "error", err)
			failed = append(failed, failedCheck{c.name, detailOf(err)})
		}
	}
	return failed
}

func detailOf(err error) string {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Code != hub.Internal {
		return e.Detail
	}
	return "It failed; the reason is in the hub's log."
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone; nobody is left to tell
}
