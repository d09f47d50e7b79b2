package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// threadState is what a reply needs to know of the message it answers.
type threadState struct {
	root    hub.MessageID
	channel hub.ChannelID
	replies int // -1: no thread yet
	deleted bool
}

func scanThread(row scanner) (s threadState, err error) {
	err = row.Scan(&s.root, &s.channel, &s.replies, &s.deleted)
	return s, err
}

// A reply to a reply belongs to the thread of its root.
const threadQuery = `SELECT coalesce(m.thread_id, m.id), m.channel_id, coalesce(t.message_count, -1), m.is_deleted
	FROM nchat_messages m JOIN nchat_channels c ON c.id = m.channel_id
	LEFT JOIN nchat_threads t ON t.id = coalesce(m.thread_id, m.id) WHERE m.id = $1`

// ThreadOf returns the root of the thread in which a reply to the message
// belongs, its channel, and the number of replies in it so far, -1 when it
// has none yet. A deleted message can be answered only in the thread it has.
func (s *Store) ThreadOf(ctx context.Context, id hub.MessageID) (root hub.MessageID, in hub.ChannelID, replies int, err error) {
	state, err := one(ctx, s.readers, "message", scanThread, threadQuery, string(id))
	if err == nil && state.deleted && state.replies < 0 {
		err = hub.Errorf(hub.NotFound, "There is no such message.")
	}
	return state.root, state.channel, state.replies, err
}

// threadHas reports whether the thread that m replies in is as it was read.
func (t *tx) threadHas(m *hub.Message, replies int) (bool, error) {
	state, err := one(context.Background(), t, "message", scanThread, threadQuery, string(m.ThreadID))
	if err != nil {
		return false, err
	}
	same := state.root == m.ThreadID && state.channel == m.ChannelID && state.replies == replies
	return same && !(state.deleted && replies < 0), nil
}

// addReply counts a reply, and makes the thread with the first.
func (t *tx) addReply(m *hub.Message) error {
	created := at(m.CreatedAt).text()
	err := t.later(`INSERT INTO nchat_threads (id, channel_id, root_message_id, message_count, last_message_at, created_by,
			created_at, updated_at)
		VALUES ($1, $2, $1, 1, $3, $4, $3, $3)
		ON CONFLICT (id) DO UPDATE SET message_count = nchat_threads.message_count + 1, last_message_at = excluded.last_message_at,
			updated_at = excluded.updated_at`, string(m.ThreadID), string(m.ChannelID), created, orNull(m.Author.ID))
	if err != nil {
		return err
	}
	return t.later(`UPDATE nchat_messages SET reply_count = coalesce(reply_count, 0) + 1 WHERE id = $1`, string(m.ThreadID))
}

// dropReply takes a deleted reply out of its thread's count.
func (t *tx) dropReply(h *messageHead) error {
	if h.thread == "" {
		return nil
	}
	err := t.later(`UPDATE nchat_threads SET message_count = message_count - 1, updated_at = $2 WHERE id = $1`,
		string(h.thread), at(t.now))
	if err != nil {
		return err
	}
	return t.later(`UPDATE nchat_messages SET reply_count = reply_count - 1 WHERE id = $1`, string(h.thread))
}
