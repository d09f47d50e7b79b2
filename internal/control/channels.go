package control

import (
	"context"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// ChannelChange is what is to change of a channel.
type ChannelChange struct {
	Name        Change[string]
	Topic       Change[string]
	Description Change[string]
	IsArchived  Change[bool]
}

// Channels returns a page of the channels that the actor sees, by name, and
// the cursor of the next.
func (s *Service) Channels(ctx context.Context, a hub.Actor, cursor string, limit int) ([]hub.Channel, string, error) {
	if err := allow(a, readChat); err != nil {
		return nil, "", err
	}
	return s.Chat.Channels(ctx, viewer(a), cursor, limit)
}

// Channel returns one channel, if the actor may see it.
func (s *Service) Channel(ctx context.Context, a hub.Actor, id hub.ChannelID) (hub.Channel, error) {
	if err := allow(a, readChat); err != nil {
		return hub.Channel{}, err
	}
	return s.channel(ctx, a, id)
}

// CreateChannel makes a channel with the actor as its first member.
func (s *Service) CreateChannel(ctx context.Context, a hub.Actor, n chat.NewChannel) (hub.Channel, error) {
	if err := allow(a, makeChannel); err != nil {
		return hub.Channel{}, err
	}
	if err := s.intake(); err != nil {
		return hub.Channel{}, err
	}
	c, err := s.Chat.CreateChannel(ctx, n, cause(ctx, a))
	if err != nil {
		return hub.Channel{}, err
	}
	s.audit(ctx, a, "channel.create", string(c.ID), nil, channelFacts(&c))
	return c, nil
}

// UpdateChannel changes a channel. ifMatch is the version the change was made
// on; "" is any.
func (s *Service) UpdateChannel(ctx context.Context, a hub.Actor, id hub.ChannelID, ifMatch string, c ChannelChange) (hub.Channel, error) {
	before, err := s.managed(ctx, a, id)
	if err != nil {
		return hub.Channel{}, err
	}
	if c.Name.Null {
		var errs hub.FieldErrors
		errs.Add("name", "cannot be null")
		return hub.Channel{}, errs.Err()
	}
	if err := s.intake(); err != nil {
		return hub.Channel{}, err
	}
	after, err := s.Chat.UpdateChannel(ctx, id, chat.ChannelChange{
		Name: c.Name.or(""), Topic: c.Topic.or(""), Description: c.Description.or(""), Archived: c.IsArchived.or(false),
		Check: func(found *hub.Channel) error {
			before = *found
			return matches(ifMatch, Version(found.UpdatedAt))
		},
	}, cause(ctx, a))
	if err != nil {
		return hub.Channel{}, err
	}
	s.audit(ctx, a, "channel.update", string(id), channelFacts(&before), channelFacts(&after))
	return after, nil
}

// DeleteChannel removes a channel with its messages for good. ifMatch is as in
// UpdateChannel.
func (s *Service) DeleteChannel(ctx context.Context, a hub.Actor, id hub.ChannelID, ifMatch string) error {
	before, err := s.managed(ctx, a, id)
	if err != nil {
		return err
	}
	err = s.Chat.DeleteChannel(ctx, id, func(found *hub.Channel) error {
		before = *found
		return matches(ifMatch, Version(found.UpdatedAt))
	}, cause(ctx, a))
	if err != nil {
		return err
	}
	s.Ingress.Invalidate()
	s.audit(ctx, a, "channel.delete", string(id), channelFacts(&before), nil)
	return nil
}

// channelFacts is what the audit log keeps of a channel.
func channelFacts(c *hub.Channel) map[string]any {
	return map[string]any{"name": c.Name, "type": c.Type, "topic": c.Topic, "description": c.Description, "isArchived": c.IsArchived}
}
