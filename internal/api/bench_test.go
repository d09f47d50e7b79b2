package api

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// noStore takes events and keeps nothing.
type noStore struct{ control.Store }

func (noStore) Publish(context.Context, *hub.Idempotency, ...hub.Routing) error { return nil }

type noRouter struct{}

func (noRouter) Route(e *hub.Event) hub.Routing       { return hub.Routing{Event: e} }
func (noRouter) CatchUp(context.Context, int64) error { return nil }

func (noRouter) Settle(bool, ...hub.Routing) {}

type anybody struct{}

func (anybody) Actor(*http.Request) (hub.Actor, error) {
	return hub.Actor{UserID: "u", Username: "bench", Role: hub.RoleOwner, Scope: hub.ScopeAdmin, TokenID: "t"}, nil
}

func benchAPI(testing.TB) *API {
	return Mount(http.NewServeMux(), Options{
		Control: &control.Service{Store: noStore{}, Router: noRouter{}, IDs: &hub.IDs{}, Now: time.Now},
		Auth:    anybody{}, Log: slog.New(slog.DiscardHandler), Wake: func() <-chan struct{} { return nil },
	})
}
