package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
)

// AuditEntry is one change as it is shown.
type AuditEntry struct {
	ID        hub.AuditID     `json:"id"`
	ActorID   hub.UserID      `json:"actorId,omitempty" doc:"Absent: the hub, or its command line."`
	TokenID   hub.TokenID     `json:"tokenId,omitempty" doc:"The API token it was made with."`
	SessionID hub.SessionID   `json:"sessionId,omitempty" doc:"The signed-in browser it was made in."`
	RemoteIP  string          `json:"remoteIp,omitempty" doc:"The caller's address; local: on the hub's own machine."`
	UserAgent string          `json:"userAgent,omitempty" doc:"What the client calls itself."`
	TraceID   string          `json:"traceId,omitempty" doc:"Ties it to the events that it caused."`
	Action    string          `json:"action" example:"outgoing_webhook.update" doc:"What was done."`
	Subject   string          `json:"subject" doc:"The id of what it was done to."`
	Before    json.RawMessage `json:"before,omitempty" limits:"type=object" doc:"Without secrets and without what messages say; absent when it was made by this change."`
	After     json.RawMessage `json:"after,omitempty" limits:"type=object" doc:"The same, after it; absent when it was deleted."`
	CreatedAt time.Time       `json:"createdAt"`
}

func wireAudit(e hub.AuditEntry) AuditEntry {
	return AuditEntry{
		e.ID, e.ActorID, e.TokenID, e.SessionID, e.RemoteIP, e.UserAgent, e.Trace, e.Action, e.Subject, e.Before, e.After, e.CreatedAt,
	}
}

type listAuditInput struct {
	Paging
	ActorID hub.UserID `query:"actorId" maxLength:"36" doc:"Who made the change."`
	Action  string     `query:"action" maxLength:"64" doc:"What was done, exactly: outgoing_webhook.update."`
	Subject string     `query:"subject" maxLength:"64" doc:"The id of what it was done to."`
	Since   time.Time  `query:"since" doc:"Time of the change, included."`
	Until   time.Time  `query:"until" doc:"Time of the change, excluded."`
}

func (a *API) auditRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/audit-log", id: "listAuditLog", tag: "access", summary: "List what was changed, newest first",
		doc: "Who, from where, what, before and after. A message's texts are among its revisions.",
	}, func(ctx context.Context, who hub.Actor, in *listAuditInput) (page[AuditEntry], error) {
		before, err := idCursor[hub.AuditID]("audit", in.Cursor)
		if err != nil {
			return page[AuditEntry]{}, err
		}
		entries, more, err := a.Control.AuditLog(ctx, who, hub.AuditQuery{
			ActorID: in.ActorID, Action: in.Action, Subject: in.Subject, Since: in.Since, Until: in.Until, Before: before, Limit: in.Limit,
		})
		if err != nil {
			return page[AuditEntry]{}, err
		}
		return pageOf(entries, wireAudit, nextOf("audit", entries, more, func(e hub.AuditEntry) string { return string(e.ID) })), nil
	})
}
