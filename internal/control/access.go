package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// action names what an actor asks to do, for the table of permissions.
type action string

// The actions.
const (
	readChat       action = "read channels, messages, users and files"
	writeChat      action = "post and edit"
	makeChannel    action = "make channels"
	manageChannel  action = "manage channels and their members"
	manageUsers    action = "manage users"
	readEvents     action = "read events"
	sendEvents     action = "send events"
	readQueue      action = "read the queue's figures"
	manageQueue    action = "manage the queue"
	manageWebhooks action = "manage webhooks and their deliveries"
	manageTokens   action = "manage API tokens"
	manageSessions action = "manage sessions of others"
	ownSessions    action = "read own sessions"
	endOwnSessions action = "end own sessions"
	readAudit      action = "read the audit log"
)

// permission is what an action needs.
type permission struct {
	scope hub.Scope
	// everywhere: the action reaches beyond single channels, so a token that is
	// restricted to channels may not do it.
	everywhere bool
	// guests may do it.
	guests bool
}

// permissions is the one table of who may do what. Private channels need
// membership besides; see [Service.channel].
var permissions = map[action]permission{
	readChat:       {scope: hub.ScopeRead, guests: true},
	writeChat:      {scope: hub.ScopeWrite},
	makeChannel:    {scope: hub.ScopeWrite, everywhere: true},
	manageChannel:  {scope: hub.ScopeWrite},
	manageUsers:    {scope: hub.ScopeAdmin, everywhere: true},
	readEvents:     {scope: hub.ScopeRead, guests: true},
	sendEvents:     {scope: hub.ScopeWrite, everywhere: true},
	readQueue:      {scope: hub.ScopeRead, everywhere: true},
	manageQueue:    {scope: hub.ScopeAdmin, everywhere: true},
	manageWebhooks: {scope: hub.ScopeAdmin, everywhere: true},
	manageTokens:   {scope: hub.ScopeAdmin, everywhere: true},
	manageSessions: {scope: hub.ScopeAdmin, everywhere: true},
	ownSessions:    {scope: hub.ScopeRead, everywhere: true, guests: true},
	endOwnSessions: {scope: hub.ScopeRead, everywhere: true, guests: true}, // tokens need more; see mayEndOwn
	readAudit:      {scope: hub.ScopeAdmin, everywhere: true},
}

// allow returns a Forbidden error unless the actor may do what is asked.
func allow(a hub.Actor, what action) error {
	p, ok := permissions[what]
	switch {
	case !ok || a.UserID == "":
		return hub.Errorf(hub.Forbidden, "You may not %s.", what)
	case a.Role == hub.RoleGuest && !p.guests:
		return hub.Errorf(hub.Forbidden, "Guests may not %s.", what)
	case !a.Can(p.scope):
		return hub.Errorf(hub.Forbidden, "You need the scope %s to %s.", p.scope, what)
	case p.everywhere && len(a.Channels) > 0:
		return hub.Errorf(hub.Forbidden, "A token that is restricted to channels may not %s.", what)
	}
	return nil
}

// MayWrite refuses an actor who may change nothing in the chat. It and its kind
// serve to refuse a request before what it asks for is read; each action checks
// for itself besides.
func MayWrite(a hub.Actor) error { return allow(a, writeChat) }

// MaySendEvents refuses an actor who may not send events.
func MaySendEvents(a hub.Actor) error { return allow(a, sendEvents) }

// MayManageWebhooks refuses an actor who may not change webhooks and deliveries.
func MayManageWebhooks(a hub.Actor) error { return allow(a, manageWebhooks) }

// MayManageQueue refuses an actor who may not stop the queue.
func MayManageQueue(a hub.Actor) error { return allow(a, manageQueue) }

// MayManageTokens refuses an actor who may not make API tokens.
func MayManageTokens(a hub.Actor) error { return allow(a, manageTokens) }

// MayManageUsers refuses an actor who may not make users.
func MayManageUsers(a hub.Actor) error { return allow(a, manageUsers) }

// privileged reports whether the actor acts as an owner or administrator, who
// may see and manage every channel.
func privileged(a hub.Actor) bool {
	return a.Role == hub.RoleOwner || a.Role == hub.RoleAdmin
}

// errNoChannel answers for channels that do not exist and for those that the
// actor may not know of.
func errNoChannel() error { return hub.Errorf(hub.NotFound, "There is no such channel.") }

// channel returns the channel if the actor may know of it, and NotFound if
// not: restricted tokens know their channels, guests the public ones, members
// the public ones and their own, owners and administrators all.
func (s *Service) channel(ctx context.Context, a hub.Actor, id hub.ChannelID) (hub.Channel, error) {
	if !hub.ValidID(string(id)) || !a.Reaches(id) {
		return hub.Channel{}, errNoChannel()
	}
	c, err := s.Chat.Channel(ctx, id)
	if err != nil {
		return hub.Channel{}, err
	}
	visible, err := s.visible(ctx, a, c.ID, c.Type != hub.ChannelPublic)
	if err != nil {
		return hub.Channel{}, err
	}
	if !visible {
		return hub.Channel{}, errNoChannel()
	}
	return c, nil
}

// visible reports whether the actor may see what happens in a channel.
func (s *Service) visible(ctx context.Context, a hub.Actor, id hub.ChannelID, private bool) (bool, error) {
	switch {
	case !a.Reaches(id):
		return false, nil
	case !private || privileged(a):
		return true, nil
	case a.Role == hub.RoleGuest:
		return false, nil
	}
	return s.Chat.IsMember(ctx, id, a.UserID)
}

// managed returns the channel if the actor may manage it: owners and
// administrators of the workspace or of the channel, and who made it.
func (s *Service) managed(ctx context.Context, a hub.Actor, id hub.ChannelID) (hub.Channel, error) {
	if err := allow(a, manageChannel); err != nil {
		return hub.Channel{}, err
	}
	c, err := s.channel(ctx, a, id)
	if err != nil {
		return hub.Channel{}, err
	}
	if privileged(a) || c.CreatedBy == a.UserID {
		return c, nil
	}
	m, ok, err := s.membership(ctx, id, a.UserID)
	if err != nil {
		return hub.Channel{}, err
	}
	if !ok || m.Role != hub.RoleOwner && m.Role != hub.RoleAdmin {
		return hub.Channel{}, hub.Errorf(hub.Forbidden, "Only who made the channel and administrators may manage it.")
	}
	return c, nil
}
