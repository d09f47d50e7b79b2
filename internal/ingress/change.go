package ingress

import (
	"context"
	"errors"
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// change changes a message, on behalf of the call that by names.
type change func(ctx context.Context, id hub.MessageID, by chat.Cause) error

// edit answers PATCH of a message that this webhook posted.
func (in *Ingress) edit(w http.ResponseWriter, r *http.Request) {
	in.change(w, r, dialects.Edited, "Message updated successfully", func(c *call) (change, *dialects.Failure) {
		edit, failed := c.readEdit()
		return func(ctx context.Context, id hub.MessageID, by chat.Cause) error {
			_, err := in.Chat.Edit(ctx, id, edit, by)
			return err
		}, failed
	})
}

// delete answers DELETE of a message that this webhook posted.
func (in *Ingress) delete(w http.ResponseWriter, r *http.Request) {
	in.change(w, r, dialects.Deleted, "Message deleted successfully", func(*call) (change, *dialects.Failure) {
		return in.Chat.Delete, nil
	})
}

// change takes the steps that edit and delete share; read reads from the body
// what is to be done. Only nself-chat's dialect has these calls.
func (in *Ingress) change(w http.ResponseWriter, r *http.Request, verdict dialects.Verdict, done string,
	read func(*call) (change, *dialects.Failure),
) {
	c := in.begin(w, r)
	defer c.end()
	c.dialect = dialects.Default()
	m, failed := c.own(r.Context())
	var apply change
	if failed == nil {
		apply, failed = read(c)
	}
	if failed == nil {
		failed = c.apply(r.Context(), apply, &m, verdict)
	}
	if failed != nil {
		c.refuse(failed)
		return
	}
	respond(w, c.dialect.Success(dialects.Posted{
		MessageID: m.ID, ChannelID: m.ChannelID, At: m.CreatedAt, Duration: in.Now().Sub(c.began), Done: done,
	}))
}

// apply has the chat make the change, with the call's row in the log, and
// counts the call.
func (c *call) apply(ctx context.Context, apply change, m *hub.Message, verdict dialects.Verdict) *dialects.Failure {
	row := c.logRow(verdict, "", http.StatusOK)
	row.MessageID = m.ID
	once := c.onceSigned()
	if once != nil {
		once.Result = string(m.ID)
	}
	err := apply(ctx, m.ID, chat.Cause{By: c.hook.UserID, Origin: c.origin(), Trace: c.trace(&row), Call: &row, Once: once})
	if _, ok := errors.AsType[*hub.RepeatedError](err); ok {
		c.noteRepeated(row, m.ID)
		return nil
	}
	if err != nil {
		return c.whyNot(ctx, err, m.ChannelID, "")
	}
	c.in.journal.accepted(c.hook.ID, verdict, c.began)
	return nil
}

// own admits the call and returns the message it names, if this webhook posted
// it. Other messages do not exist for it.
func (c *call) own(ctx context.Context) (hub.Message, *dialects.Failure) {
	if failed := c.admit(ctx); failed != nil {
		return hub.Message{}, failed
	}
	unknown := &dialects.Failure{Verdict: dialects.NotFound, Detail: "This webhook has posted no such message."}
	id := c.r.PathValue("message")
	if !hub.ValidID(id) {
		return hub.Message{}, unknown
	}
	m, err := c.in.Chat.Message(ctx, hub.MessageID(id))
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return m, unknown
	case err != nil:
		return m, c.failure(err)
	case m.Origin.Kind != hub.OriginIncoming || m.Origin.ID != string(c.hook.ID):
		return m, unknown
	}
	return m, nil
}

// readEdit reads what the message is to say. What the body does not mention
// stays; author, thread and files cannot be changed.
func (c *call) readEdit() (chat.Edit, *dialects.Failure) {
	request, err := dialects.Read(c.r.Header, c.body)
	if err != nil {
		return chat.Edit{}, c.asFailure(err)
	}
	p, err := dialects.Recognise(request).Parse(request)
	if err != nil {
		// An empty list of embeds takes them away: nothing to post, yet something to change.
		failed := c.asFailure(err)
		if failed.Verdict != dialects.NoText || !request.Fields.Has("embeds") {
			return chat.Edit{}, failed
		}
	}
	writeMentions(&p)
	clip(&p)
	edit := chat.Edit{AllowMentions: c.hook.AllowMentions}
	if p.Content != "" {
		edit.Content = &p.Content
	}
	if len(p.Embeds) > 0 || request.Fields.Has("embeds") {
		edit.Embeds = &p.Embeds
	}
	if edit.Content == nil && edit.Embeds == nil {
		return edit, &dialects.Failure{Verdict: dialects.NoText, Detail: `Nothing to change: send "content" (or "text") or "embeds".`}
	}
	return edit, nil
}
