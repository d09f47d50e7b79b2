package api

import (
	"context"
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// hitWire is a message that was found.
type hitWire struct {
	Message messageWire `json:"message"`
	Snippet string      `json:"snippet" doc:"A part of its text around the first match."`
	Marks   []markWire  `json:"marks" doc:"The matches in the snippet."`
}

// markWire is a part of a snippet, in bytes of its UTF-8.
type markWire struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

func wireHit(h control.Hit) hitWire {
	out := hitWire{Message: wireMessage(h.Message), Snippet: h.Snippet, Marks: make([]markWire, len(h.Marks))}
	for i, m := range h.Marks {
		out.Marks[i] = markWire{m.Start, m.End}
	}
	return out
}

type searchInput struct {
	paging
	Text string `query:"q" required:"true" doc:"All words must occur, in any order; the last one may be the beginning of a word."`
}

func (a *API) searchRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/search", id: "search", tag: "messages", summary: "Find messages, newest first",
	}, func(ctx context.Context, who hub.Actor, in *searchInput) (page[hitWire], error) {
		before, err := idCursor[hub.MessageID]("hit", in.Cursor)
		if err != nil {
			return page[hitWire]{}, err
		}
		hits, more, err := a.Control.Search(ctx, who, in.Text, before, in.Limit)
		if err != nil {
			return page[hitWire]{}, err
		}
		return pageOf(hits, wireHit, nextOf("hit", hits, more, func(h control.Hit) string { return string(h.Message.ID) })), nil
	})
}
