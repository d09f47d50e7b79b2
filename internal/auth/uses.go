package auth

import (
	"context"
	"sync"
	"time"

	"github.com/nself-chat/hub"
)

// How often noted uses are written, and how long the last writing may take.
const (
	flushEvery   = time.Minute
	flushTimeout = 5 * time.Second
)

// uses collects when credentials were used, to the minute, for Run to write.
type uses struct {
	mu       sync.Mutex
	tokens   map[hub.TokenID]time.Time
	sessions map[hub.SessionID]time.Time
}

// note notes a use, once a minute for each entry.
func (u *uses) note(e *entry, now time.Time) {
	minute := now.Unix() / 60
	if last := e.lastNoted.Load(); last == minute || !e.lastNoted.CompareAndSwap(last, minute) {
		return
	}
	when := time.Unix(minute*60, 0).UTC()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begin()
	if e.actor.TokenID != "" {
		u.tokens[e.actor.TokenID] = when
	} else {
		u.sessions[e.actor.SessionID] = when
	}
}

// begin makes the maps; mu is held.
func (u *uses) begin() {
	if u.tokens == nil {
		u.tokens, u.sessions = make(map[hub.TokenID]time.Time), make(map[hub.SessionID]time.Time)
	}
}

// take returns what was noted and begins anew.
func (u *uses) take() (map[hub.TokenID]time.Time, map[hub.SessionID]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	tokens, sessions := u.tokens, u.sessions
	u.tokens, u.sessions = nil, nil
	return tokens, sessions
}

// giveBack notes again what could not be written; what was noted since stays.
func (u *uses) giveBack(tokens map[hub.TokenID]time.Time, sessions map[hub.SessionID]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begin()
	keepNewer(u.tokens, tokens)
	keepNewer(u.sessions, sessions)
}

func keepNewer[K comparable](into, older map[K]time.Time) {
	for id, when := range older {
		if when.After(into[id]) {
			into[id] = when
		}
	}
}

// Run writes once a minute when tokens and sessions were last used, until ctx
// is done, and then once more. It returns nil.
func (a *Authenticator) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			a.flush(last)
			return nil
		}
	}
}

// flush writes what was noted. What cannot be written is tried again next time.
func (a *Authenticator) flush(ctx context.Context) {
	tokens, sessions := a.uses.take()
	if len(tokens) > 0 {
		if err := a.o.Store.TouchTokens(ctx, tokens); err != nil {
			a.o.Log.Warn("last-used times of API tokens could not be written", "error", err)
			a.uses.giveBack(tokens, nil)
		}
	}
	if len(sessions) > 0 {
		if err := a.o.Store.TouchSessions(ctx, sessions, SessionKeep); err != nil {
			a.o.Log.Warn("last-seen times of sessions could not be written", "error", err)
			a.uses.giveBack(nil, sessions)
		}
	}
}
