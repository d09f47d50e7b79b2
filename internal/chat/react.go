package chat

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// maxEmoji is the length of a reaction in bytes.
const maxEmoji = 50

// React sets an emoji of the user by.By on a message; setting it again
// changes nothing and is no error.
func (s *Service) React(ctx context.Context, id hub.MessageID, emoji string, by Cause) error {
	return s.react(ctx, id, emoji, true, by)
}

// Unreact takes an emoji of the user by.By off a message; one that is not set
// is no error.
func (s *Service) Unreact(ctx context.Context, id hub.MessageID, emoji string, by Cause) error {
	return s.react(ctx, id, emoji, false, by)
}

func (s *Service) react(ctx context.Context, id hub.MessageID, emoji string, set bool, by Cause) error {
	if err := checkReaction(emoji, by.By); err != nil {
		return err
	}
	done, err := s.order.wait(ctx, hub.MessageOrderKey(id))
	if err != nil {
		return err
	}
	defer done()
	m, c, err := s.live(ctx, id, by)
	if err != nil {
		return err
	}
	if is, err := s.Store.HasReaction(ctx, id, by.By, emoji); err != nil || is == set {
		return err
	}
	data := messageData(&m, &c)
	data.Emoji = emoji
	kind := hub.EventReactionAdded
	if !set {
		kind = hub.EventReactionRemoved
	}
	event, err := s.event(&c, kind, hub.MessageOrderKey(id), data)
	if err != nil {
		return err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		if set {
			return s.Store.AddReaction(ctx, id, by.By, emoji, c.at, routings...)
		}
		return s.Store.RemoveReaction(ctx, id, by.By, emoji, routings...)
	}, event)
	return err
}

func checkReaction(emoji string, by hub.UserID) error {
	var errs hub.FieldErrors
	if by == "" {
		errs.Add("userId", "a reaction needs a user")
	}
	bad := func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) || unicode.IsSpace(r) }
	if emoji == "" || len(emoji) > maxEmoji || strings.ContainsFunc(emoji, bad) {
		errs.Add("emoji", "must be an emoji or its name, of 1 to %d bytes, without spaces", maxEmoji)
	}
	return errs.Err()
}
