package hub

import (
	"slices"
	"time"
)

// Role is what a signed-in user may do in the workspace.
type Role string

// The roles, from most to least.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
	RoleGuest  Role = "guest"
)

// Scope is what an API token may do.
type Scope string

// The scopes. Each includes the ones before it.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
	ScopeAdmin Scope = "admin"
)

// Rank orders scopes: a scope includes every scope of lower rank. An unknown
// scope has rank 0 and includes nothing.
func (s Scope) Rank() int {
	return 1 + slices.Index([]Scope{ScopeRead, ScopeWrite, ScopeAdmin}, s)
}

// Actor is who is asking: an API token (acting as its user) or a signed-in user.
type Actor struct {
	UserID   UserID
	Username string
	Role     Role
	// TokenID is set when an API token is asking.
	TokenID TokenID
	// SessionID is set when a browser session is asking.
	SessionID SessionID
	// Scope is the token's scope; a session has the scope its role gives.
	Scope Scope
	// Channels restricts a token to these channels; empty: no restriction.
	Channels []ChannelID
	// RemoteIP is where the request came from, and UserAgent what sent it, for the
	// audit log.
	RemoteIP  string
	UserAgent string
}

// Can reports whether the actor's scope includes scope.
func (a Actor) Can(scope Scope) bool { return a.Scope.Rank() >= scope.Rank() && scope.Rank() > 0 }

// Reaches reports whether the actor's channel restriction admits the channel.
// Membership of private channels is a separate question.
func (a Actor) Reaches(id ChannelID) bool {
	return len(a.Channels) == 0 || slices.Contains(a.Channels, id)
}

// ScopeOfRole is the scope a browser session of that role has.
func ScopeOfRole(r Role) Scope {
	switch r {
	case RoleOwner, RoleAdmin:
		return ScopeAdmin
	case RoleMember:
		return ScopeWrite
	default:
		return ScopeRead
	}
}

// APIToken is a credential for the REST API. The token itself is shown once
// and stored as its SHA-256.
type APIToken struct {
	ID         TokenID
	Name       string
	UserID     UserID
	Scope      Scope
	Channels   []ChannelID
	Hash       string // hex SHA-256 of the token
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never; kept to the minute
	ExpiresAt  time.Time // zero: never
}

// Session is a signed-in browser.
type Session struct {
	ID         SessionID
	UserID     UserID
	Hash       string // hex SHA-256 of the cookie's value
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	UserAgent  string
	RemoteIP   string
}
