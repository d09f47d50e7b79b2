package ingress

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/server"
)

// posting answers POST: a message is posted.
func (in *Ingress) posting(to func(*http.Request) address) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := to(r)
		if a.token == "" {
			server.WriteProblem(w, r, hub.Errorf(hub.Unauthorized, "Which webhook is meant? Post to %s/api/webhooks/incoming/{token}/%s.",
				in.BaseURL, discordName))
			return
		}
		c := in.begin(w, r, a)
		defer c.end()
		if !a.known {
			c.refuse(c.lost(r.Context()))
			return
		}
		m, failed := c.post(r.Context())
		if failed != nil {
			c.refuse(failed)
			return
		}
		respond(w, c.succeeded(&m))
	}
}

// succeeded is the answer to a post: the sender's own, or for who asks with ?wait=true
// to know the message, and speaks a dialect that would not tell, the hub's.
func (c *call) succeeded(m *hub.Message) dialect.Answer {
	d := c.dialect
	if c.request.Waits() && d.Name != discordName {
		d = dialects.Default()
	}
	return d.Succeeded(c.request, c.posted(*m, postedWords))
}

// lost says what is wrong with an address that asks for a dialect which there is not.
// The body is not read.
func (c *call) lost(ctx context.Context) *dialect.Failure {
	c.dialect, c.why = dialects.Default(), ""
	failed := &dialect.Failure{
		Verdict: dialect.UnknownDialect,
		Detail:  "There is no such dialect; the address may end in /" + strings.Join(dialects.Names(), ", /") + ".",
	}
	found, err := c.in.lookup.find(ctx, c.hash)
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return c.strange(failed)
	case err != nil:
		return c.failure(err)
	}
	c.hook = found
	if limited := c.countCall(); limited != nil {
		return limited
	}
	return failed
}

const postedWords = "Message posted successfully"

func (c *call) posted(m hub.Message, done string) dialect.Posted {
	return dialect.Posted{Message: m, Duration: c.in.Now().Sub(c.began), Done: done}
}

// post takes all steps of a post.
func (c *call) post(ctx context.Context) (hub.Message, *dialect.Failure) {
	if failed := c.admit(ctx); failed != nil {
		return hub.Message{}, failed
	}
	p, failed := c.understand()
	if failed != nil {
		return hub.Message{}, failed
	}
	once, failed := c.once()
	if failed != nil {
		return hub.Message{}, failed
	}
	row := c.logRow(dialect.Accepted, c.remarks(&p), http.StatusOK)
	row.Body = c.in.masker.mask(c.r.Header.Get("Content-Type"), c.body)
	return c.deliver(ctx, p, row, once)
}

// understand makes a post of the body, of a size that the chat takes.
func (c *call) understand() (dialect.Post, *dialect.Failure) {
	request, err := dialect.Read(c.r.Header, c.r.URL.Query(), c.body)
	c.request = request
	request.Method = c.to.method
	if c.dialect == nil {
		c.dialect, c.why = dialects.Recognise(request)
	}
	if err != nil && c.to.method == "" { // else the method may be the greater mistake
		return dialect.Post{}, c.asFailure(err)
	}
	p, err := c.parse(request)
	if err != nil {
		return dialect.Post{}, c.broken(c.asFailure(err))
	}
	c.tie(&p)
	clip(&p, request.LeftOut)
	if p.Empty() {
		return p, &dialect.Failure{Verdict: dialect.NoText, Detail: "There is nothing in the message that can be shown."}
	}
	return p, nil
}

// broken tells of JSON that could be repaired and then said nothing that it is
// broken: that is what its sender should know.
func (c *call) broken(failed *dialect.Failure) *dialect.Failure {
	if failed.Verdict != dialect.NoText || !c.request.Repaired {
		return failed
	}
	return dialect.Refused("The body is not valid JSON, and what can be read of it says nothing.")
}

// parse makes a post of the request: of a sender whom nobody knows by the webhook's
// own mapping, where one is set, else as the dialect has it.
func (c *call) parse(request *dialect.Request) (dialect.Post, error) {
	if c.isMapped() {
		if c.to.forced == nil {
			c.why = "the webhook's field mapping"
		}
		c.unfilled = c.hook.fields.Unfilled(request)
		return c.hook.fields.Apply(request)
	}
	return c.dialect.Parse(request)
}

