package server

import (
	"sync"
	"time"
)

const (
	// seldomEvery is the least time from one line of the log to the next that says the same.
	seldomEvery = time.Minute
	// seldomTexts is how many texts are told apart.
	seldomTexts = 32
)

// seldom keeps what goes on and on from filling the log. Its zero value is ready. It is safe for concurrent use.
type seldom struct {
	mu sync.Mutex
	of map[string]*said
}

// said is what was said of one text: when, and how often not since.
type said struct {
	at   time.Time
	kept int
}

// due reports whether a line with that text is due, and how many were kept back since the last one.
func (s *seldom) due(now time.Time, text string) (kept int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.of[text]
	if last == nil && len(s.of) >= seldomTexts {
		text = "" // one for all others
		last = s.of[text]
	}
	if last == nil {
		if s.of == nil {
			s.of = make(map[string]*said)
		}
		s.of[text] = &said{at: now}
		return 0, true
	}
	if age := now.Sub(last.at); age >= 0 && age < seldomEvery {
		last.kept++
		return 0, false
	}
	kept, last.kept, last.at = last.kept, 0, now
	return kept, true
}
