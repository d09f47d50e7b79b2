package control

import (
	"context"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// Chat is the embedded chat; [chat.Service] documents the methods.
type Chat interface {
	channelChat
	memberChat
	messageChat
	userChat
	fileChat
}

type channelChat interface {
	Channels(ctx context.Context, v chat.Viewer, cursor string, limit int) ([]hub.Channel, string, error)
	Channel(ctx context.Context, id hub.ChannelID) (hub.Channel, error)
	CreateChannel(ctx context.Context, n chat.NewChannel, by chat.Cause) (hub.Channel, error)
	UpdateChannel(ctx context.Context, id hub.ChannelID, ch chat.ChannelChange, by chat.Cause) (hub.Channel, error)
	DeleteChannel(ctx context.Context, id hub.ChannelID, check func(*hub.Channel) error, by chat.Cause) error
}

type memberChat interface {
	Members(ctx context.Context, id hub.ChannelID, cursor string, limit int) ([]hub.Member, string, error)
	IsMember(ctx context.Context, channel hub.ChannelID, user hub.UserID) (bool, error)
	ChannelsOf(ctx context.Context, user hub.UserID) ([]hub.ChannelID, error)
	AddMember(ctx context.Context, channel hub.ChannelID, user hub.UserID, role hub.Role, check func(*hub.Member) error,
		by chat.Cause) (hub.Member, error)
	RemoveMember(ctx context.Context, channel hub.ChannelID, user hub.UserID, check func(*hub.Member) error, by chat.Cause) error
}

type messageChat interface {
	PostOnce(ctx context.Context, p chat.Post) (m hub.Message, repeated bool, err error)
	Edit(ctx context.Context, id hub.MessageID, e chat.Edit, by chat.Cause) (hub.Message, error)
	DeleteIf(ctx context.Context, id hub.MessageID, check func(revision int) error, by chat.Cause) error
	Pin(ctx context.Context, id hub.MessageID, by chat.Cause) error
	Unpin(ctx context.Context, id hub.MessageID, by chat.Cause) error
	React(ctx context.Context, id hub.MessageID, emoji string, by chat.Cause) error
	Unreact(ctx context.Context, id hub.MessageID, emoji string, by chat.Cause) error
	Message(ctx context.Context, id hub.MessageID) (hub.Message, error)
	Messages(ctx context.Context, q chat.MessageQuery) ([]hub.Message, bool, error)
	Thread(ctx context.Context, id hub.MessageID, q chat.MessageQuery) (hub.Message, []hub.Message, bool, error)
	Revisions(ctx context.Context, id hub.MessageID, after, limit int) ([]hub.Revision, bool, error)
	Search(ctx context.Context, q chat.SearchQuery) ([]chat.Hit, bool, error)
}

type userChat interface {
	Users(ctx context.Context, cursor string, limit int) ([]hub.User, string, error)
	User(ctx context.Context, id hub.UserID) (hub.User, error)
	CreateUser(ctx context.Context, n chat.NewUser, by chat.Cause) (hub.User, error)
	CreateUserWith(ctx context.Context, n chat.NewUser, by chat.Cause, store func(*hub.User, []hub.Routing) error) (hub.User, error)
	UpdateUser(ctx context.Context, id hub.UserID, ch chat.UserChange, by chat.Cause) (hub.User, error)
}

type fileChat interface {
	Save(ctx context.Context, u chat.Upload, by chat.Cause) (a hub.Attachment, repeated bool, err error)
	File(ctx context.Context, id hub.FileID) (hub.Attachment, error)
	Open(ctx context.Context, id hub.FileID) (*chat.Download, error)
	DeleteFile(ctx context.Context, id hub.FileID, by chat.Cause) error
}

type traceKey struct{}

// WithTrace returns a context whose actions carry the trace id: it ties
// together what one request causes.
func WithTrace(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

func traceOf(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// cause says to the chat who asked.
func cause(ctx context.Context, a hub.Actor) chat.Cause {
	return chat.Cause{By: a.UserID, Trace: traceOf(ctx)}
}

// viewer says to the chat which channels the actor sees.
func viewer(a hub.Actor) chat.Viewer {
	v := chat.Viewer{UserID: a.UserID, All: privileged(a), Only: a.Channels}
	if a.Role == hub.RoleGuest {
		v.UserID = ""
	}
	return v
}

// or returns the value to set for a change: nil when it is absent, reset when
// it is null.
func (c Change[T]) or(reset T) *T {
	switch {
	case c.Null:
		return &reset
	case c.Present:
		return &c.Value
	}
	return nil
}

// What the chat takes and gives, under the names that the faces use: they know
// this package only.
type (
	// NewChannel is a channel about to be made.
	NewChannel = chat.NewChannel
	// NewUser is a user about to be made.
	NewUser = chat.NewUser
	// Edit is what a message is to say from now on.
	Edit = chat.Edit
	// MessageQuery selects messages of a channel.
	MessageQuery = chat.MessageQuery
	// Hit is a message that was found.
	Hit = chat.Hit
	// Download is a file about to be served; its Content must be closed.
	Download = chat.Download
)
