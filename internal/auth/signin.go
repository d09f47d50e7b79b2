package auth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

// Lifetimes of what signs people in.
const (
	// SessionKeep is how long a session lives after it was last seen.
	SessionKeep = 30 * 24 * time.Hour
	// LinkKeep is how long a one-time sign-in link can be used.
	LinkKeep = 15 * time.Minute
)

// CookieName is the name of the cookie that holds a session.
const CookieName = "hub_session"

// LoginPath is where a sign-in link leads; its query has the code.
const LoginPath = "/login"

const (
	// cookieKeep is the longest that browsers keep a cookie (RFC 6265bis
	// §5.6). The session's own end is decided by the hub.
	cookieKeep   = 400 * 24 * time.Hour
	secretBytes  = 32
	maxUserAgent = 200
)

// LinkStore keeps one-time sign-in links.
type LinkStore interface {
	// CreateLoginLink stores a link for an active user, NotFound when there is
	// no such one.
	CreateLoginLink(ctx context.Context, codeHash string, user hub.UserID, expires time.Time) error
}

// NewLoginLink makes a one-time sign-in link for the user and returns its path
// and query, to be put behind the hub's public URL. It works for LinkKeep.
func NewLoginLink(ctx context.Context, s LinkStore, user hub.UserID, now time.Time) (secret.String, error) {
	code := secret.Token("", secretBytes)
	if err := s.CreateLoginLink(ctx, secret.Hash(code.Reveal()), user, now.Add(LinkKeep)); err != nil {
		return secret.String{}, err
	}
	return secret.New(LoginPath + "?code=" + code.Reveal()), nil
}

// errLink answers codes that are unknown, spent or too old. They are not told
// apart: nobody needs to know which codes once existed.
var errLink = hub.Errorf(hub.Unauthorized, "This sign-in link does not work any more: it was used, or it is older than 15 minutes.")

// SignIn spends the code of a sign-in link, begins a session and sets its
// cookie. It returns Unauthorized for a code that does not work, and
// RateLimited for an address with too many of those.
func (a *Authenticator) SignIn(w http.ResponseWriter, r *http.Request, code string) (hub.Actor, error) {
	ip := a.o.ClientIP(r)
	if err := a.failures.check(ip); err != nil {
		return hub.Actor{}, err
	}
	if code == "" || len(code) > maxCredential {
		a.failures.add(ip)
		return hub.Actor{}, errLink
	}
	value := secret.Token("", secretBytes)
	now := a.o.Now().UTC().Truncate(time.Microsecond)
	v, u, err := a.o.Store.UseLoginLink(r.Context(), secret.Hash(code), hub.Session{
		ID: hub.SessionID(a.o.IDs.New()), Hash: secret.Hash(value.Reveal()), CreatedAt: now, LastSeenAt: now,
		ExpiresAt: now.Add(SessionKeep), UserAgent: clip(r.UserAgent(), maxUserAgent), RemoteIP: ip,
	})
	if hub.CodeOf(err) == hub.NotFound {
		a.failures.add(ip)
		return hub.Actor{}, errLink
	}
	if err != nil {
		return hub.Actor{}, err
	}
	http.SetCookie(w, a.cookie(r, value.Reveal(), int(cookieKeep/time.Second)))
	return hub.Actor{
		UserID: u.ID, Username: u.Username, Role: u.Role, SessionID: v.ID, Scope: hub.ScopeOfRole(u.Role), RemoteIP: ip,
	}, nil
}

// SignOut ends the session of the request's cookie, if there is one, and
// removes the cookie.
func (a *Authenticator) SignOut(w http.ResponseWriter, r *http.Request) error {
	value := sessionCookie(r)
	if value == "" {
		return nil
	}
	http.SetCookie(w, a.cookie(r, "", -1))
	v, _, err := a.o.Store.SessionByHash(r.Context(), secret.Hash(value))
	if err == nil {
		err = a.o.Store.DeleteSession(r.Context(), v.ID, v.UserID)
		a.sessions.clear() // not for a made-up cookie: anybody can send one
	}
	if hub.CodeOf(err) == hub.NotFound {
		return nil
	}
	return err
}

func (a *Authenticator) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: a.o.SecureCookies || a.o.IsHTTPS(r),
	}
}

func sessionCookie(r *http.Request) string {
	c, err := r.Cookie(CookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

// clip returns at most n bytes of s, as valid UTF-8.
func clip(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}
