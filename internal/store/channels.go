package store

import (
	"context"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
)

const channelColumns = `c.id, c.slug, c.description, c.topic, c.type, c.is_default, c.is_archived, coalesce(c.member_count, 0),
	coalesce(c.message_count, 0), c.last_message_at, c.created_by, c.created_at, c.updated_at, c.archived_at`

func scanChannel(row scanner) (c hub.Channel, err error) {
	err = row.Scan(&c.ID, &c.Name, orEmpty(&c.Description), orEmpty(&c.Topic), &c.Type, &c.IsDefault, &c.IsArchived, &c.MemberCount,
		&c.MessageCount, into(&c.LastMessageAt), orEmpty(&c.CreatedBy), into(&c.CreatedAt), into(&c.UpdatedAt), into(&c.ArchivedAt))
	return c, err
}

// visible returns the condition on a channel c that the viewer may see it, as
// the end of a WHERE clause, and args with its parameters added. all admits
// every channel; otherwise public ones and those that viewer is a member of
// ("": public ones only). A list in only restricts further.
func visible(viewer hub.UserID, all bool, only []hub.ChannelID, args []any) (string, []any) {
	var where strings.Builder
	switch {
	case all:
	case viewer == "":
		where.WriteString(` AND c.type = 'public'`)
	default:
		args = append(args, string(viewer))
		where.WriteString(` AND (c.type = 'public' OR EXISTS (SELECT 1 FROM nchat_channel_members x
			WHERE x.channel_id = c.id AND x.user_id = $` + strconv.Itoa(len(args)) + `))`)
	}
	if len(only) > 0 {
		var in string
		in, args = placeholders(only, args)
		where.WriteString(` AND c.id IN (` + in + `)`)
	}
	return where.String(), args
}

// placeholders returns "$n, $n+1, …" for ids, and args with them added.
func placeholders[T ~string](ids []T, args []any) (string, []any) {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		args = append(args, string(id))
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(len(args)))
	}
	return b.String(), args
}

// Channels returns at most limit channels with a name above after, by name.
// The viewer sees what visible says.
func (s *Store) Channels(ctx context.Context, viewer hub.UserID, all bool, only []hub.ChannelID, after string, limit int) (
	[]hub.Channel, error,
) {
	where, args := visible(viewer, all, only, []any{after, limit})
	return list(ctx, s.readers, scanChannel, `SELECT `+channelColumns+` FROM nchat_channels c
		WHERE c.slug > $1`+where+` ORDER BY c.slug LIMIT $2`, args...)
}

// Channel returns one channel.
func (s *Store) Channel(ctx context.Context, id hub.ChannelID) (hub.Channel, error) {
	return channel(ctx, s.readers, id)
}

func channel(ctx context.Context, q querier, id hub.ChannelID) (hub.Channel, error) {
	return one(ctx, q, "channel", scanChannel, `SELECT `+channelColumns+` FROM nchat_channels c WHERE c.id = $1`, string(id))
}

// ChannelByName returns the channel with that name.
func (s *Store) ChannelByName(ctx context.Context, name string) (hub.Channel, error) {
	return one(ctx, s.readers, "channel", scanChannel, `SELECT `+channelColumns+` FROM nchat_channels c WHERE c.slug = $1`, name)
}

