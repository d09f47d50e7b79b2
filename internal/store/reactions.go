package store

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// AddReaction sets a user's emoji on a message. ok is false, and nothing
// written, when it is set already or the message is deleted.
func (s *Store) AddReaction(ctx context.Context, id hub.MessageID, user hub.UserID, emoji string, set time.Time,
	routings ...hub.Routing,
) (ok bool, err error) {
	return s.react(ctx, id, routings, func(t *tx) (int64, error) {
		if err := t.mayAddEmoji(id, emoji); err != nil {
			return 0, err
		}
		return t.exec(`INSERT INTO nchat_reactions (id, message_id, user_id, emoji, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (message_id, emoji, user_id) DO NOTHING`,
			pairID(string(id), string(user), emoji), string(id), string(user), emoji, at(set))
	})
}

// maxEmoji is how many different emoji a message may carry: every reading of it
// loads them all.
const maxEmoji = 50

// mayAddEmoji refuses an emoji that the message does not carry yet when it
// carries enough.
func (t *tx) mayAddEmoji(id hub.MessageID, emoji string) error {
	var others int
	var present bool
	err := each(context.Background(), t, func(row scanner) error { return row.Scan(&others, &present) },
		`SELECT count(DISTINCT emoji), EXISTS (SELECT 1 FROM nchat_reactions WHERE message_id = $1 AND emoji = $2)
			FROM nchat_reactions WHERE message_id = $1`, string(id), emoji)
	if err == nil && !present && others >= maxEmoji {
		return hub.Errorf(hub.Conflict, "A message carries at most %d different reactions.", maxEmoji)
	}
	return err
}

// RemoveReaction takes a user's emoji off a message. ok is false, and nothing
// written, when it is not set or the message is deleted.
func (s *Store) RemoveReaction(ctx context.Context, id hub.MessageID, user hub.UserID, emoji string, routings ...hub.Routing) (
	ok bool, err error,
) {
	return s.react(ctx, id, routings, func(t *tx) (int64, error) {
		n, err := t.exec(`DELETE FROM nchat_reactions WHERE message_id = $1 AND user_id = $2 AND emoji = $3`,
			string(id), string(user), emoji)
		return -n, err
	})
}

// react runs change on the reactions of a live message; change returns by how
// many their number grew.
func (s *Store) react(ctx context.Context, id hub.MessageID, routings []hub.Routing, change func(*tx) (int64, error)) (
	ok bool, err error,
) {
	err = s.writeRouted(ctx, routings, func(t *tx) error {
		ok = false
		h, err := t.liveHead(id)
		if err != nil || h == nil {
			return err
		}
		grown, err := change(t)
		if err != nil || grown == 0 {
			return err
		}
		err = t.later(`UPDATE nchat_messages SET reaction_count = coalesce(reaction_count, 0) + $2 WHERE id = $1`, string(id), grown)
		if err != nil {
			return err
		}
		ok = true
		return t.publishAll(routings)
	})
	return ok && err == nil, err
}

// HasReaction reports whether the user's emoji is set on the message.
func (s *Store) HasReaction(ctx context.Context, id hub.MessageID, user hub.UserID, emoji string) (found bool, err error) {
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_reactions WHERE message_id = $1 AND emoji = $2 AND user_id = $3)`,
		string(id), emoji, string(user))
	return found, err
}

// addReactions groups the reactions of the messages by emoji, in the order in
// which each emoji first appeared.
func (s *Store) addReactions(ctx context.Context, byID map[hub.MessageID]*hub.Message, in string, args []any) error {
	return each(ctx, s.readers, func(row scanner) error {
		var id hub.MessageID
		var user hub.UserID
		var emoji string
		if err := row.Scan(&id, &emoji, &user); err != nil {
			return err
		}
		if m := byID[id]; m != nil {
			addReaction(m, emoji, user)
		}
		return nil
	}, `SELECT message_id, emoji, user_id FROM nchat_reactions WHERE message_id IN (`+in+`) ORDER BY created_at, id`, args...)
}

func addReaction(m *hub.Message, emoji string, user hub.UserID) {
	for i := range m.Reactions {
		if r := &m.Reactions[i]; r.Emoji == emoji {
			r.Count++
			r.UserIDs = append(r.UserIDs, user)
			return
		}
	}
	m.Reactions = append(m.Reactions, hub.Reaction{Emoji: emoji, Count: 1, UserIDs: []hub.UserID{user}})
}
