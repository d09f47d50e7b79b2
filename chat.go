package hub

import (
	"encoding/json"
	"time"
)

// UserKind tells people from programs.
type UserKind string

// The kinds of user.
const (
	UserHuman   UserKind = "human"
	UserBot     UserKind = "bot"
	UserWebhook UserKind = "webhook"
	UserRemote  UserKind = "remote" // a person on the other side of a bridge
)

// User is somebody or something that can author messages.
type User struct {
	ID          UserID
	Kind        UserKind
	Username    string
	DisplayName string
	Email       string // "<id>@users.invalid" for bots, webhooks and remote users
	AvatarURL   string
	Role        Role
	Status      string // active, inactive, suspended, deleted
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// ChannelType says who may see a channel.
type ChannelType string

// The channel types the hub makes. nself-chat knows more; the hub treats any
// type but public as private.
const (
	ChannelPublic  ChannelType = "public"
	ChannelPrivate ChannelType = "private"
)

// Channel is a place where messages are posted.
type Channel struct {
	ID            ChannelID
	Name          string // unique within the workspace, lower case
	Description   string
	Topic         string
	Type          ChannelType
	IsDefault     bool
	IsArchived    bool
	MemberCount   int
	MessageCount  int
	LastMessageAt time.Time // zero: no message yet
	CreatedBy     UserID
	CreatedAt     time.Time
	UpdatedAt     time.Time
	ArchivedAt    time.Time // zero: not archived
}

// Member is a user's membership of a channel.
type Member struct {
	ChannelID ChannelID
	User      User
	Role      Role
	JoinedAt  time.Time
}

// MessageType distinguishes what people say from what the hub says.
type MessageType string

// The message types the hub writes.
const (
	MessageText   MessageType = "text"
	MessageSystem MessageType = "system" // a notice of the hub about itself
	MessageBot    MessageType = "bot"
)

// Message is one post in a channel. Content is Markdown.
type Message struct {
	ID        MessageID
	ChannelID ChannelID
	ThreadID  MessageID // the root message of the thread this is a reply in; "": top level
	Author    Author
	Content   string
	Type      MessageType
	Embeds    []Embed
	// Document is what the message says as a tree (package markup, in JSON), when
	// Content and Embeds do not say all of it; nil: they do.
	Document  json.RawMessage
	Files     []Attachment
	Reactions []Reaction
	Origin    Origin
	// ReplyCount is the number of replies in the thread whose root this is.
	ReplyCount int
	IsPinned   bool
	IsDeleted  bool
	Revision   int // 1 when created, +1 by each edit
	CreatedAt  time.Time
	EditedAt   time.Time // zero: never
	DeletedAt  time.Time // zero: not deleted
}

// Author is who a message shows as its author. For webhooks the look may be
// chosen per message, so it is kept with the message.
type Author struct {
	ID          UserID   `json:"id"`
	Kind        UserKind `json:"kind"`
	Username    string   `json:"username"`
	DisplayName string   `json:"displayName"`
	AvatarURL   string   `json:"avatarUrl,omitempty"`
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

// Attachment is a file that belongs to a message, or an uploaded one that
// does not belong to any yet.
type Attachment struct {
	ID        FileID
	MessageID MessageID // "": not posted yet
	UserID    UserID
	Filename  string
	MimeType  string // sniffed from the content, never taken from the uploader
	Size      int64  // bytes
	Hash      string // hex SHA-256 of the content, which names the stored blob
	URL       string // set instead of Hash for a file that lives elsewhere
	Width     int
	Height    int
	CreatedAt time.Time
}

// Reaction is one emoji on a message with the users who set it.
type Reaction struct {
	Emoji   string   `json:"emoji"`
	Count   int      `json:"count"`
	UserIDs []UserID `json:"userIds"`
}

// Revision is what a message said before an edit.
type Revision struct {
	MessageID MessageID
	Number    int
	Content   string
	Embeds    json.RawMessage
	EditedBy  UserID
	CreatedAt time.Time
}
