package chat

import (
	"context"

	"github.com/nself-chat/hub"
)

// Page sizes of lists.
const (
	defaultPage = 50
	maxPage     = 500
)

// pageSize brings an asked-for number of items into bounds.
func pageSize(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, maxPage)
}

// cut returns the first limit items, and whether there are more.
func cut[T any](items []T, limit int) ([]T, bool) {
	if len(items) <= limit {
		return items, false
	}
	return items[:limit], true
}

// Viewer says which channels a reader sees.
type Viewer struct {
	// UserID sees public channels and those it is a member of; "" sees public
	// ones only, as guests do.
	UserID hub.UserID
	// All sees every channel.
	All bool
	// Only restricts further, to these channels; empty: no restriction.
	Only []hub.ChannelID
}

// Channels returns a page of the channels that the viewer sees, by name, and
// the cursor of the next page, "" after the last. limit is at most 500; 0
// stands for 50.
func (s *Service) Channels(ctx context.Context, v Viewer, cursor string, limit int) (page []hub.Channel, next string, err error) {
	limit = pageSize(limit)
	page, err = s.Store.Channels(ctx, v.UserID, v.All, v.Only, cursor, limit+1)
	page, more := cut(page, limit)
	if more {
		next = page[len(page)-1].Name
	}
	return page, next, err
}

// Channel returns one channel with its counters as they are now. Whether the
// caller may see it is for the caller to know.
func (s *Service) Channel(ctx context.Context, id hub.ChannelID) (hub.Channel, error) {
	return s.Store.Channel(ctx, id)
}

// ChannelByName returns the channel with that name.
func (s *Service) ChannelByName(ctx context.Context, name string) (hub.Channel, error) {
	return s.Store.ChannelByName(ctx, name)
}

// Members returns a page of a channel's members, and the cursor of the next.
func (s *Service) Members(ctx context.Context, id hub.ChannelID, cursor string, limit int) (
	page []hub.Member, next string, err error,
) {
	if _, err := s.channel(ctx, id); err != nil {
		return nil, "", err
	}
	limit = pageSize(limit)
	page, err = s.Store.Members(ctx, id, hub.UserID(cursor), limit+1)
	page, more := cut(page, limit)
	if more {
		next = string(page[len(page)-1].User.ID)
	}
	return page, next, err
}

// IsMember reports whether the user is a member of the channel.
func (s *Service) IsMember(ctx context.Context, channel hub.ChannelID, user hub.UserID) (bool, error) {
	return s.Store.IsMember(ctx, channel, user)
}

// ChannelsOf returns the channels that the user is a member of.
func (s *Service) ChannelsOf(ctx context.Context, user hub.UserID) ([]hub.ChannelID, error) {
	return s.Store.ChannelsOf(ctx, user)
}

// Users returns a page of users, oldest first, and the cursor of the next.
func (s *Service) Users(ctx context.Context, cursor string, limit int) (page []hub.User, next string, err error) {
	limit = pageSize(limit)
	page, err = s.Store.Users(ctx, hub.UserID(cursor), limit+1)
	page, more := cut(page, limit)
	if more {
		next = string(page[len(page)-1].ID)
	}
	return page, next, err
}

// UserByName returns the user with that username.
func (s *Service) UserByName(ctx context.Context, username string) (hub.User, error) {
	return s.Store.UserByName(ctx, username)
}

// Message returns one message with its author, files and reactions; a deleted
// one without its content.
func (s *Service) Message(ctx context.Context, id hub.MessageID) (hub.Message, error) {
	return s.Store.Message(ctx, id)
}

// Revisions returns a page of what a message said before its edits, oldest
// first, with numbers above after, and whether there are more. Nothing is left
// of a deleted message. limit is at most 500; 0 stands for 50.
func (s *Service) Revisions(ctx context.Context, id hub.MessageID, after, limit int) (page []hub.Revision, more bool, err error) {
	limit = pageSize(limit)
	page, err = s.Store.Revisions(ctx, id, after, limit+1)
	page, more = cut(page, limit)
	return page, more, err
}

// MessageQuery selects messages of a channel for a list.
type MessageQuery struct {
	ChannelID hub.ChannelID
	// Thread selects the replies of the thread with this root.
	Thread hub.MessageID
	// TopLevel leaves out replies; Pinned leaves out what is not pinned.
	TopLevel bool
	Pinned   bool
	// Before selects what is older than this message; After what is newer,
	// beginning with the message that follows it.
	Before, After hub.MessageID
	Limit         int // at most 500; 0 stands for 50
}

// Messages returns a page of messages, newest first, and whether there are
// more in the direction of the query: older ones, or newer ones when After is
// set.
func (s *Service) Messages(ctx context.Context, q MessageQuery) (page []hub.Message, more bool, err error) {
	if _, err := s.channel(ctx, q.ChannelID); err != nil {
		return nil, false, err
	}
	if q.Thread != "" {
		root, err := s.Message(ctx, q.Thread)
		if err != nil {
			return nil, false, err
		}
		if root.ChannelID != q.ChannelID {
			return nil, false, hub.Errorf(hub.NotFound, "There is no such message in this channel.")
		}
	}
	limit := pageSize(q.Limit)
	switch {
	case q.Thread != "":
		page, err = s.Store.ThreadMessages(ctx, q.Thread, q.Before, q.After, limit+1)
	case q.Pinned:
		page, err = s.Store.PinnedMessages(ctx, q.ChannelID, q.Before, limit+1)
	default:
		page, err = s.Store.ChannelMessages(ctx, q.ChannelID, q.Before, q.After, q.TopLevel, limit+1)
	}
	if q.After != "" && !q.Pinned && len(page) > limit { // the one too many is the newest
		return page[1:], true, err
	}
	page, more = cut(page, limit)
	return page, more, err
}

// Thread returns the root of the thread that a message is in, and a page of
// its replies, newest first, as Messages does with q.
func (s *Service) Thread(ctx context.Context, id hub.MessageID, q MessageQuery) (
	root hub.Message, replies []hub.Message, more bool, err error,
) {
	root, err = s.Message(ctx, id)
	if err == nil && root.ThreadID != "" {
		root, err = s.Message(ctx, root.ThreadID)
	}
	if err != nil {
		return root, nil, false, err
	}
	q.ChannelID, q.Thread = root.ChannelID, root.ID
	replies, more, err = s.Messages(ctx, q)
	return root, replies, more, err
}
