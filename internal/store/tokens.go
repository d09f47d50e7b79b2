package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

const tokenColumns = `t.id, t.name, t.user_id, t.scope, t.channel_ids, t.token_hash, t.created_at, t.last_used_at, t.expires_at`

func scanToken(row scanner) (hub.APIToken, error) {
	var k hub.APIToken
	err := row.Scan(tokenFields(&k)...)
	return k, err
}

// tokenFields are the destinations of tokenColumns.
func tokenFields(k *hub.APIToken) []any {
	return []any{
		&k.ID, &k.Name, &k.UserID, &k.Scope, asJSON(&k.Channels), &k.Hash,
		into(&k.CreatedAt), into(&k.LastUsedAt), into(&k.ExpiresAt),
	}
}

// timeField scans a stored time into a time.Time field; NULL is the zero time.
type timeField struct{ p *time.Time }

// into wraps a pointer for a scan.
func into(p *time.Time) timeField { return timeField{p} }

// Scan implements sql.Scanner.
func (f timeField) Scan(src any) error {
	var t Time
	err := t.Scan(src)
	*f.p = t.Time
	return err
}

// identity is the user behind a credential, read in the same query.
type identity struct {
	u    hub.User
	meta userMeta
}

// fields are the destinations of userColumns.
func (i *identity) fields() []any {
	i.meta = userMeta{Kind: hub.UserHuman, Role: hub.RoleMember}
	return []any{
		&i.u.ID, &i.u.Email, &i.u.DisplayName, orEmpty(&i.u.Username), orEmpty(&i.u.AvatarURL), &i.u.Status, asJSON(&i.meta),
		into(&i.u.CreatedAt), into(&i.u.UpdatedAt),
	}
}

func (i *identity) user() hub.User {
	i.u.Kind, i.u.Role = i.meta.Kind, i.meta.Role
	return i.u
}

// CreateToken stores a new API token, once per key when one is given. It
// returns NotFound when its user does not exist or is not active.
func (s *Store) CreateToken(ctx context.Context, once *hub.Idempotency, k hub.APIToken) error {
	return s.change(ctx, func(t *tx) error {
		if err := t.once(once); err != nil {
			return err
		}
		if _, err := t.activeUser(k.UserID); err != nil {
			return err
		}
		return t.later(`INSERT INTO nchat_api_tokens (id, name, user_id, scope, channel_ids, token_hash, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			string(k.ID), k.Name, string(k.UserID), string(k.Scope), asJSON(nonNil(k.Channels)), k.Hash, at(k.CreatedAt), at(k.ExpiresAt))
	})
}

// activeUser returns who is behind a credential about to be made, NotFound
// when there is no such user or the account is not active.
func (t *tx) activeUser(id hub.UserID) (hub.User, error) {
	return one(context.Background(), t, "active user", scanUser,
		`SELECT `+userColumns+` FROM nchat_users u WHERE u.id = $1 AND u.status = 'active'`, string(id))
}

// TokenByHash returns the API token with that hash, expired or not, and its
// user, active or not. NotFound when there is none.
func (s *Store) TokenByHash(ctx context.Context, hash string) (hub.APIToken, hub.User, error) {
	var i identity
	k, err := one(ctx, s.readers, "API token", func(row scanner) (hub.APIToken, error) {
		var k hub.APIToken
		err := row.Scan(append(tokenFields(&k), i.fields()...)...)
		return k, err
	}, `SELECT `+tokenColumns+`, `+userColumns+` FROM nchat_api_tokens t JOIN nchat_users u ON u.id = t.user_id
		WHERE t.token_hash = $1`, hash)
	return k, i.user(), err
}

// Tokens returns all API tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]hub.APIToken, error) {
	return list(ctx, s.readers, scanToken, `SELECT `+tokenColumns+` FROM nchat_api_tokens t ORDER BY t.id`)
}

// TokenPage returns at most limit API tokens with an id above after, oldest first.
func (s *Store) TokenPage(ctx context.Context, after hub.TokenID, limit int) ([]hub.APIToken, error) {
	return list(ctx, s.readers, scanToken, `SELECT `+tokenColumns+` FROM nchat_api_tokens t WHERE t.id > $1 ORDER BY t.id LIMIT $2`,
		from(after), limit)
}

// Token returns one API token, or NotFound.
func (s *Store) Token(ctx context.Context, id hub.TokenID) (hub.APIToken, error) {
	return one(ctx, s.readers, "API token", scanToken, `SELECT `+tokenColumns+` FROM nchat_api_tokens t WHERE t.id = $1`, string(id))
}

// DeleteToken removes an API token, or returns NotFound.
func (s *Store) DeleteToken(ctx context.Context, id hub.TokenID) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.exec(`DELETE FROM nchat_api_tokens WHERE id = $1`, string(id))
		if err == nil && n == 0 {
			err = hub.Errorf(hub.NotFound, "There is no such API token.")
		}
		return err
	})
}

// TouchTokens records when tokens were last used. Times never go back, and
// tokens deleted meanwhile are passed over.
func (s *Store) TouchTokens(ctx context.Context, used map[hub.TokenID]time.Time) error {
	return s.write(ctx, func(t *tx) error {
		for id, when := range used {
			err := t.later(`UPDATE nchat_api_tokens SET last_used_at = $2
				WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`, string(id), at(when))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
