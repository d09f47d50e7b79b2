package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// sessionStore keeps the sessions of browsers.
type sessionStore interface {
	Sessions(ctx context.Context, user hub.UserID) ([]hub.Session, error)
	SessionPage(ctx context.Context, user hub.UserID, before hub.SessionID, limit int) ([]hub.Session, error)
	Session(ctx context.Context, id hub.SessionID) (hub.Session, error)
	DeleteSession(ctx context.Context, id hub.SessionID, user hub.UserID) error
}

// whose returns whose sessions are meant: the actor's own, if own allows it,
// or with the permission another's.
func whose(a hub.Actor, user hub.UserID, own func(hub.Actor) error) (hub.UserID, error) {
	if user == "" || user == a.UserID {
		return a.UserID, own(a)
	}
	return user, allow(a, manageSessions)
}

func mayReadOwn(a hub.Actor) error { return allow(a, ownSessions) }

// mayEndOwn lets everybody who is signed in sign out, guests too. A token that
// only reads must not sign its user out.
func mayEndOwn(a hub.Actor) error {
	if a.TokenID != "" && !a.Can(hub.ScopeWrite) {
		return hub.Errorf(hub.Forbidden, "You need the scope %s to %s.", hub.ScopeWrite, endOwnSessions)
	}
	return allow(a, endOwnSessions)
}

// Sessions returns at most limit sessions of a user (of the actor when user is "")
// with ids below before ("": the newest), newest first, and whether there are more.
func (s *Service) Sessions(ctx context.Context, a hub.Actor, user hub.UserID, before hub.SessionID, limit int) (
	[]hub.Session, bool, error,
) {
	user, err := whose(a, user, mayReadOwn)
	if err != nil {
		return nil, false, err
	}
	all, err := s.Store.SessionPage(ctx, user, before, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}

// DeleteSession signs one browser out.
func (s *Service) DeleteSession(ctx context.Context, a hub.Actor, id hub.SessionID) error {
	user := a.UserID
	if allow(a, manageSessions) == nil {
		user = "" // any
	} else if err := mayEndOwn(a); err != nil {
		return err
	}
	v, err := s.Store.Session(ctx, id)
	if err != nil {
		return err
	}
	if user == "" {
		if err := s.mayEnd(ctx, a, v.UserID); err != nil {
			return err
		}
	}
	err = s.Store.DeleteSession(ctx, id, user)
	s.Access.Invalidate()
	if err != nil {
		return err
	}
	s.audit(ctx, a, "session.delete", string(id),
		map[string]any{"userId": v.UserID, "userAgent": v.UserAgent, "remoteIp": v.RemoteIP, "createdAt": v.CreatedAt}, nil)
	return nil
}

// DeleteSessions signs a user out everywhere (the actor when user is ""),
// except in the session that asks. It returns how many sessions ended.
func (s *Service) DeleteSessions(ctx context.Context, a hub.Actor, user hub.UserID) (int, error) {
	user, err := whose(a, user, mayEndOwn)
	if err != nil {
		return 0, err
	}
	if err := s.mayEnd(ctx, a, user); err != nil {
		return 0, err
	}
	all, err := s.Store.Sessions(ctx, user)
	if err != nil {
		return 0, err
	}
	defer s.Access.Invalidate()
	n := 0
	for i := range all {
		if all[i].ID == a.SessionID {
			continue
		}
		switch err := s.Store.DeleteSession(ctx, all[i].ID, user); {
		case hub.CodeOf(err) == hub.NotFound: // ended by itself meanwhile
		case err != nil:
			return n, err
		default:
			n++
		}
	}
	s.audit(ctx, a, "session.delete_all", string(user), nil, map[string]any{"ended": n})
	return n, nil
}
