package control

import (
	"context"
	"testing"

	"github.com/nself-chat/hub"
)

// actors are one of each kind that the table tells apart.
var actors = map[string]hub.Actor{
	"owner":      {UserID: "o", Role: hub.RoleOwner, Scope: hub.ScopeAdmin},
	"admin":      {UserID: "a", Role: hub.RoleAdmin, Scope: hub.ScopeAdmin},
	"adminReads": {UserID: "a", Role: hub.RoleAdmin, Scope: hub.ScopeRead},
	"member":     {UserID: "m", Role: hub.RoleMember, Scope: hub.ScopeWrite},
	"reader":     {UserID: "m", Role: hub.RoleMember, Scope: hub.ScopeRead},
	"guest":      {UserID: "g", Role: hub.RoleGuest, Scope: hub.ScopeWrite},
	"restricted": {UserID: "o", Role: hub.RoleOwner, Scope: hub.ScopeAdmin, Channels: []hub.ChannelID{"c"}},
	"unscoped":   {UserID: "o", Role: hub.RoleOwner},
	"nobody":     {Scope: hub.ScopeAdmin, Role: hub.RoleOwner},
}

// TestPermissions holds the table against what each kind of actor may do,
// written out.
func TestPermissions(t *testing.T) {
	may := map[string][]action{
		"owner": {
			readChat, writeChat, makeChannel, manageChannel, manageUsers, readEvents, sendEvents, readQueue, manageQueue,
			manageWebhooks, manageTokens, manageSessions, ownSessions, endOwnSessions, readAudit,
		},
		"admin": {
			readChat, writeChat, makeChannel, manageChannel, manageUsers, readEvents, sendEvents, readQueue, manageQueue,
			manageWebhooks, manageTokens, manageSessions, ownSessions, endOwnSessions, readAudit,
		},
		"adminReads": {readChat, readEvents, readQueue, ownSessions, endOwnSessions},
		"member":     {readChat, writeChat, makeChannel, manageChannel, readEvents, sendEvents, readQueue, ownSessions, endOwnSessions},
		"reader":     {readChat, readEvents, readQueue, ownSessions, endOwnSessions},
		"guest":      {readChat, readEvents, ownSessions, endOwnSessions},
		"restricted": {readChat, writeChat, manageChannel, readEvents},
		"unscoped":   {},
		"nobody":     {},
	}
	if len(may) != len(actors) {
		t.Fatal("an actor is not in the table")
	}
	for name, actor := range actors {
		allowed := make(map[action]bool)
		for _, what := range may[name] {
			allowed[what] = true
		}
		for what := range permissions {
			err := allow(actor, what)
			if (err == nil) != allowed[what] {
				t.Errorf("%s may %s: %v, want %v", name, what, err == nil, allowed[what])
			}
			if err != nil && hub.CodeOf(err) != hub.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		if allow(actor, "fly") == nil {
			t.Errorf("%s may do what is not in the table", name)
		}
	}
}

// TestEndOwnSessions: a token that only reads does not sign its user out.
func TestEndOwnSessions(t *testing.T) {
	tests := map[string]struct {
		actor hub.Actor
		want  bool
	}{
		"a browser":         {hub.Actor{UserID: "m", Role: hub.RoleMember, Scope: hub.ScopeWrite, SessionID: "s"}, true},
		"a guest's browser": {hub.Actor{UserID: "g", Role: hub.RoleGuest, Scope: hub.ScopeRead, SessionID: "s"}, true},
		"a writing token":   {hub.Actor{UserID: "m", Role: hub.RoleMember, Scope: hub.ScopeWrite, TokenID: "t"}, true},
		"a reading token":   {hub.Actor{UserID: "m", Role: hub.RoleMember, Scope: hub.ScopeRead, TokenID: "t"}, false},
		"an owner's, reads": {hub.Actor{UserID: "o", Role: hub.RoleOwner, Scope: hub.ScopeRead, TokenID: "t"}, false},
		"a restricted token": {
			hub.Actor{UserID: "m", Role: hub.RoleMember, Scope: hub.ScopeWrite, TokenID: "t", Channels: []hub.ChannelID{"c"}}, false,
		},
	}
	for name, test := range tests {
		if err := mayEndOwn(test.actor); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// channels is a chat that knows channels and members only.
type channels struct {
	Chat
	all     map[hub.ChannelID]hub.Channel
	members map[hub.ChannelID][]hub.Member
}

func (c channels) Channel(_ context.Context, id hub.ChannelID) (hub.Channel, error) {
	ch, ok := c.all[id]
	if !ok {
		return hub.Channel{}, errNoChannel()
	}
	return ch, nil
}

func (c channels) IsMember(_ context.Context, id hub.ChannelID, user hub.UserID) (bool, error) {
	for _, m := range c.members[id] {
		if m.User.ID == user {
			return true, nil
		}
	}
	return false, nil
}

func (c channels) Members(_ context.Context, id hub.ChannelID, cursor string, limit int) (page []hub.Member, next string, err error) {
	for _, m := range c.members[id] {
		if string(m.User.ID) > cursor && len(page) < limit {
			page = append(page, m)
		}
	}
	return page, "", nil
}

const (
	publicID  = hub.ChannelID("0190b3c8-7c4e-7a12-8000-000000000001")
	privateID = hub.ChannelID("0190b3c8-7c4e-7a12-8000-000000000002")
	insider   = hub.UserID("0190b3c8-7c4e-7a12-8000-0000000000aa")
	boss      = hub.UserID("0190b3c8-7c4e-7a12-8000-0000000000ab")
	outsider  = hub.UserID("0190b3c8-7c4e-7a12-8000-0000000000ac")
	creator   = hub.UserID("0190b3c8-7c4e-7a12-8000-0000000000ad")
)

func twoChannels() channels {
	members := []hub.Member{
		{User: hub.User{ID: insider}, Role: hub.RoleMember},
		{User: hub.User{ID: boss}, Role: hub.RoleAdmin},
		{User: hub.User{ID: creator}, Role: hub.RoleMember},
	}
	return channels{
		all: map[hub.ChannelID]hub.Channel{
			publicID: {ID: publicID, Type: hub.ChannelPublic}, privateID: {ID: privateID, Type: hub.ChannelPrivate, CreatedBy: creator},
		},
		members: map[hub.ChannelID][]hub.Member{privateID: members},
	}
}

func TestChannelAccess(t *testing.T) {
	s := &Service{Chat: twoChannels()}
	member := func(id hub.UserID) hub.Actor {
		return hub.Actor{UserID: id, Role: hub.RoleMember, Scope: hub.ScopeWrite}
	}
	guest := hub.Actor{UserID: insider, Role: hub.RoleGuest, Scope: hub.ScopeRead}
	owner := hub.Actor{UserID: outsider, Role: hub.RoleOwner, Scope: hub.ScopeAdmin}
	only := owner
	only.Channels = []hub.ChannelID{publicID}
	for name, c := range map[string]struct {
		actor            hub.Actor
		private, manages bool
	}{
		"member":     {member(insider), true, false},
		"boss":       {member(boss), true, true},
		"creator":    {member(creator), true, true},
		"outsider":   {member(outsider), false, false},
		"guest":      {guest, false, false},
		"owner":      {owner, true, true},
		"restricted": {only, false, false},
	} {
		if _, err := s.channel(t.Context(), c.actor, publicID); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err := s.channel(t.Context(), c.actor, privateID)
		if (err == nil) != c.private || err != nil && hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s sees the private channel: %v", name, err)
		}
		if _, err := s.managed(t.Context(), c.actor, privateID); (err == nil) != c.manages {
			t.Errorf("%s manages the private channel: %v", name, err)
		}
	}
	if _, err := s.channel(t.Context(), owner, "x'; --"); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("no id: %v", err)
	}
}
