package hub

import (
	"encoding/json"
	"time"
)

// AuditID identifies an AuditEntry.
type AuditID string

// AuditEntry records one action of an operator.
type AuditEntry struct {
	ID      AuditID
	ActorID UserID
	TokenID TokenID // "": not by an API token
	// SessionID is set when it was done in a signed-in browser.
	SessionID SessionID
	RemoteIP  string
	UserAgent string // as it calls itself
	Trace     string // of the request
	// Action names what was done: "outgoing_webhook.update".
	Action string
	// Subject is the id of what it was done to.
	Subject string
	// Before and After are the changed fields as JSON objects, secrets left
	// out; nil when there is nothing to say.
	Before, After json.RawMessage
	CreatedAt     time.Time
}

// AuditQuery selects entries of the audit log. Empty fields select everything.
type AuditQuery struct {
	ActorID UserID
	Action  string // exactly
	Subject string
	// Since is included, Until is not.
	Since, Until time.Time
	// Before is where the page begins: only older entries; "": at the newest.
	Before AuditID
	Limit  int
}
