package chat

import (
	"context"
	"slices"

	"github.com/nself-chat/hub"
)

// AddMember makes a user a member of a channel. A user who is one already gets
// the role, and nothing is told. An empty role is RoleMember. check is asked about
// the membership as it is then (nil: there is none), and its error refuses; it may
// be nil.
//
// Errors: Invalid, NotFound (channel or user), and what check returns.
func (s *Service) AddMember(
	ctx context.Context, channel hub.ChannelID, user hub.UserID, role hub.Role, check func(*hub.Member) error, by Cause,
) (hub.Member, error) {
	if role == "" {
		role = hub.RoleMember
	}
	if !isRole(role) {
		var errs hub.FieldErrors
		errs.Add("role", "must be owner, admin, member or guest")
		return hub.Member{}, errs.Err()
	}
	m := hub.Member{ChannelID: channel, Role: role}
	add := func(u hub.User, c *change, routings []hub.Routing) (bool, error) {
		m.User, m.JoinedAt = u, c.at
		return s.Store.AddMember(ctx, &m, check, routings...)
	}
	err := s.membership(ctx, channel, user, hub.EventUserJoined, by, add)
	if err != nil {
		return hub.Member{}, err
	}
	return m, nil
}

// RemoveMember ends a user's membership of a channel; without one nothing
// changes and nothing is told. check is as in AddMember.
//
// Errors: NotFound (channel or user), and what check returns.
func (s *Service) RemoveMember(
	ctx context.Context, channel hub.ChannelID, user hub.UserID, check func(*hub.Member) error, by Cause,
) error {
	remove := func(_ hub.User, _ *change, routings []hub.Routing) (bool, error) {
		return s.Store.RemoveMember(ctx, channel, user, check, routings...)
	}
	return s.membership(ctx, channel, user, hub.EventUserLeft, by, remove)
}

func (s *Service) membership(ctx context.Context, channel hub.ChannelID, user hub.UserID, kind string, by Cause,
	store func(hub.User, *change, []hub.Routing) (bool, error),
) error {
	done, err := s.order.wait(ctx, hub.ChannelOrderKey(channel))
	if err != nil {
		return err
	}
	defer done()
	ch, err := s.Store.Channel(ctx, channel)
	if err != nil {
		return err
	}
	u, err := s.User(ctx, user)
	if err != nil {
		return err
	}
	c, err := s.begin(ctx, by, &ch)
	if err != nil {
		return err
	}
	event, err := s.memberEvent(&c, kind, userInfo(&u))
	if err != nil {
		return err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) { return store(u, &c, routings) }, event)
	return err
}

func (s *Service) memberEvent(c *change, kind string, who hub.UserInfo) (*hub.Event, error) {
	channel := channelInfo(c.channel)
	return s.event(c, kind, hub.ChannelOrderKey(c.channel.ID), hub.UserData{User: who, Channel: &channel})
}

func isRole(r hub.Role) bool {
	return slices.Contains([]hub.Role{hub.RoleOwner, hub.RoleAdmin, hub.RoleMember, hub.RoleGuest}, r)
}
