package hub

import "time"

// The data of the hub's own events. Within version 1.x only additions are
// made. Names are as of the moment of the event.

// MessageData is the data of message.* events. Besides the objects it carries
// the flat fields of nself-chat's guide.
type MessageData struct {
	Message MessageInfo `json:"message"`
	Channel ChannelInfo `json:"channel"`
	User    UserInfo    `json:"user"`
	Emoji   string      `json:"emoji,omitempty"`    // reaction events
	Actor   *UserInfo   `json:"actor,omitempty"`    // who reacted, edited, pinned or deleted, when not the author
	Prior   *PriorText  `json:"previous,omitempty"` // message.updated: what it said before

	MessageID MessageID `json:"messageId"`
	ChannelID ChannelID `json:"channelId"`
	Content   string    `json:"content"`
	Author    AuthorRef `json:"author"`
}

// PriorText is what a message said before an edit.
type PriorText struct {
	Content string `json:"content"`
}

// MessageInfo is a message as events show it.
type MessageInfo struct {
	ID          MessageID        `json:"id"`
	ChannelID   ChannelID        `json:"channelId"`
	UserID      UserID           `json:"userId"`
	ThreadID    MessageID        `json:"threadId,omitempty"`
	Content     string           `json:"content"`
	Type        MessageType      `json:"type"`
	Embeds      []Embed          `json:"embeds,omitempty"`
	Attachments []AttachmentInfo `json:"attachments,omitempty"`
	CreatedAt   time.Time        `json:"createdAt"`
	EditedAt    *time.Time       `json:"editedAt,omitempty"`
	Revision    int              `json:"revision,omitempty"`
}

// AttachmentInfo is a file as events and the API show it.
type AttachmentInfo struct {
	ID       FileID `json:"id"`
	Filename string `json:"filename"`
	MimeType string `json:"mimeType"`
	Size     int64  `json:"size"`
	URL      string `json:"url,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
}

// ChannelInfo is a channel as events show it.
type ChannelInfo struct {
	ID          ChannelID   `json:"id"`
	Name        string      `json:"name"`
	Type        ChannelType `json:"type"`
	Topic       string      `json:"topic,omitempty"`
	Description string      `json:"description,omitempty"`
	IsArchived  bool        `json:"isArchived,omitempty"`
}

// UserInfo is a user as events show it.
type UserInfo struct {
	ID          UserID   `json:"id"`
	Username    string   `json:"username"`
	DisplayName string   `json:"displayName"`
	Kind        UserKind `json:"kind,omitempty"`
	AvatarURL   string   `json:"avatarUrl,omitempty"`
}

// AuthorRef is the guide's flat author.
type AuthorRef struct {
	ID       UserID `json:"id"`
	Username string `json:"username"`
}

// ChannelData is the data of channel.* events.
type ChannelData struct {
	Channel ChannelInfo `json:"channel"`
	User    *UserInfo   `json:"user,omitempty"` // who did it
}

// UserData is the data of user.* events; Channel is set for joined and left.
type UserData struct {
	User    UserInfo     `json:"user"`
	Channel *ChannelInfo `json:"channel,omitempty"`
}

// ThreadData is the data of thread.* events.
type ThreadData struct {
	Thread  ThreadInfo  `json:"thread"`
	Channel ChannelInfo `json:"channel"`
	User    *UserInfo   `json:"user,omitempty"`
}

// ThreadInfo is a thread as events show it. Its id is that of its root message.
type ThreadInfo struct {
	ID           MessageID `json:"id"`
	ChannelID    ChannelID `json:"channelId"`
	MessageCount int       `json:"messageCount"`
}

// FileData is the data of file.* events.
type FileData struct {
	File AttachmentInfo `json:"file"`
	User *UserInfo      `json:"user,omitempty"`
}

// WebhookTestData is the data of webhook.test.
type WebhookTestData struct {
	Message string `json:"message"`
}

// WebhookStateData is the data of webhook.failing and webhook.disabled.
type WebhookStateData struct {
	Webhook WebhookInfo `json:"webhook"`
	// Reason is what happened: dead_letter, breaker_open, gone or failing_for_days.
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// WebhookInfo is an outgoing webhook as events show it.
type WebhookInfo struct {
	ID   WebhookID `json:"id"`
	Name string    `json:"name"`
}
