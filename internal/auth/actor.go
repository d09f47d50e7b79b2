package auth

import (
	"context"

	"github.com/nself-chat/hub"
)

type actorKey struct{}

// WithActor returns a context that carries who is asking.
func WithActor(ctx context.Context, a hub.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns who is asking, if the context says so.
func ActorFrom(ctx context.Context) (hub.Actor, bool) {
	a, ok := ctx.Value(actorKey{}).(hub.Actor)
	return a, ok
}
