package chat

import (
	"context"

	"github.com/nself-chat/hub"
)

// PostNotice posts a message of the hub about itself in the notices channel,
// and in the same commit marks the notices it is about as posted
// and publishes events that belong to it. Events without an id, a time or an
// origin get one. The message's own event is quiet: logged, streamed, and
// never delivered. EnsureDefaults must have been called.
func (s *Service) PostNotice(ctx context.Context, text string, about []hub.NoticeRef, events ...*hub.Event) error {
	d := s.defaults.Load()
	if d == nil {
		return hub.Errorf(hub.Internal, "The chat is not set up.")
	}
	channel, err := s.channel(ctx, d.Notices)
	if err != nil {
		return err
	}
	m, err := s.draft(ctx, &Post{
		ChannelID: d.Notices, Author: hub.Author{ID: d.Bot}, Content: clip(cleanText(text), s.Limits.content()), Type: hub.MessageSystem,
	})
	if err != nil {
		return err
	}
	created, err := s.createdEvent(m, &change{
		at: m.CreatedAt, origin: m.Origin, channel: &channel,
		by: &hub.TriggeredBy{UserID: m.Author.ID, Username: m.Author.Username},
	})
	if err != nil {
		return err
	}
	created.Quiet = true
	for _, e := range events {
		s.complete(e)
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return true, s.Store.PostNotice(ctx, m, searchable(m), about, routings...)
	}, append([]*hub.Event{created}, events...)...)
	return err
}

// complete fills in what every event has.
func (s *Service) complete(e *hub.Event) {
	if e.ID == "" {
		e.ID = hub.EventID(s.IDs.New())
	}
	if e.Time.IsZero() {
		e.Time = s.now()
	}
	e.Origin = originOf(e.Origin)
}
