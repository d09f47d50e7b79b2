package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

const outgoingColumns = `id, name, url, secret, previous_secret, previous_until, events, channel_ids, filter, headers, header_names,
	timeout_ms, max_retries, retry_delay_ms, retry_schedule, rate_limit, concurrency, ordering, signing, state, health, notice,
	created_by, created_at, updated_at, deleted_at`

func scanOutgoing(row scanner) (hub.OutgoingWebhook, error) {
	var w hub.OutgoingWebhook
	var previousUntil, created, updated, deleted Time
	var timeout, retryDelay int64
	p := &w.Policy
	err := row.Scan(&w.ID, &w.Name, &w.URL, &w.SealedSecret, orEmpty(&w.SealedPrevious), &previousUntil, asJSON(&w.Events),
		asJSON(&w.ChannelIDs), asJSON(&w.Filter), orEmpty(&w.SealedHeaders), asJSON(&w.HeaderNames),
		&timeout, &p.MaxRetries, &retryDelay, &p.Schedule, &p.RateLimit, &p.Concurrency, &p.Ordering, &p.Signing,
		&w.State, asJSON(&w.Health), &w.Notice, orEmpty(&w.CreatedBy), &created, &updated, &deleted)
	p.Timeout = time.Duration(timeout) * time.Millisecond
	p.RetryDelay = time.Duration(retryDelay) * time.Millisecond
	w.PreviousUntil, w.CreatedAt, w.UpdatedAt, w.DeletedAt = previousUntil.Time, created.Time, updated.Time, deleted.Time
	return w, err
}

// OutgoingWebhooks returns all outgoing webhooks that are not deleted, oldest first.
func (s *Store) OutgoingWebhooks(ctx context.Context) ([]hub.OutgoingWebhook, error) {
	return list(ctx, s.readers, scanOutgoing,
		`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE deleted_at IS NULL ORDER BY id`)
}

// OutgoingPage returns at most limit outgoing webhooks that are not deleted with an
// id above after, oldest first.
func (s *Store) OutgoingPage(ctx context.Context, after hub.WebhookID, limit int) ([]hub.OutgoingWebhook, error) {
	return list(ctx, s.readers, scanOutgoing, `SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks
		WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2`, from(after), limit)
}

// OutgoingWebhook returns one outgoing webhook, or NotFound when it does not
// exist or is deleted.
func (s *Store) OutgoingWebhook(ctx context.Context, id hub.WebhookID) (hub.OutgoingWebhook, error) {
	return one(ctx, s.readers, "outgoing webhook", scanOutgoing,
		`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(id))
}

// CreateOutgoingWebhook stores a new webhook and the first revision of its
// subscription. It returns that revision's number.
func (s *Store) CreateOutgoingWebhook(ctx context.Context, w *hub.OutgoingWebhook) (revision int64, err error) {
	err = s.change(ctx, func(t *tx) error {
		p := w.Policy
		err := t.later(`INSERT INTO nchat_outgoing_webhooks (`+outgoingColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, NULL)`,
			string(w.ID), w.Name, w.URL, w.SealedSecret, orNull(w.SealedPrevious), at(w.PreviousUntil), asJSON(nonNil(w.Events)),
			asJSON(nonNil(w.ChannelIDs)), filterColumn(w.Filter), orNull(w.SealedHeaders), asJSON(nonNil(w.HeaderNames)),
			p.Timeout.Milliseconds(), p.MaxRetries, p.RetryDelay.Milliseconds(), p.Schedule, p.RateLimit, p.Concurrency,
			string(p.Ordering), string(p.Signing), string(w.State), asJSON(w.Health), string(w.Notice),
			orNull(w.CreatedBy), at(w.CreatedAt), at(w.UpdatedAt))
		if err != nil {
			return err
		}
		revision, err = t.addRevision(w.Subscription())
		return err
	})
	return revision, err
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func filterColumn(f *hub.Filter) any {
	if f == nil {
		return nil
	}
	return asJSON(f)
}

