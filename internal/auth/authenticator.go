package auth

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// TokenStore keeps API tokens.
type TokenStore interface {
	// TokenByHash returns the token with that hash and its user, NotFound when
	// there is none.
	TokenByHash(ctx context.Context, hash string) (hub.APIToken, hub.User, error)
	// TouchTokens records when tokens were last used.
	TouchTokens(ctx context.Context, used map[hub.TokenID]time.Time) error
}

// SessionStore keeps the sessions of browsers.
type SessionStore interface {
	// SessionByHash returns the session with that hash and its user, NotFound
	// when there is none.
	SessionByHash(ctx context.Context, hash string) (hub.Session, hub.User, error)
	// TouchSessions records when sessions were last seen; each expires keep later.
	TouchSessions(ctx context.Context, seen map[hub.SessionID]time.Time, keep time.Duration) error
	// UseLoginLink spends a one-time link and begins the session for its user,
	// in one commit. NotFound when it was spent, has expired or never existed.
	UseLoginLink(ctx context.Context, codeHash string, v hub.Session) (hub.Session, hub.User, error)
	// DeleteSession ends a session, NotFound when it has ended.
	DeleteSession(ctx context.Context, id hub.SessionID, user hub.UserID) error
}

// Store is what an Authenticator needs to know.
type Store interface {
	TokenStore
	SessionStore
	// Owner returns the hub's owner.
	Owner(ctx context.Context) (hub.User, error)
}

// Options configure an Authenticator. Store and IDs are required.
type Options struct {
	Store Store
	IDs   *hub.IDs
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log receives what goes wrong in Run; nil: slog.Default().
	Log *slog.Logger
	// ClientIP returns the address a request comes from; nil: that of the
	// connection.
	ClientIP func(*http.Request) string
	// IsLocal reports whether the request comes from who owns the hub's data and
	// therefore acts as the hub's owner, without credentials; nil: none does.
	IsLocal func(*http.Request) bool
	// IsHTTPS reports whether the client uses TLS; nil: whether the connection does.
	IsHTTPS func(*http.Request) bool
	// SecureCookies marks every cookie Secure, for a hub whose public URL is
	// https. Otherwise cookies are Secure when the request came over TLS.
	SecureCookies bool
}

// Authenticator finds out who is asking. It is safe for concurrent use. Run
// must be running for last-used times to be recorded.
type Authenticator struct {
	o        Options
	tokens   *cache
	sessions *cache
	failures *failures
	uses     uses
}

// New returns an Authenticator with empty caches.
func New(o Options) *Authenticator {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.ClientIP == nil {
		o.ClientIP = connectionIP
	}
	if o.IsHTTPS == nil {
		o.IsHTTPS = func(r *http.Request) bool { return r.TLS != nil }
	}
	a := &Authenticator{o: o, failures: newFailures(o.Now)}
	a.tokens = newCache(o.Now, a.loadToken)
	a.sessions = newCache(o.Now, a.loadSession)
	return a
}

func connectionIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// errNobody answers a request without credentials.
var errNobody = hub.Errorf(hub.Unauthorized, "This needs an API token (Authorization: Bearer …) or a signed-in browser.")

// Actor returns who sent the request: the owner of its bearer token or, when
// it has none, of its session, or the hub's owner when it has neither and is
// local. It returns Unauthorized for no or invalid
// credentials, and RateLimited for an address with too many invalid ones.
func (a *Authenticator) Actor(r *http.Request) (hub.Actor, error) {
	if token, ok := bearer(r.Header); ok {
		return a.identify(r, a.tokens, token)
	}
	if value := sessionCookie(r); value != "" {
		return a.identify(r, a.sessions, value)
	}
	if a.o.IsLocal != nil && a.o.IsLocal(r) {
		return a.owner(r)
	}
	return hub.Actor{}, errNobody
}

