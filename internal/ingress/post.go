package ingress

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/server"
)

// post answers POST: a message is posted.
func (in *Ingress) post(w http.ResponseWriter, r *http.Request) {
	forced := r.PathValue("dialect")
	if forced != "" && dialects.ByName(forced) == nil {
		server.WriteProblem(w, r, hub.Errorf(hub.NotFound, "There is no such dialect; the address may end in /%s.",
			strings.Join(dialects.Names(), " or /")))
		return
	}
	c := in.begin(w, r)
	defer c.end()
	c.dialect = dialects.ByName(forced)
	posted, failed := c.post(r.Context())
	if failed != nil {
		c.refuse(failed)
		return
	}
	respond(w, c.dialect.Success(posted))
}

// post takes all steps of a post.
func (c *call) post(ctx context.Context) (dialects.Posted, *dialects.Failure) {
	if failed := c.admit(ctx); failed != nil {
		return dialects.Posted{}, failed
	}
	p, failed := c.understand()
	if failed != nil {
		return dialects.Posted{}, failed
	}
	once, failed := c.once()
	if failed != nil {
		return dialects.Posted{}, failed
	}
	row := c.logRow(dialects.Accepted, "", http.StatusOK)
	row.Body = c.in.masker.mask(c.body)
	m, failed := c.deliver(ctx, p, row, once)
	if failed != nil {
		return dialects.Posted{}, failed
	}
	return dialects.Posted{
		MessageID: m.ID, ChannelID: m.ChannelID, At: m.CreatedAt, Duration: c.in.Now().Sub(c.began),
		Done: "Message posted successfully",
	}, nil
}

// understand makes a post of the body, of a size that the chat takes.
func (c *call) understand() (dialects.Post, *dialects.Failure) {
	request, err := dialects.Read(c.r.Header, c.body)
	if c.dialect == nil {
		c.dialect = dialects.Recognise(request)
	}
	if err != nil {
		return dialects.Post{}, c.asFailure(err)
	}
	p, err := c.dialect.Parse(request)
	if err != nil {
		return dialects.Post{}, c.asFailure(err)
	}
	writeMentions(&p)
	clip(&p)
	if p.Empty() {
		return p, &dialects.Failure{Verdict: dialects.NoText, Detail: "There is nothing in the message that can be shown."}
	}
	return p, nil
}

// asFailure passes the failures of dialects on.
func (c *call) asFailure(err error) *dialects.Failure {
	if f, ok := errors.AsType[*dialects.Failure](err); ok {
		return f
	}
	return c.failure(err)
}

// deliver hands the post to the chat, with the call's row in the log, and
// counts the call.
func (c *call) deliver(ctx context.Context, p dialects.Post, row hub.Call, once *hub.Idempotency) (hub.Message, *dialects.Failure) {
	m, err := c.in.Chat.Post(ctx, chat.Post{
		ChannelID: c.hook.ChannelID, ThreadID: p.ThreadID, Author: author(c.hook, &p), Content: p.Content, Embeds: p.Embeds,
		Remote: p.Files, Origin: c.origin(), Trace: c.trace(&row), Call: &row, Once: once, AllowMentions: c.hook.AllowMentions,
	})
	if err != nil {
		return m, c.whyNot(ctx, err, c.hook.ChannelID, p.ThreadID)
	}
	if once != nil && row.MessageID == "" {
		c.noteRepeated(row, m.ID)
		return m, nil
	}
	c.in.journal.accepted(c.hook.ID, dialects.Accepted, c.began)
	return m, nil
}

// noteRepeated logs a call that was carried out before.
func (c *call) noteRepeated(row hub.Call, of hub.MessageID) {
	row.Verdict, row.Reason, row.Body, row.MessageID = string(dialects.Repeated), "The request was carried out before.", nil, of
	c.in.journal.note(entry{call: row}, false)
}

// author is how the message shows its author: as the call asks, else as the
// webhook is set, else by the webhook's name.
func author(h *hook, p *dialects.Post) hub.Author {
	a := hub.Author{ID: h.UserID, Kind: hub.UserWebhook, Username: p.Username, AvatarURL: p.AvatarURL}
	if a.Username == "" {
		a.Username = h.Username
	}
	if a.Username == "" {
		a.DisplayName = h.Name
	}
	if a.AvatarURL == "" {
		a.AvatarURL = h.AvatarURL
	}
	return a
}

func (c *call) origin() hub.Origin {
	return hub.Origin{Kind: hub.OriginIncoming, ID: string(c.hook.ID), Hop: c.hop}
}

// trace ties together what the call causes.
func (c *call) trace(row *hub.Call) string {
	if id := server.TraceID(c.r.Context()); id != "" {
		return id
	}
	return string(row.ID)
}

// whyNot words what the chat refused: the channel may be gone or archived, the
// thread unknown, the signed id used.
func (c *call) whyNot(ctx context.Context, err error, in hub.ChannelID, thread hub.MessageID) *dialects.Failure {
	failed := c.failure(err)
	if failed.Verdict != dialects.NotFound && failed.Verdict != dialects.Conflict {
		return failed
	}
	channel, cerr := c.in.Store.Channel(ctx, in)
	switch {
	case hub.CodeOf(cerr) == hub.NotFound:
		failed.Verdict, failed.Detail = dialects.ChannelMissing, "The webhook's channel does not exist any more."
	case cerr == nil && channel.IsArchived:
		failed.Verdict, failed.Detail = dialects.ChannelArchived, "The webhook's channel is archived; nothing can be posted into it."
	case failed.Verdict == dialects.Conflict && c.signedID != "":
		failed.Detail = "This webhook-id was used for another call; each call needs a new one."
	case thread != "" && failed.Verdict == dialects.NotFound:
		failed.Verdict, failed.Detail = dialects.BadBody, "The body has fields with wrong values."
		failed.Fields = []hub.FieldError{{Field: "threadId", Detail: "there is no such message in the webhook's channel"}}
	}
	return failed
}
