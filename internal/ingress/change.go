package ingress

import (
	"context"
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// edit answers PATCH of a message that this webhook posted.
func (in *Ingress) edit(w http.ResponseWriter, r *http.Request) {
	in.change(w, r, dialects.Edited, "Message updated successfully", func(c *call, m *hub.Message) *dialects.Failure {
		edit, failed := c.readEdit()
		if failed != nil {
			return failed
		}
		edited, err := in.Chat.Edit(r.Context(), m.ID, edit, c.cause())
		if err != nil {
			return c.whyNot(r.Context(), err, "")
		}
		*m = edited
		return nil
	})
}

// delete answers DELETE of a message that this webhook posted.
func (in *Ingress) delete(w http.ResponseWriter, r *http.Request) {
	in.change(w, r, dialects.Deleted, "Message deleted successfully", func(c *call, m *hub.Message) *dialects.Failure {
		if err := in.Chat.Delete(r.Context(), m.ID, c.cause()); err != nil {
			return c.whyNot(r.Context(), err, "")
		}
		return nil
	})
}

// change takes the steps that edit and delete share. Only nself-chat's dialect
// has these calls.
func (in *Ingress) change(w http.ResponseWriter, r *http.Request, verdict dialects.Verdict, done string,
	apply func(*call, *hub.Message) *dialects.Failure,
) {
	c := in.begin(w, r)
	defer c.end()
	c.dialect = dialects.Default()
	m, failed := c.own(r.Context())
	if failed == nil {
		failed = apply(c, &m)
	}
	if failed != nil {
		c.refuse(failed)
		return
	}
	row := c.logRow(verdict, "", http.StatusOK)
	row.MessageID = m.ID
	in.journal.note(entry{call: row}, false)
	respond(w, c.dialect.Success(dialects.Posted{
		MessageID: m.ID, ChannelID: m.ChannelID, At: m.CreatedAt, Duration: in.Now().Sub(c.began), Done: done,
	}))
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

func (c *call) cause() chat.Cause {
	row := hub.Call{ID: hub.CallID(c.in.IDs.New())}
	return chat.Cause{By: c.hook.UserID, Origin: c.origin(), Trace: c.trace(&row)}
}
