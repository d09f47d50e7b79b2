package control

import (
	"context"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// UserChange is what is to change of a user.
type UserChange struct {
	Username    Change[string]
	DisplayName Change[string] // null: the username
	AvatarURL   Change[string]
	Role        Change[hub.Role] // null: member
	Status      Change[string]   // null: active
}

// shutsOut reports whether the change takes a user's access away, which must be
// possible at any time.
func (c *UserChange) shutsOut() bool {
	return c.Status.Present && !c.Status.Null && c.Status.Value != "active"
}

// Users returns a page of users, oldest first, and the cursor of the next.
// Addresses are for administrators.
func (s *Service) Users(ctx context.Context, a hub.Actor, cursor string, limit int) ([]hub.User, string, error) {
	if err := allow(a, readChat); err != nil {
		return nil, "", err
	}
	users, next, err := s.Chat.Users(ctx, cursor, limit)
	for i := range users {
		hideAddress(a, &users[i])
	}
	return users, next, err
}

// User returns one user.
func (s *Service) User(ctx context.Context, a hub.Actor, id hub.UserID) (hub.User, error) {
	if err := allow(a, readChat); err != nil {
		return hub.User{}, err
	}
	u, err := s.Chat.User(ctx, id)
	hideAddress(a, &u)
	return u, err
}

func hideAddress(a hub.Actor, u *hub.User) {
	if u.ID != a.UserID && allow(a, manageUsers) != nil {
		u.Email = ""
	}
}

// CreateUser makes a person or a bot.
func (s *Service) CreateUser(ctx context.Context, a hub.Actor, n chat.NewUser) (hub.User, error) {
	if err := allow(a, manageUsers); err != nil {
		return hub.User{}, err
	}
	if n.Kind != "" && n.Kind != hub.UserHuman && n.Kind != hub.UserBot {
		var errs hub.FieldErrors
		errs.Add("kind", "must be human or bot; the hub makes the others itself")
		return hub.User{}, errs.Err()
	}
	if err := mayGive(a, n.Role); err != nil {
		return hub.User{}, err
	}
	if err := s.intake(); err != nil {
		return hub.User{}, err
	}
	u, err := s.Chat.CreateUser(ctx, n, cause(ctx, a))
	if err != nil {
		return hub.User{}, err
	}
	s.audit(ctx, a, "user.create", string(u.ID), nil, userFacts(&u))
	return u, nil
}

// UpdateUser changes a user. People may change their own look; the rest is for
// administrators, and owners are for owners. ifMatch is the version the change was
// made on; "" is any.
func (s *Service) UpdateUser(ctx context.Context, a hub.Actor, id hub.UserID, ifMatch string, c UserChange) (hub.User, error) {
	what := manageUsers
	if id == a.UserID && len(a.Channels) == 0 && !c.Username.Present && !c.Role.Present && !c.Status.Present {
		what = writeChat
	}
	if err := allow(a, what); err != nil {
		return hub.User{}, err
	}
	before, err := s.Chat.User(ctx, id)
	if err != nil {
		return hub.User{}, err
	}
	if what == manageUsers {
		if err := mayGive(a, before.Role); err != nil {
			return hub.User{}, err
		}
		if err := mayGive(a, c.Role.Value); err != nil {
			return hub.User{}, err
		}
	}
	if c.Username.Null {
		var errs hub.FieldErrors
		errs.Add("username", "cannot be null")
		return hub.User{}, errs.Err()
	}
	if !c.shutsOut() {
		if err := s.intake(); err != nil {
			return hub.User{}, err
		}
	}
	after, err := s.Chat.UpdateUser(ctx, id, chat.UserChange{
		Username: c.Username.or(""), DisplayName: c.DisplayName.or(before.Username), AvatarURL: c.AvatarURL.or(""),
		Role: c.Role.or(hub.RoleMember), Status: c.Status.or("active"),
		Check: func(found *hub.User) error {
			before = *found
			if what == manageUsers {
				if err := mayGive(a, found.Role); err != nil { // an owner since
					return err
				}
			}
			return matches(ifMatch, Version(found.UpdatedAt))
		},
	}, cause(ctx, a))
	s.Access.Invalidate()
	if err != nil {
		return hub.User{}, err
	}
	s.audit(ctx, a, "user.update", string(id), userFacts(&before), userFacts(&after))
	hideAddress(a, &after)
	return after, nil
}

// mayGive refuses an administrator who would make or change an owner.
func mayGive(a hub.Actor, role hub.Role) error {
	if role == hub.RoleOwner && a.Role != hub.RoleOwner {
		return hub.Errorf(hub.Forbidden, "Only owners may make or change owners.")
	}
	return nil
}

// mayEnd reports whether the actor may end what lets that user in.
func (s *Service) mayEnd(ctx context.Context, a hub.Actor, user hub.UserID) error {
	if user == a.UserID || a.Role == hub.RoleOwner {
		return nil
	}
	u, err := s.Chat.User(ctx, user)
	if hub.CodeOf(err) == hub.NotFound {
		return nil // and has nothing to end
	}
	if err != nil {
		return err
	}
	return mayGive(a, u.Role)
}

// userFacts is what the audit log keeps of a user.
func userFacts(u *hub.User) map[string]any {
	return map[string]any{"kind": u.Kind, "username": u.Username, "displayName": u.DisplayName, "role": u.Role, "status": u.Status}
}
