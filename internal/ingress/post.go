package ingress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/server"
)

// maxKey is the longest Idempotency-Key taken.
const maxKey = 255

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
	if !c.repeated {
		in.journal.accepted(c.hook.ID, c.began)
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

// deliver hands the post to the chat, with the call's row in the log.
func (c *call) deliver(ctx context.Context, p dialects.Post, row hub.Call, once *hub.Idempotency) (hub.Message, *dialects.Failure) {
	m, err := c.in.Chat.Post(ctx, chat.Post{
		ChannelID: c.hook.ChannelID, ThreadID: p.ThreadID, Author: author(c.hook, &p), Content: p.Content, Embeds: p.Embeds,
		Remote: p.Files, Origin: c.origin(), Trace: c.trace(&row), Call: &row, Once: once, AllowMentions: c.hook.AllowMentions,
	})
	if err != nil {
		return m, c.whyNot(ctx, err, p.ThreadID)
	}
	if once != nil && m.CreatedAt.Before(c.began.Truncate(time.Microsecond)) {
		c.repeated = true
		row.Verdict, row.Reason, row.Body, row.MessageID = string(dialects.Repeated), "The request was carried out before.", nil, m.ID
		c.in.journal.note(entry{call: row}, false)
	}
	return m, nil
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
// thread unknown.
func (c *call) whyNot(ctx context.Context, err error, thread hub.MessageID) *dialects.Failure {
	failed := c.failure(err)
	if failed.Verdict != dialects.NotFound && failed.Verdict != dialects.Conflict {
		return failed
	}
	channel, cerr := c.in.Store.Channel(ctx, c.hook.ChannelID)
	switch {
	case hub.CodeOf(cerr) == hub.NotFound:
		failed.Verdict, failed.Detail = dialects.ChannelMissing, "The webhook's channel does not exist any more."
	case cerr == nil && channel.IsArchived:
		failed.Verdict, failed.Detail = dialects.ChannelArchived, "The webhook's channel is archived; nothing can be posted into it."
	case thread != "" && failed.Verdict == dialects.NotFound:
		failed.Verdict, failed.Detail = dialects.BadBody, "The body has fields with wrong values."
		failed.Fields = []hub.FieldError{{Field: "threadId", Detail: "there is no such message in the webhook's channel"}}
	}
	return failed
}

// once asks that the call be carried out once: by the webhook-id that its
// signature covers, else by its Idempotency-Key. The key is not signed, so a
// recorded call with another key must not pass for another call.
func (c *call) once() (*hub.Idempotency, *dialects.Failure) {
	key := c.r.Header.Get("Idempotency-Key")
	switch {
	case len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, &dialects.Failure{
			Verdict: dialects.BadBody,
			Detail:  "Idempotency-Key must be at most " + strconv.Itoa(maxKey) + " visible ASCII characters without spaces.",
		}
	case c.signedID != "":
		sum := sha256.Sum256([]byte(c.signedID))
		key = "id:" + hex.EncodeToString(sum[:])
	case key != "":
		key = "key:" + key
	default:
		return nil, nil
	}
	hash := sha256.New()
	for _, part := range [][]byte{[]byte(c.r.Method), {'\n'}, []byte(c.hook.ID), {'\n'}, []byte(c.r.PathValue("dialect")), {'\n'}, c.body} {
		hash.Write(part)
	}
	return &hub.Idempotency{
		TokenID: hub.TokenID("in:" + string(c.hook.ID)), Key: key, RequestHash: hex.EncodeToString(hash.Sum(nil)),
	}, nil
}