// isMapped reports whether the webhook's own mapping reads the request.
func (c *call) isMapped() bool { return dialects.IsUnknown(c.dialect) && !c.hook.fields.IsZero() }

// tie lets the call and the webhook say what the post is about and what it replies
// to, before the sender's product does.
func (c *call) tie(p *dialect.Post) {
	if p.Key != "" && !dialects.IsUnknown(c.dialect) { // job 7 of one product is not job 7 of another
		p.Key = c.dialect.Name + ":" + p.Key
	}
	if key := c.hook.subject.Expand(c.request); key != "" {
		p.Key = "template:" + key
	}
	q := c.r.URL.Query()
	if key := strings.TrimSpace(q.Get("key")); key != "" {
		p.Key = "call:" + key
	}
	if thread := strings.TrimSpace(q.Get("thread")); thread != "" {
		p.Thread = thread
	}
}

// remarks says what the log should know of a post that was accepted.
func (c *call) remarks(p *dialect.Post) string {
	out := c.readingRemarks()
	if len(p.Losses) > 0 {
		kinds := make([]string, len(p.Losses))
		for i, l := range p.Losses {
			kinds[i] = string(l.Kind)
		}
		out = append(out, "Shown in another way: "+strings.Join(kinds, ", ")+".")
	}
	return strings.Join(out, " ")
}

// readingRemarks says how the request could not be read as it is, or as its webhook says.
func (c *call) readingRemarks() (out []string) {
	if c.request.Repaired {
		out = append(out, "The JSON was broken, and was read as it was meant.")
	}
	if c.request.LeftOut > 0 {
		out = append(out, tooMany(c.request.LeftOut))
	}
	if f := c.hook.fields; c.isMapped() && c.isUnfilled("title", f.Title) && c.isUnfilled("text", f.Text) {
		out = append(out, "The field mapping found neither a title nor a text, so everything is shown.")
	}
	return out
}

// isUnfilled reports whether there is nothing for a part of the field mapping.
func (c *call) isUnfilled(name, template string) bool {
	return template == "" || slices.Contains(c.unfilled, name)
}

// asFailure passes the failures of dialects on.
func (c *call) asFailure(err error) *dialect.Failure {
	if f, ok := errors.AsType[*dialect.Failure](err); ok {
		return f
	}
	return c.failure(err)
}

// deliver hands the post to the chat, with the call's row in the log, and
// counts the call.
func (c *call) deliver(ctx context.Context, p dialect.Post, row hub.Call, once *hub.Idempotency) (hub.Message, *dialect.Failure) {
	if len(p.Uploads) > 0 {
		if m, done, err := c.beforeSaving(ctx, once); err != nil {
			return m, c.whyNot(ctx, err, c.hook.ChannelID, "")
		} else if done {
			c.noteRepeated(row, m.ID)
			return m, nil
		}
	}
	files, err := c.save(ctx, p.Uploads)
	if err != nil {
		c.unsave(ctx, files)
		return hub.Message{}, c.failure(err)
	}
	post := chat.Post{
		ChannelID: c.hook.ChannelID, Author: author(c.hook, &p), Content: p.Markdown, Document: p.Doc, FileIDs: files, Remote: p.Files,
		Origin: c.origin(), Trace: c.trace(&row), Call: &row, Once: once, AllowMentions: c.hook.AllowMentions && !p.NoMentions,
	}
	c.place(&post, &p)
	post.Answered = func(m *hub.Message) {
		row.Answer = answerText(c.succeeded(m))
	}
	m, err := c.in.Chat.Post(ctx, post)
	if err != nil {
		if isRefusal(err) {
			c.unsave(ctx, files)
		}
		return m, c.whyNot(ctx, err, c.hook.ChannelID, post.ThreadID)
	}
	if once != nil && row.MessageID == "" {
		c.unsave(ctx, files)
		c.noteRepeated(row, m.ID)
		return m, nil
	}
	c.in.journal.accepted(c.hook.ID, dialect.Accepted, c.began)
	return m, nil
}

