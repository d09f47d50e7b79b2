package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// Sessions of browsers, and the one-time links that begin them.

const sessionColumns = `s.id, s.user_id, s.session_hash, s.user_agent, s.remote_ip, s.created_at, s.last_seen_at, s.expires_at`

// sessionFields are the destinations of sessionColumns.
func sessionFields(v *hub.Session) []any {
	return []any{
		&v.ID, &v.UserID, &v.Hash, orEmpty(&v.UserAgent), orEmpty(&v.RemoteIP),
		into(&v.CreatedAt), into(&v.LastSeenAt), into(&v.ExpiresAt),
	}
}

func scanSession(row scanner) (hub.Session, error) {
	var v hub.Session
	err := row.Scan(sessionFields(&v)...)
	return v, err
}

// CreateSession stores a new session, and forgets the expired ones of its
// user. It returns NotFound when the user does not exist or is not active.
func (s *Store) CreateSession(ctx context.Context, v hub.Session) error {
	return s.change(ctx, func(t *tx) error {
		if _, err := t.activeUser(v.UserID); err != nil {
			return err
		}
		return t.createSession(v)
	})
}

func (t *tx) createSession(v hub.Session) error {
	err := t.later(`DELETE FROM nchat_sessions WHERE user_id = $1 AND expires_at <= $2`, string(v.UserID), at(v.CreatedAt))
	if err != nil {
		return err
	}
	return t.later(`INSERT INTO nchat_sessions (id, user_id, session_hash, user_agent, remote_ip, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(v.ID), string(v.UserID), v.Hash, orNull(v.UserAgent), orNull(v.RemoteIP), at(v.CreatedAt), at(v.LastSeenAt), at(v.ExpiresAt))
}

// SessionByHash returns the session with that hash, expired or not, and its
// user, active or not. NotFound when there is none.
func (s *Store) SessionByHash(ctx context.Context, hash string) (hub.Session, hub.User, error) {
	var i identity
	v, err := one(ctx, s.readers, "session", func(row scanner) (hub.Session, error) {
		var v hub.Session
		err := row.Scan(append(sessionFields(&v), i.fields()...)...)
		return v, err
	}, `SELECT `+sessionColumns+`, `+userColumns+` FROM nchat_sessions s JOIN nchat_users u ON u.id = s.user_id
		WHERE s.session_hash = $1`, hash)
	return v, i.user(), err
}

// Sessions returns the user's sessions that have not expired, newest first.
func (s *Store) Sessions(ctx context.Context, user hub.UserID) ([]hub.Session, error) {
	return list(ctx, s.readers, scanSession,
		`SELECT `+sessionColumns+` FROM nchat_sessions s WHERE s.user_id = $1 AND s.expires_at > $2 ORDER BY s.id DESC`,
		string(user), at(s.Now()))
}

// SessionPage returns at most limit of the user's sessions that have not expired with
// an id below before ("": the newest), newest first.
func (s *Store) SessionPage(ctx context.Context, user hub.UserID, before hub.SessionID, limit int) ([]hub.Session, error) {
	return list(ctx, s.readers, scanSession, `SELECT `+sessionColumns+` FROM nchat_sessions s
		WHERE s.user_id = $1 AND s.id < $2 AND s.expires_at > $3 ORDER BY s.id DESC LIMIT $4`,
		string(user), upTo(before), at(s.Now()), limit)
}

// Session returns one session, expired or not.
func (s *Store) Session(ctx context.Context, id hub.SessionID) (hub.Session, error) {
	return one(ctx, s.readers, "session", scanSession, `SELECT `+sessionColumns+` FROM nchat_sessions s WHERE s.id = $1`, string(id))
}

// TouchSessions records when sessions were last seen, and lets each expire
// keep after that. Times never go back; sessions that have ended meanwhile
// stay ended.
func (s *Store) TouchSessions(ctx context.Context, seen map[hub.SessionID]time.Time, keep time.Duration) error {
	return s.write(ctx, func(t *tx) error {
		for id, when := range seen {
			err := t.later(`UPDATE nchat_sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1 AND last_seen_at < $2`,
				string(id), at(when), at(when.Add(keep)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteSession ends a session, or returns NotFound. A user other than ""
// limits it to that user's sessions.
func (s *Store) DeleteSession(ctx context.Context, id hub.SessionID, user hub.UserID) error {
	return s.change(ctx, func(t *tx) error {
		query, args := `DELETE FROM nchat_sessions WHERE id = $1`, []any{string(id)}
		if user != "" {
			query, args = query+` AND user_id = $2`, append(args, string(user))
		}
		n, err := t.exec(query, args...)
		if err == nil && n == 0 {
			err = hub.Errorf(hub.NotFound, "There is no such session.")
		}
		return err
	})
}

// CreateLoginLink stores a one-time sign-in link for the user, and forgets
// the links that have expired. It returns NotFound when the user does not
// exist or is not active.
func (s *Store) CreateLoginLink(ctx context.Context, codeHash string, user hub.UserID, expires time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.activeUser(user); err != nil {
			return err
		}
		if err := t.later(`DELETE FROM nchat_login_links WHERE expires_at <= $1`, at(t.now)); err != nil {
			return err
		}
		return t.later(`INSERT INTO nchat_login_links (code_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			codeHash, string(user), at(t.now), at(expires))
	})
}

// UseLoginLink spends a one-time link and begins the session v for its user,
// in one commit: of several callers exactly one gets the session. v.UserID is
// set here. It returns NotFound for a link that is unknown, spent or expired,
// or whose user is not active any more.
func (s *Store) UseLoginLink(ctx context.Context, codeHash string, v hub.Session) (hub.Session, hub.User, error) {
	var user hub.User
	err := s.change(ctx, func(t *tx) error {
		id, err := one(context.Background(), t, "sign-in link", func(row scanner) (id hub.UserID, err error) {
			err = row.Scan(&id)
			return id, err
		}, `SELECT user_id FROM nchat_login_links WHERE code_hash = $1 AND expires_at > $2`, codeHash, at(t.now))
		if err != nil {
			return err
		}
		if user, err = t.activeUser(id); err != nil {
			return err
		}
		n, err := t.exec(`DELETE FROM nchat_login_links WHERE code_hash = $1`, codeHash)
		if err != nil {
			return err
		}
		if n == 0 {
			return hub.Errorf(hub.NotFound, "There is no such sign-in link.")
		}
		v.UserID = id
		return t.createSession(v)
	})
	return v, user, err
}

// PruneSessions forgets sessions and sign-in links that have expired.
func (s *Store) PruneSessions(ctx context.Context) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.later(`DELETE FROM nchat_sessions WHERE expires_at < $1`, at(t.now)); err != nil {
			return err
		}
		return t.later(`DELETE FROM nchat_login_links WHERE expires_at < $1`, at(t.now))
	})
}
