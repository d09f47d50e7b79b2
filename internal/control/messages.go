package control

import (
	"context"
	"slices"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// Draft is a message that an actor posts.
type Draft struct {
	ThreadID hub.MessageID
	Content  string
	Embeds   []hub.Embed
	FileIDs  []hub.FileID
	// Key asks that it be posted once; RequestHash identifies the content.
	// Both are empty otherwise.
	Key, RequestHash string
}

// Post posts a message as the actor.
func (s *Service) Post(ctx context.Context, a hub.Actor, id hub.ChannelID, d Draft) (hub.Message, error) {
	m, _, err := s.PostOnce(ctx, a, id, d)
	return m, err
}

// PostOnce posts a message as the actor. repeated says that it was posted
// before, under the same key.
func (s *Service) PostOnce(ctx context.Context, a hub.Actor, id hub.ChannelID, d Draft) (m hub.Message, repeated bool, err error) {
	if err := allow(a, writeChat); err != nil {
		return hub.Message{}, false, err
	}
	if err := s.intake(); err != nil {
		return hub.Message{}, false, err
	}
	if _, err := s.channel(ctx, a, id); err != nil {
		return hub.Message{}, false, err
	}
	var errs hub.FieldErrors
	checkKey(&errs, d.Key)
	if err := errs.Err(); err != nil {
		return hub.Message{}, false, err
	}
	p := chat.Post{
		ChannelID: id, ThreadID: d.ThreadID, Author: hub.Author{ID: a.UserID}, Content: d.Content, Embeds: d.Embeds, FileIDs: d.FileIDs,
		Trace: traceOf(ctx), AllowMentions: true,
	}
	if d.Key != "" {
		p.Once = &hub.Idempotency{TokenID: KeyOwner(a), Key: d.Key, RequestHash: d.RequestHash}
	}
	if m, repeated, err = s.Chat.PostOnce(ctx, p); err != nil || repeated {
		return m, repeated, err
	}
	s.audit(ctx, a, "message.create", string(m.ID), nil, messageFacts(&m))
	return m, false, nil
}

// messageFacts is what the audit log keeps of a message. What it says is in the
// message, and what it said among its revisions.
func messageFacts(m *hub.Message) map[string]any {
	facts := map[string]any{"channelId": m.ChannelID, "authorId": m.Author.ID, "revision": m.Revision, "isPinned": m.IsPinned}
	if m.ThreadID != "" {
		facts["threadId"] = m.ThreadID
	}
	if len(m.Files) > 0 {
		facts["files"] = len(m.Files)
	}
	return facts
}

// Messages returns a page of a channel's messages, newest first, and whether
// there are more.
func (s *Service) Messages(ctx context.Context, a hub.Actor, q chat.MessageQuery) ([]hub.Message, bool, error) {
	if _, err := s.Channel(ctx, a, q.ChannelID); err != nil {
		return nil, false, err
	}
	return s.Chat.Messages(ctx, q)
}

// Message returns one message, if the actor may see its channel.
func (s *Service) Message(ctx context.Context, a hub.Actor, id hub.MessageID) (hub.Message, error) {
	m, _, err := s.message(ctx, a, id, readChat)
	return m, err
}

// Thread returns the root of a message's thread and a page of its replies,
// newest first, and whether there are more.
func (s *Service) Thread(ctx context.Context, a hub.Actor, id hub.MessageID, q chat.MessageQuery) (
	root hub.Message, replies []hub.Message, more bool, err error,
) {
	if _, err := s.Message(ctx, a, id); err != nil {
		return hub.Message{}, nil, false, err
	}
	return s.Chat.Thread(ctx, id, q)
}

// Revisions returns a page of what a message said before its edits, oldest
// first, with numbers above after, and whether there are more: for all who may
// read the message.
func (s *Service) Revisions(ctx context.Context, a hub.Actor, id hub.MessageID, after, limit int) ([]hub.Revision, bool, error) {
	if _, err := s.Message(ctx, a, id); err != nil {
		return nil, false, err
	}
	return s.Chat.Revisions(ctx, id, after, limit)
}

// message returns a message and its channel, if the actor may do that there.
func (s *Service) message(ctx context.Context, a hub.Actor, id hub.MessageID, what action) (hub.Message, hub.Channel, error) {
	if err := allow(a, what); err != nil {
		return hub.Message{}, hub.Channel{}, err
	}
	m, err := s.Chat.Message(ctx, id)
	if err != nil {
		return hub.Message{}, hub.Channel{}, err
	}
	c, err := s.channel(ctx, a, m.ChannelID)
	if hub.CodeOf(err) == hub.NotFound {
		err = hub.Errorf(hub.NotFound, "There is no such message.")
	}
	if err != nil {
		return hub.Message{}, hub.Channel{}, err
	}
	return m, c, nil
}

// EditMessage changes what a message says. People's messages are changed by
// themselves only, those of programs also by administrators. ifMatch is the
// version the change was made on; "" is any.
func (s *Service) EditMessage(ctx context.Context, a hub.Actor, id hub.MessageID, ifMatch string, e chat.Edit) (hub.Message, error) {
	m, _, err := s.message(ctx, a, id, writeChat)
	if err != nil {
		return hub.Message{}, err
	}
	if m.Author.ID != a.UserID && (m.Author.Kind == hub.UserHuman || !privileged(a)) {
		return hub.Message{}, hub.Errorf(hub.Forbidden, "Only its author may edit this message.")
	}
	if err := s.intake(); err != nil {
		return hub.Message{}, err
	}
	e.AllowMentions = m.Author.ID == a.UserID
	e.Check = func(found *hub.Message) error {
		m = *found
		return matches(ifMatch, MessageVersion(found.Revision))
	}
	after, err := s.Chat.Edit(ctx, id, e, cause(ctx, a))
	if err != nil {
		return hub.Message{}, err
	}
	if after.Revision != m.Revision {
		s.audit(ctx, a, "message.update", string(id), messageFacts(&m), messageFacts(&after))
	}
	return after, nil
}

// DeleteMessage deletes a message: the author, or who manages the channel. ifMatch
// is as in EditMessage.
func (s *Service) DeleteMessage(ctx context.Context, a hub.Actor, id hub.MessageID, ifMatch string) error {
	m, c, err := s.message(ctx, a, id, writeChat)
	if err != nil {
		return err
	}
	if m.Author.ID != a.UserID {
		if _, err := s.managed(ctx, a, c.ID); err != nil {
			return err
		}
	}
	err = s.Chat.DeleteIf(ctx, id, func(revision int) error {
		m.Revision = revision
		return matches(ifMatch, MessageVersion(revision))
	}, cause(ctx, a))
	if err != nil {
		return err
	}
	if !m.IsDeleted {
		s.audit(ctx, a, "message.delete", string(id), messageFacts(&m), nil)
	}
	return nil
}

// SetPinned pins a message in its channel, or takes it off.
func (s *Service) SetPinned(ctx context.Context, a hub.Actor, id hub.MessageID, pinned bool) error {
	m, _, err := s.message(ctx, a, id, writeChat)
	if err != nil {
		return err
	}
	what, set := "message.unpin", s.Chat.Unpin
	if pinned {
		if err := s.intake(); err != nil {
			return err
		}
		what, set = "message.pin", s.Chat.Pin
	}
	if err := set(ctx, id, cause(ctx, a)); err != nil {
		return err
	}
	if m.IsPinned != pinned {
		after := m
		after.IsPinned = pinned
		s.audit(ctx, a, what, string(id), messageFacts(&m), messageFacts(&after))
	}
	return nil
}

// SetReaction sets an emoji of the actor on a message, or takes it off.
func (s *Service) SetReaction(ctx context.Context, a hub.Actor, id hub.MessageID, emoji string, set bool) error {
	m, _, err := s.message(ctx, a, id, writeChat)
	if err != nil {
		return err
	}
	react := s.Chat.Unreact
	if set {
		if err := s.intake(); err != nil {
			return err
		}
		react = s.Chat.React
	}
	if err := react(ctx, id, emoji, cause(ctx, a)); err != nil {
		return err
	}
	facts := map[string]any{"channelId": m.ChannelID, "emoji": emoji}
	switch was := hasReaction(&m, a.UserID, emoji); {
	case set && !was:
		s.audit(ctx, a, "reaction.add", string(id), nil, facts)
	case !set && was:
		s.audit(ctx, a, "reaction.remove", string(id), facts, nil)
	}
	return nil
}

func hasReaction(m *hub.Message, user hub.UserID, emoji string) bool {
	return slices.ContainsFunc(m.Reactions, func(r hub.Reaction) bool { return r.Emoji == emoji && slices.Contains(r.UserIDs, user) })
}
