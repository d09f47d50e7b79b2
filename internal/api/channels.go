package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Channel is a channel as it is shown.
type Channel struct {
	ID            hub.ChannelID   `json:"id"`
	Name          string          `json:"name" doc:"Unique in the workspace, lower case."`
	Description   string          `json:"description" doc:"What it is for."`
	Topic         string          `json:"topic" doc:"What it is about now."`
	Type          hub.ChannelType `json:"type" doc:"public or private; anything else, of databases that others write, is treated as private."`
	IsDefault     bool            `json:"isDefault" doc:"New users find themselves in it."`
	IsArchived    bool            `json:"isArchived" doc:"Nothing can be posted into it."`
	MemberCount   int             `json:"memberCount" minimum:"0" doc:"How many members it has."`
	MessageCount  int             `json:"messageCount" minimum:"0" doc:"How many messages it has."`
	LastMessageAt time.Time       `json:"lastMessageAt,omitzero" doc:"Absent: there was none."`
	CreatedBy     hub.UserID      `json:"createdBy,omitempty" doc:"Absent: the hub."`
	CreatedAt     time.Time       `json:"createdAt"`
	UpdatedAt     time.Time       `json:"updatedAt"`
	ArchivedAt    time.Time       `json:"archivedAt,omitzero" doc:"Absent: it is not archived."`
	Version       string          `json:"version" doc:"Changes with every edit; If-Match takes it, in quotes."`
}

func (c Channel) version() string  { return control.Version(c.UpdatedAt) }
func (c Channel) location() string { return "/api/channels/" + string(c.ID) }

func wireChannel(c hub.Channel) Channel {
	return Channel{
		ID: c.ID, Name: c.Name, Description: c.Description, Topic: c.Topic, Type: c.Type, IsDefault: c.IsDefault, IsArchived: c.IsArchived,
		MemberCount: c.MemberCount, MessageCount: c.MessageCount, LastMessageAt: c.LastMessageAt, CreatedBy: c.CreatedBy,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, ArchivedAt: c.ArchivedAt,
		Version: unquoted(control.Version(c.UpdatedAt)),
	}
}

// ChannelPath is the path of a channel. It is exported because huma reads
// only exported fields, embedded ones too.
type ChannelPath struct {
	ID hub.ChannelID `path:"id"`
}

type (
	listChannelsInput struct{ Paging }
	makeChannelInput  struct {
		Body struct {
			Name        string          `json:"name" limits:"minLength=1,maxLength=80" doc:"Lower-case letters, digits, - and _; unique."`
			Type        hub.ChannelType `json:"type,omitempty" enum:"public,private" default:"public" doc:"Who may see it: everybody, or its members."`
			Topic       string          `json:"topic,omitempty" limits:"maxLength=500" doc:"What it is about now."`
			Description string          `json:"description,omitempty" limits:"maxLength=2000" doc:"What it is for."`
		} `nameHint:"ChannelCreate"`
	}
	deleteChannelInput struct {
		ChannelPath
		Conditional
	}
	patchChannelInput struct {
		ChannelPath
		Conditional
		Body struct {
			Name        field[string] `json:"name,omitzero" limits:"type=string,minLength=1,maxLength=80" doc:"Lower-case letters, digits, - and _; unique."`
			Topic       field[string] `json:"topic,omitzero" limits:"maxLength=500" doc:"null: none."`
			Description field[string] `json:"description,omitzero" limits:"maxLength=2000" doc:"null: none."`
			IsArchived  field[bool]   `json:"isArchived,omitzero" doc:"Nothing can be posted into an archived channel; null: false."`
		} `nameHint:"ChannelPatch"`
	}
)

func (a *API) channelRoutes() {
	const base = "/api/channels"
	register(a, operation{
		method: http.MethodGet, path: base, id: "listChannels", tag: "channels", summary: "List channels by name",
	}, func(ctx context.Context, who hub.Actor, in *listChannelsInput) (page[Channel], error) {
		after, err := decodeCursor("channel", in.Cursor)
		if err != nil {
			return page[Channel]{}, err
		}
		channels, next, err := a.Control.Channels(ctx, who, after, in.Limit)
		return pageOf(channels, wireChannel, encodeCursor("channel", next)), err
	})
	register(a, operation{
		method: http.MethodPost, path: base, id: "createChannel", tag: "channels", summary: "Make a channel",
		conflict: "There is a channel of this name already.", status: http.StatusCreated,
	}, func(ctx context.Context, who hub.Actor, in *makeChannelInput) (Channel, error) {
		b := in.Body
		return wired(wireChannel)(a.Control.CreateChannel(ctx, who, control.NewChannel{
			Name: b.Name, Type: b.Type, Topic: b.Topic, Description: b.Description,
		}))
	})
	register(a, operation{
		method: http.MethodGet, path: base + "/{id}", id: "getChannel", tag: "channels", summary: "Show a channel",
	}, func(ctx context.Context, who hub.Actor, in *ChannelPath) (Channel, error) {
		return wired(wireChannel)(a.Control.Channel(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPatch, path: base + "/{id}", id: "updateChannel", tag: "channels", summary: "Change or archive a channel",
		conflict: "The name is taken, or the channel may not be archived.",
		doc:      "Absent fields keep their value, null resets to the default.",
	}, func(ctx context.Context, who hub.Actor, in *patchChannelInput) (Channel, error) {
		b := in.Body
		return wired(wireChannel)(a.Control.UpdateChannel(ctx, who, in.ID, in.IfMatch, control.ChannelChange{
			Name: b.Name.Change, Topic: b.Topic.Change, Description: b.Description.Change, IsArchived: b.IsArchived.Change,
		}))
	})
	register(a, operation{
		method: http.MethodDelete, path: base + "/{id}", id: "deleteChannel", tag: "channels", summary: "Delete a channel with its messages",
		conflict: "The default channel and the notices channel cannot be deleted.",
		doc:      "Nobody sees the channel and its messages any more. The messages are then deleted in the background.",
	}, func(ctx context.Context, who hub.Actor, in *deleteChannelInput) (nothing, error) {
		return nothing{}, a.Control.DeleteChannel(ctx, who, in.ID, in.IfMatch)
	})
}
