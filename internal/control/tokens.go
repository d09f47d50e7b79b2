package control

import (
	"context"
	"slices"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

// tokenStore keeps API tokens.
type tokenStore interface {
	CreateToken(ctx context.Context, once *hub.Idempotency, k hub.APIToken) error
	TokenPage(ctx context.Context, after hub.TokenID, limit int) ([]hub.APIToken, error)
	Token(ctx context.Context, id hub.TokenID) (hub.APIToken, error)
	DeleteToken(ctx context.Context, id hub.TokenID) error
}

// TokenRequest describes an API token to be made.
type TokenRequest struct {
	Name       string
	UserID     hub.UserID // "": the actor
	Scope      hub.Scope
	ChannelIDs []hub.ChannelID // empty: no restriction
	ExpiresAt  time.Time       // zero: never
}

// tokenBytes is the randomness of an API token.
const tokenBytes = 32

// Tokens returns at most limit API tokens with ids above after, oldest first, and
// whether there are more.
func (s *Service) Tokens(ctx context.Context, a hub.Actor, after hub.TokenID, limit int) ([]hub.APIToken, bool, error) {
	if err := allow(a, manageTokens); err != nil {
		return nil, false, err
	}
	all, err := s.Store.TokenPage(ctx, after, limit+1)
	items, more := firstOf(all, limit)
	return items, more, err
}

// CreateToken makes an API token. The token is returned here and never again.
// It can do at most what its user's role can.
func (s *Service) CreateToken(ctx context.Context, a hub.Actor, r TokenRequest) (hub.APIToken, secret.String, error) {
	none := secret.String{}
	if err := allow(a, manageTokens); err != nil {
		return hub.APIToken{}, none, err
	}
	if r.UserID == "" {
		r.UserID = a.UserID
	}
	if err := s.checkToken(ctx, a, &r); err != nil {
		return hub.APIToken{}, none, err
	}
	token := secret.Token(secret.APITokenPrefix, tokenBytes)
	k := hub.APIToken{
		ID: hub.TokenID(s.IDs.New()), Name: r.Name, UserID: r.UserID, Scope: r.Scope, Channels: r.ChannelIDs,
		Hash: secret.Hash(token.Reveal()), CreatedAt: s.Now().UTC().Truncate(time.Microsecond), ExpiresAt: r.ExpiresAt.UTC(),
	}
	if err := s.Store.CreateToken(ctx, nil, k); err != nil {
		return hub.APIToken{}, none, err
	}
	s.audit(ctx, a, "token.create", string(k.ID), nil, tokenFacts(&k))
	return k, token, nil
}

func (s *Service) checkToken(ctx context.Context, a hub.Actor, r *TokenRequest) error {
	var errs hub.FieldErrors
	checkName(&errs, "name", r.Name)
	if r.Scope.Rank() == 0 {
		errs.Add("scope", "must be read, write or admin")
	}
	s.checkExpiry(&errs, r.ExpiresAt)
	slices.Sort(r.ChannelIDs)
	r.ChannelIDs = slices.Compact(r.ChannelIDs)
	if err := s.checkChannels(ctx, &errs, r.ChannelIDs); err != nil {
		return err
	}
	u, err := s.Chat.User(ctx, r.UserID)
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		errs.Add("userId", "there is no such user")
	case err != nil:
		return err
	case u.Role == hub.RoleOwner && u.ID != a.UserID && a.Role != hub.RoleOwner:
		errs.Add("userId", "only owners may make tokens of other owners")
	case u.Status != "active":
		errs.Add("userId", "the user is not active")
	case u.Kind == hub.UserHuman && r.Scope.Rank() > hub.ScopeOfRole(u.Role).Rank():
		errs.Add("scope", "is more than the user's role allows")
	}
	return errs.Err()
}

// DeleteToken ends an API token at once.
func (s *Service) DeleteToken(ctx context.Context, a hub.Actor, id hub.TokenID) error {
	if err := allow(a, manageTokens); err != nil {
		return err
	}
	k, err := s.Store.Token(ctx, id)
	if err != nil {
		return err
	}
	if err := s.mayEnd(ctx, a, k.UserID); err != nil {
		return err
	}
	err = s.Store.DeleteToken(ctx, id)
	s.Access.Invalidate()
	if err != nil {
		return err
	}
	s.audit(ctx, a, "token.delete", string(id), tokenFacts(&k), nil)
	return nil
}

func tokenFacts(k *hub.APIToken) map[string]any {
	return map[string]any{"name": k.Name, "userId": k.UserID, "scope": k.Scope, "channelIds": k.Channels, "expiresAt": k.ExpiresAt}
}
