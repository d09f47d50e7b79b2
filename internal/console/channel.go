package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

const (
	pageSize    = 50
	maxChannels = 1000 // more than anybody looks through in a sidebar
	// maxForm bounds the body of a posted form: the longest message, every
	// character escaped.
	maxForm = 256 << 10
)

// channelView is everything that channelPage shows.
type channelView struct {
	Title     string
	Sidebar   sidebarView
	Channel   channelLink
	Thread    bool
	Root      hub.MessageID // of the thread; "" for the channel
	List      listView
	Live      bool
	LastEvent int64
	// Fragments is where the script gets the newest page of this list.
	Fragments   string
	CanWrite    bool
	Placeholder string
	Key         string // makes a repeated post of the form harmless
	Draft       string // what could not be posted
	Error       string // why
}

type channelLink struct {
	ID       hub.ChannelID
	Name     string
	Topic    string
	Private  bool
	Archived bool
	Current  bool
}

type sidebarView struct {
	Username     string
	Channels     []channelLink
	Archived     []channelLink
	ArchivedOpen bool
	Manages      bool // the viewer may see the pages of management
	InWebhooks   bool // this is one of them
}

// listView is a page of messages, oldest first.
type listView struct {
	Messages      []messageView
	Older         string // page with older messages; "": there are none
	OlderFragment string // the same as a fragment
	Newest        string // set on older pages: the way back
	Empty         string
	EmptyHelp     string
}

// home leads to the default channel.
func (c *Console) home(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	channels, err := c.channels(r.Context(), a)
	if err != nil {
		return err
	}
	if len(channels) == 0 {
		return write(w, r, http.StatusOK, noChannelsPage(sidebarOf(a, nil, "")))
	}
	target := channels[0]
	if i := slices.IndexFunc(channels, func(ch hub.Channel) bool { return !ch.IsArchived }); i >= 0 {
		target = channels[i]
	}
	if i := slices.IndexFunc(channels, func(ch hub.Channel) bool { return ch.IsDefault }); i >= 0 {
		target = channels[i]
	}
	http.Redirect(w, r, channelPath(target.ID), http.StatusSeeOther)
	return nil
}

// channels returns the channels that the actor sees, by name.
func (c *Console) channels(ctx context.Context, a hub.Actor) ([]hub.Channel, error) {
	var all []hub.Channel
	for cursor := ""; len(all) < maxChannels; {
		page, next, err := c.Control.Channels(ctx, a, cursor, 500)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" {
			break
		}
		cursor = next
	}
	return all, nil
}

func (c *Console) channel(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	before, done, err := c.pageOf(w, r, a)
	if done || err != nil {
		return err
	}
	p, err := c.channelView(r, a, hub.ChannelID(r.PathValue("id")), before)
	if err != nil {
		return err
	}
	return write(w, r, http.StatusOK, channelPage(p))
}

func (c *Console) thread(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	before, done, err := c.pageOf(w, r, a)
	if done || err != nil {
		return err
	}
	p, err := c.threadView(r, a, hub.ChannelID(r.PathValue("id")), hub.MessageID(r.PathValue("root")), before)
	if err != nil {
		return err
	}
	return write(w, r, http.StatusOK, channelPage(p))
}

// pageOf returns before which message the page ends that is asked for, by
// ?before= or as the one that has the message ?at=; "" is the newest page. done
// says that the request is answered: the message is on another page, or there is
// none.
func (c *Console) pageOf(w http.ResponseWriter, r *http.Request, a hub.Actor) (before hub.MessageID, done bool, err error) {
	query, channel, root := r.URL.Query(), hub.ChannelID(r.PathValue("id")), hub.MessageID(r.PathValue("root"))
	at := hub.MessageID(query.Get("at"))
	if at == "" {
		return hub.MessageID(query.Get("before")), false, nil
	}
	m, err := c.Control.Message(r.Context(), a, at)
	switch {
	case hub.CodeOf(err) == hub.NotFound || err == nil && m.ChannelID != channel:
		return "", true, write(w, r, http.StatusNotFound, problemPage(textNotFound, textUnknownMessage, ""))
	case err != nil:
		return "", false, err
	case root != m.ThreadID && (m.ThreadID != "" || root != m.ID):
		http.Redirect(w, r, messagePath(channel, m.ThreadID, at), http.StatusSeeOther)
		return "", true, nil
	}
	newer, more, err := c.Control.Messages(r.Context(), a, control.MessageQuery{
		ChannelID: channel, Thread: root, TopLevel: root == "", After: at, Limit: pageSize / 2,
	})
	if err != nil || !more {
		return "", false, err
	}
	return newer[0].ID, false, nil
}

