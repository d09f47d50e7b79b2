package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// Inbox returns at most limit calls of all incoming webhooks, deleted ones too,
// and of tokens that are nobody's, older than before ("": the newest), newest
// first and without bodies, and whether there are more.
func (s *Service) Inbox(ctx context.Context, a hub.Actor, before hub.CallID, limit int) ([]hub.Call, bool, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, false, err
	}
	all, err := s.Store.Calls(ctx, "", before, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}

// InboxCall returns one of the calls in the inbox with its body.
func (s *Service) InboxCall(ctx context.Context, a hub.Actor, call hub.CallID) (hub.Call, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return hub.Call{}, err
	}
	return s.Store.Call(ctx, call)
}
