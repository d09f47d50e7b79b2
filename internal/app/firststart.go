package app

import (
	"context"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/auth"
	"github.com/nself-chat/hub/internal/secret"
)

// Welcome is what an operator is told when the hub has started.
type Welcome struct {
	URL string
	// LoginURL signs the owner in to the console, once. It is made at the
	// first start only.
	LoginURL string
	// Token is the API token, when one was generated just now.
	Token string
	// DemoURL is the demo's incoming webhook, when it was made just now.
	DemoURL string
}

// tokenBytes is the randomness of a generated API token.
const tokenBytes = 32

// Welcome makes the owner's API token and the first sign-in link when there
// is no token yet. HUB_ADMIN_TOKEN replaces the generated one, at any start.
func (a *App) Welcome(ctx context.Context) (Welcome, error) {
	w := Welcome{URL: a.url}
	tokens, err := a.store.Tokens(ctx)
	if err != nil {
		return w, err
	}
	if given := a.config.AdminToken; !given.IsZero() {
		if err := a.ensureToken(ctx, tokens, given); err != nil {
			return w, err
		}
	} else if len(tokens) == 0 {
		token := secret.Token(secret.APITokenPrefix, tokenBytes)
		if err := a.addToken(ctx, "first start", token); err != nil {
			return w, err
		}
		w.Token = token.Reveal()
	}
	if len(tokens) > 0 {
		return w, nil
	}
	link, err := auth.NewLoginLink(ctx, a.store, a.defaults.Owner, a.now())
	if err != nil {
		return w, err
	}
	w.LoginURL = a.url + link.Reveal()
	return w, nil
}

// ensureToken makes the configured token valid, and the ones that were
// configured before it void. The token may be one that there is already.
func (a *App) ensureToken(ctx context.Context, tokens []hub.APIToken, given secret.String) error {
	hash, valid := secret.Hash(given.Reveal()), false
	for _, t := range tokens {
		switch {
		case t.Hash == hash:
			valid = true
		case t.Name == configuredToken:
			if err := a.store.DeleteToken(ctx, t.ID); err != nil {
				return err
			}
		}
	}
	if valid {
		return nil
	}
	return a.addToken(ctx, configuredToken, given)
}

// configuredToken is the name of the token that HUB_ADMIN_TOKEN sets.
const configuredToken = "HUB_ADMIN_TOKEN"

func (a *App) addToken(ctx context.Context, name string, token secret.String) error {
	return a.store.CreateToken(ctx, nil, hub.APIToken{
		ID: hub.TokenID(a.ids.New()), Name: name, UserID: a.defaults.Owner, Scope: hub.ScopeAdmin,
		Hash: secret.Hash(token.Reveal()), CreatedAt: a.store.Now(),
	})
}
