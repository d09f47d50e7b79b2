package store

import (
	"context"
	"strings"

	"github.com/nself-chat/hub"
)

const userColumns = `u.id, u.email, u.display_name, u.username, u.avatar_url, u.status, u.metadata, u.created_at, u.updated_at`

// userMeta is what the hub keeps of a user in metadata.
type userMeta struct {
	Kind hub.UserKind `json:"kind"`
	Role hub.Role     `json:"role"`
}

func scanUser(row scanner) (u hub.User, err error) {
	meta := userMeta{Kind: hub.UserHuman, Role: hub.RoleMember}
	err = row.Scan(&u.ID, &u.Email, &u.DisplayName, orEmpty(&u.Username), orEmpty(&u.AvatarURL), &u.Status, asJSON(&meta),
		into(&u.CreatedAt), into(&u.UpdatedAt))
	u.Kind, u.Role = meta.Kind, meta.Role
	return u, err
}

// Users returns at most limit users with an id above after, oldest first.
func (s *Store) Users(ctx context.Context, after hub.UserID, limit int) ([]hub.User, error) {
	return list(ctx, s.readers, scanUser, `SELECT `+userColumns+` FROM nchat_users u
		WHERE u.id > $1 AND u.deleted_at IS NULL ORDER BY u.id LIMIT $2`, from(after), limit)
}

// User returns one user, deleted ones included: their messages still name them.
func (s *Store) User(ctx context.Context, id hub.UserID) (hub.User, error) {
	return one(ctx, s.readers, "user", scanUser, `SELECT `+userColumns+` FROM nchat_users u WHERE u.id = $1`, string(id))
}

// UserByName returns the user with that username.
func (s *Store) UserByName(ctx context.Context, username string) (hub.User, error) {
	return one(ctx, s.readers, "user", scanUser, `SELECT `+userColumns+` FROM nchat_users u WHERE u.username = $1`, username)
}

// CreateUser stores a new user with the events that tell of it. It is a
// Conflict when the username or the address is taken.
func (s *Store) CreateUser(ctx context.Context, u *hub.User, routings ...hub.Routing) error {
	return s.changeRouted(ctx, routings, func(t *tx) error {
		if err := t.createUser(u); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

func (t *tx) createUser(u *hub.User) error {
	if err := t.userIsUnique(u); err != nil {
		return err
	}
	return t.insertUser(u)
}

func (t *tx) insertUser(u *hub.User) error {
	return t.later(`INSERT INTO nchat_users (id, email, display_name, username, avatar_url, status, metadata,
			created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		string(u.ID), u.Email, u.DisplayName, orNull(u.Username), orNull(u.AvatarURL), u.Status,
		asJSON(userMeta{Kind: u.Kind, Role: u.Role}), at(u.CreatedAt), at(u.UpdatedAt))
}

// userIsUnique refuses a username, or an address in any case, that another user
// has.
func (t *tx) userIsUnique(u *hub.User) error {
	var fields hub.FieldErrors
	address := strings.ToLower(u.Email)
	err := each(context.Background(), t, func(row scanner) error {
		var username, email string
		if err := row.Scan(orEmpty(&username), orEmpty(&email)); err != nil {
			return err
		}
		if username == u.Username {
			fields.Add("username", "another user has this username")
		}
		if email == address {
			fields.Add("email", "another user has this address")
		}
		return nil
	}, `SELECT username, lower(email) FROM nchat_users WHERE (username = $2 OR lower(email) = $3) AND id <> $1`,
		string(u.ID), orNull(u.Username), address)
	if err != nil || len(fields) == 0 {
		return err
	}
	return &hub.Error{Code: hub.Conflict, Detail: "There is such a user already.", Fields: fields}
}

// UpdateUser replaces prev, as it was read, by next. Nothing is written and ok
// is false when the user changed meanwhile. It is a Conflict when the username
// or the address is taken, and when no active owner would be left.
func (s *Store) UpdateUser(ctx context.Context, prev, next *hub.User, routings ...hub.Routing) (ok bool, err error) {
	err = s.changeRouted(ctx, routings, func(t *tx) (err error) {
		ok, err = t.updateUser(prev, next)
		if err != nil || !ok {
			return err
		}
		return t.publishAll(routings)
	})
	return ok && err == nil, err
}

func (t *tx) updateUser(prev, next *hub.User) (bool, error) {
	now, err := one(context.Background(), t, "user", scanUser,
		`SELECT `+userColumns+` FROM nchat_users u WHERE u.id = $1`, string(prev.ID))
	if err != nil || !now.UpdatedAt.Equal(prev.UpdatedAt) {
		return false, err
	}
	if err := t.userIsUnique(next); err != nil {
		return false, err
	}
	if isActiveOwner(&now) && !isActiveOwner(next) {
		if err := t.anotherOwner(next.ID); err != nil {
			return false, err
		}
	}
	meta, err := t.userMetadata(next)
	if err != nil {
		return false, err
	}
	var deleted any
	if next.Status == "deleted" {
		deleted = at(next.UpdatedAt)
	}
	err = t.later(`UPDATE nchat_users SET email = $2, display_name = $3, username = $4, avatar_url = $5, status = $6,
			metadata = $7, updated_at = $8, deleted_at = $9 WHERE id = $1`,
		string(next.ID), next.Email, next.DisplayName, orNull(next.Username), orNull(next.AvatarURL), next.Status, meta,
		at(next.UpdatedAt), deleted)
	return err == nil, err
}

func isActiveOwner(u *hub.User) bool { return u.Role == hub.RoleOwner && u.Status == "active" }

// anotherOwner refuses to go on when id is the only active owner.
func (t *tx) anotherOwner(id hub.UserID) error {
	var found bool
	err := each(context.Background(), t, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_users WHERE id <> $1 AND status = 'active' AND metadata ->> 'role' = 'owner')`, string(id))
	if err == nil && !found {
		err = hub.Errorf(hub.Conflict, "The workspace needs an active owner; make somebody else owner first.")
	}
	return err
}

// userMetadata returns the metadata of the stored user with kind and role set;
// other keys stay.
func (t *tx) userMetadata(u *hub.User) (string, error) {
	var meta string
	err := each(context.Background(), t, func(row scanner) error { return row.Scan(orEmpty(&meta)) },
		`SELECT metadata FROM nchat_users WHERE id = $1`, string(u.ID))
	if err != nil {
		return "", err
	}
	return mergeJSON(meta, map[string]any{"kind": u.Kind, "role": u.Role})
}

// mergeJSON sets keys of a JSON object kept as text; "" is an empty object.
func mergeJSON(object string, set map[string]any) (string, error) {
	m := map[string]any{}
	if object != "" {
		if err := decodeColumn([]byte(object), &m); err != nil {
			return "", err
		}
	}
	for k, v := range set {
		if m[k] = v; v == nil {
			delete(m, k)
		}
	}
	return encodeColumn(m)
}
