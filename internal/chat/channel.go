package chat

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// maxChannelName is the length of a channel's name in characters.
const maxChannelName = 80

// NewChannel is a channel about to be made.
type NewChannel struct {
	Name        string
	Type        hub.ChannelType // "": ChannelPublic
	Topic       string
	Description string
}

// ChannelChange is what is to change of a channel. Absent fields stay.
type ChannelChange struct {
	Name        *string
	Topic       *string
	Description *string
	Archived    *bool
	// Check is asked about the channel as the change found it; its error
	// refuses the change. May be nil.
	Check func(*hub.Channel) error
}

// CreateChannel makes a channel, and the user who asked its first member.
// Errors: Invalid, Conflict (the name is taken).
func (s *Service) CreateChannel(ctx context.Context, n NewChannel, by Cause) (hub.Channel, error) {
	ch := hub.Channel{
		ID: hub.ChannelID(s.IDs.New()), Name: n.Name, Type: n.Type, Topic: n.Topic, Description: n.Description, CreatedBy: by.By,
	}
	if ch.Type == "" {
		ch.Type = hub.ChannelPublic
	}
	var errs hub.FieldErrors
	checkChannel(&errs, &ch)
	if ch.Type != hub.ChannelPublic && ch.Type != hub.ChannelPrivate {
		errs.Add("type", "must be public or private")
	}
	if err := errs.Err(); err != nil {
		return hub.Channel{}, err
	}
	c, err := s.begin(ctx, by, &ch)
	if err != nil {
		return hub.Channel{}, err
	}
	ch.CreatedAt, ch.UpdatedAt = c.at, c.at
	events, err := s.newChannelEvents(&c)
	if err != nil {
		return hub.Channel{}, err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return true, s.Store.CreateChannel(ctx, &ch, routings...)
	}, events...)
	if err != nil {
		return hub.Channel{}, err
	}
	if by.By != "" {
		ch.MemberCount = 1
	}
	return ch, nil
}

// newChannelEvents tells of a new channel and its first member.
func (s *Service) newChannelEvents(c *change) ([]*hub.Event, error) {
	created, err := s.channelEvent(c, hub.EventChannelCreated)
	if err != nil {
		return nil, err
	}
	created.FirstOfKey = true
	if c.actor == nil {
		return []*hub.Event{created}, nil
	}
	joined, err := s.memberEvent(c, hub.EventUserJoined, *c.actor)
	return []*hub.Event{created, joined}, err
}

func (s *Service) channelEvent(c *change, kind string) (*hub.Event, error) {
	return s.event(c, kind, hub.ChannelOrderKey(c.channel.ID), hub.ChannelData{Channel: channelInfo(c.channel), User: c.actor})
}

// checkChannel adds what is wrong with the texts of a channel. Names are slugs:
// they stand in links and mentions.
func checkChannel(errs *hub.FieldErrors, c *hub.Channel) {
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > maxChannelName || !isSlug(c.Name) {
		errs.Add("name", "must be 1 to %d lower-case letters, digits, - and _", maxChannelName)
	}
	checkText(errs, "topic", c.Topic, maxTopic)
	checkText(errs, "description", c.Description, maxAbout)
}

