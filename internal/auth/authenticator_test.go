package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

func TestActor(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeWrite, Channels: []hub.ChannelID{"c1"}})
	m.addToken("hub_expired", hub.APIToken{ID: "t2", Scope: hub.ScopeWrite, ExpiresAt: c.now()})
	m.addToken("hub_bob", hub.APIToken{ID: "t3", UserID: "bob", Scope: hub.ScopeAdmin})
	m.addToken("hub_bot", hub.APIToken{ID: "t4", UserID: "bot", Scope: hub.ScopeAdmin})
	m.addToken("hub_gone", hub.APIToken{ID: "t5", UserID: "gone", Scope: hub.ScopeAdmin})
	m.users["bob"] = hub.User{ID: "bob", Kind: hub.UserHuman, Username: "bob", Role: hub.RoleMember, Status: "active"}
	m.users["bot"] = hub.User{ID: "bot", Kind: hub.UserBot, Username: "bot", Role: hub.RoleMember, Status: "active"}
	m.users["gone"] = hub.User{ID: "gone", Kind: hub.UserHuman, Username: "gone", Role: hub.RoleOwner, Status: "suspended"}
	m.sessions[secret.Hash("cookie")] = hub.Session{ID: "s1", UserID: "bob", ExpiresAt: c.now().Add(time.Hour)}
	m.sessions[secret.Hash("old")] = hub.Session{ID: "s2", UserID: "bob", ExpiresAt: c.now()}

	token := hub.Actor{
		UserID: "ann", Username: "ann", Role: hub.RoleOwner, TokenID: "t1", Scope: hub.ScopeWrite,
		Channels: []hub.ChannelID{"c1"}, RemoteIP: "192.0.2.1",
	}
	session := hub.Actor{
		UserID: "bob", Username: "bob", Role: hub.RoleMember, SessionID: "s1", Scope: hub.ScopeWrite, RemoteIP: "192.0.2.1",
	}
	tests := map[string]struct {
		authorization string
		cookie        string
		want          hub.Actor
		err           string // a part of an Unauthorized error's detail
	}{
		"nothing":                 {"", "", hub.Actor{}, "needs an API token"},
		"token":                   {"Bearer hub_a", "", token, ""},
		"scheme in lower case":    {"bearer hub_a", "", token, ""},
		"token before cookie":     {"Bearer hub_a", "cookie", token, ""},
		"a bad token has no pity": {"Bearer nonsense", "cookie", hub.Actor{}, "not valid"},
		"empty token":             {"Bearer ", "", hub.Actor{}, "not valid"},
		"huge token":              {"Bearer " + strings.Repeat("a", 10_000), "", hub.Actor{}, "not valid"},
		"expired token":           {"Bearer hub_expired", "", hub.Actor{}, "expired"},
		"suspended user":          {"Bearer hub_gone", "", hub.Actor{}, "not active"},
		"session":                 {"", "cookie", session, ""},
		"a proxy's own password":  {"Basic eDp5", "cookie", session, ""},
		"expired session":         {"", "old", hub.Actor{}, "expired"},
		"unknown session":         {"", "nonsense", hub.Actor{}, "not valid"},
		"a token is no session":   {"", "hub_a", hub.Actor{}, "not valid"},
		"a session is no token":   {"Bearer cookie", "", hub.Actor{}, "not valid"},
		"more scope than a member has": {"Bearer hub_bob", "", hub.Actor{
			UserID: "bob", Username: "bob", Role: hub.RoleMember, TokenID: "t3", Scope: hub.ScopeWrite, RemoteIP: "192.0.2.1",
		}, ""},
		"a bot has the token's scope": {"Bearer hub_bot", "", hub.Actor{
			UserID: "bot", Username: "bot", Role: hub.RoleMember, TokenID: "t4", Scope: hub.ScopeAdmin, RemoteIP: "192.0.2.1",
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			if test.cookie != "" {
				r.AddCookie(&http.Cookie{Name: CookieName, Value: test.cookie})
			}
			for range 2 { // looked up, and remembered
				got, err := a.Actor(r)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("actor (-want +got):\n%s", diff)
				}
				if test.err == "" && err != nil {
					t.Errorf("refused: %v", err)
				}
				if test.err != "" && (hub.CodeOf(err) != hub.Unauthorized || !strings.Contains(err.Error(), test.err)) {
					t.Errorf("got %v, want Unauthorized with %q", err, test.err)
				}
			}
		})
	}
}

