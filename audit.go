package hub

import (
	"encoding/json"
	"time"
)

// AuditID identifies an AuditEntry.
type AuditID string

// AuditEntry records one action of an operator.
type AuditEntry struct {
	ID       AuditID
	ActorID  UserID
	TokenID  TokenID // "": not by an API token
	RemoteIP string
	// Action names what was done: "outgoing_webhook.update".
	Action string
	// Subject is the id of what it was done to.
	Subject string
	// Before and After are the changed fields as JSON objects, secrets left
	// out; nil when there is nothing to say.
	Before, After json.RawMessage
	CreatedAt     time.Time
}
