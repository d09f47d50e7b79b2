package chat

import (
	"encoding/json"

	"github.com/nself-chat/hub"
)

func userInfo(u *hub.User) hub.UserInfo {
	return hub.UserInfo{ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Kind: u.Kind, AvatarURL: u.AvatarURL}
}

func authorInfo(a *hub.Author) hub.UserInfo {
	return hub.UserInfo{ID: a.ID, Username: a.Username, DisplayName: a.DisplayName, Kind: a.Kind, AvatarURL: a.AvatarURL}
}

func channelInfo(c *hub.Channel) hub.ChannelInfo {
	return hub.ChannelInfo{
		ID: c.ID, Name: c.Name, Type: c.Type, Topic: c.Topic, Description: c.Description, IsArchived: c.IsArchived,
	}
}

func fileInfo(a *hub.Attachment) hub.AttachmentInfo {
	return hub.AttachmentInfo{
		ID: a.ID, Filename: a.Filename, MimeType: a.MimeType, Size: a.Size, URL: a.URL, Width: a.Width, Height: a.Height,
	}
}

// messageData is the data of an event about m. The actor is named when it is
// not the author.
func messageData(m *hub.Message, c *change) *hub.MessageData {
	d := &hub.MessageData{
		Message: hub.MessageInfo{
			ID: m.ID, ChannelID: m.ChannelID, UserID: m.Author.ID, ThreadID: m.ThreadID, Content: m.Content, Type: m.Type,
			Embeds: m.Embeds, CreatedAt: m.CreatedAt, Revision: m.Revision,
		},
		Channel:   channelInfo(c.channel),
		User:      authorInfo(&m.Author),
		MessageID: m.ID,
		ChannelID: m.ChannelID,
		Content:   m.Content,
		Author:    hub.AuthorRef{ID: m.Author.ID, Username: m.Author.Username},
	}
	for i := range m.Files {
		d.Message.Attachments = append(d.Message.Attachments, fileInfo(&m.Files[i]))
	}
	if !m.EditedAt.IsZero() {
		d.Message.EditedAt = &m.EditedAt
	}
	if c.actor != nil && c.actor.ID != m.Author.ID {
		d.Actor = c.actor
	}
	return d
}

// scrubbedData is the data of a message event whose text was removed after
// the message was deleted. Scrubbed tells `hub verify`, too, that a filter on
// the text cannot be checked any more.
type scrubbedData struct {
	*hub.MessageData
	Scrubbed bool `json:"scrubbed"`
}

// scrub takes text, cards and files out of the data of a message event and
// leaves ids, names and times.
func scrub(data json.RawMessage) (json.RawMessage, error) {
	d := new(hub.MessageData)
	if err := json.Unmarshal(data, d); err != nil {
		return json.RawMessage(`{"scrubbed":true}`), nil //nolint:nilerr // not ours, and there may be text in it
	}
	d.Message.Content, d.Message.Embeds, d.Message.Attachments = "", nil, nil
	d.Content, d.Prior = "", nil
	return json.Marshal(scrubbedData{MessageData: d, Scrubbed: true})
}
