package store

import (
	"context"

	"github.com/nself-chat/hub"
)

// The settings that name what the chat cannot be without.
const (
	workspaceKey = "chat.workspace"
	generalKey   = "chat.general"
	noticesKey   = "chat.notices"
	ownerKey     = "chat.owner"
	botKey       = "chat.bot"
)

// EnsureDefaults creates what the chat cannot be without, unless it is there:
// the workspace, the owner, the hub's own bot, the default channel and the
// notices channel. It replaces the arguments by what is in force, so a second
// call changes nothing, and returns the workspace's id. A channel or user that
// has the name already is taken over.
func (s *Store) EnsureDefaults(ctx context.Context, workspace string, owner, bot *hub.User, general, notices *hub.Channel) (
	inForce string, err error,
) {
	err = s.change(ctx, func(t *tx) (err error) {
		if inForce, err = t.ensure(workspaceKey, workspace); err != nil {
			return err
		}
		if err := t.ensureUser(ownerKey, owner); err != nil {
			return err
		}
		if err := t.ensureUser(botKey, bot); err != nil {
			return err
		}
		general.CreatedBy, notices.CreatedBy = owner.ID, owner.ID
		if err := t.ensureChannel(generalKey, general); err != nil {
			return err
		}
		return t.ensureChannel(noticesKey, notices)
	})
	return inForce, err
}

// ensure returns the setting's value, after setting it when it had none.
func (t *tx) ensure(key, value string) (string, error) {
	known, err := setting(context.Background(), t, key)
	if err != nil || known != "" {
		return known, err
	}
	return value, t.setDefault(key, value)
}

func (t *tx) setDefault(key, value string) error {
	return t.later(`INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, $2, $3)`, key, value, at(t.now))
}

func (t *tx) ensureUser(key string, u *hub.User) error {
	id, err := setting(context.Background(), t, key)
	if err != nil {
		return err
	}
	where, arg := named("u.id", id, "u.username", u.Username)
	known, err := one(context.Background(), t, "user", scanUser, `SELECT `+userColumns+` FROM nchat_users u WHERE `+where, arg)
	if isNotFound(err) {
		if err := t.insertUser(u); err != nil {
			return err
		}
		known, err = *u, nil
	}
	if err != nil {
		return err
	}
	*u = known
	return t.point(key, id, string(u.ID))
}

func (t *tx) ensureChannel(key string, c *hub.Channel) error {
	id, err := setting(context.Background(), t, key)
	if err != nil {
		return err
	}
	where, arg := named("c.id", id, "c.slug", c.Name)
	known, err := one(context.Background(), t, "channel", scanChannel, `SELECT `+channelColumns+` FROM nchat_channels c WHERE `+where, arg)
	if isNotFound(err) {
		if err := t.insertChannel(c); err != nil {
			return err
		}
		known, err = channel(context.Background(), t, c.ID)
	}
	if err != nil {
		return err
	}
	*c = known
	return t.point(key, id, string(c.ID))
}

// named returns the condition to find what has the id, or, as long as there is
// no id, what has the name.
func named(idColumn, id, nameColumn, name string) (where, arg string) {
	if id == "" {
		return nameColumn + " = $1", name
	}
	return idColumn + " = $1", id
}

// point makes the setting name id, when it names something else.
func (t *tx) point(key, was, id string) error {
	if was == id {
		return nil
	}
	return t.later(`INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`, key, id, at(t.now))
}

// Owner returns the user who owns the hub.
func (s *Store) Owner(ctx context.Context) (hub.User, error) {
	id, err := s.Setting(ctx, ownerKey)
	if err != nil {
		return hub.User{}, err
	}
	return s.User(ctx, hub.UserID(id))
}
