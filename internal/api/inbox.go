package api

import (
	"context"
	"net/http"

	"github.com/nself-chat/hub"
)

type inboxCallInput struct {
	ID hub.CallID `path:"id"`
}

func (a *API) inboxRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/inbox", id: "listInbox", tag: "incoming webhooks", summary: "List all calls, newest first",
		doc: "Those of all incoming webhooks, deleted ones too, and of tokens that are nobody's.",
	}, func(ctx context.Context, who hub.Actor, in *listIncomingInput) (page[Call], error) {
		before, err := idCursor[hub.CallID]("inbox", in.Cursor)
		if err != nil {
			return page[Call]{}, err
		}
		calls, more, err := a.Control.Inbox(ctx, who, before, in.Limit)
		if err != nil {
			return page[Call]{}, err
		}
		return pageOf(calls, wireCall, nextOf("inbox", calls, more, func(c hub.Call) string { return string(c.ID) })), nil
	})
	register(a, operation{
		method: http.MethodGet, path: "/api/inbox/{id}", id: "getInboxCall", tag: "incoming webhooks", summary: "Show any call with its body",
	}, func(ctx context.Context, who hub.Actor, in *inboxCallInput) (Call, error) {
		return wired(wireCall)(a.Control.InboxCall(ctx, who, in.ID))
	})
}
