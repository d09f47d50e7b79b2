// Package teams is the webhooks of Microsoft Teams ("Create Incoming Webhooks" and
// "Post a workflow when a webhook request is received" of learn.microsoft.com):
// the older MessageCard, and messages with Adaptive Cards.
//
// A request is known by the type of its card, which both formats demand.
//
// Left out: how cards are laid out. Buttons and inputs that would have to be
// answered are shown as text.
package teams

import (
	"net/http"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Dialect is that of Microsoft Teams.
var Dialect = &dialect.Dialect{
	Name: "teams", Title: "Microsoft Teams", Detect: detect, Parse: parse, Success: success, Failure: failure,
}

func detect(r *dialect.Request) string {
	f := r.Fields
	switch {
	case isMessageCard(f):
		return "a MessageCard"
	case f.Str("type") == adaptiveCard:
		return "an Adaptive Card"
	case strings.HasPrefix(f.Str("attachments", "0", "contentType"), microsoft), f.Str("attachments", "0", "content", "type") == adaptiveCard:
		return "attachments with cards of Microsoft's"
	}
	return ""
}

// What cards are called.
const (
	messageCard  = "MessageCard"
	adaptiveCard = "AdaptiveCard"
	microsoft    = "application/vnd.microsoft."
)

// isMessageCard reports whether an object is one; Alertmanager forgets the @ of its
// type.
func isMessageCard(f dialect.Object) bool {
	return f.Str("@type") == messageCard || f.Str("type") == messageCard ||
		strings.Contains(f.Str("@context"), "schema.org/extensions")
}

func parse(r *dialect.Request) (dialect.Post, error) {
	p := dialect.Post{Uploads: r.Uploads}
	f, summary := r.Fields, r.Fields.Str("summary")
	switch {
	case f == nil:
		p.Doc = dialect.Say(dialect.Markdown(r.Text)...)
	case isMessageCard(f):
		p.Doc = dialect.Say(readMessageCard(f, &p.Losses))
	case f.Str("type") == adaptiveCard:
		p.Doc = dialect.Say(readAdaptiveCard(f, summary, &p.Losses))
	default:
		p.Doc = dialect.Say(message(f, &p)...)
	}
	if p.Doc.IsEmpty() {
		p.Doc = dialect.Say(dialect.Plain(summary)...)
	}
	return p, r.Finish(&p, nil)
}

// message reads a text with cards below it.
func message(f dialect.Object, p *dialect.Post) []markup.Block {
	blocks := dialect.Markdown(f.Str("text"))
	n := 0
	for e := range f.Get("attachments").Elements() {
		if n++; n > dialect.MaxCards {
			p.Losses.Add(markup.KindCard, markup.Shortened)
			continue
		}
		content := e.Object().Get("content").Object()
		switch {
		case content.Str("type") == adaptiveCard:
			blocks = append(blocks, readAdaptiveCard(content, f.Str("summary"), &p.Losses))
		case isMessageCard(content), content.Has("sections"):
			blocks = append(blocks, readMessageCard(content, &p.Losses))
		default:
			blocks = append(blocks, readSmallCard(content, &p.Losses))
		}
	}
	return blocks
}

func success(*dialect.Request, dialect.Posted) dialect.Answer {
	return dialect.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: []byte("1")}
}

// failure answers with the reason as text, as Teams does.
func failure(f *dialect.Failure) dialect.Answer {
	return dialect.Answer{Status: f.Status(), ContentType: "text/plain; charset=utf-8", Body: []byte(f.Detail)}
}
