package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// Post is a message about to be posted.
type Post struct {
	ChannelID hub.ChannelID
	// ThreadID is the message to reply to: the root of a thread or a reply in
	// it; both lead to the same thread. "": top level.
	ThreadID hub.MessageID
	// Author.ID names the user. For webhooks and remote people the other
	// fields choose the look of this message; what they leave empty, and the
	// look of everybody else, is the user's own.
	Author  hub.Author
	Content string          // Markdown
	Type    hub.MessageType // "": MessageText
	Embeds  []hub.Embed
	// Document is further text and cards, shown after Content and Embeds.
	Document markup.Document
	// Keys tie the post to others of an incoming webhook; zero: to none.
	Keys Keys
	// FileIDs are uploaded files of the author that are not posted yet.
	FileIDs []hub.FileID
	// Remote are files that stay where they are: URL is required; Filename,
	// MimeType, Size, Width and Height are taken over as claimed.
	Remote []hub.Attachment
	Origin hub.Origin // zero: the hub
	Trace  string
	// Call is the request of an incoming webhook, logged in the commit of the
	// message. Post sets its MessageID then; that of a repetition stays empty.
	Call *hub.Call
	// Answered, when set, is called with the message before it is stored, to complete
	// Call with what its sender is going to hear.
	Answered func(m *hub.Message)
	// Once makes a repetition return the message posted the first time. Its
	// Result is set by Post.
	Once *hub.Idempotency
	// AllowMentions leaves mentions of everybody as they are; otherwise they
	// are made harmless.
	AllowMentions bool
}

// Post posts a message and returns it as stored. It is durable then, and so
// are its event and the deliveries that follow from it.
//
// Errors: Invalid (Fields say what), NotFound (channel, message to reply to,
// or file), Conflict (archived channel; key used for another request).
func (s *Service) Post(ctx context.Context, p Post) (hub.Message, error) {
	m, _, err := s.PostOnce(ctx, p)
	return m, err
}

// PostOnce is Post, and reports whether the message was posted before, under the
// same key.
func (s *Service) PostOnce(ctx context.Context, p Post) (_ hub.Message, repeated bool, err error) {
	if m, posted, err := s.postedBefore(ctx, p.Once); posted || err != nil {
		return m, posted, err
	}
	channel, err := s.channel(ctx, p.ChannelID)
	if err != nil {
		return hub.Message{}, false, err
	}
	if channel.IsArchived {
		return hub.Message{}, false, errArchived
	}
	m, err := s.draft(ctx, &p)
	if err != nil {
		return hub.Message{}, false, err
	}
	c := change{
		at: m.CreatedAt, origin: m.Origin, trace: p.Trace, channel: &channel,
		by: &hub.TriggeredBy{UserID: m.Author.ID, Username: m.Author.Username},
	}
	switch {
	case p.Keys.Webhook != "":
		m, err = s.postKeyed(ctx, &p, m, &c)
	case p.ThreadID == "":
		_, err = s.postTop(ctx, &p, m, &c, nil)
	default:
		_, err = s.postReply(ctx, &p, m, &c, nil)
	}
	if r, ok := errors.AsType[*hub.RepeatedError](err); ok {
		m, err := s.Message(ctx, hub.MessageID(r.Result))
		return m, true, err
	}
	if err != nil {
		return hub.Message{}, false, err
	}
	return *m, false, nil
}

// errArchived answers what would change an archived channel.
var errArchived = hub.Errorf(hub.Conflict, "The channel is archived; nothing can be changed in it.")

// postedBefore answers a repetition before anything else can refuse it.
func (s *Service) postedBefore(ctx context.Context, once *hub.Idempotency) (m hub.Message, posted bool, err error) {
	if once == nil || once.Key == "" {
		return m, false, nil
	}
	id, err := s.Store.PostedBefore(ctx, once)
	if err != nil || id == "" {
		return m, false, err
	}
	m, err = s.Message(ctx, id)
	return m, true, err
}

