package chat

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nself-chat/hub"
)

// Store is what the chat keeps its rows in. Package store implements it and
// documents each method. Methods that take routings store the events and
// deliveries in the commit of the change; those that return a bool report
// whether anything was written.
type Store interface {
	MessageStore
	ReactionStore
	ChannelStore
	MemberStore
	UserStore
	FileStore
	EnsureDefaults(ctx context.Context, workspace string, owner, bot *hub.User, general, notices *hub.Channel) (string, error)
}

// MessageStore keeps messages, their threads and revisions.
type MessageStore interface {
	PostMessage(ctx context.Context, m *hub.Message, replies int, searchable string, keys []hub.MessageKey, once *hub.Idempotency,
		call *hub.Call, routings ...hub.Routing) (bool, error)
	Keyed(ctx context.Context, webhook hub.IncomingID, key string) (hub.MessageID, error)
	SupersedeMessage(ctx context.Context, c *hub.Supersession, once *hub.Idempotency, call *hub.Call, routings ...hub.Routing) (
		bool, error)
	PostNotice(ctx context.Context, m *hub.Message, searchable string, about []hub.NoticeRef, routings ...hub.Routing) error
	PostedBefore(ctx context.Context, k *hub.Idempotency) (hub.MessageID, error)
	EditMessage(ctx context.Context, m *hub.Message, added []hub.Attachment, editor hub.UserID, searchable string,
		once *hub.Idempotency, call *hub.Call,
		routings ...hub.Routing) (bool, error)
	SetPinned(ctx context.Context, id hub.MessageID, pinned bool, routings ...hub.Routing) (bool, error)
	DeleteMessage(ctx context.Context, id hub.MessageID, check func(revision int) error, deleted time.Time,
		scrub func(json.RawMessage) (json.RawMessage, error), once *hub.Idempotency, call *hub.Call, routings ...hub.Routing) (bool, error)
	LogCall(ctx context.Context, once *hub.Idempotency, call *hub.Call, keys ...hub.MessageKey) error
	Message(ctx context.Context, id hub.MessageID) (hub.Message, error)
	ThreadOf(ctx context.Context, id hub.MessageID) (root hub.MessageID, in hub.ChannelID, replies int, err error)
	ChannelMessages(ctx context.Context, channel hub.ChannelID, before, after hub.MessageID, topLevel bool, limit int) (
		[]hub.Message, error)
	ThreadMessages(ctx context.Context, root, before, after hub.MessageID, limit int) ([]hub.Message, error)
	PinnedMessages(ctx context.Context, channel hub.ChannelID, before hub.MessageID, limit int) ([]hub.Message, error)
	Revisions(ctx context.Context, id hub.MessageID, after, limit int) ([]hub.Revision, error)
	Search(ctx context.Context, terms []string, prefix bool, viewer hub.UserID, all bool, only []hub.ChannelID,
		before hub.MessageID, limit int) ([]hub.Message, error)
}

// ReactionStore keeps reactions.
type ReactionStore interface {
	AddReaction(ctx context.Context, id hub.MessageID, user hub.UserID, emoji string, set time.Time,
		routings ...hub.Routing) (bool, error)
	RemoveReaction(ctx context.Context, id hub.MessageID, user hub.UserID, emoji string, routings ...hub.Routing) (bool, error)
	HasReaction(ctx context.Context, id hub.MessageID, user hub.UserID, emoji string) (bool, error)
}

// ChannelStore keeps channels.
type ChannelStore interface {
	Channels(ctx context.Context, viewer hub.UserID, all bool, only []hub.ChannelID, after string, limit int) ([]hub.Channel, error)
	Channel(ctx context.Context, id hub.ChannelID) (hub.Channel, error)
	ChannelByName(ctx context.Context, name string) (hub.Channel, error)
	CreateChannel(ctx context.Context, c *hub.Channel, routings ...hub.Routing) error
	UpdateChannel(ctx context.Context, prev, next *hub.Channel, routings ...hub.Routing) (bool, error)
	DeleteChannel(ctx context.Context, id hub.ChannelID, check func(*hub.Channel) error, routings ...hub.Routing) error
	ClearingChannels(ctx context.Context) ([]hub.ChannelID, error)
	ClearChannel(ctx context.Context, id hub.ChannelID, after hub.MessageID, limit int,
		scrub func(json.RawMessage) (json.RawMessage, error)) (hub.MessageID, error)
}

// MemberStore keeps who belongs to a channel.
type MemberStore interface {
	Members(ctx context.Context, channel hub.ChannelID, after hub.UserID, limit int) ([]hub.Member, error)
	IsMember(ctx context.Context, channel hub.ChannelID, user hub.UserID) (bool, error)
	ChannelsOf(ctx context.Context, user hub.UserID) ([]hub.ChannelID, error)
	AddMember(ctx context.Context, m *hub.Member, check func(*hub.Member) error, routings ...hub.Routing) (bool, error)
	RemoveMember(ctx context.Context, channel hub.ChannelID, user hub.UserID, check func(*hub.Member) error,
		routings ...hub.Routing) (bool, error)
}

// UserStore keeps users.
type UserStore interface {
	Users(ctx context.Context, after hub.UserID, limit int) ([]hub.User, error)
	User(ctx context.Context, id hub.UserID) (hub.User, error)
	UserByName(ctx context.Context, username string) (hub.User, error)
	CreateUser(ctx context.Context, u *hub.User, routings ...hub.Routing) error
	UpdateUser(ctx context.Context, prev, next *hub.User, routings ...hub.Routing) (bool, error)
}

// FileStore keeps what is known of files; their content is in Blobs.
type FileStore interface {
	File(ctx context.Context, id hub.FileID) (hub.Attachment, error)
	Files(ctx context.Context, ids []hub.FileID) ([]hub.Attachment, error)
	UnpostedFiles(ctx context.Context, before time.Time, limit int) ([]hub.Attachment, error)
	CreateFile(ctx context.Context, a *hub.Attachment, once *hub.Idempotency, routings ...hub.Routing) error
	DeleteFile(ctx context.Context, id hub.FileID, in *hub.Message, searchable string, routings ...hub.Routing) (bool, error)
	BlobUsed(ctx context.Context, hash string) (bool, error)
	DropBlob(ctx context.Context, hash string, remove func() error) (bool, error)
}
