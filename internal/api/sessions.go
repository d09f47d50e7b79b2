package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
)

// Session is a signed-in browser as it is shown.
type Session struct {
	ID         hub.SessionID `json:"id"`
	UserID     hub.UserID    `json:"userId"`
	UserAgent  string        `json:"userAgent,omitempty" doc:"Of the browser."`
	RemoteIP   string        `json:"remoteIp,omitempty" doc:"The browser's address."`
	CreatedAt  time.Time     `json:"createdAt"`
	LastSeenAt time.Time     `json:"lastSeenAt"`
	ExpiresAt  time.Time     `json:"expiresAt"`
}

func wireSession(s hub.Session) Session {
	return Session{s.ID, s.UserID, s.UserAgent, s.RemoteIP, s.CreatedAt, s.LastSeenAt, s.ExpiresAt}
}

// SessionsEnded says how many sessions ended.
type SessionsEnded struct {
	Ended int `json:"ended" minimum:"0" doc:"How many."`
}

// Whose names the user whose sessions are meant.
type Whose struct {
	UserID hub.UserID `query:"userId" maxLength:"36" doc:"Another user's; needs the scope admin."`
}

type (
	listSessionsInput struct {
		Paging
		Whose
	}
	sessionInput struct {
		ID hub.SessionID `path:"id"`
	}
)

func (a *API) sessionRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/sessions", id: "listSessions", tag: "access", summary: "List signed-in browsers, newest first",
	}, func(ctx context.Context, who hub.Actor, in *listSessionsInput) (page[Session], error) {
		before, err := idCursor[hub.SessionID]("session", in.Cursor)
		if err != nil {
			return page[Session]{}, err
		}
		items, more, err := a.Control.Sessions(ctx, who, in.UserID, before, in.Limit)
		if err != nil {
			return page[Session]{}, err
		}
		return pageOf(items, wireSession, nextOf("session", items, more, func(s hub.Session) string { return string(s.ID) })), nil
	})
	register(a, operation{
		method: http.MethodDelete, path: "/api/sessions", id: "deleteSessions", tag: "access", summary: "Sign out everywhere else",
	}, func(ctx context.Context, who hub.Actor, in *Whose) (SessionsEnded, error) {
		n, err := a.Control.DeleteSessions(ctx, who, in.UserID)
		return SessionsEnded{n}, err
	})
	register(a, operation{
		method: http.MethodDelete, path: "/api/sessions/{id}", id: "deleteSession", tag: "access", summary: "Sign one browser out",
	}, func(ctx context.Context, who hub.Actor, in *sessionInput) (nothing, error) {
		return nothing{}, a.Control.DeleteSession(ctx, who, in.ID)
	})
}