// draft checks the post and makes the message of it.
func (s *Service) draft(ctx context.Context, p *Post) (*hub.Message, error) {
	say, err := s.say(p, len(p.FileIDs)+len(p.Remote))
	if err != nil {
		return nil, err
	}
	m := &hub.Message{
		ID: hub.MessageID(s.IDs.New()), ChannelID: p.ChannelID, Type: p.Type, Origin: originOf(p.Origin), Revision: 1,
		CreatedAt: s.now(), Content: say.content, Embeds: say.embeds, Document: say.document,
	}
	if m.Type == "" {
		m.Type = hub.MessageText
	}
	if m.Author, err = s.author(ctx, p.Author, p.AllowMentions); err != nil {
		return nil, err
	}
	if m.Files, err = s.filesFor(ctx, m, p.FileIDs, p.Remote); err != nil {
		return nil, err
	}
	return m, nil
}

// say checks and composes what the post says beside so many files.
func (s *Service) say(p *Post, files int) (says, error) {
	var errs hub.FieldErrors
	say := s.compose(&errs, p.Content, p.Embeds, p.Document, p.AllowMentions)
	if limit := s.Limits.files(); files > limit {
		errs.Add("attachments", "at most %d files", limit)
	}
	if len(errs) == 0 && isEmpty(say.content, len(say.embeds)+files) {
		errs.Add("content", "must not be empty when there is no embed and no file")
	}
	return say, errs.Err()
}

func isEmpty(content string, parts int) bool { return parts == 0 && strings.TrimSpace(content) == "" }

func contentOf(content string, mentions bool) string {
	content = cleanText(content)
	if !mentions {
		content = defuse(content)
	}
	return content
}

// author completes who a message shows as its author from the user's row. Unless
// mentions are allowed, a chosen name addresses nobody.
func (s *Service) author(ctx context.Context, chosen hub.Author, mentions bool) (hub.Author, error) {
	u, err := s.User(ctx, chosen.ID)
	if err != nil {
		return hub.Author{}, err
	}
	own := hub.Author{ID: u.ID, Kind: u.Kind, Username: u.Username, DisplayName: u.DisplayName, AvatarURL: u.AvatarURL}
	if u.Kind != hub.UserWebhook && u.Kind != hub.UserRemote {
		return own, nil
	}
	name, display := nameOf(chosen.Username, mentions), nameOf(chosen.DisplayName, mentions)
	switch {
	case name != "" && display != "":
		own.Username, own.DisplayName = name, display
	case name != "":
		own.Username, own.DisplayName = name, name
	case display != "":
		own.DisplayName = display
	}
	if avatar := webURL(chosen.AvatarURL); avatar != "" {
		own.AvatarURL = avatar
	}
	return own, nil
}

// nameOf is a name that somebody chose for an author.
func nameOf(s string, mentions bool) string {
	s = cleanLine(s, maxName)
	if !mentions {
		s = clip(breakMentions(s), maxName)
	}
	return s
}

// filesFor returns files for the message: the uploaded ones in the order in
// which they were named, then the remote ones.
func (s *Service) filesFor(ctx context.Context, m *hub.Message, ids []hub.FileID, remote []hub.Attachment) ([]hub.Attachment, error) {
	if len(ids)+len(remote) == 0 {
		return nil, nil
	}
	uploaded, err := s.Store.Files(ctx, ids)
	if err != nil {
		return nil, err
	}
	var errs hub.FieldErrors
	files := make([]hub.Attachment, 0, len(ids)+len(remote))
	for i, id := range ids {
		at := slices.IndexFunc(uploaded, func(a hub.Attachment) bool { return a.ID == id })
		switch {
		case slices.Index(ids, id) < i:
			errs.Add(fmt.Sprintf("fileIds[%d]", i), "is named twice")
		case at < 0 || uploaded[at].UserID != m.Author.ID || uploaded[at].MessageID != "" || uploaded[at].Hash == "":
			errs.Add(fmt.Sprintf("fileIds[%d]", i), "is no uploaded file of the author that waits to be posted")
		default:
			uploaded[at].MessageID = m.ID
			files = append(files, uploaded[at])
		}
	}
	for i := range remote {
		a, ok := s.remoteFile(remote[i], m)
		if !ok {
			errs.Add(fmt.Sprintf("attachments[%d].url", i), "must be an http or https URL of at most %d bytes", maxURL)
		}
		files = append(files, a)
	}
	return files, errs.Err()
}

