package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Credential is an API token as it is shown.
type Credential struct {
	ID         hub.TokenID     `json:"id"`
	Name       string          `json:"name" doc:"For people."`
	UserID     hub.UserID      `json:"userId" doc:"The user it acts as."`
	Scope      hub.Scope       `json:"scope" enum:"read,write,admin" doc:"What it may do: each includes the ones before."`
	ChannelIDs []hub.ChannelID `json:"channelIds" doc:"Restricts it to these; empty: no restriction."`
	CreatedAt  time.Time       `json:"createdAt"`
	LastUsedAt time.Time       `json:"lastUsedAt,omitzero" doc:"To the minute; absent: never."`
	ExpiresAt  time.Time       `json:"expiresAt,omitzero" doc:"Absent: never."`
}

// TokenMade is a token, shown once.
type TokenMade struct {
	Credential
	Token string `json:"token" readOnly:"true" format:"password" doc:"Shown once."`
}

func wireToken(k hub.APIToken) Credential {
	return Credential{
		ID: k.ID, Name: k.Name, UserID: k.UserID, Scope: k.Scope, ChannelIDs: orEmpty(k.Channels),
		CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt,
	}
}

type (
	listTokensInput struct{ Paging }
	makeTokenInput  struct {
		Body struct {
			Name       string          `json:"name" limits:"minLength=1,maxLength=100" doc:"For people."`
			UserID     hub.UserID      `json:"userId,omitempty" doc:"The user it acts as; otherwise the caller."`
			Scope      hub.Scope       `json:"scope" enum:"read,write,admin" doc:"What it may do: each includes the ones before."`
			ChannelIDs []hub.ChannelID `json:"channelIds,omitempty" limits:"maxItems=500" doc:"Restricts it to these."`
			ExpiresAt  time.Time       `json:"expiresAt,omitzero" doc:"In the future; absent: never."`
		} `nameHint:"TokenCreate"`
	}
	tokenInput struct {
		ID hub.TokenID `path:"id"`
	}
)

func (a *API) tokenRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/tokens", id: "listTokens", tag: "access", summary: "List API tokens, oldest first",
	}, func(ctx context.Context, who hub.Actor, in *listTokensInput) (page[Credential], error) {
		after, err := idCursor[hub.TokenID]("token", in.Cursor)
		if err != nil {
			return page[Credential]{}, err
		}
		items, more, err := a.Control.Tokens(ctx, who, after, in.Limit)
		if err != nil {
			return page[Credential]{}, err
		}
		return pageOf(items, wireToken, nextOf("token", items, more, func(k hub.APIToken) string { return string(k.ID) })), nil
	})
	register(a, operation{
		method: http.MethodPost, path: "/api/tokens", id: "createToken", tag: "access", summary: "Make an API token", status: http.StatusCreated,
	}, func(ctx context.Context, who hub.Actor, in *makeTokenInput) (TokenMade, error) {
		b := in.Body
		k, token, err := a.Control.CreateToken(ctx, who, control.TokenRequest{
			Name: b.Name, UserID: b.UserID, Scope: b.Scope, ChannelIDs: b.ChannelIDs, ExpiresAt: b.ExpiresAt,
		})
		return TokenMade{wireToken(k), token.Reveal()}, err
	})
	register(a, operation{
		method: http.MethodDelete, path: "/api/tokens/{id}", id: "deleteToken", tag: "access", summary: "End an API token",
	}, func(ctx context.Context, who hub.Actor, in *tokenInput) (nothing, error) {
		return nothing{}, a.Control.DeleteToken(ctx, who, in.ID)
	})
}
