package discord

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/markup/discord"
)

// message is Discord's message object ("Message Object"). Its ids are the hub's own
// in decimal.
type message struct {
	ID              string       `json:"id"`
	Type            int          `json:"type"`
	ChannelID       string       `json:"channel_id"`
	WebhookID       string       `json:"webhook_id"`
	Author          author       `json:"author"`
	Content         string       `json:"content"`
	Embeds          []embed      `json:"embeds"`
	Attachments     []attachment `json:"attachments"`
	Components      []struct{}   `json:"components"`
	Mentions        []struct{}   `json:"mentions"`
	MentionRoles    []string     `json:"mention_roles"`
	MentionEveryone bool         `json:"mention_everyone"`
	Pinned          bool         `json:"pinned"`
	TTS             bool         `json:"tts"`
	Flags           int          `json:"flags"`
	Timestamp       time.Time    `json:"timestamp"`
	EditedTimestamp *time.Time   `json:"edited_timestamp"`
}

// author is a user object ("User Object").
type author struct {
	ID            string    `json:"id"`
	Username      string    `json:"username"`
	Discriminator string    `json:"discriminator"`
	GlobalName    *string   `json:"global_name"`
	Avatar        *string   `json:"avatar"` // a hash, which the hub's pictures have not
	PrimaryGuild  *struct{} `json:"primary_guild"`
	Bot           bool      `json:"bot"`
	Flags         int       `json:"flags"`
	PublicFlags   int       `json:"public_flags"`
}

// embed is an embed object ("Embed Object").
type embed struct {
	Type        string  `json:"type"`
	Title       string  `json:"title,omitempty"`
	Description string  `json:"description,omitempty"`
	URL         string  `json:"url,omitempty"`
	Color       int     `json:"color,omitempty"`
	Timestamp   string  `json:"timestamp,omitempty"`
	Author      *named  `json:"author,omitempty"`
	Image       *media  `json:"image,omitempty"`
	Thumbnail   *media  `json:"thumbnail,omitempty"`
	Footer      *footer `json:"footer,omitempty"`
	Fields      []field `json:"fields,omitempty"`
}

type named struct {
	Name string `json:"name"`
}

type media struct {
	URL string `json:"url"`
}

type footer struct {
	Text string `json:"text"`
}

type field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// attachment is an attachment object ("Attachment Object").
type attachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Size        int64  `json:"size"`
	URL         string `json:"url"`
	ProxyURL    string `json:"proxy_url"`
	ContentType string `json:"content_type,omitempty"`
}

// Message returns the JSON of the message object that Discord would answer for a
// message of a webhook. A message in a thread has the thread for its channel, as in
// Discord.
func Message(m *hub.Message) []byte {
	webhook := string(m.Author.ID)
	if m.Origin.Kind == hub.OriginIncoming {
		webhook = m.Origin.ID
	}
	name := cmp.Or(m.Author.DisplayName, m.Author.Username)
	channel := string(m.ChannelID)
	if m.ThreadID != "" {
		channel = string(m.ThreadID)
	}
	content, _ := discord.PrintText(markup.ParseMarkdown(m.Content))
	out := message{
		ID: dialect.Decimal(string(m.ID)), ChannelID: dialect.Decimal(channel), WebhookID: dialect.Decimal(webhook),
		Author:  author{ID: dialect.Decimal(webhook), Username: name, Discriminator: "0000", Bot: true},
		Content: content, Embeds: embeds(m.Embeds), Attachments: attachments(m.Files),
		Components: []struct{}{}, Mentions: []struct{}{}, MentionRoles: []string{},
		Pinned: m.IsPinned, Timestamp: m.CreatedAt.UTC(),
	}
	if !m.EditedAt.IsZero() {
		edited := m.EditedAt.UTC()
		out.EditedTimestamp = &edited
	}
	return encode(out)
}

func embeds(cards []hub.Embed) []embed {
	out := make([]embed, 0, len(cards))
	for i := range cards {
		c := &cards[i]
		e := embed{Type: "rich", Title: c.Title, Description: c.Description, URL: c.URL, Color: markup.Color(c.Color).RGB()}
		if _, err := time.Parse(time.RFC3339, c.Timestamp); err == nil {
			e.Timestamp = c.Timestamp
		}
		if c.AuthorName != "" {
			e.Author = &named{c.AuthorName}
		}
		if c.Footer != "" {
			e.Footer = &footer{c.Footer}
		}
		e.Image, e.Thumbnail = picture(c.ImageURL), picture(c.ThumbURL)
		for _, f := range c.Fields {
			e.Fields = append(e.Fields, field(f))
		}
		out = append(out, e)
	}
	return out
}

func picture(url string) *media {
	if url == "" {
		return nil
	}
	return &media{url}
}

func attachments(files []hub.Attachment) []attachment {
	out := make([]attachment, 0, len(files))
	for i := range files {
		f := &files[i]
		url := f.URL
		if url == "" {
			url = "/api/files/" + string(f.ID)
		}
		out = append(out, attachment{
			ID: dialect.Decimal(string(f.ID)), Filename: f.Filename, Size: f.Size, URL: url, ProxyURL: url, ContentType: f.MimeType,
		})
	}
	return out
}

// incoming is the type of a webhook that posts with a token ("Webhook Types").
const incoming = 1

// Hook returns the JSON of the webhook object ("Webhook Object") that Discord
// answers to a GET of the webhook's URL. There are no guilds: the channel stands for
// its own. The token is the one that the caller named.
func Hook(h *hub.IncomingWebhook, token, url string) []byte {
	return encode(struct {
		ID            string  `json:"id"`
		Type          int     `json:"type"`
		Name          string  `json:"name"`
		Avatar        *string `json:"avatar"` // a hash, which the hub's pictures have not
		ChannelID     string  `json:"channel_id"`
		GuildID       string  `json:"guild_id"`
		ApplicationID *string `json:"application_id"`
		Token         string  `json:"token"`
		URL           string  `json:"url"`
	}{
		ID: dialect.Decimal(string(h.ID)), Type: incoming, Name: h.Name, ChannelID: dialect.Decimal(string(h.ChannelID)),
		GuildID: dialect.Decimal(string(h.ChannelID)), Token: token, URL: url,
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // strings, numbers and times of this age always encode
		return []byte("{}")
	}
	return b
}
