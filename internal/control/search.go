package control

import (
	"context"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// Search finds messages in the channels that the actor sees, newest first, and
// says whether there are more. before is the last one of the page before.
func (s *Service) Search(ctx context.Context, a hub.Actor, text string, before hub.MessageID, limit int) ([]chat.Hit, bool, error) {
	if err := allow(a, readChat); err != nil {
		return nil, false, err
	}
	return s.Chat.Search(ctx, chat.SearchQuery{Text: text, Viewer: viewer(a), Before: before, Limit: limit})
}
