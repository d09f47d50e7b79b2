package api

import (
	"context"
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Hit is a message that was found.
type Hit struct {
	Message Message `json:"message" doc:"As it is now."`
	Snippet string  `json:"snippet" doc:"A part of its text around the first match."`
	Marks   []Mark  `json:"marks" doc:"The matches in the snippet."`
}

// Mark is a part of a snippet, in bytes of its UTF-8.
type Mark struct {
	Start int `json:"start" minimum:"0"`
	End   int `json:"end" minimum:"1" doc:"Of the first byte behind it."`
}

func wireHit(h control.Hit) Hit {
	out := Hit{Message: wireMessage(h.Message), Snippet: h.Snippet, Marks: make([]Mark, len(h.Marks))}
	for i, m := range h.Marks {
		out.Marks[i] = Mark{m.Start, m.End}
	}
	return out
}

type searchInput struct {
	Paging
	Text string `query:"q" required:"true" limits:"minLength=1,maxLength=256" example:"build" doc:"All words must occur, in any order; the last one may be the beginning of a word, of two letters or more."`
}

func (a *API) searchRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/search", id: "search", tag: "messages", summary: "Find messages, newest first",
	}, func(ctx context.Context, who hub.Actor, in *searchInput) (page[Hit], error) {
		before, err := idCursor[hub.MessageID]("hit", in.Cursor)
		if err != nil {
			return page[Hit]{}, err
		}
		hits, more, err := a.Control.Search(ctx, who, in.Text, before, in.Limit)
		if err != nil {
			return page[Hit]{}, err
		}
		return pageOf(hits, wireHit, nextOf("hit", hits, more, func(h control.Hit) string { return string(h.Message.ID) })), nil
	})
}
