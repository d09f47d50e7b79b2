package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
)

// AuditEntry is one action of an operator as it is shown.
type AuditEntry struct {
	ID        hub.AuditID     `json:"id"`
	ActorID   hub.UserID      `json:"actorId,omitempty"`
	TokenID   hub.TokenID     `json:"tokenId,omitempty"`
	RemoteIP  string          `json:"remoteIp,omitempty"`
	Action    string          `json:"action"`
	Subject   string          `json:"subject"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
}

func wireAudit(e hub.AuditEntry) AuditEntry {
	return AuditEntry{e.ID, e.ActorID, e.TokenID, e.RemoteIP, e.Action, e.Subject, e.Before, e.After, e.CreatedAt}
}

type listAuditInput struct{ Paging }

func (a *API) auditRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/audit-log", id: "listAuditLog", tag: "access", summary: "List what operators did, newest first",
	}, func(ctx context.Context, who hub.Actor, in *listAuditInput) (page[AuditEntry], error) {
		before, err := idCursor[hub.AuditID]("audit", in.Cursor)
		if err != nil {
			return page[AuditEntry]{}, err
		}
		entries, more, err := a.Control.AuditLog(ctx, who, before, in.Limit)
		if err != nil {
			return page[AuditEntry]{}, err
		}
		return pageOf(entries, wireAudit, nextOf("audit", entries, more, func(e hub.AuditEntry) string { return string(e.ID) })), nil
	})
}
