package api

import (
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

const (
	// maxStreams is how many streams one token or session may have open: each
	// costs memory, and work with every event.
	maxStreams = 32
	// streamsRetry is when one refused may ask again.
	streamsRetry = 30 * time.Second
)

// credential is what an actor came with.
type credential struct {
	token   hub.TokenID
	session hub.SessionID
}

// openStreams counts the streams of each credential. The zero value is ready;
// it is safe for concurrent use.
type openStreams struct {
	mu sync.Mutex
	of map[credential]int
}

// enter counts one more stream of the actor, until leave is called. It is
// RateLimited when there are as many as there may be.
func (s *openStreams) enter(who hub.Actor) (leave func(), err error) {
	c := credential{who.TokenID, who.SessionID}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[c] >= maxStreams {
		refusal := hub.Errorf(hub.RateLimited,
			"%d streams are open with this token or session, which is as many as may be; close one, or read one for all.", maxStreams)
		refusal.RetryAfter = streamsRetry
		return nil, refusal
	}
	if s.of == nil {
		s.of = make(map[credential]int)
	}
	s.of[c]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.of[c]--; s.of[c] == 0 {
			delete(s.of, c)
		}
	}, nil
}
