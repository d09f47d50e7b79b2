package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// Keyed returns the message that a key of an incoming webhook stands for, deleted
// or not; "" for none.
func (s *Store) Keyed(ctx context.Context, webhook hub.IncomingID, key string) (id hub.MessageID, err error) {
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&id) },
		`SELECT message_id FROM nchat_incoming_keys WHERE webhook_id = $1 AND key = $2`, string(webhook), key)
	return id, err
}

// setKeys lets keys stand for messages. ok is false, and nothing written, when one
// of them does not stand for what it is said to any more.
func (t *tx) setKeys(keys []hub.MessageKey) (ok bool, err error) {
	for _, k := range keys {
		var was hub.MessageID
		err := each(context.Background(), t, func(row scanner) error { return row.Scan(&was) },
			`SELECT message_id FROM nchat_incoming_keys WHERE webhook_id = $1 AND key = $2`, string(k.IncomingID), k.Key)
		if err != nil || was != k.Was {
			return false, err
		}
	}
	for _, k := range keys {
		err := t.later(`INSERT INTO nchat_incoming_keys (webhook_id, key, message_id, used_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (webhook_id, key) DO UPDATE SET message_id = excluded.message_id, used_at = excluded.used_at`,
			string(k.IncomingID), k.Key, string(k.MessageID), at(t.now))
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// SupersedeMessage changes a message as EditMessage does, adds files to it, and posts
// what it said before as a reply in its thread, as PostMessage does, in one commit. ok
// is false, and nothing written, when message or thread are not as c says any more, or
// the key does not stand for the message.
func (s *Store) SupersedeMessage(ctx context.Context, c *hub.Supersession, once *hub.Idempotency, call *hub.Call,
	routings ...hub.Routing,
) (ok bool, err error) {
	return s.writeIf(ctx, routings, call, func(t *tx) (bool, error) { return t.supersede(c, once) })
}

func (t *tx) supersede(c *hub.Supersession, once *hub.Idempotency) (ok bool, err error) {
	if ok, err = t.setKeys([]hub.MessageKey{c.Key}); err != nil || !ok {
		return false, err
	}
	if ok, err = t.editMessage(c.Message, c.Added, c.Message.Author.ID, c.Searchable, once); err != nil || !ok {
		return false, err
	}
	return t.postMessage(c.Former, c.Replies, c.FormerSearchable, nil)
}

// PruneKeys forgets at most limit keys that nobody has used since a time, and
// returns how many it forgot.
func (s *Store) PruneKeys(ctx context.Context, before time.Time, limit int) (forgotten int64, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		forgotten, err = t.exec(`DELETE FROM nchat_incoming_keys WHERE (webhook_id, key) IN
			(SELECT webhook_id, key FROM nchat_incoming_keys WHERE used_at < $1 ORDER BY used_at LIMIT $2)`, at(before), limit)
		return err
	})
	return forgotten, err
}
