package ingress

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/markup"
)

// change changes a message, on behalf of the call that by names.
type change func(ctx context.Context, id hub.MessageID, by chat.Cause) error

// editing answers PATCH of a message that this webhook posted.
func (in *Ingress) editing(to func(*http.Request) address) http.HandlerFunc {
	return in.changing(to, dialect.Edited, func(c *call) (change, *dialect.Failure) {
		edit, uploads, failed := c.readEdit()
		return func(ctx context.Context, id hub.MessageID, by chat.Cause) (err error) {
			if edit.FileIDs, err = c.save(ctx, uploads); err == nil {
				_, err = in.Chat.Edit(ctx, id, edit, by)
			}
			if _, repeated := errors.AsType[*hub.RepeatedError](err); repeated || isRefusal(err) {
				c.unsave(ctx, edit.FileIDs)
			}
			return err
		}, failed
	})
}

// deleting answers DELETE of a message that this webhook posted.
func (in *Ingress) deleting(to func(*http.Request) address) http.HandlerFunc {
	return in.changing(to, dialect.Deleted, func(c *call) (change, *dialect.Failure) {
		if !c.hook.key.IsZero() && len(c.body) > 0 {
			return nil, dialect.Refused("A signed deletion has no body: one with a body was signed for something else.")
		}
		return in.Chat.Delete, nil
	})
}

// changing takes the steps that edit and delete share; read reads from the body
// what is to be done. Without a forced dialect they are nself-chat's own calls.
func (in *Ingress) changing(to func(*http.Request) address, verdict dialect.Verdict, read func(*call) (change, *dialect.Failure)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := in.begin(w, r, to(r))
		defer c.end()
		if c.dialect == nil {
			c.dialect = dialects.Default()
		}
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
		respond(w, c.changed(r.Context(), m, verdict))
	}
}

// changed words the answer to a change that was made.
func (c *call) changed(ctx context.Context, m hub.Message, verdict dialect.Verdict) dialect.Answer {
	if verdict == dialect.Deleted {
		return c.dialect.Removed(c.request, c.posted(m, "Message deleted successfully"))
	}
	if now, err := c.in.Chat.Message(ctx, m.ID); err == nil {
		m = now
	}
	return c.dialect.Edited(c.request, c.posted(m, "Message updated successfully"))
}

// apply has the chat make the change, with the call's row in the log, and
// counts the call.
func (c *call) apply(ctx context.Context, apply change, m *hub.Message, verdict dialect.Verdict) *dialect.Failure {
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

const noMessage = "This webhook has posted no such message."

// own admits the call and returns the message it names, if this webhook posted
// it. Other messages do not exist for it.
func (c *call) own(ctx context.Context) (hub.Message, *dialect.Failure) {
	if failed := c.admit(ctx); failed != nil {
		return hub.Message{}, failed
	}
	return c.named(ctx)
}

// named returns the message that an admitted call names.
func (c *call) named(ctx context.Context) (hub.Message, *dialect.Failure) {
	unknown := &dialect.Failure{Verdict: dialect.NotFound, Detail: noMessage}
	id := dialect.Told(c.r.PathValue("message"))
	if !c.to.known || !hub.ValidID(id) {
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

// readEdit reads what the message is to say, and the files that it is to have
// besides. What the body does not mention stays; author and thread cannot be changed.
func (c *call) readEdit() (chat.Edit, []dialect.Upload, *dialect.Failure) {
	request, err := dialect.Read(c.r.Header, c.r.URL.Query(), c.body)
	c.request = request
	if err != nil {
		return chat.Edit{}, nil, c.asFailure(err)
	}
	speaks := c.dialect
	if c.to.forced == nil {
		if speaks, _ = dialects.Recognise(request); dialects.IsUnknown(speaks) {
			speaks = c.dialect // a part of a message is no card of everything
		}
	}
	p, err := speaks.Parse(request)
	if err != nil {
		// An empty list of embeds takes them away: nothing to post, yet something to change.
		failed := c.asFailure(err)
		if failed.Verdict != dialect.NoText || !request.Fields.Has("embeds") {
			return chat.Edit{}, nil, failed
		}
	}
	clip(&p, request.LeftOut)
	edit, failed := c.editOf(&p, speaks.ListsCards(request))
	return edit, p.Uploads, failed
}

// editOf makes an edit of a post that may say a part of what a message says: text,
// cards, files, or several of these. listsCards: no cards are cards, too.
func (c *call) editOf(p *dialect.Post, listsCards bool) (chat.Edit, *dialect.Failure) {
	edit := chat.Edit{AllowMentions: c.hook.AllowMentions && !p.NoMentions, Remote: p.Files}
	text, cards := markup.Cards(markup.Normal(p.Doc))
	hasText := p.Markdown != "" || !text.IsEmpty()
	hasCards := len(cards) > 0 || listsCards
	switch {
	case hasText && hasCards:
		edit.Content, edit.Document = &p.Markdown, &p.Doc
	case hasText:
		printed, _ := markup.PrintMarkdown(text)
		content := strings.TrimSpace(p.Markdown + "\n\n" + printed)
		edit.Content = &content
	case hasCards:
		embeds := make([]hub.Embed, len(cards))
		for i, card := range cards {
			embeds[i] = markup.CardEmbed(card)
		}
		edit.Embeds = &embeds
	case len(p.Files)+len(p.Uploads) > 0:
	default:
		return edit, &dialect.Failure{Verdict: dialect.NoText, Detail: `Nothing to change: send "content" (or "text") or "embeds".`}
	}
	return edit, nil
}
