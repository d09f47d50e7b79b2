package chat

import (
	"context"

	"github.com/nself-chat/hub"
)

// Defaults are what the chat cannot be without.
type Defaults struct {
	Workspace string
	General   hub.ChannelID // the default channel
	Notices   hub.ChannelID // where the hub tells of itself; private
	Owner     hub.UserID
	Bot       hub.UserID // the author of notices
}

// EnsureDefaults makes what the chat cannot be without, when it is not there
// yet. The app calls it at every start, before anything else of the chat.
func (s *Service) EnsureDefaults(ctx context.Context) (Defaults, error) {
	now := s.now()
	user := func(kind hub.UserKind, role hub.Role, username, display string) hub.User {
		id := s.IDs.New()
		return hub.User{
			ID: hub.UserID(id), Kind: kind, Role: role, Username: username, DisplayName: display, Email: id + "@users.invalid",
			Status: statusActive, CreatedAt: now, UpdatedAt: now,
		}
	}
	channel := func(name, about string, kind hub.ChannelType) hub.Channel {
		return hub.Channel{
			ID: hub.ChannelID(s.IDs.New()), Name: name, Description: about, Type: kind, CreatedAt: now, UpdatedAt: now,
		}
	}
	owner := user(hub.UserHuman, hub.RoleOwner, "owner", "Owner")
	bot := user(hub.UserBot, hub.RoleMember, "hub", "Hub")
	general := channel("general", "For everything and everybody", hub.ChannelPublic)
	general.IsDefault = true
	notices := channel("notices", "What the hub has to say about itself", hub.ChannelPrivate)
	workspace, err := s.Store.EnsureDefaults(ctx, s.IDs.New(), &owner, &bot, &general, &notices)
	if err != nil {
		return Defaults{}, err
	}
	d := Defaults{Workspace: workspace, General: general.ID, Notices: notices.ID, Owner: owner.ID, Bot: bot.ID}
	s.defaults.Store(&d)
	return d, nil
}
