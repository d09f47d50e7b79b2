package store

import (
	"context"

	"github.com/nself-chat/hub"
)

const incomingColumns = `id, name, channel_id, user_id, username, avatar_url, enabled, token_hash, previous_hash, previous_until,
	hmac_secret, allow_ips, expires_at, rate_limit, allow_mentions, last_used_at, call_count, refused_count,
	created_by, created_at, updated_at, deleted_at, key_template, field_map`

func scanIncoming(row scanner) (w hub.IncomingWebhook, err error) {
	err = row.Scan(&w.ID, &w.Name, &w.ChannelID, &w.UserID, orEmpty(&w.Username), orEmpty(&w.AvatarURL), &w.Enabled,
		&w.TokenHash, orEmpty(&w.PreviousHash), into(&w.PreviousUntil), orEmpty(&w.SealedHMAC), asJSON(&w.AllowIPs),
		into(&w.ExpiresAt), &w.RateLimit, &w.AllowMentions, into(&w.LastUsedAt), &w.CallCount, &w.RefusedCount,
		orEmpty(&w.CreatedBy), into(&w.CreatedAt), into(&w.UpdatedAt), into(&w.DeletedAt), orEmpty(&w.KeyTemplate),
		orEmpty(&w.FieldMap))
	return w, err
}

// IncomingWebhooks returns all incoming webhooks that are not deleted, oldest first.
func (s *Store) IncomingWebhooks(ctx context.Context) ([]hub.IncomingWebhook, error) {
	return list(ctx, s.readers, scanIncoming,
		`SELECT `+incomingColumns+` FROM nchat_incoming_webhooks WHERE deleted_at IS NULL ORDER BY id`)
}

// IncomingPage returns at most limit incoming webhooks that are not deleted with an
// id above after, oldest first.
func (s *Store) IncomingPage(ctx context.Context, after hub.IncomingID, limit int) ([]hub.IncomingWebhook, error) {
	return list(ctx, s.readers, scanIncoming, `SELECT `+incomingColumns+` FROM nchat_incoming_webhooks
		WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2`, from(after), limit)
}

