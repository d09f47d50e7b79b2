package chat

import (
	"context"

	"github.com/nself-chat/hub"
)

// Preview returns the message that a post would become: without an id and a time,
// and where in the channel it would go is not looked up. Nothing is stored.
// uploads are files that would be, instead of the FileIDs of the post.
//
// Errors: Invalid (Fields say what), NotFound (author).
func (s *Service) Preview(ctx context.Context, p Post, uploads []hub.Attachment) (hub.Message, error) {
	say, err := s.say(&p, len(uploads)+len(p.Remote))
	if err != nil {
		return hub.Message{}, err
	}
	m := hub.Message{ChannelID: p.ChannelID, Content: say.content, Type: hub.MessageText, Embeds: say.embeds, Document: say.document}
	if m.Author, err = s.author(ctx, p.Author, p.AllowMentions); err != nil {
		return hub.Message{}, err
	}
	remote, err := s.filesFor(ctx, &m, nil, p.Remote)
	if err != nil {
		return hub.Message{}, err
	}
	for i := range remote {
		remote[i].ID = ""
	}
	m.Files = append(uploads, remote...)
	return m, nil
}