// CreateChannel stores a new channel, its creator as its first member, and the
// events that tell of it. It is a Conflict when the name is taken.
func (s *Store) CreateChannel(ctx context.Context, c *hub.Channel, routings ...hub.Routing) error {
	return s.changeRouted(ctx, routings, func(t *tx) error {
		if err := t.nameIsFree(c); err != nil {
			return err
		}
		if err := t.insertChannel(c); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

// insertChannel inserts the channel and, as its owner, the user who made it.
func (t *tx) insertChannel(c *hub.Channel) error {
	workspace, err := setting(context.Background(), t, workspaceKey)
	if err != nil {
		return err
	}
	err = t.later(`INSERT INTO nchat_channels (id, workspace_id, name, slug, description, topic, type, is_default, created_by,
			created_at, updated_at)
		VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $9)`,
		string(c.ID), orNull(workspace), c.Name, orNull(c.Description), orNull(c.Topic), string(c.Type), c.IsDefault,
		orNull(c.CreatedBy), at(c.CreatedAt))
	if err != nil || c.CreatedBy == "" {
		return err
	}
	return t.insertMember(c.ID, c.CreatedBy, hub.RoleOwner, at(c.CreatedAt))
}

func (t *tx) nameIsFree(c *hub.Channel) error {
	var taken bool
	err := each(context.Background(), t, func(row scanner) error { return row.Scan(&taken) },
		`SELECT EXISTS (SELECT 1 FROM nchat_channels WHERE slug = $1 AND id <> $2)`, c.Name, string(c.ID))
	if err != nil || !taken {
		return err
	}
	return &hub.Error{
		Code: hub.Conflict, Detail: "There is such a channel already.",
		Fields: []hub.FieldError{{Field: "name", Detail: "another channel has this name"}},
	}
}

// UpdateChannel replaces name, topic, description and the archived state of
// prev, as it was read, by those of next. Nothing is written and ok is false
// when the channel changed meanwhile. It is a Conflict when the name is taken.
func (s *Store) UpdateChannel(ctx context.Context, prev, next *hub.Channel, routings ...hub.Routing) (ok bool, err error) {
	err = s.changeRouted(ctx, routings, func(t *tx) error {
		ok = false
		now, err := channel(context.Background(), t, prev.ID)
		if err != nil || !now.UpdatedAt.Equal(prev.UpdatedAt) {
			return err
		}
		if err := t.nameIsFree(next); err != nil {
			return err
		}
		err = t.later(`UPDATE nchat_channels SET name = $2, slug = $2, topic = $3, description = $4, is_archived = $5,
				archived_at = $6, updated_at = $7 WHERE id = $1`,
			string(next.ID), next.Name, orNull(next.Topic), orNull(next.Description), next.IsArchived,
			at(next.ArchivedAt), at(next.UpdatedAt))
		if err != nil {
			return err
		}
		ok = true
		return t.publishAll(routings)
	})
	return ok && err == nil, err
}

// DeleteChannel removes the channel and its members; its messages are
// invisible from then on, and ClearChannel deletes them in batches. It refuses
// the default channel and the notices channel. check is asked about the channel
// as it is then, and its error refuses; it may be nil.
func (s *Store) DeleteChannel(ctx context.Context, id hub.ChannelID, check func(*hub.Channel) error, routings ...hub.Routing) error {
	return s.changeRouted(ctx, routings, func(t *tx) error {
		c, err := channel(context.Background(), t, id)
		if err != nil {
			return err
		}
		if err := checked(check, &c); err != nil {
			return err
		}
		notices, err := setting(context.Background(), t, noticesKey)
		if err != nil {
			return err
		}
		if c.IsDefault || string(id) == notices {
			return hub.Errorf(hub.Conflict, "The default channel and the notices channel cannot be deleted.")
		}
		if err := t.later(`DELETE FROM nchat_channel_members WHERE channel_id = $1`, string(id)); err != nil {
			return err
		}
		if err := t.later(`DELETE FROM nchat_channels WHERE id = $1`, string(id)); err != nil {
			return err
		}
		if err := t.setDefault(clearingKey+string(id), string(id)); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

// clearingKey begins the settings that name deleted channels whose messages
// are still being deleted.
const clearingKey = "chat.clearing."

// ClearingChannels returns the deleted channels whose messages ClearChannel
// has not finished with.
func (s *Store) ClearingChannels(ctx context.Context) ([]hub.ChannelID, error) {
	return list(ctx, s.readers, scanChannelID,
		`SELECT value FROM nchat_settings WHERE key >= $1 AND key < $2 ORDER BY key`, clearingKey, clearingKey+"~")
}

// ClearChannel deletes at most limit messages of a deleted channel with ids
// above after, and returns the last one's id, "" when no more are left. scrub
// is as in DeleteMessage.
func (s *Store) ClearChannel(ctx context.Context, id hub.ChannelID, after hub.MessageID, limit int, scrub ScrubFunc) (
	last hub.MessageID, err error,
) {
	err = s.write(ctx, func(t *tx) error {
		last = ""
		heads, err := list(context.Background(), t, scanHead, `SELECT `+headColumns+` FROM nchat_messages m
			WHERE m.channel_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3`, string(id), from(after), limit)
		if err != nil {
			return err
		}
		for i := range heads {
			last = heads[i].id
			if err := t.clearMessage(&heads[i], scrub); err != nil {
				return err
			}
		}
		if len(heads) == limit {
			return nil
		}
		last = ""
		return t.later(`DELETE FROM nchat_settings WHERE key = $1`, clearingKey+string(id))
	})
	return last, err
}

func (t *tx) clearMessage(h *messageHead, scrub ScrubFunc) error {
	if h.deleted {
		return nil
	}
	if err := t.later(`DELETE FROM nchat_threads WHERE id = $1`, string(h.id)); err != nil {
		return err
	}
	return t.softDelete(h, t.now, scrub)
}

func scanChannelID(row scanner) (id hub.ChannelID, err error) {
	err = row.Scan(&id)
	return id, err
}