// IncomingWebhook returns one incoming webhook, or NotFound when it does not
// exist or is deleted.
func (s *Store) IncomingWebhook(ctx context.Context, id hub.IncomingID) (hub.IncomingWebhook, error) {
	return one(ctx, s.readers, "incoming webhook", scanIncoming,
		`SELECT `+incomingColumns+` FROM nchat_incoming_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(id))
}

// FindIncoming returns the webhook in force whose token has the hash: the
// present token, or the one before the last rotation until the overlap ends.
// It is NotFound for unknown tokens and equally for disabled, expired and
// deleted webhooks: the conditions are in the statement, so that these take
// no longer to refuse than a token that never existed.
func (s *Store) FindIncoming(ctx context.Context, hash string) (hub.IncomingWebhook, error) {
	return one(ctx, s.readers, "incoming webhook", scanIncoming, `SELECT `+incomingColumns+` FROM nchat_incoming_webhooks
		WHERE (token_hash = $1 OR (previous_hash = $1 AND previous_until > $2))
			AND enabled AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`, hash, at(s.Now()))
}

// IncomingByHash returns the webhook whose present or previous token has the
// hash, whatever its state, deleted ones included: it says whose a refused
// call was.
func (s *Store) IncomingByHash(ctx context.Context, hash string) (hub.IncomingWebhook, error) {
	return one(ctx, s.readers, "incoming webhook", scanIncoming, `SELECT `+incomingColumns+` FROM nchat_incoming_webhooks
		WHERE token_hash = $1 OR previous_hash = $1`, hash)
}

// CreateIncomingWebhook stores a new webhook, and in the same commit the user u
// whom its messages are by, unless nil, with the events that tell of it. The
// channel must exist (NotFound) and not be archived (Conflict), and the user's
// name must be free (Conflict).
func (s *Store) CreateIncomingWebhook(ctx context.Context, w *hub.IncomingWebhook, u *hub.User, routings ...hub.Routing) error {
	return s.changeRouted(ctx, routings, func(t *tx) error {
		if err := t.mayPostInto(w.ChannelID); err != nil {
			return err
		}
		if u != nil {
			if err := t.createUser(u); err != nil {
				return err
			}
		}
		err := t.later(`INSERT INTO nchat_incoming_webhooks (`+incomingColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, NULL, 0, 0, $16, $17, $18, NULL, $19, $20)`,
			string(w.ID), w.Name, string(w.ChannelID), string(w.UserID), orNull(w.Username), orNull(w.AvatarURL), w.Enabled,
			w.TokenHash, orNull(w.PreviousHash), at(w.PreviousUntil), orNull(w.SealedHMAC), asJSON(nonNil(w.AllowIPs)), at(w.ExpiresAt),
			w.RateLimit, w.AllowMentions, orNull(w.CreatedBy), at(w.CreatedAt), at(w.UpdatedAt), orNull(w.KeyTemplate), orNull(w.FieldMap))
		if err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

// mayPostInto refuses channels that do not exist or are archived.
func (t *tx) mayPostInto(id hub.ChannelID) error {
	archived, err := one(context.Background(), t, "channel", func(row scanner) (archived bool, err error) {
		err = row.Scan(&archived)
		return archived, err
	}, `SELECT is_archived FROM nchat_channels WHERE id = $1`, string(id))
	if err == nil && archived {
		err = hub.Errorf(hub.Conflict, "The channel is archived; nothing can be posted into it.")
	}
	return err
}

// UpdateIncomingWebhook reads the webhook, lets change alter it, and stores
// it. change may be run more than once; its error is returned and nothing
// stored. The counters and LastUsedAt are not written. A webhook may move only
// into a channel that exists (NotFound) and is not archived (Conflict).
func (s *Store) UpdateIncomingWebhook(ctx context.Context, id hub.IncomingID, change func(*hub.IncomingWebhook) error) (
	w hub.IncomingWebhook, err error,
) {
	err = s.change(ctx, func(t *tx) (err error) {
		w, err = one(ctx, t, "incoming webhook", scanIncoming,
			`SELECT `+incomingColumns+` FROM nchat_incoming_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(id))
		if err != nil {
			return err
		}
		channel := w.ChannelID
		if err := change(&w); err != nil {
			return err
		}
		if w.ChannelID != channel {
			if err := t.mayPostInto(w.ChannelID); err != nil {
				return err
			}
		}
		w.UpdatedAt = later(w.UpdatedAt, t.now)
		return t.later(`UPDATE nchat_incoming_webhooks SET name = $2, channel_id = $3, user_id = $4, username = $5, avatar_url = $6,
				enabled = $7, token_hash = $8, previous_hash = $9, previous_until = $10, hmac_secret = $11, allow_ips = $12,
				expires_at = $13, rate_limit = $14, allow_mentions = $15, updated_at = $16, key_template = $17, field_map = $18 WHERE id = $1`,
			string(id), w.Name, string(w.ChannelID), string(w.UserID), orNull(w.Username), orNull(w.AvatarURL), w.Enabled,
			w.TokenHash, orNull(w.PreviousHash), at(w.PreviousUntil), orNull(w.SealedHMAC), asJSON(nonNil(w.AllowIPs)),
			at(w.ExpiresAt), w.RateLimit, w.AllowMentions, at(w.UpdatedAt), orNull(w.KeyTemplate), orNull(w.FieldMap))
	})
	return w, err
}

// DeleteIncomingWebhook marks the webhook deleted: its token is refused from
// now on, its messages and its log stay. check is asked about the webhook as it
// is then, and its error refuses; it may be nil.
func (s *Store) DeleteIncomingWebhook(ctx context.Context, id hub.IncomingID, check func(*hub.IncomingWebhook) error) error {
	return s.change(ctx, func(t *tx) error {
		w, err := one(ctx, t, "incoming webhook", scanIncoming,
			`SELECT `+incomingColumns+` FROM nchat_incoming_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(id))
		if err != nil {
			return err
		}
		if err := checked(check, &w); err != nil {
			return err
		}
		return t.later(`UPDATE nchat_incoming_webhooks SET deleted_at = $2, enabled = FALSE, updated_at = $2 WHERE id = $1`,
			string(id), at(t.now))
	})
}
