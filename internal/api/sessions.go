package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
)

// sessionWire is a signed-in browser as it is shown.
type sessionWire struct {
	ID         hub.SessionID `json:"id"`
	UserID     hub.UserID    `json:"userId"`
	UserAgent  string        `json:"userAgent,omitempty"`
	RemoteIP   string        `json:"remoteIp,omitempty"`
	CreatedAt  time.Time     `json:"createdAt"`
	LastSeenAt time.Time     `json:"lastSeenAt"`
	ExpiresAt  time.Time     `json:"expiresAt"`
}

func wireSession(s hub.Session) sessionWire {
	return sessionWire{s.ID, s.UserID, s.UserAgent, s.RemoteIP, s.CreatedAt, s.LastSeenAt, s.ExpiresAt}
}

// endedWire says how many sessions ended.
type endedWire struct {
	Ended int `json:"ended"`
}

type (
	listSessionsInput struct {
		paging
		whoseInput
	}
	whoseInput struct {
		UserID hub.UserID `query:"userId" maxLength:"36" doc:"Another user's; needs the scope admin."`
	}
	sessionInput struct {
		ID hub.SessionID `path:"id"`
	}
)

func (a *API) sessionRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/sessions", id: "listSessions", tag: "access", summary: "List signed-in browsers, newest first",
	}, func(ctx context.Context, who hub.Actor, in *listSessionsInput) (page[sessionWire], error) {
		all, err := a.Control.Sessions(ctx, who, in.UserID)
		if err != nil {
			return page[sessionWire]{}, err
		}
		items, next, err := cutNewest("session", all, in.paging, func(s hub.Session) string { return string(s.ID) })
		return pageOf(items, wireSession, next), err
	})
	register(a, operation{
		method: http.MethodDelete, path: "/api/sessions", id: "deleteSessions", tag: "access", summary: "Sign out everywhere else",
	}, func(ctx context.Context, who hub.Actor, in *whoseInput) (endedWire, error) {
		n, err := a.Control.DeleteSessions(ctx, who, in.UserID)
		return endedWire{n}, err
	})
	register(a, operation{
		method: http.MethodDelete, path: "/api/sessions/{id}", id: "deleteSession", tag: "access", summary: "Sign one browser out",
	}, func(ctx context.Context, who hub.Actor, in *sessionInput) (nothing, error) {
		return nothing{}, a.Control.DeleteSession(ctx, who, in.ID)
	})
}