// owner is who asks on the hub's own machine.
func (a *Authenticator) owner(r *http.Request) (hub.Actor, error) {
	u, err := a.o.Store.Owner(r.Context())
	if err != nil {
		return hub.Actor{}, err
	}
	return hub.Actor{
		UserID: u.ID, Username: u.Username, Role: u.Role, Scope: hub.ScopeAdmin,
		RemoteIP: a.o.ClientIP(r), UserAgent: clip(r.UserAgent(), maxUserAgent),
	}, nil
}

// bearer returns the token of an Authorization header (RFC 6750 §2.1). Another
// scheme is not ours: a proxy in front of the hub may use it.
func bearer(h http.Header) (token string, ok bool) {
	const scheme = "Bearer "
	v := h["Authorization"]
	if len(v) != 1 || len(v[0]) < len(scheme) || !strings.EqualFold(v[0][:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimSpace(v[0][len(scheme):]), true
}

// identify looks a credential up. One that was valid before is never held back
// by the failures of others behind the same address, also when it has to be
// looked up again.
func (a *Authenticator) identify(r *http.Request, c *cache, value string) (hub.Actor, error) {
	ip := a.o.ClientIP(r)
	key, valid := keyOf(value)
	if !valid {
		return hub.Actor{}, errUnknown
	}
	e, proven := c.find(key)
	if e == nil {
		if err := a.failures.check(ip); err != nil && !proven {
			return hub.Actor{}, err
		}
		var err error
		if e, err = c.load(r.Context(), key); err != nil {
			return hub.Actor{}, err
		}
		if e.err != nil {
			a.failures.add(ip)
		}
	}
	if err := e.valid(a.o.Now()); err != nil {
		return hub.Actor{}, err
	}
	a.uses.note(e, a.o.Now())
	actor := e.actor
	actor.RemoteIP, actor.UserAgent = ip, clip(r.UserAgent(), maxUserAgent)
	return actor, nil
}

// errUnknown answers every credential that is not one of ours.
var errUnknown = hub.Errorf(hub.Unauthorized, "The API token or session is not valid.")

// errInactive answers a valid credential of somebody who was shut out.
var errInactive = hub.Errorf(hub.Unauthorized, "The account behind this token or session is not active.")

func (a *Authenticator) loadToken(ctx context.Context, hash string) (*entry, error) {
	k, u, err := a.o.Store.TokenByHash(ctx, hash)
	if err != nil {
		return unknownEntry(err)
	}
	if u.Status != "active" {
		return &entry{err: errInactive}, nil
	}
	return &entry{
		actor: hub.Actor{
			UserID: u.ID, Username: u.Username, Role: u.Role, TokenID: k.ID, Scope: tokenScope(k.Scope, u), Channels: k.Channels,
		},
		expires: k.ExpiresAt,
	}, nil
}

// tokenScope is what a token can do now: never more than the person it acts
// as, whose role may have changed since it was made. Programs have no role
// that says anything.
func tokenScope(s hub.Scope, u hub.User) hub.Scope {
	if ofRole := hub.ScopeOfRole(u.Role); u.Kind == hub.UserHuman && ofRole.Rank() < s.Rank() {
		return ofRole
	}
	return s
}

func (a *Authenticator) loadSession(ctx context.Context, hash string) (*entry, error) {
	v, u, err := a.o.Store.SessionByHash(ctx, hash)
	if err != nil {
		return unknownEntry(err)
	}
	if u.Status != "active" {
		return &entry{err: errInactive}, nil
	}
	return &entry{
		actor: hub.Actor{
			UserID: u.ID, Username: u.Username, Role: u.Role, SessionID: v.ID, Scope: hub.ScopeOfRole(u.Role),
		},
		expires: v.ExpiresAt,
	}, nil
}

// unknownEntry remembers that there is no such credential. Another failure is
// not remembered.
func unknownEntry(err error) (*entry, error) {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Code == hub.NotFound {
		return &entry{err: errUnknown}, nil
	}
	return nil, err
}

// Invalidate forgets everything that was looked up: tokens, sessions, and the
// users behind them. A change of any of them takes effect with the return.
func (a *Authenticator) Invalidate() {
	a.tokens.clear()
	a.sessions.clear()
}