func TestActorDoesNotRepeatCredentials(t *testing.T) {
	a := newAuthenticator(newMemory(), newClock())
	_, err := a.Actor(request("hub_sesame", "192.0.2.1"))
	if err == nil || strings.Contains(fmt.Sprintf("%+v", err), "sesame") {
		t.Errorf("got %v", err)
	}
}

func TestLookupsAreRemembered(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	use := func(token string, want hub.Code, lookups int) {
		t.Helper()
		before := m.count()
		_, err := a.Actor(request(token, "192.0.2.1"))
		if hub.CodeOf(err) != want || m.count()-before != lookups {
			t.Errorf("%q: %v with %d look-ups, want %q with %d", token, err, m.count()-before, want, lookups)
		}
	}
	use("hub_a", "", 1)
	use("hub_a", "", 0)
	c.advance(keepKnown - time.Second)
	use("hub_a", "", 0)
	c.advance(time.Second)
	use("hub_a", "", 1)

	use("wrong", hub.Unauthorized, 1)
	use("wrong", hub.Unauthorized, 0)
	c.advance(keepUnknown)
	use("wrong", hub.Unauthorized, 1)

	// A failure of the store is not an answer, and is not remembered.
	c.advance(keepKnown)
	m.change(func() { m.fail = errors.New("disk on fire") })
	use("hub_a", hub.Internal, 1)
	m.change(func() { m.fail = nil })
	use("hub_a", "", 1)

	// A clock that stepped back does not make an entry live for ever.
	c.advance(-time.Hour)
	use("hub_a", "", 1)
}

func TestInvalidate(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	r := request("hub_a", "192.0.2.1")
	if _, err := a.Actor(r); err != nil {
		t.Fatal(err)
	}
	m.change(func() { clear(m.tokens) })
	if _, err := a.Actor(r); err != nil {
		t.Fatalf("forgotten without being told: %v", err)
	}
	a.Invalidate()
	if _, err := a.Actor(r); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("a deleted token: %v", err)
	}
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	a.Invalidate()
	if _, err := a.Actor(r); err != nil {
		t.Errorf("a new token: %v", err)
	}
}

// A change of a user concerns the sessions as well.
func TestInvalidateSessions(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.sessions[secret.Hash("cookie")] = hub.Session{ID: "s1", UserID: "ann", ExpiresAt: c.now().Add(time.Hour)}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: CookieName, Value: "cookie"})
	if _, err := a.Actor(r); err != nil {
		t.Fatal(err)
	}
	m.change(func() {
		m.users["ann"] = hub.User{ID: "ann", Kind: hub.UserHuman, Role: hub.RoleGuest, Status: "active"}
	})
	a.Invalidate()
	if got, err := a.Actor(r); err != nil || got.Scope != hub.ScopeRead {
		t.Errorf("an owner made a guest still has %+v, %v", got, err)
	}
	m.change(func() { clear(m.sessions) })
	a.Invalidate()
	if _, err := a.Actor(r); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("an ended session: %v", err)
	}
}

// What was read before a change must not be remembered after it.
func TestInvalidateDuringALookup(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	m.looking = func() {
		m.change(func() { clear(m.tokens); m.looking = nil })
		a.Invalidate()
	}
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); err != nil {
		t.Errorf("a request that began before the change: %v", err)
	}
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("a request that began after the change: %v", err)
	}
}

func TestTokenExpiresWhileRemembered(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead, ExpiresAt: c.now().Add(time.Second)})
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("one second later: %v", err)
	}
}

func TestGuessingIsLimited(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	m.addToken("hub_b", hub.APIToken{ID: "t2", Scope: hub.ScopeRead})
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	guess := func(i int) error {
		_, err := a.Actor(request(fmt.Sprintf("guess %d", i), "192.0.2.1"))
		return err
	}
	for i := range failureBurst {
		if err := guess(i); hub.CodeOf(err) != hub.Unauthorized {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	before := m.count()
	err := guess(failureBurst)
	if e, ok := errors.AsType[*hub.Error](err); !ok || e.Code != hub.RateLimited || e.RetryAfter <= 0 || e.RetryAfter > failureEvery {
		t.Errorf("one guess too many: %v", err)
	}
	if m.count() != before {
		t.Error("a guess that was held back was looked up")
	}
	// The same wrong token again costs nothing and stays 401.
	if err := guess(0); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("a remembered guess: %v", err)
	}
	// Whoever is known already goes on; others behind the address wait.
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); err != nil {
		t.Errorf("a known token from the same address: %v", err)
	}
	if _, err := a.Actor(request("hub_b", "192.0.2.1")); hub.CodeOf(err) != hub.RateLimited {
		t.Errorf("an unknown token from the same address: %v", err)
	}
	if _, err := a.Actor(request("hub_b", "192.0.2.2")); err != nil {
		t.Errorf("another address: %v", err)
	}
	c.advance(failureEvery)
	if err := guess(failureBurst + 1); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("a second later: %v", err)
	}
}

