package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Message is one post in a channel.
type Message struct {
	ID        string  `json:"id"`
	ChannelID string  `json:"channelId"`
	ThreadID  string  `json:"threadId"` // "": top level
	Author    Author  `json:"author"`
	Content   string  `json:"content"` // Markdown
	Type      string  `json:"type"`
	Embeds    []Embed `json:"embeds"`
	// Document is all of what the message says as a tree, when Content and Embeds do
	// not say it; nil: they do.
	Document    json.RawMessage `json:"document"`
	Attachments []Attachment    `json:"attachments"`
	Reactions   []Reaction      `json:"reactions"`
	ReplyCount  int             `json:"replyCount"`
	IsPinned    bool            `json:"isPinned"`
	IsDeleted   bool            `json:"isDeleted"`
	CreatedAt   time.Time       `json:"createdAt"`
	EditedAt    time.Time       `json:"editedAt"`
	DeletedAt   time.Time       `json:"deletedAt"`
	Revision    int             `json:"revision"` // from 1; also its version, see [IfMatch]
}

// Author is who a message shows as its author.
type Author struct {
	ID          string `json:"id"`
	Kind        string `json:"kind"` // human, bot, webhook or remote
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	AvatarURL   string `json:"avatarUrl"`
}

// Embed is a card attached to a message.
type Embed struct {
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Color       string       `json:"color,omitempty"` // "#rrggbb"
	AuthorName  string       `json:"authorName,omitempty"`
	AuthorURL   string       `json:"authorUrl,omitempty"`
	AuthorIcon  string       `json:"authorIconUrl,omitempty"`
	ImageURL    string       `json:"imageUrl,omitempty"`
	ThumbURL    string       `json:"thumbnailUrl,omitempty"`
	Footer      string       `json:"footer,omitempty"`
	FooterIcon  string       `json:"footerIconUrl,omitempty"`
	Timestamp   string       `json:"timestamp,omitempty"`
	Fields      []EmbedField `json:"fields,omitempty"`
}

// EmbedField is one labelled value in an Embed.
type EmbedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// Reaction is one emoji on a message with the users who set it.
type Reaction struct {
	Emoji   string   `json:"emoji"`
	Count   int      `json:"count"`
	UserIDs []string `json:"userIds"`
}

// Revision is what a message said before an edit.
type Revision struct {
	Number    int       `json:"number"` // from 1
	Content   string    `json:"content"`
	Embeds    []Embed   `json:"embeds"`
	EditedBy  string    `json:"editedBy"`  // who replaced it; "": the hub
	CreatedAt time.Time `json:"createdAt"` // when it was replaced
}

// Thread is a message with the newest replies to it.
type Thread struct {
	Root    Message   `json:"root"`
	Replies []Message `json:"items"` // newest first
	// NextCursor is where older ones begin, "": there are none.
	NextCursor string `json:"nextCursor"`
}

// NewMessage is a message about to be posted.
type NewMessage struct {
	Content  string   `json:"content,omitempty"`
	ThreadID string   `json:"threadId,omitempty"` // the message to reply to
	Embeds   []Embed  `json:"embeds,omitempty"`
	FileIDs  []string `json:"fileIds,omitempty"`
	// Key makes a repetition return the message posted the first time, and
	// lets the client repeat the call; "": neither.
	Key string `json:"-"`
}

// MessageChange is what a message is to say from now on.
type MessageChange struct {
	Content Field[string]  `json:"content,omitzero"`
	Embeds  Field[[]Embed] `json:"embeds,omitzero"`
}

// MessageQuery selects messages of a channel.
type MessageQuery struct {
	Before string // only older ones than this
	After  string // only newer ones than this, the page that follows it first
	Thread string // only replies in the thread with this root
	Pinned bool
}

// Hit is a message that was found.
type Hit struct {
	Message Message `json:"message"`
	Snippet string  `json:"snippet"`
	// Marks are the matches in Snippet, in bytes.
	Marks []struct {
		Start int `json:"start"`
		End   int `json:"end"`
	} `json:"marks"`
}

func messagePath(id string) string { return "/api/messages/" + escape(id) }

// Messages lists a channel's messages, newest first.
func (c *Client) Messages(ctx context.Context, channel string, q MessageQuery, options ...ListOption) iter.Seq2[Message, error] {
	values := query("before", q.Before, "after", q.After, "thread", q.Thread)
	if q.Pinned {
		values.Set("pinned", "true")
	}
	return list[Message](ctx, c, channelPath(channel)+"/messages", values, options)
}

// Message returns one message.
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	return call[Message](ctx, c, get(messagePath(id), nil))
}

// PostMessage posts a message. It is durable when this returns.
func (c *Client) PostMessage(ctx context.Context, channel string, m NewMessage) (Message, error) {
	return call[Message](ctx, c, request{method: http.MethodPost, path: channelPath(channel) + "/messages", body: m, key: m.Key})
}

// EditMessage changes what a message says.
func (c *Client) EditMessage(ctx context.Context, id string, change MessageChange, options ...CallOption) (Message, error) {
	return call[Message](ctx, c, patch(messagePath(id), change, options...))
}

// DeleteMessage deletes a message.
func (c *Client) DeleteMessage(ctx context.Context, id string, options ...CallOption) error {
	return c.do(ctx, remove(messagePath(id), options...))
}

// Thread returns the message that a thread begins with and a page of its
// replies; [Client.Replies] reads all of them.
func (c *Client) Thread(ctx context.Context, id string, options ...ListOption) (Thread, error) {
	l, q := listingOf(options), url.Values{}
	l.page(q, l.limit)
	t, err := call[Thread](ctx, c, get(messagePath(id)+"/thread", q))
	if err == nil {
		*l.cursor = t.NextCursor
	}
	return t, err
}

// Replies lists the replies in a message's thread, newest first.
func (c *Client) Replies(ctx context.Context, id string, options ...ListOption) iter.Seq2[Message, error] {
	return list[Message](ctx, c, messagePath(id)+"/thread", nil, options)
}

// Revisions lists what a message said before its edits, oldest first.
func (c *Client) Revisions(ctx context.Context, id string, options ...ListOption) iter.Seq2[Revision, error] {
	return list[Revision](ctx, c, messagePath(id)+"/revisions", nil, options)
}

// PinMessage pins a message in its channel.
func (c *Client) PinMessage(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodPut, path: messagePath(id) + "/pin"})
}

// UnpinMessage takes a pinned message off.
func (c *Client) UnpinMessage(ctx context.Context, id string) error {
	return c.do(ctx, remove(messagePath(id)+"/pin"))
}

// React sets an emoji on a message.
func (c *Client) React(ctx context.Context, id, emoji string) error {
	return c.do(ctx, request{method: http.MethodPut, path: messagePath(id) + "/reactions/" + escape(emoji)})
}

// Unreact takes an emoji off a message.
func (c *Client) Unreact(ctx context.Context, id, emoji string) error {
	return c.do(ctx, remove(messagePath(id)+"/reactions/"+escape(emoji)))
}

// Search finds messages that contain all words of text, newest first.
func (c *Client) Search(ctx context.Context, text string, options ...ListOption) iter.Seq2[Hit, error] {
	return list[Hit](ctx, c, "/api/search", query("q", text), options)
}
