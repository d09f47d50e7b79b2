package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// memory is a Store in memory that counts its look-ups.
type memory struct {
	mu       sync.Mutex
	tokens   map[string]hub.APIToken // by hash
	sessions map[string]hub.Session  // by hash
	users    map[hub.UserID]hub.User
	lookups  int
	fail     error  // of every look-up and touch
	looking  func() // called during a look-up, after it has read
	usedAt   map[string]time.Time
	touches  int
}

func newMemory() *memory {
	return &memory{
		tokens: map[string]hub.APIToken{}, sessions: map[string]hub.Session{}, usedAt: map[string]time.Time{},
		users: map[hub.UserID]hub.User{
			"ann": {ID: "ann", Kind: hub.UserHuman, Username: "ann", Role: hub.RoleOwner, Status: "active"},
		},
	}
}

// Owner implements Store.
func (m *memory) Owner(context.Context) (hub.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.users["ann"], m.fail
}

// addToken stores an API token for ann.
func (m *memory) addToken(token string, k hub.APIToken) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.UserID == "" {
		k.UserID = "ann"
	}
	m.tokens[secret.Hash(token)] = k
}

func (m *memory) TokenByHash(_ context.Context, hash string) (hub.APIToken, hub.User, error) {
	m.mu.Lock()
	m.lookups++
	k, ok := m.tokens[hash]
	u, err, looking := m.users[k.UserID], m.fail, m.looking
	m.mu.Unlock()
	if looking != nil {
		looking()
	}
	if err == nil && !ok {
		err = hub.Errorf(hub.NotFound, "There is no such API token.")
	}
	return k, u, err
}

func (m *memory) SessionByHash(_ context.Context, hash string) (hub.Session, hub.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lookups++
	v, ok := m.sessions[hash]
	if m.fail != nil {
		return v, hub.User{}, m.fail
	}
	if !ok {
		return v, hub.User{}, hub.Errorf(hub.NotFound, "There is no such session.")
	}
	return v, m.users[v.UserID], nil
}

func (m *memory) TouchTokens(_ context.Context, used map[hub.TokenID]time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touches++
	for id, when := range used {
		if m.fail == nil {
			m.usedAt[string(id)] = when
		}
	}
	return m.fail
}

func (m *memory) TouchSessions(_ context.Context, seen map[hub.SessionID]time.Time, keep time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touches++
	for id, when := range seen {
		if m.fail == nil {
			m.usedAt[string(id)] = when.Add(keep)
		}
	}
	return m.fail
}

func (m *memory) UseLoginLink(context.Context, string, hub.Session) (hub.Session, hub.User, error) {
	return hub.Session{}, hub.User{}, hub.Errorf(hub.NotFound, "There is no such sign-in link.")
}

func (m *memory) DeleteSession(context.Context, hub.SessionID, hub.UserID) error { return m.fail }

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lookups
}

func (m *memory) writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.touches
}

func (m *memory) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func newAuthenticator(s Store, c *clock) *Authenticator {
	return New(Options{Store: s, IDs: &hub.IDs{Now: c.now}, Now: c.now, Log: slog.New(slog.DiscardHandler)})
}

// request returns a request with a bearer token from an address.
func request(token, ip string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/api/channels", nil)
	r.RemoteAddr = ip + ":4711"
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}