// remoteFile makes an attachment of a file that lives elsewhere.
func (s *Service) remoteFile(claimed hub.Attachment, m *hub.Message) (hub.Attachment, bool) {
	a := hub.Attachment{
		ID: hub.FileID(s.IDs.New()), MessageID: m.ID, UserID: m.Author.ID, URL: webURL(claimed.URL),
		Filename: cleanFilename(claimed.Filename), MimeType: cleanLine(claimed.MimeType, maxName),
		Size: max(claimed.Size, 0), Width: max(claimed.Width, 0), Height: max(claimed.Height, 0), CreatedAt: m.CreatedAt,
	}
	if claimed.Filename == "" {
		path, _, _ := strings.Cut(a.URL, "?")
		path, _, _ = strings.Cut(path, "#")
		a.Filename = cleanFilename(path[strings.LastIndexByte(path, '/')+1:])
	}
	if a.MimeType == "" {
		a.MimeType = "application/octet-stream"
	}
	return a, a.URL != ""
}

// postTop posts a message at top level: nothing in the channel waits for it.
// stored is false when keys do not stand for what they are said to any more.
func (s *Service) postTop(ctx context.Context, p *Post, m *hub.Message, c *change, keys []hub.MessageKey) (stored bool, err error) {
	created, err := s.createdEvent(m, c)
	if err != nil {
		return false, err
	}
	return s.store(ctx, p, m, 0, keys, created)
}

// postReply posts a message in a thread, and tells of the thread. stored is false
// when keys do not stand for what they are said to any more.
func (s *Service) postReply(ctx context.Context, p *Post, m *hub.Message, c *change, keys []hub.MessageKey) (stored bool, err error) {
	// The thread's events are in the order of the channel's.
	done, err := s.order.wait(ctx, hub.ChannelOrderKey(m.ChannelID))
	if err != nil {
		return false, err
	}
	defer done()
	for range maxTries {
		root, in, replies, err := s.Store.ThreadOf(ctx, p.ThreadID)
		if err != nil {
			return false, err
		}
		if in != m.ChannelID {
			return false, hub.Errorf(hub.NotFound, "There is no such message in this channel.")
		}
		m.ThreadID = root
		created, err := s.createdEvent(m, c)
		if err != nil {
			return false, err
		}
		thread, err := s.threadEvent(m, replies, c)
		if err != nil {
			return false, err
		}
		stored, err := s.store(ctx, p, m, replies, keys, created, thread)
		if err != nil || stored || len(keys) > 0 {
			return stored, err
		}
	}
	return false, errBusy
}

func (s *Service) createdEvent(m *hub.Message, c *change) (*hub.Event, error) {
	e, err := s.event(c, hub.EventMessageCreated, hub.MessageOrderKey(m.ID), messageData(m, c))
	if err == nil {
		e.FirstOfKey = true
	}
	return e, err
}

func (s *Service) threadEvent(m *hub.Message, replies int, c *change) (*hub.Event, error) {
	kind := hub.EventThreadUpdated
	if replies < 0 {
		kind, replies = hub.EventThreadCreated, 0
	}
	author := authorInfo(&m.Author)
	return s.event(c, kind, hub.ChannelOrderKey(m.ChannelID), hub.ThreadData{
		Thread:  hub.ThreadInfo{ID: m.ThreadID, ChannelID: m.ChannelID, MessageCount: replies + 1},
		Channel: channelInfo(c.channel),
		User:    &author,
	})
}

// store puts the message into a commit with all that belongs to it.
func (s *Service) store(ctx context.Context, p *Post, m *hub.Message, replies int, keys []hub.MessageKey, events ...*hub.Event) (
	bool, error,
) {
	once, call := p.about(m)
	text := searchable(m)
	stored, err := s.commit(func(routings []hub.Routing) (bool, error) {
		return s.Store.PostMessage(ctx, m, replies, text, keys, once, call, routings...)
	}, events...)
	if stored && err == nil && p.Call != nil {
		p.Call.MessageID, p.Call.MessageRevision = m.ID, m.Revision
	}
	return stored, err
}

// about returns the key and the call of the post as they are stored with the
// message that came of it.
func (p *Post) about(m *hub.Message) (*hub.Idempotency, *hub.Call) {
	var once *hub.Idempotency
	if p.Once != nil {
		key := *p.Once
		key.Result = string(m.ID)
		once = &key
	}
	if p.Call == nil {
		return once, nil
	}
	if p.Answered != nil {
		p.Answered(m)
	}
	logged := *p.Call
	logged.MessageID, logged.MessageRevision = m.ID, m.Revision
	return once, &logged
}
