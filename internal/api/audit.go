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
	ActorID   hub.UserID      `json:"actorId,omitempty" doc:"Absent: the hub, or its command line."`
	TokenID   hub.TokenID     `json:"tokenId,omitempty" doc:"The API token; absent: a session."`
	RemoteIP  string          `json:"remoteIp,omitempty" doc:"The caller's address."`
	Action    string          `json:"action" doc:"What was done: channel.update"`
	Subject   string          `json:"subject" doc:"The id of what it was done to."`
	Before    json.RawMessage `json:"before,omitempty" limits:"type=object" doc:"The facts before, an object; absent: there was nothing."`
	After     json.RawMessage `json:"after,omitempty" limits:"type=object" doc:"The facts after, an object; absent: there is nothing."`
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
