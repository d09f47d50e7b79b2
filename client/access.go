package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// Token is an API token.
type Token struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	UserID     string    `json:"userId"`
	Scope      string    `json:"scope"` // read, write or admin
	ChannelIDs []string  `json:"channelIds"`
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	// Token is the token itself, in the answer that makes it only.
	Token string `json:"token"`
}

// NewToken is an API token about to be made.
type NewToken struct {
	Name       string    `json:"name"`
	Scope      string    `json:"scope"`
	UserID     string    `json:"userId,omitempty"` // "": the caller
	ChannelIDs []string  `json:"channelIds,omitempty"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`
}

// Session is a signed-in browser.
type Session struct {
	ID         string    `json:"id"`
	UserID     string    `json:"userId"`
	UserAgent  string    `json:"userAgent"`
	RemoteIP   string    `json:"remoteIp"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

// AuditEntry is one action of an operator.
type AuditEntry struct {
	ID        string          `json:"id"`
	ActorID   string          `json:"actorId"`
	TokenID   string          `json:"tokenId"`
	SessionID string          `json:"sessionId"`
	RemoteIP  string          `json:"remoteIp"`
	UserAgent string          `json:"userAgent"`
	TraceID   string          `json:"traceId"`
	Action    string          `json:"action"`
	Subject   string          `json:"subject"`
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
	CreatedAt time.Time       `json:"createdAt"`
}

// Tokens lists API tokens, oldest first.
func (c *Client) Tokens(ctx context.Context, options ...ListOption) iter.Seq2[Token, error] {
	return list[Token](ctx, c, "/api/tokens", nil, options)
}

// CreateToken makes an API token. The token itself is in the answer and
// nowhere else.
func (c *Client) CreateToken(ctx context.Context, n NewToken, options ...CallOption) (Token, error) {
	return call[Token](ctx, c, post("/api/tokens", n, options...))
}

// DeleteToken ends an API token.
func (c *Client) DeleteToken(ctx context.Context, id string) error {
	return c.do(ctx, remove("/api/tokens/"+escape(id)))
}

// Sessions lists a user's sessions, newest first; "" is the caller.
func (c *Client) Sessions(ctx context.Context, user string, options ...ListOption) iter.Seq2[Session, error] {
	return list[Session](ctx, c, "/api/sessions", query("userId", user), options)
}

// DeleteSession signs one browser out.
func (c *Client) DeleteSession(ctx context.Context, id string) error {
	return c.do(ctx, remove("/api/sessions/"+escape(id)))
}

// DeleteSessions signs a user out everywhere ("": the caller) and returns how
// many sessions ended.
func (c *Client) DeleteSessions(ctx context.Context, user string) (int, error) {
	out, err := call[struct {
		Ended int `json:"ended"`
	}](ctx, c, request{method: http.MethodDelete, path: "/api/sessions", query: query("userId", user)})
	return out.Ended, err
}

// AuditQuery selects entries of the audit log. Empty fields do not restrict.
type AuditQuery struct {
	ActorID      string    // who made the change
	Action       string    // what was done, such as "outgoing_webhook.update"
	Subject      string    // the id of what it was done to
	Since, Until time.Time // Until is excluded
}

// AuditLog lists what operators did, newest first.
func (c *Client) AuditLog(ctx context.Context, q AuditQuery, options ...ListOption) iter.Seq2[AuditEntry, error] {
	return list[AuditEntry](ctx, c, "/api/audit-log", query("actorId", q.ActorID, "action", q.Action, "subject", q.Subject,
		"since", instant(q.Since), "until", instant(q.Until)), options)
}