// Whoever was valid before is no guesser: a look-up that is due again is not
// held back by what others behind the same address did wrong.
func TestGuessesOfOthersLockNobodyOut(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	m.addToken("hub_b", hub.APIToken{ID: "t2", Scope: hub.ScopeRead})
	use := func(token string) error {
		_, err := a.Actor(request(token, "192.0.2.1"))
		return err
	}
	exhaust := func() {
		for i := 0; hub.CodeOf(use(fmt.Sprintf("guess %d", i))) != hub.RateLimited; i++ {
			if i > 2*failureBurst {
				t.Fatal("guessing is not limited")
			}
		}
	}
	if err := errors.Join(use("hub_a"), use("hub_b")); err != nil {
		t.Fatal(err)
	}
	c.advance(keepKnown)
	exhaust()
	if err := use("hub_a"); err != nil {
		t.Errorf("looked up too long ago: %v", err)
	}
	a.Invalidate()
	exhaust()
	if err := use("hub_a"); err != nil {
		t.Errorf("looked up before a change: %v", err)
	}
	// One that is valid no more is refused, and then is as any other guess.
	m.change(func() { clear(m.tokens) })
	a.Invalidate()
	exhaust()
	if err := use("hub_b"); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("revoked: %v", err)
	}
	a.Invalidate()
	if err := use("hub_b"); hub.CodeOf(err) != hub.RateLimited {
		t.Errorf("revoked, once more: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c, m := newClock(), newMemory()
	a := newAuthenticator(m, c)
	m.addToken("hub_a", hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxEntries {
		ip := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		if _, err := a.Actor(request(fmt.Sprintf("guess %d", i), ip)); hub.CodeOf(err) != hub.Unauthorized {
			t.Fatal(err)
		}
	}
	if n := len(a.tokens.unknown); n != maxEntries {
		t.Errorf("%d wrong tokens remembered, want %d", n, maxEntries)
	}
	if n := len(a.failures.byAddr); n != maxAddresses {
		t.Errorf("%d addresses remembered, want %d", n, maxAddresses)
	}
	before := m.count()
	if _, err := a.Actor(request("hub_a", "192.0.2.1")); err != nil || m.count() != before {
		t.Errorf("guesses crowded out a valid token: %v", err)
	}
	// Addresses without anything against them any more make room first.
	c.advance(time.Hour)
	a.failures.add("192.0.2.99")
	if n := len(a.failures.byAddr); n != 1 {
		t.Errorf("%d addresses remembered an hour later", n)
	}
}

func TestNetworkOf(t *testing.T) {
	tests := map[string]string{
		"192.0.2.1":            "192.0.2.1",
		"::ffff:192.0.2.1":     "::ffff:192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"":                     "",
		"not an address":       "not an address",
	}
	for ip, want := range tests {
		if got := networkOf(ip); got != want {
			t.Errorf("%s: got %s, want %s", ip, got, want)
		}
	}
}

// BenchmarkActor is what the hot path pays for knowing who is asking.
func BenchmarkActor(b *testing.B) {
	m := newMemory()
	token := secret.Token(secret.APITokenPrefix, 32).Reveal()
	m.addToken(token, hub.APIToken{ID: "t1", Scope: hub.ScopeRead})
	a := New(Options{Store: m, IDs: &hub.IDs{}})
	r := request(token, "192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Actor(r); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLocal: who asks on the hub's own machine is its owner, but for a
// credential that says who else it is.
func TestLocal(t *testing.T) {
	m := newMemory()
	m.addToken("hub_token", hub.APIToken{ID: "t", Scope: hub.ScopeRead})
	local := true
	a := New(Options{Store: m, IDs: &hub.IDs{}, IsLocal: func(*http.Request) bool { return local }, ClientIP: func(*http.Request) string { return "local" }})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", "hub/1")
	who, err := a.Actor(r)
	if err != nil || who.UserID != "ann" || who.Role != hub.RoleOwner || who.Scope != hub.ScopeAdmin || who.RemoteIP != "local" ||
		who.UserAgent != "hub/1" {
		t.Errorf("%+v, %v", who, err)
	}
	r.Header.Set("Authorization", "Bearer wrong")
	if _, err := a.Actor(r); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("a wrong token: %v", err)
	}
	r.Header.Del("Authorization")
	local = false
	if _, err := a.Actor(r); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("from elsewhere: %v", err)
	}
}
