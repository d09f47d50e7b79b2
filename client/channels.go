package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Channel is a place where messages are posted.
type Channel struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Description   string    `json:"description"`
	Topic         string    `json:"topic"`
	Type          string    `json:"type"` // public or private
	IsDefault     bool      `json:"isDefault"`
	IsArchived    bool      `json:"isArchived"`
	MemberCount   int       `json:"memberCount"`
	MessageCount  int       `json:"messageCount"`
	LastMessageAt time.Time `json:"lastMessageAt"`
	CreatedBy     string    `json:"createdBy"`
	CreatedAt     time.Time `json:"createdAt"`
	UpdatedAt     time.Time `json:"updatedAt"`
	ArchivedAt    time.Time `json:"archivedAt"`
	Version       string    `json:"version"` // changes with every edit; see [IfMatch]
}

// NewChannel is a channel about to be made.
type NewChannel struct {
	Name        string `json:"name"`
	Type        string `json:"type,omitempty"` // "": public
	Topic       string `json:"topic,omitempty"`
	Description string `json:"description,omitempty"`
}

// ChannelChange is what is to change of a channel.
type ChannelChange struct {
	Name        Field[string] `json:"name,omitzero"`
	Topic       Field[string] `json:"topic,omitzero"`
	Description Field[string] `json:"description,omitzero"`
	IsArchived  Field[bool]   `json:"isArchived,omitzero"`
}

// Member is a user's membership of a channel.
type Member struct {
	ChannelID string    `json:"channelId"`
	UserID    string    `json:"userId"`
	Role      string    `json:"role"`
	JoinedAt  time.Time `json:"joinedAt"`
	Version   string    `json:"version"` // changes with the role; see [IfMatch]
	User      struct {
		ID          string `json:"id"`
		Username    string `json:"username"`
		DisplayName string `json:"displayName"`
		Kind        string `json:"kind"`
		AvatarURL   string `json:"avatarUrl"`
	} `json:"user"`
}

const channelsPath = "/api/channels"

func channelPath(id string) string { return channelsPath + "/" + escape(id) }

// Channels lists the channels that the token sees, by name.
func (c *Client) Channels(ctx context.Context, options ...ListOption) iter.Seq2[Channel, error] {
	return list[Channel](ctx, c, channelsPath, nil, options)
}

// Channel returns one channel.
func (c *Client) Channel(ctx context.Context, id string) (Channel, error) {
	return call[Channel](ctx, c, get(channelPath(id), nil))
}

// CreateChannel makes a channel.
func (c *Client) CreateChannel(ctx context.Context, n NewChannel, options ...CallOption) (Channel, error) {
	return call[Channel](ctx, c, post(channelsPath, n, options...))
}

// UpdateChannel changes a channel.
func (c *Client) UpdateChannel(ctx context.Context, id string, change ChannelChange, options ...CallOption) (Channel, error) {
	return call[Channel](ctx, c, patch(channelPath(id), change, options...))
}

// DeleteChannel deletes a channel with its messages.
func (c *Client) DeleteChannel(ctx context.Context, id string, options ...CallOption) error {
	return c.do(ctx, remove(channelPath(id), options...))
}

func memberPath(channel, user string) string {
	return channelPath(channel) + "/members/" + escape(user)
}

// Members lists the members of a channel.
func (c *Client) Members(ctx context.Context, channel string, options ...ListOption) iter.Seq2[Member, error] {
	return list[Member](ctx, c, channelPath(channel)+"/members", nil, options)
}

// Member returns a user's membership of a channel.
func (c *Client) Member(ctx context.Context, channel, user string) (Member, error) {
	return call[Member](ctx, c, get(memberPath(channel, user), nil))
}

// SetMember makes a user a member of a channel, in a role ("": member).
func (c *Client) SetMember(ctx context.Context, channel, user, role string, options ...CallOption) (Member, error) {
	body := struct {
		Role string `json:"role,omitempty"`
	}{role}
	return call[Member](ctx, c, request{method: http.MethodPut, path: memberPath(channel, user), body: body}.with(options))
}

// RemoveMember ends a membership.
func (c *Client) RemoveMember(ctx context.Context, channel, user string, options ...CallOption) error {
	return c.do(ctx, remove(memberPath(channel, user), options...))
}