// UpdateOutgoingWebhook reads the webhook, lets change alter it, and stores
// it with a new revision of its subscription. change may be run more than
// once; its error is returned and nothing stored. Health and Notice are the
// engine's and not written, unless change resets Health to the zero value;
// resuming a paused webhook restarts the count of its failing days.
func (s *Store) UpdateOutgoingWebhook(ctx context.Context, id hub.WebhookID, change func(*hub.OutgoingWebhook) error) (
	w hub.OutgoingWebhook, revision int64, err error,
) {
	err = s.change(ctx, func(t *tx) error {
		w, err = one(ctx, t, "outgoing webhook", scanOutgoing,
			`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(id))
		if err != nil {
			return err
		}
		was := w.State
		if err := change(&w); err != nil {
			return err
		}
		if was == hub.WebhookPaused && w.State == hub.WebhookActive {
			w.Health = w.Health.Resumed()
		}
		w.UpdatedAt = later(w.UpdatedAt, t.now)
		p := w.Policy
		err := t.later(`UPDATE nchat_outgoing_webhooks SET name = $2, url = $3, secret = $4, previous_secret = $5, previous_until = $6,
				events = $7, channel_ids = $8, filter = $9, headers = $10, header_names = $11, timeout_ms = $12, max_retries = $13,
				retry_delay_ms = $14, retry_schedule = $15, rate_limit = $16, concurrency = $17, ordering = $18, signing = $19,
				state = $20, health = $21, updated_at = $22 WHERE id = $1`,
			string(w.ID), w.Name, w.URL, w.SealedSecret, orNull(w.SealedPrevious), at(w.PreviousUntil), asJSON(nonNil(w.Events)),
			asJSON(nonNil(w.ChannelIDs)), filterColumn(w.Filter), orNull(w.SealedHeaders), asJSON(nonNil(w.HeaderNames)),
			p.Timeout.Milliseconds(), p.MaxRetries, p.RetryDelay.Milliseconds(), p.Schedule, p.RateLimit, p.Concurrency,
			string(p.Ordering), string(p.Signing), string(w.State), asJSON(w.Health), at(w.UpdatedAt))
		if err != nil {
			return err
		}
		revision, err = t.addRevision(w.Subscription())
		return err
	})
	return w, revision, err
}

// DeleteOutgoingWebhook marks the webhook deleted and ends its subscription.
// Its deliveries stay; unfinished ones are canceled by the engine. check is asked
// about the webhook as it is then, and its error refuses; it may be nil.
func (s *Store) DeleteOutgoingWebhook(ctx context.Context, id hub.WebhookID, check func(*hub.OutgoingWebhook) error) (
	revision int64, err error,
) {
	err = s.change(ctx, func(t *tx) error {
		w, err := one(ctx, t, "outgoing webhook", scanOutgoing,
			`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE id = $1 AND deleted_at IS NULL`, string(id))
		if err != nil {
			return err
		}
		if err := checked(check, &w); err != nil {
			return err
		}
		err = t.later(`UPDATE nchat_outgoing_webhooks SET deleted_at = $2, state = 'disabled', updated_at = $2 WHERE id = $1`,
			string(id), at(t.now))
		if err != nil {
			return err
		}
		revision, err = t.nextRevision(id, nil)
		return err
	})
	return revision, err
}

// addRevision records what the webhook subscribes to from now on.
func (t *tx) addRevision(sub hub.Subscription) (int64, error) {
	return t.nextRevision(sub.WebhookID, asJSON(sub))
}

func (t *tx) nextRevision(id hub.WebhookID, subscription any) (revision int64, err error) {
	err = t.later(`INSERT INTO nchat_outgoing_webhook_revisions (revision, webhook_id, subscription, created_at)
		VALUES ((SELECT coalesce(max(revision), 0) + 1 FROM nchat_outgoing_webhook_revisions), $1, $2, $3)`,
		string(id), subscription, at(t.now))
	if err != nil {
		return 0, err
	}
	err = each(context.Background(), t, func(row scanner) error { return row.Scan(&revision) },
		`SELECT max(revision) FROM nchat_outgoing_webhook_revisions`)
	t.revision = revision
	return revision, err
}

// Revision returns the number of the newest revision of any subscription.
func (s *Store) Revision(ctx context.Context) (int64, error) { return lastRevision(ctx, s.readers) }

func lastRevision(ctx context.Context, q querier) (revision int64, err error) {
	err = each(ctx, q, func(row scanner) error { return row.Scan(&revision) },
		`SELECT coalesce(max(revision), 0) FROM nchat_outgoing_webhook_revisions`)
	return revision, err
}

// setHealth stores what the outcomes, at most one of a webhook, say about endpoints.
func (t *tx) setHealth(outcomes []*hub.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	healths := make([]string, len(outcomes))
	for i, o := range outcomes {
		var err error
		if healths[i], err = encodeColumn(o.Health); err != nil {
			return err
		}
	}
	if t.bulk != nil {
		return t.later(`UPDATE nchat_outgoing_webhooks w SET health = u.health
			FROM unnest($1::uuid[], $2::timestamptz[], $3::jsonb[]) AS u (id, version, health) WHERE w.id = u.id AND w.updated_at = u.version`,
			uuidArray(outcomes, func(o *hub.Outcome) hub.WebhookID { return o.WebhookID }),
			timeArray(outcomes, func(o *hub.Outcome) time.Time { return o.WebhookVersion }), jsonbArray(healths, itself))
	}
	for i, o := range outcomes {
		err := t.later(`UPDATE nchat_outgoing_webhooks SET health = $3 WHERE id = $1 AND updated_at = $2`,
			string(o.WebhookID), at(o.WebhookVersion), healths[i])
		if err != nil {
			return err
		}
	}
	return nil
}

// setNotice notes what is to be told about an endpoint. A disabling notice disables
// the webhook in the same step. Of a webhook that is disabled there is nothing
// more to tell: what was on its way then may fail, too, and must not replace the
// notice that says so. It comes after setHealth, which knows the version before.
func (t *tx) setNotice(o *hub.Outcome) error {
	id, n := o.WebhookID, o.Notice
	if n == hub.NoticeNone {
		return nil
	}
	if !n.Disabling() {
		return t.later(`UPDATE nchat_outgoing_webhooks SET notice = $2 WHERE id = $1 AND state <> 'disabled'`, string(id), string(n))
	}
	changed, err := t.exec(`UPDATE nchat_outgoing_webhooks SET notice = $3, state = 'disabled', updated_at = $2
		WHERE id = $1 AND state <> 'disabled' AND updated_at = $4`, string(id), at(t.now), string(n), at(o.WebhookVersion))
	if err != nil || changed == 0 {
		return err
	}
	w, err := one(context.Background(), t, "outgoing webhook", scanOutgoing,
		`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE id = $1`, string(id))
	if err != nil {
		return err
	}
	t.copied = true
	_, err = t.addRevision(w.Subscription())
	return err
}

// WebhooksWithNotice returns the webhooks about which a notice is to be posted.
func (s *Store) WebhooksWithNotice(ctx context.Context) ([]hub.OutgoingWebhook, error) {
	return list(ctx, s.readers, scanOutgoing,
		`SELECT `+outgoingColumns+` FROM nchat_outgoing_webhooks WHERE notice <> '' AND deleted_at IS NULL ORDER BY id`)
}

// clearNotices marks notices as posted, in the commit that posts them. It is a
// Conflict when that was done of one already, or another waits instead.
func (t *tx) clearNotices(about []hub.NoticeRef) error {
	if len(about) == 0 {
		return nil
	}
	cleared, err := t.countCleared(about)
	if err == nil && cleared < int64(len(about)) {
		return hub.Errorf(hub.Conflict, "This notice was posted already.")
	}
	return err
}

func (t *tx) countCleared(about []hub.NoticeRef) (cleared int64, err error) {
	if t.bulk != nil {
		return t.exec(`UPDATE nchat_outgoing_webhooks w SET notice = '' FROM unnest($1::uuid[], $2::text[]) AS u (id, notice)
			WHERE w.id = u.id AND w.notice = u.notice`,
			uuidArray(about, func(n hub.NoticeRef) hub.WebhookID { return n.WebhookID }),
			textArray(about, func(n hub.NoticeRef) hub.Notice { return n.Notice }))
	}
	for _, n := range about {
		changed, err := t.exec(`UPDATE nchat_outgoing_webhooks SET notice = '' WHERE id = $1 AND notice = $2`,
			string(n.WebhookID), string(n.Notice))
		if err != nil {
			return 0, err
		}
		cleared += changed
	}
	return cleared, nil
}
