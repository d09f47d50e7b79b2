package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/nself-chat/hub"
)

// messageMeta is what the hub keeps of a message in metadata. Absent keys
// stand for: the user as it is now, the hub itself, revision 1.
type messageMeta struct {
	Author   *authorLook     `json:"author,omitempty"`
	Origin   *hub.Origin     `json:"origin,omitempty"`
	Revision int             `json:"revision,omitempty"`
	Document json.RawMessage `json:"document,omitempty"`
}

// authorLook is how one message shows its author.
type authorLook struct {
	Username    string `json:"username,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	AvatarURL   string `json:"avatarUrl,omitempty"`
}

const messageColumns = `m.id, m.channel_id, m.thread_id, m.user_id, u.username, u.display_name, u.avatar_url, u.metadata,
	m.content, m.type, m.metadata, m.embeds, coalesce(m.reply_count, 0), m.is_pinned, m.is_deleted,
	m.created_at, m.edited_at, m.deleted_at`

// A message m whose channel is gone is gone.
const (
	messageJoins  = `JOIN nchat_channels c ON c.id = m.channel_id LEFT JOIN nchat_users u ON u.id = m.user_id`
	messageTables = `nchat_messages m ` + messageJoins
)

// scanMessage makes a message without its files and reactions. A deleted one
// comes without its content.
func scanMessage(row scanner) (m hub.Message, err error) {
	user := userMeta{Kind: hub.UserHuman}
	var meta messageMeta
	a := &m.Author
	err = row.Scan(&m.ID, &m.ChannelID, orEmpty(&m.ThreadID), orEmpty(&a.ID), orEmpty(&a.Username), orEmpty(&a.DisplayName),
		orEmpty(&a.AvatarURL), asJSON(&user), orEmpty(&m.Content), &m.Type, asJSON(&meta), asJSON(&m.Embeds), &m.ReplyCount,
		&m.IsPinned, &m.IsDeleted, into(&m.CreatedAt), into(&m.EditedAt), into(&m.DeletedAt))
	a.Kind = user.Kind
	if look := meta.Author; look != nil {
		a.Username, a.DisplayName, a.AvatarURL = look.Username, look.DisplayName, look.AvatarURL
	}
	m.Origin = hub.Origin{Kind: hub.OriginHub}
	if meta.Origin != nil {
		m.Origin = *meta.Origin
	}
	m.Revision, m.Document = max(meta.Revision, 1), meta.Document
	if m.IsDeleted {
		m.Content, m.Embeds, m.Document = "", nil, nil
	}
	return m, err
}

// metadata returns the metadata of a new message. The look of webhooks and
// remote people is kept with the message: it may be chosen for each.
func metadata(m *hub.Message) (string, error) {
	var meta messageMeta
	if m.Author.Kind == hub.UserWebhook || m.Author.Kind == hub.UserRemote {
		meta.Author = &authorLook{Username: m.Author.Username, DisplayName: m.Author.DisplayName, AvatarURL: m.Author.AvatarURL}
	}
	if (m.Origin != hub.Origin{Kind: hub.OriginHub}) {
		meta.Origin = &m.Origin
	}
	meta.Document = m.Document
	if meta.Author == nil && meta.Origin == nil && meta.Document == nil {
		return "{}", nil
	}
	return encodeColumn(meta)
}

// PostMessage stores a new message with all that belongs to it, in one commit:
// its place in the thread (m.ThreadID is the root; replies is the number of
// replies known to be in the thread, -1 when there is no thread yet), its
// files (those with a Hash were uploaded and are tied to it, those with a URL
// are new), searchable (the text it is found by), the keys that stand for it from
// now on, the call that asked for it, the idempotency key, and the events.
//
// It returns NotFound when the channel, the root or a file does not exist,
// Conflict when the channel is archived, and a RepeatedError when the key was
// used before. ok is false, and nothing written, when the thread is not what
// replies says any more, or a key does not stand for what it is said to.
func (s *Store) PostMessage(ctx context.Context, m *hub.Message, replies int, searchable string, keys []hub.MessageKey,
	once *hub.Idempotency, call *hub.Call, routings ...hub.Routing,
) (ok bool, err error) {
	return s.writeIf(ctx, routings, call, func(t *tx) (bool, error) {
		if ok, err := t.postMessage(m, replies, searchable, once); err != nil || !ok {
			return false, err
		}
		return t.setKeys(keys)
	})
}

// errChanged rolls back a change of what has changed meanwhile.
var errChanged = errors.New("store: it has changed meanwhile")

// writeIf commits a change with the call that asked for it and the events about it, or
// none of them: ok is false, and nothing written, when apply says so.
func (s *Store) writeIf(ctx context.Context, routings []hub.Routing, call *hub.Call, apply func(*tx) (ok bool, err error)) (ok bool, err error) {
	err = s.writeRouted(ctx, routings, func(t *tx) error {
		ok, err := apply(t)
		if err != nil {
			return err
		}
		if !ok {
			return errChanged
		}
		if err := t.insertCall(call); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
	if errors.Is(err, errChanged) {
		return false, nil
	}
	return err == nil, err
}

// PostNotice stores a message of the hub about outgoing webhooks, and marks those
// notices as posted, in one commit; it is a Conflict when another process was quicker
// with one of them.
func (s *Store) PostNotice(ctx context.Context, m *hub.Message, searchable string, about []hub.NoticeRef, routings ...hub.Routing) error {
	return s.writeRouted(ctx, routings, func(t *tx) error {
		if err := t.clearNotices(about); err != nil {
			return err
		}
		if _, err := t.postMessage(m, 0, searchable, nil); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

func (t *tx) postMessage(m *hub.Message, replies int, searchable string, once *hub.Idempotency) (bool, error) {
	if m.ThreadID != "" {
		if same, err := t.threadHas(m, replies); err != nil || !same {
			return false, err
		}
	}
	for i := range m.Files {
		if err := t.fileIsFree(&m.Files[i]); err != nil {
			return false, err
		}
	}
	if err := t.once(once); err != nil {
		return false, err
	}
	created := at(m.CreatedAt).text()
	n, err := t.exec(`UPDATE nchat_channels SET message_count = coalesce(message_count, 0) + 1, last_message_at = $2,
			last_message_id = $3
		WHERE id = $1 AND NOT is_archived`, string(m.ChannelID), created, string(m.ID))
	if err != nil {
		return false, err
	}
	if n == 0 {
		return false, t.whyNotPost(m.ChannelID)
	}
	meta, err := metadata(m)
	if err != nil {
		return false, err
	}
	err = t.later(`INSERT INTO nchat_messages (id, channel_id, user_id, thread_id, parent_message_id, content, type, metadata,
			embeds, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $9)`,
		string(m.ID), string(m.ChannelID), orNull(m.Author.ID), orNull(m.ThreadID), m.Content, string(m.Type), meta,
		embedsColumn(m.Embeds), created)
	if err != nil {
		return false, err
	}
	if err := t.indexNew(m.ID, searchable); err != nil {
		return false, err
	}
	for i := range m.Files {
		if err := t.tieFile(&m.Files[i], m); err != nil {
			return false, err
		}
	}
	if m.ThreadID != "" {
		return true, t.addReply(m)
	}
	return true, nil
}

func embedsColumn(embeds []hub.Embed) any {
	if len(embeds) == 0 {
		return nil
	}
	return asJSON(embeds)
}

// whyNotPost says why a channel did not take a message.
func (t *tx) whyNotPost(id hub.ChannelID) error {
	if err := t.mayPostInto(id); err != nil {
		return err
	}
	return errors.New("store: the channel takes no message for no known reason")
}

// EditMessage replaces content and embeds by those of m, whose Revision is
// the one after the edited, and gives it the added files, which belong to no
// message yet. What was there becomes a Revision by editor. The
// key and the call that asked for it are as in PostMessage. ok is false, and
// nothing written, when the message is not at the revision before m's any more
// or was deleted. Editing in an archived channel is a Conflict.
func (s *Store) EditMessage(ctx context.Context, m *hub.Message, added []hub.Attachment, editor hub.UserID, searchable string,
	once *hub.Idempotency, call *hub.Call, routings ...hub.Routing,
) (ok bool, err error) {
	return s.writeIf(ctx, routings, call, func(t *tx) (bool, error) { return t.editMessage(m, added, editor, searchable, once) })
}

func (t *tx) editMessage(m *hub.Message, added []hub.Attachment, editor hub.UserID, searchable string, once *hub.Idempotency) (bool, error) {
	for i := range added {
		if err := t.fileIsFree(&added[i]); err != nil {
			return false, err
		}
	}
	h, err := t.liveHead(m.ID)
	if err != nil || h == nil || h.revision != m.Revision-1 {
		return false, err
	}
	if err := t.once(once); err != nil {
		return false, err
	}
	edited := at(m.EditedAt).text()
	err = t.later(`INSERT INTO nchat_message_revisions (message_id, number, content, embeds, edited_by, created_at)
		VALUES ($1, $2, (SELECT coalesce(content, '') FROM nchat_messages WHERE id = $1),
			(SELECT embeds FROM nchat_messages WHERE id = $1), $3, $4)`,
		string(m.ID), h.revision, orNull(editor), edited)
	if err != nil {
		return false, err
	}
	changed := map[string]any{"revision": m.Revision, "document": nil}
	if m.Document != nil {
		changed["document"] = m.Document
	}
	meta, err := mergeJSON(h.metadata, changed)
	if err != nil {
		return false, err
	}
	err = t.later(`UPDATE nchat_messages SET content = $2, embeds = $3, metadata = $4, is_edited = TRUE, edited_at = $5,
			updated_at = $5
		WHERE id = $1`, string(m.ID), m.Content, embedsColumn(m.Embeds), meta, edited)
	if err != nil {
		return false, err
	}
	for i := range added {
		if err := t.tieFile(&added[i], m); err != nil {
			return false, err
		}
	}
	return true, t.index(m.ID, searchable)
}

// messageHead is what changes of a message need to know of it.
type messageHead struct {
	id       hub.MessageID
	channel  hub.ChannelID
	thread   hub.MessageID
	metadata string
	revision int
	origin   hub.Origin
	pinned   bool
	deleted  bool
	created  time.Time
}

const headColumns = `m.id, m.channel_id, m.thread_id, m.metadata, m.is_pinned, m.is_deleted, m.created_at`

func scanHead(row scanner) (h messageHead, err error) {
	err = row.Scan(&h.id, &h.channel, orEmpty(&h.thread), orEmpty(&h.metadata), &h.pinned, &h.deleted, into(&h.created))
	if err != nil {
		return h, err
	}
	var meta messageMeta
	if h.metadata != "" {
		err = decodeColumn([]byte(h.metadata), &meta)
	}
	h.revision = max(meta.Revision, 1)
	if meta.Origin != nil {
		h.origin = *meta.Origin
	}
	return h, err
}

// head returns the message, deleted or not, of a channel that exists.
func (t *tx) head(id hub.MessageID) (messageHead, error) {
	return one(context.Background(), t, "message", scanHead, `SELECT `+headColumns+` FROM nchat_messages m
		JOIN nchat_channels c ON c.id = m.channel_id WHERE m.id = $1`, string(id))
}

// liveHead returns the message about to be changed, nil when it is deleted.
// It refuses when its channel is archived.
func (t *tx) liveHead(id hub.MessageID) (*messageHead, error) {
	h, err := t.head(id)
	if err != nil || h.deleted {
		return nil, err
	}
	if err := t.mayPostInto(h.channel); err != nil {
		return nil, err
	}
	return &h, nil
}

// SetPinned pins or unpins a message. ok is false, and nothing written, when
// it is so already or the message is deleted.
func (s *Store) SetPinned(ctx context.Context, id hub.MessageID, pinned bool, routings ...hub.Routing) (ok bool, err error) {
	err = s.writeRouted(ctx, routings, func(t *tx) error {
		ok = false
		h, err := t.liveHead(id)
		if err != nil || h == nil || h.pinned == pinned {
			return err
		}
		err = t.later(`UPDATE nchat_messages SET is_pinned = $2, updated_at = $3 WHERE id = $1`, string(id), pinned, at(t.now))
		if err != nil {
			return err
		}
		ok = true
		return t.publishAll(routings)
	})
	return ok && err == nil, err
}

// ScrubFunc takes the text out of the data of an event. It must return JSON
// of the same shape, fit to be delivered.
type ScrubFunc = func(json.RawMessage) (json.RawMessage, error)

// DeleteMessage marks a message deleted: reads return it without content, and
// search does not find it. The key and the call that asked for it are as in
// PostMessage. ok is false, and nothing written, when it was deleted before.
// With scrub the text is also removed from the database: the
// content, its revisions, the log of the call that posted it, and the data of
// the events so far, which scrub rewrites. The rows of its files are removed
// then; the blobs that no row uses are for the caller to remove (BlobUsed).
// check is asked about the revision that is deleted, and its error refuses; it
// may be nil.
func (s *Store) DeleteMessage(ctx context.Context, id hub.MessageID, check func(revision int) error, deleted time.Time,
	scrub ScrubFunc, once *hub.Idempotency, call *hub.Call, routings ...hub.Routing,
) (ok bool, err error) {
	err = s.writeRouted(ctx, routings, func(t *tx) error {
		ok = false
		h, err := t.head(id)
		if err != nil || h.deleted {
			return err
		}
		if err := checked(check, h.revision); err != nil {
			return err
		}
		if err := t.once(once); err != nil {
			return err
		}
		if err := t.softDelete(&h, deleted, scrub); err != nil {
			return err
		}
		err = t.later(`UPDATE nchat_channels SET message_count = message_count - 1 WHERE id = $1`, string(h.channel))
		if err != nil {
			return err
		}
		if err := t.dropReply(&h); err != nil {
			return err
		}
		if err := t.insertCall(call); err != nil {
			return err
		}
		ok = true
		return t.publishAll(routings)
	})
	return ok && err == nil, err
}

// softDelete marks the message deleted and takes it out of the search.
func (t *tx) softDelete(h *messageHead, deleted time.Time, scrub ScrubFunc) error {
	err := t.later(`UPDATE nchat_messages SET is_deleted = TRUE, is_pinned = FALSE, deleted_at = $2, updated_at = $2 WHERE id = $1`,
		string(h.id), at(deleted))
	if err != nil {
		return err
	}
	if err := t.index(h.id, ""); err != nil || scrub == nil {
		return err
	}
	return t.scrubMessage(h, scrub)
}

// scrubMessage removes the text of a deleted message from the database.
func (t *tx) scrubMessage(h *messageHead, scrub ScrubFunc) error {
	meta, err := mergeJSON(h.metadata, map[string]any{"document": nil})
	if err != nil {
		return err
	}
	err = t.later(`UPDATE nchat_messages SET content = '', content_html = NULL, content_plain = NULL, embeds = NULL,
			mentions = NULL, metadata = $2
		WHERE id = $1`, string(h.id), meta)
	if err != nil {
		return err
	}
	if err := t.later(`DELETE FROM nchat_message_revisions WHERE message_id = $1`, string(h.id)); err != nil {
		return err
	}
	if err := t.dropFiles(h.id); err != nil {
		return err
	}
	if h.origin.Kind == hub.OriginIncoming {
		if err := t.scrubCall(h); err != nil {
			return err
		}
	}
	return t.scrubEvents(hub.MessageOrderKey(h.id), scrub)
}

// callWindow is how far apart a message and the call that posted it can be.
const callWindow = 5 * time.Minute

// scrubCall drops what the calls said that posted the message, or changed it later.
func (t *tx) scrubCall(h *messageHead) error {
	return t.later(`UPDATE nchat_inbox SET body = NULL, answer = NULL, query = NULL WHERE webhook_id = $1 AND id >= $2 AND message_id = $3`,
		h.origin.ID, hub.FirstID(h.created.Add(-callWindow)), string(h.id))
}

// scrubEvents rewrites the data of the events with that order key.
func (t *tx) scrubEvents(key string, scrub ScrubFunc) error {
	type body struct {
		id, data string
	}
	bodies, err := list(context.Background(), t, func(row scanner) (b body, err error) {
		err = row.Scan(&b.id, &b.data)
		return b, err
	},
		`SELECT id, data FROM nchat_events WHERE order_key = $1 ORDER BY seq`, key)
	if err != nil {
		return err
	}
	for _, b := range bodies {
		data, err := scrub(json.RawMessage(b.data))
		if err != nil {
			return err
		}
		if err := t.later(`UPDATE nchat_events SET data = $2 WHERE id = $1`, b.id, string(data)); err != nil {
			return err
		}
	}
	return nil
}

// Message returns one message with its files and reactions.
func (s *Store) Message(ctx context.Context, id hub.MessageID) (hub.Message, error) {
	m, err := one(ctx, s.readers, "message", scanMessage,
		`SELECT `+messageColumns+` FROM `+messageTables+` WHERE m.id = $1`, string(id))
	if err != nil {
		return m, err
	}
	all := []hub.Message{m}
	err = s.complete(ctx, all)
	return all[0], err
}

// PostedBefore returns the message that was posted under an idempotency key
// by the same request, "" when there is none.
func (s *Store) PostedBefore(ctx context.Context, k *hub.Idempotency) (id hub.MessageID, err error) {
	err = each(ctx, s.readers, func(row scanner) error { return row.Scan(orEmpty(&id)) },
		`SELECT response FROM nchat_idempotency WHERE token_id = $1 AND key = $2 AND request_hash = $3 AND status = 0`,
		string(k.TokenID), k.Key, k.RequestHash)
	return id, err
}

// ChannelMessages returns at most limit messages of a channel, newest first:
// those below before ("": the newest), or, when after is set, the ones that
// follow it. topLevel leaves out replies in threads.
func (s *Store) ChannelMessages(ctx context.Context, channel hub.ChannelID, before, after hub.MessageID, topLevel bool,
	limit int,
) ([]hub.Message, error) {
	where := `TRUE`
	if topLevel {
		where = `m.thread_id IS NULL`
	}
	return s.messages(ctx, `m.channel_id`, string(channel), where, before, after, limit)
}

// ThreadMessages returns at most limit replies of a thread, in the manner of
// ChannelMessages. The root is not among them.
func (s *Store) ThreadMessages(ctx context.Context, root, before, after hub.MessageID, limit int) ([]hub.Message, error) {
	return s.messages(ctx, `m.thread_id`, string(root), `TRUE`, before, after, limit)
}

// PinnedMessages returns at most limit pinned messages of a channel below
// before ("": the newest), newest first.
func (s *Store) PinnedMessages(ctx context.Context, channel hub.ChannelID, before hub.MessageID, limit int) (
	[]hub.Message, error,
) {
	return s.messages(ctx, `m.channel_id`, string(channel), `m.is_pinned`, before, "", limit)
}

// messages reads a page of the messages whose column is value and that fulfil
// where, newest first, in three statements whatever its size.
func (s *Store) messages(ctx context.Context, column, value, where string, before, after hub.MessageID, limit int) (
	[]hub.Message, error,
) {
	between, newest, oldest := within(s.onPostgres(), column, "m.id")
	order := newest
	if after != "" {
		order = oldest
	}
	page, err := list(ctx, s.readers, scanMessage, `SELECT `+messageColumns+` FROM (SELECT * FROM nchat_messages m
			WHERE `+between+` AND `+where+` ORDER BY `+order+` LIMIT $4) m `+messageJoins+` ORDER BY `+order,
		value, from(after), upTo(before), limit)
	if err != nil {
		return nil, err
	}
	if after != "" {
		slices.Reverse(page)
	}
	return page, s.complete(ctx, page)
}

// complete adds files and reactions to a page of messages. Deleted ones get none.
func (s *Store) complete(ctx context.Context, page []hub.Message) error {
	byID := make(map[hub.MessageID]*hub.Message, len(page))
	ids := make([]hub.MessageID, 0, len(page))
	for i := range page {
		if !page[i].IsDeleted {
			byID[page[i].ID] = &page[i]
			ids = append(ids, page[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	in, args := placeholders(ids, nil)
	err := each(ctx, s.readers, func(row scanner) error {
		a, err := scanFile(row)
		if m := byID[a.MessageID]; m != nil {
			m.Files = append(m.Files, a)
		}
		return err
	}, `SELECT `+fileColumns+` FROM nchat_attachments a WHERE a.message_id IN (`+in+`) ORDER BY a.id`, args...)
	if err != nil {
		return err
	}
	return s.addReactions(ctx, byID, in, args)
}

// Revisions returns at most limit of what a message said before its edits, with
// numbers above after, oldest first. Nothing is left of a deleted one.
func (s *Store) Revisions(ctx context.Context, id hub.MessageID, after, limit int) ([]hub.Revision, error) {
	return list(ctx, s.readers, func(row scanner) (r hub.Revision, err error) {
		var embeds string
		err = row.Scan(&r.MessageID, &r.Number, &r.Content, orEmpty(&embeds), orEmpty(&r.EditedBy), into(&r.CreatedAt))
		if embeds != "" {
			r.Embeds = json.RawMessage(embeds)
		}
		return r, err
	}, `SELECT r.message_id, r.number, r.content, r.embeds, r.edited_by, r.created_at FROM nchat_message_revisions r
		JOIN nchat_messages m ON m.id = r.message_id WHERE r.message_id = $1 AND r.number > $2 AND NOT m.is_deleted
		ORDER BY r.number LIMIT $3`, string(id), after, limit)
}
