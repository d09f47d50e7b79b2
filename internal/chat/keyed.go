package chat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// Keys tie a post of an incoming webhook to earlier ones of the same webhook.
type Keys struct {
	Webhook hub.IncomingID
	// Subject is what the post is about: an alert, a build. While its message
	// stands, a later post about the same takes its place, and what it said before
	// goes into its thread. "": nothing.
	Subject string
	// Thread is the sender's own word for a thread: the first post with it begins
	// the thread, the later ones reply. It counts only without a ThreadID. "": none.
	Thread string
}

// longestKey is from which length on a key is known by its hash, in bytes.
const longestKey = 200

func keyOf(kind, word string) string {
	if len(word) > longestKey {
		sum := sha256.Sum256([]byte(word))
		word = "#" + hex.EncodeToString(sum[:])
	}
	return kind + ":" + word
}

// postKeyed posts a message that is tied to others, or changes the one whose place
// it takes, and returns the message as it is stored.
func (s *Service) postKeyed(ctx context.Context, p *Post, m *hub.Message, c *change) (*hub.Message, error) {
	done, err := s.order.wait(ctx, "keys of "+string(p.Keys.Webhook))
	if err != nil {
		return m, err
	}
	defer done()
	asked := p.ThreadID
	for range maxTries {
		p.ThreadID, m.ThreadID = asked, ""
		before, keys, err := s.tied(ctx, p, m)
		if err != nil {
			return m, err
		}
		var stored bool
		switch {
		case before != nil:
			m, stored, err := s.supersede(ctx, p, m, before, keys[0], c)
			if err != nil || stored {
				return m, err
			}
			continue
		case p.ThreadID != "":
			stored, err = s.postReply(ctx, p, m, c, keys)
			if p.ThreadID != asked && hub.CodeOf(err) == hub.NotFound {
				continue // what the sender's word stood for is gone: it begins anew
			}
		default:
			stored, err = s.postTop(ctx, p, m, c, keys)
		}
		if err != nil || stored {
			return m, err
		}
	}
	return m, errBusy
}

// tied finds the message whose place the post takes, and the one that it replies
// to (p.ThreadID). Without the first it returns the keys that are to stand for the new
// message.
func (s *Service) tied(ctx context.Context, p *Post, m *hub.Message) (before *hub.Message, keys []hub.MessageKey, err error) {
	if p.Keys.Subject != "" {
		key := hub.MessageKey{IncomingID: p.Keys.Webhook, Key: keyOf("subject", p.Keys.Subject), MessageID: m.ID}
		if key.Was, before, err = s.keyed(ctx, key, m.ChannelID); err != nil {
			return nil, nil, err
		}
		if before != nil {
			key.MessageID = before.ID
			return before, []hub.MessageKey{key}, nil
		}
		keys = append(keys, key)
	}
	if p.Keys.Thread != "" && p.ThreadID == "" {
		key := hub.MessageKey{IncomingID: p.Keys.Webhook, Key: keyOf("thread", p.Keys.Thread), MessageID: m.ID}
		var root *hub.Message
		if key.Was, root, err = s.keyed(ctx, key, m.ChannelID); err != nil {
			return nil, nil, err
		}
		if root != nil {
			p.ThreadID = root.ID
		} else {
			keys = append(keys, key)
		}
	}
	return nil, keys, nil
}

// keyed returns which message a key stands for, and the message if it is there and
// in the channel.
func (s *Service) keyed(ctx context.Context, key hub.MessageKey, in hub.ChannelID) (was hub.MessageID, m *hub.Message, err error) {
	was, err = s.Store.Keyed(ctx, key.IncomingID, key.Key)
	if err != nil || was == "" {
		return "", nil, err
	}
	found, err := s.Message(ctx, was)
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return was, nil, nil
	case err != nil:
		return was, nil, err
	case found.IsDeleted || found.ChannelID != in:
		return was, nil, nil
	}
	return was, &found, nil
}