// frame is what channel and thread pages have in common. The number of the
// last event is read before the messages: what happens in between comes twice
// rather than never.
func (c *Console) frame(r *http.Request, a hub.Actor, id hub.ChannelID) (channelView, error) {
	last, err := c.Control.LastEvent(r.Context(), a)
	if err != nil {
		return channelView{}, err
	}
	ch, err := c.Control.Channel(r.Context(), a, id)
	if err != nil {
		return channelView{}, err
	}
	all, err := c.channels(r.Context(), a)
	if err != nil {
		return channelView{}, err
	}
	return channelView{
		Title: "#" + ch.Name, Channel: linkOf(&ch), Sidebar: sidebarOf(a, all, id), LastEvent: last,
		CanWrite: canWrite(a), Placeholder: textSendTo(ch.Name), Key: newKey(),
	}, nil
}

func (c *Console) channelView(r *http.Request, a hub.Actor, id hub.ChannelID, before hub.MessageID) (channelView, error) {
	p, err := c.frame(r, a, id)
	if err != nil {
		return channelView{}, err
	}
	if p.List, err = c.channelList(r.Context(), a, id, before); err != nil {
		return channelView{}, err
	}
	if !p.CanWrite || p.Channel.Archived {
		p.List.EmptyHelp = ""
	}
	p.Live = before == ""
	p.Fragments = "/fragments" + channelPath(id) + "/messages"
	return p, nil
}

// channelList is the page of a channel's messages that are older than before,
// or the newest page.
func (c *Console) channelList(ctx context.Context, a hub.Actor, id hub.ChannelID, before hub.MessageID) (listView, error) {
	page, more, err := c.Control.Messages(ctx, a, control.MessageQuery{
		ChannelID: id, TopLevel: true, Before: before, Limit: pageSize,
	})
	if err != nil {
		return listView{}, err
	}
	l := listView{
		Messages: viewer{canWrite: canWrite(a)}.messages(oldestFirst(page)), Empty: textNoMessages, EmptyHelp: textNoMessagesHelp,
	}
	if before != "" {
		l.Newest, l.EmptyHelp = channelPath(id), ""
	}
	if more && len(page) > 0 {
		query := "?before=" + url.QueryEscape(string(page[len(page)-1].ID))
		l.Older = channelPath(id) + query
		l.OlderFragment = "/fragments" + channelPath(id) + "/messages" + query
	}
	return l, nil
}

func (c *Console) threadView(r *http.Request, a hub.Actor, id hub.ChannelID, root, before hub.MessageID) (channelView, error) {
	p, err := c.frame(r, a, id)
	if err != nil {
		return channelView{}, err
	}
	if p.List, p.Root, err = c.threadList(r.Context(), a, id, root, before); err != nil {
		return channelView{}, err
	}
	p.Thread, p.Live = true, before == ""
	p.Title = textThread + " · " + p.Title
	p.Placeholder = textReplyInThread
	p.Fragments = "/fragments" + channelPath(id) + "/messages?thread=" + url.QueryEscape(string(p.Root))
	return p, nil
}

// threadList is a page of a thread: its root, on the oldest page, and replies.
func (c *Console) threadList(ctx context.Context, a hub.Actor, id hub.ChannelID, message, before hub.MessageID) (
	l listView, root hub.MessageID, err error,
) {
	first, replies, more, err := c.Control.Thread(ctx, a, message, control.MessageQuery{Before: before, Limit: pageSize})
	if err != nil {
		return l, "", err
	}
	if first.ChannelID != id {
		return l, "", hub.Errorf(hub.NotFound, "There is no such message in this channel.")
	}
	l.Empty = textNoReplies
	if before != "" {
		l.Newest = threadPath(id, first.ID)
	}
	all := oldestFirst(replies)
	if more && len(all) > 0 {
		oldest := url.QueryEscape(string(all[0].ID))
		l.Older = threadPath(id, first.ID) + "?before=" + oldest
		l.OlderFragment = "/fragments" + channelPath(id) + "/messages?thread=" + url.QueryEscape(string(first.ID)) + "&before=" + oldest
	} else {
		all = slices.Insert(all, 0, first)
	}
	l.Messages = viewer{inThread: true, canWrite: canWrite(a)}.messages(all)
	return l, first.ID, nil
}

