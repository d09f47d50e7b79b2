package webhook

import "time"

// The types of event the hub makes itself. Any other name comes from
// POST /api/events.
const (
	MessageCreated  = "message.created"
	MessageUpdated  = "message.updated"
	MessageDeleted  = "message.deleted"
	MessagePinned   = "message.pinned"
	MessageUnpinned = "message.unpinned"
	ReactionAdded   = "message.reaction.added"
	ReactionRemoved = "message.reaction.removed"
	ChannelCreated  = "channel.created"
	ChannelUpdated  = "channel.updated"
	ChannelDeleted  = "channel.deleted"
	ChannelArchived = "channel.archived"
	UserJoined      = "user.joined"
	UserLeft        = "user.left"
	UserCreated     = "user.created"
	UserUpdated     = "user.updated"
	UserDeactivated = "user.deactivated"
	ThreadCreated   = "thread.created"
	ThreadUpdated   = "thread.updated"
	FileUploaded    = "file.uploaded"
	FileDeleted     = "file.deleted"
	WebhookTest     = "webhook.test"
	WebhookFailing  = "webhook.failing"
	WebhookDisabled = "webhook.disabled"
)

// dataOf returns room for the data of an event, nil for an unknown name.
func dataOf(event string) any {
	switch event {
	case MessageCreated, MessageUpdated, MessageDeleted, MessagePinned, MessageUnpinned, ReactionAdded, ReactionRemoved:
		return &MessageData{}
	case ChannelCreated, ChannelUpdated, ChannelDeleted, ChannelArchived:
		return &ChannelData{}
	case UserJoined, UserLeft, UserCreated, UserUpdated, UserDeactivated:
		return &UserData{}
	case ThreadCreated, ThreadUpdated:
		return &ThreadData{}
	case FileUploaded, FileDeleted:
		return &FileData{}
	case WebhookTest:
		return &TestData{}
	case WebhookFailing, WebhookDisabled:
		return &StateData{}
	}
	return nil
}

// MessageData is the data of message.* events. Message, Channel and User are
// as they were when it happened; the last four fields repeat parts of them in
// the flat form of nself-chat's guide.
type MessageData struct {
	Message Message `json:"message"`
	Channel Channel `json:"channel"`
	User    User    `json:"user"` // the author
	// Emoji is set in message.reaction.* events.
	Emoji string `json:"emoji,omitempty"`
	// Actor is who reacted, edited, pinned or deleted, if not the author.
	Actor *User `json:"actor,omitempty"`
	// Previous is what the message said before, in message.updated.
	Previous *Previous `json:"previous,omitempty"`

	MessageID string `json:"messageId"`
	ChannelID string `json:"channelId"`
	Content   string `json:"content"`
	Author    Author `json:"author"`
}

// Message is a post in a channel. Content is Markdown.
type Message struct {
	ID          string       `json:"id"`
	ChannelID   string       `json:"channelId"`
	UserID      string       `json:"userId"`
	ThreadID    string       `json:"threadId,omitempty"` // the message it replies to, "" at top level
	Content     string       `json:"content"`
	Type        string       `json:"type"` // text, system or bot
	Embeds      []Embed      `json:"embeds,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	CreatedAt   time.Time    `json:"createdAt"`
	EditedAt    *time.Time   `json:"editedAt,omitempty"`
	Revision    int          `json:"revision,omitempty"` // 1 when new, one more with each edit
}

// Previous is what a message said before an edit.
type Previous struct {
	Content string `json:"content"`
}

// Author is the author of a message in the flat form.
type Author struct {
	ID       string `json:"id"`
	Username string `json:"username"`
}

// Embed is a card attached to a message.
type Embed struct {
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Color       string       `json:"color,omitempty"` // #rrggbb
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

// EmbedField is one labelled value of an Embed.
type EmbedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// Attachment is a file. Size is in bytes, Width and Height in pixels.
type Attachment struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	MimeType string `json:"mimeType"`
	Size     int64  `json:"size"`
	URL      string `json:"url,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
}

// Channel is where messages are posted.
type Channel struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Type        string `json:"type"` // public or private
	Topic       string `json:"topic,omitempty"`
	Description string `json:"description,omitempty"`
	IsArchived  bool   `json:"isArchived,omitempty"`
}

// User is a person or a program.
type User struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	Kind        string `json:"kind,omitempty"` // human, bot, webhook or remote
	AvatarURL   string `json:"avatarUrl,omitempty"`
}

// ChannelData is the data of channel.* events. User is who did it.
type ChannelData struct {
	Channel Channel `json:"channel"`
	User    *User   `json:"user,omitempty"`
}

// UserData is the data of user.* events. Channel is set in user.joined and
// user.left.
type UserData struct {
	User    User     `json:"user"`
	Channel *Channel `json:"channel,omitempty"`
}

// ThreadData is the data of thread.* events. User is who did it.
type ThreadData struct {
	Thread  Thread  `json:"thread"`
	Channel Channel `json:"channel"`
	User    *User   `json:"user,omitempty"`
}

// Thread is a message with its replies. ID is the message's.
type Thread struct {
	ID           string `json:"id"`
	ChannelID    string `json:"channelId"`
	MessageCount int    `json:"messageCount"`
}

// FileData is the data of file.* events. User is who did it.
type FileData struct {
	File Attachment `json:"file"`
	User *User      `json:"user,omitempty"`
}

// TestData is the data of webhook.test.
type TestData struct {
	Message string `json:"message"`
}

// StateData is the data of webhook.failing and webhook.disabled.
type StateData struct {
	Webhook Webhook `json:"webhook"`
	Reason  string  `json:"reason"` // dead_letter, breaker_open, gone or failing_for_days
	Detail  string  `json:"detail"`
}

// Webhook is an outgoing webhook.
type Webhook struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}