// beforeSaving finds what would refuse the post, or the message of which it is a
// repetition, before its files are stored.
func (c *call) beforeSaving(ctx context.Context, once *hub.Idempotency) (m hub.Message, repeated bool, err error) {
	if once != nil {
		id, err := c.in.Store.PostedBefore(ctx, once)
		if err != nil {
			return m, false, err
		}
		if id != "" {
			m, err = c.in.Chat.Message(ctx, id)
			return m, true, err
		}
	}
	channel, err := c.in.Store.Channel(ctx, c.hook.ChannelID)
	if err == nil && channel.IsArchived {
		err = hub.Errorf(hub.Conflict, "The channel is archived; nothing can be changed in it.")
	}
	return m, false, err
}

// isRefusal reports whether the error of a post says for certain that nothing was
// stored. After any other, the message may be there, with its files.
func isRefusal(err error) bool {
	switch hub.CodeOf(err) {
	case hub.Invalid, hub.NotFound, hub.Conflict, hub.Forbidden, hub.TooLarge, hub.StorageFull:
		return true
	default:
		return false
	}
}

// place says what the post is about, and where in the channel it goes.
func (c *call) place(post *chat.Post, p *dialect.Post) {
	thread := dialect.Told(p.Thread)
	if id := strings.ToLower(thread); hub.ValidID(id) {
		post.ThreadID, thread = hub.MessageID(id), ""
	}
	if p.Key != "" || thread != "" {
		post.Keys = chat.Keys{Webhook: c.hook.ID, Subject: p.Key, Thread: thread}
	}
}

// maxUploads is the number of files taken of one call; the chat has its own limits
// for their size.
const maxUploads = 10

// save stores the files that came with the call, for the message to take. With an
// error it returns those that it stored before.
func (c *call) save(ctx context.Context, uploads []dialect.Upload) (ids []hub.FileID, err error) {
	for _, u := range uploads[:min(len(uploads), maxUploads)] {
		a, _, err := c.in.Chat.Save(ctx, chat.Upload{Filename: u.Filename, Content: bytes.NewReader(u.Content)},
			chat.Cause{By: c.hook.UserID, Origin: c.origin()})
		if err != nil {
			return ids, err
		}
		ids = append(ids, a.ID)
	}
	return ids, nil
}

// unsaveTimeout bounds the deletion of the files of one call.
const unsaveTimeout = 5 * time.Second

// unsave deletes files that no message took, also when the sender has gone.
func (c *call) unsave(ctx context.Context, files []hub.FileID) {
	if len(files) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unsaveTimeout)
	defer cancel()
	for _, id := range files {
		if err := c.in.Chat.DeleteFile(ctx, id, chat.Cause{By: c.hook.UserID, Origin: c.origin()}); err != nil {
			c.in.Log.Warn("a file of a post that was refused stays", "file", id, "error", err)
		}
	}
}

// noteRepeated logs a call that was carried out before.
func (c *call) noteRepeated(row hub.Call, of hub.MessageID) {
	row.Verdict, row.Reason, row.Body, row.MessageID = string(dialect.Repeated), "The request was carried out before.", nil, of
	c.in.journal.note(entry{call: row}, false)
}

// author is how the message shows its author: as the call asks, else as the
// webhook is set, else by the webhook's name.
func author(h *hook, p *dialect.Post) hub.Author {
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

const usedID = "This webhook-id was used for another call; each call needs a new one."

// whyNot words what the chat refused: the channel may be gone or archived, the
// thread unknown, the signed id used.
func (c *call) whyNot(ctx context.Context, err error, in hub.ChannelID, thread hub.MessageID) *dialect.Failure {
	failed := c.failure(err)
	if failed.Verdict != dialect.NotFound && failed.Verdict != dialect.Conflict {
		return failed
	}
	channel, cerr := c.in.Store.Channel(ctx, in)
	switch {
	case hub.CodeOf(cerr) == hub.NotFound:
		failed.Verdict, failed.Detail = dialect.ChannelMissing, "The webhook's channel does not exist any more."
	case cerr == nil && channel.IsArchived:
		failed.Verdict, failed.Detail = dialect.ChannelArchived, "The webhook's channel is archived; nothing can be posted into it."
	case failed.Verdict == dialect.Conflict && c.signedID != "":
		failed.Detail = usedID
	case thread != "" && failed.Verdict == dialect.NotFound:
		failed.Verdict, failed.Detail = dialect.BadBody, "The body has fields with wrong values."
		failed.Fields = []hub.FieldError{{Field: "threadId", Detail: "there is no such message in the webhook's channel"}}
	}
	return failed
}