// supersede lets an earlier message say what m says, and puts what it said into its
// thread. One that says the same already stays as it is.
func (s *Service) supersede(ctx context.Context, p *Post, m, before *hub.Message, key hub.MessageKey, c *change) (
	*hub.Message, bool, error,
) {
	for _, order := range []string{hub.MessageOrderKey(before.ID), hub.ChannelOrderKey(m.ChannelID)} {
		done, err := s.order.wait(ctx, order)
		if err != nil {
			return m, false, err
		}
		defer done()
	}
	root, _, replies, err := s.Store.ThreadOf(ctx, before.ID)
	if err != nil {
		return m, false, err
	}
	next := *before
	say := says{content: m.Content, embeds: m.Embeds, document: m.Document}
	changed := say.replace(&next)
	added := s.newFiles(m.Files, before)
	if !changed && len(added) == 0 {
		once, call := p.about(before)
		err := s.Store.LogCall(ctx, once, call, key)
		if err == nil && p.Call != nil {
			p.Call.MessageID, p.Call.MessageRevision = before.ID, before.Revision
		}
		return before, true, err
	}
	next.Revision, next.EditedAt = before.Revision+1, c.at
	next.Files = append(slices.Clone(before.Files), added...)
	once, call := p.about(&next)
	former := *before
	former.ID, former.ThreadID, former.CreatedAt = hub.MessageID(s.IDs.New()), root, c.at
	former.Revision, former.ReplyCount, former.IsPinned = 1, 0, false
	former.EditedAt, former.Files, former.Reactions = time.Time{}, nil, nil
	s.harmless(&former)
	events, err := s.supersedeEvents(&next, before, &former, replies, c)
	if err != nil {
		return m, false, err
	}
	stored, err := s.commit(func(routings []hub.Routing) (bool, error) {
		return s.Store.SupersedeMessage(ctx, &hub.Supersession{
			Message: &next, Searchable: searchable(&next), Added: added,
			Former: &former, FormerSearchable: searchable(&former), Replies: replies, Key: key,
		}, once, call, routings...)
	}, events...)
	if stored && err == nil && p.Call != nil {
		p.Call.MessageID, p.Call.MessageRevision = next.ID, next.Revision
	}
	return &next, stored, err
}

// harmless takes the effect of mentions from what is said again: whom it was to
// reach, it has reached.
func (s *Service) harmless(m *hub.Message) {
	m.Content = contentOf(m.Content, false)
	m.Embeds = slices.Clone(m.Embeds)
	for i := range m.Embeds {
		m.Embeds[i] = cleanEmbed(m.Embeds[i], false)
	}
	if m.Document != nil {
		d, _ := markup.Defuse(markup.OfMessage(m), markup.Allow{})
		m.Document = s.encode(d)
	}
}

// newFiles returns the files that a message gets with its new text: not those that
// it shows already, and no more than a message may have.
func (s *Service) newFiles(files []hub.Attachment, m *hub.Message) (added []hub.Attachment) {
	for _, f := range files {
		shown := f.URL != "" && slices.ContainsFunc(m.Files, func(old hub.Attachment) bool { return old.URL == f.URL })
		if !shown && len(m.Files)+len(added) < s.Limits.files() {
			f.MessageID = m.ID
			added = append(added, f)
		}
	}
	return added
}

func (s *Service) supersedeEvents(next, before, former *hub.Message, replies int, c *change) ([]*hub.Event, error) {
	data := messageData(next, c)
	data.Prior = &hub.PriorText{Content: before.Content}
	updated, err := s.event(c, hub.EventMessageUpdated, hub.MessageOrderKey(next.ID), data)
	if err != nil {
		return nil, err
	}
	created, err := s.createdEvent(former, c)
	if err != nil {
		return nil, err
	}
	thread, err := s.threadEvent(former, replies, c)
	return []*hub.Event{updated, created, thread}, err
}
