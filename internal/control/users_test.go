package control

import (
	"context"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// promoted is a chat in which a user becomes an owner while a change is on its way.
type promoted struct{ Chat }

func (promoted) User(_ context.Context, id hub.UserID) (hub.User, error) {
	return hub.User{ID: id, Role: hub.RoleAdmin}, nil
}

func (promoted) UpdateUser(_ context.Context, id hub.UserID, ch chat.UserChange, _ chat.Cause) (hub.User, error) {
	found := hub.User{ID: id, Role: hub.RoleOwner}
	return found, ch.Check(&found)
}

type noCache struct{}

func (noCache) Invalidate() {}

// TestOwnersAreForOwners: also who became one after the permission was asked for.
func TestOwnersAreForOwners(t *testing.T) {
	s, _, _ := newShelf(t)
	s.Chat, s.Access = promoted{}, noCache{}
	change := UserChange{Status: Set("suspended")}
	if _, err := s.UpdateUser(t.Context(), actors["admin"], "u", "", change); hub.CodeOf(err) != hub.Forbidden {
		t.Errorf("by an administrator: %v", err)
	}
	if _, err := s.UpdateUser(t.Context(), actors["owner"], "u", "", change); err != nil {
		t.Errorf("by an owner: %v", err)
	}
}
