package server

import (
	"sync"
	"time"
)

// seldomEvery is the least time from one line of the log to the next that says the same.
const seldomEvery = time.Minute

// seldom keeps what goes on and on from filling the log. Its zero value is ready.
type seldom struct {
	mu   sync.Mutex
	said time.Time
	kept int
}

// due reports whether a line is due, and how many were kept back since the last one.
func (s *seldom) due(now time.Time) (kept int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.said); !s.said.IsZero() && age >= 0 && age < seldomEvery {
		s.kept++
		return 0, false
	}
	kept, s.kept, s.said = s.kept, 0, now
	return kept, true
}