// isSlug accepts the letters of every script, so that people can name
// channels in their own language. Scripts without case have lower-case letters only.
func isSlug(s string) bool {
	for _, r := range s {
		letter := unicode.IsLetter(r) && !unicode.IsUpper(r) && !unicode.IsTitle(r)
		if !letter && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

func checkText(errs *hub.FieldErrors, field, text string, limit int) {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > limit || strings.IndexByte(text, 0) >= 0 {
		errs.Add(field, "at most %d characters of valid UTF-8", limit)
	}
}

// UpdateChannel changes a channel. Errors: Invalid, NotFound, Conflict (the
// name is taken; the default or the notices channel cannot be archived), and
// what ch.Check returns.
func (s *Service) UpdateChannel(ctx context.Context, id hub.ChannelID, ch ChannelChange, by Cause) (hub.Channel, error) {
	done, err := s.order.wait(ctx, hub.ChannelOrderKey(id))
	if err != nil {
		return hub.Channel{}, err
	}
	defer done()
	defer s.channels.forget(id)
	for range maxTries {
		prev, err := s.Store.Channel(ctx, id)
		if err != nil {
			return hub.Channel{}, err
		}
		if ch.Check != nil {
			if err := ch.Check(&prev); err != nil {
				return hub.Channel{}, err
			}
		}
		next := prev
		c, err := s.begin(ctx, by, &next)
		if err != nil {
			return hub.Channel{}, err
		}
		kinds, err := s.applyChannel(&next, &ch, &c)
		if err != nil || len(kinds) == 0 {
			return next, err
		}
		var events []*hub.Event
		for _, kind := range kinds {
			e, err := s.channelEvent(&c, kind)
			if err != nil {
				return hub.Channel{}, err
			}
			events = append(events, e)
		}
		stored, err := s.commit(func(routings []hub.Routing) (bool, error) {
			return s.Store.UpdateChannel(ctx, &prev, &next, routings...)
		}, events...)
		if err != nil {
			return hub.Channel{}, err
		}
		if stored {
			return next, nil
		}
	}
	return hub.Channel{}, errBusy
}

// applyChannel puts the change into c and returns the events that tell of it.
func (s *Service) applyChannel(ch *hub.Channel, change *ChannelChange, c *change) (kinds []string, err error) {
	was := *ch
	set(&ch.Name, change.Name)
	set(&ch.Topic, change.Topic)
	set(&ch.Description, change.Description)
	set(&ch.IsArchived, change.Archived)
	var errs hub.FieldErrors
	if ch.Name != was.Name || ch.Topic != was.Topic || ch.Description != was.Description {
		checkChannel(&errs, ch)
		kinds = append(kinds, hub.EventChannelUpdated)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	switch {
	case ch.IsArchived && !was.IsArchived:
		if s.isNeeded(ch) {
			return nil, hub.Errorf(hub.Conflict, "The default channel and the notices channel cannot be archived.")
		}
		ch.ArchivedAt = c.at
		kinds = append(kinds, hub.EventChannelArchived)
	case was.IsArchived && !ch.IsArchived:
		ch.ArchivedAt = time.Time{}
		kinds = []string{hub.EventChannelUpdated}
	}
	if len(kinds) > 0 {
		ch.UpdatedAt = after(was.UpdatedAt, c.at)
	}
	return kinds, nil
}

// isNeeded reports whether the chat cannot be without the channel.
func (s *Service) isNeeded(c *hub.Channel) bool {
	d := s.defaults.Load()
	return c.IsDefault || d != nil && c.ID == d.Notices
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// after returns t, or the first microsecond after prev: the time of a change
// tells its row from the one before.
func after(prev, t time.Time) time.Time {
	if t.After(prev) {
		return t
	}
	return prev.Add(time.Microsecond)
}

// DeleteChannel removes a channel and its members for good. Its messages are
// gone for readers at once; Run deletes them afterwards. It refuses the default
// channel and the notices channel (Conflict). check is asked about the channel as
// it is then, and its error refuses; it may be nil.
func (s *Service) DeleteChannel(ctx context.Context, id hub.ChannelID, check func(*hub.Channel) error, by Cause) error {
	done, err := s.order.wait(ctx, hub.ChannelOrderKey(id))
	if err != nil {
		return err
	}
	defer done()
	defer s.channels.forget(id)
	ch, err := s.Store.Channel(ctx, id)
	if err != nil {
		return err
	}
	c, err := s.begin(ctx, by, &ch)
	if err != nil {
		return err
	}
	event, err := s.channelEvent(&c, hub.EventChannelDeleted)
	if err != nil {
		return err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return true, s.Store.DeleteChannel(ctx, id, check, routings...)
	}, event)
	if err == nil {
		s.clearing.wake()
	}
	return err
}