// post takes the form of a browser without script. What cannot be posted
// comes back in the form.
func (c *Console) post(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	id := hub.ChannelID(r.PathValue("id"))
	d, err := draftOf(w, r, id)
	if err != nil {
		return err
	}
	m, err := c.Control.Post(r.Context(), a, id, d)
	if err != nil {
		return c.postAgain(w, r, a, d, inWords(err, d.Content))
	}
	back := channelPath(id)
	if m.ThreadID != "" {
		back = threadPath(id, m.ThreadID)
	}
	http.Redirect(w, r, back+"#"+elementID(m.ID), http.StatusSeeOther)
	return nil
}

// postAgain shows the page with the draft and what is wrong with it.
func (c *Console) postAgain(w http.ResponseWriter, r *http.Request, a hub.Actor, d control.Draft, cause error) error {
	problem := server.Report(r, cause)
	id := hub.ChannelID(r.PathValue("id"))
	var p channelView
	var err error
	if d.ThreadID != "" {
		p, err = c.threadView(r, a, id, d.ThreadID, "")
	} else {
		p, err = c.channelView(r, a, id, "")
	}
	if err != nil {
		return cause // the page itself is not for this caller
	}
	p.Draft, p.Key, p.Error = d.Content, d.Key, sentence(problem)
	return write(w, r, problem.Status, channelPage(p))
}

// sentence says what is wrong, with the fields where there are some.
func sentence(p server.Problem) string {
	s := p.Detail
	for _, f := range p.Errors {
		s += " " + f.Field + ": " + f.Detail + "."
	}
	return s
}

// inWords says why a message cannot be posted in the words of the page instead of
// the API's.
func inWords(err error, content string) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return hub.Errorf(hub.TooLarge, textTooLong)
	}
	e, ok := errors.AsType[*hub.Error](err)
	switch {
	case !ok || !slices.ContainsFunc(e.Fields, func(f hub.FieldError) bool { return f.Field == "content" }), !utf8.ValidString(content):
		return err
	case strings.TrimSpace(content) == "":
		return hub.Errorf(hub.Invalid, textNothingWritten)
	default:
		return hub.Errorf(hub.Invalid, textTooLong)
	}
}

func draftOf(w http.ResponseWriter, r *http.Request, id hub.ChannelID) (control.Draft, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return control.Draft{}, inWords(formError(err), "")
	}
	d := control.Draft{
		ThreadID: hub.MessageID(r.PostForm.Get("thread")),
		Content:  strings.ReplaceAll(r.PostForm.Get("content"), "\r\n", "\n"), // as forms send it
		Key:      r.PostForm.Get("key"),
	}
	if d.Key != "" {
		sum := sha256.Sum256([]byte(strings.Join([]string{string(id), string(d.ThreadID), d.Content}, "\x00")))
		d.RequestHash = hex.EncodeToString(sum[:])
	}
	return d, nil
}

func canWrite(a hub.Actor) bool { return a.Can(hub.ScopeWrite) && a.Role != hub.RoleGuest }

// canManage reports whether links to the pages of management are shown; who may
// do what is decided by control.
func canManage(a hub.Actor) bool {
	return a.Can(hub.ScopeAdmin) && a.Role != hub.RoleGuest && len(a.Channels) == 0
}

func linkOf(ch *hub.Channel) channelLink {
	return channelLink{ID: ch.ID, Name: ch.Name, Topic: ch.Topic, Private: ch.Type != hub.ChannelPublic, Archived: ch.IsArchived}
}

func sidebarOf(a hub.Actor, all []hub.Channel, current hub.ChannelID) sidebarView {
	s := sidebarView{Username: a.Username, Manages: canManage(a)}
	for i := range all {
		link := linkOf(&all[i])
		link.Current = link.ID == current
		if link.Archived {
			s.Archived = append(s.Archived, link)
			s.ArchivedOpen = s.ArchivedOpen || link.Current
		} else {
			s.Channels = append(s.Channels, link)
		}
	}
	return s
}
