package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// Edit is what a message is to say from now on. Absent fields stay.
type Edit struct {
	Content *string
	Embeds  *[]hub.Embed
	// Document, when set, takes the place of both, together with those of them
	// that are set: they are shown before it.
	Document *markup.Document
	// FileIDs and Remote are files that the message is to have besides, as in
	// Post; what it shows already, and what is beyond the limit, is left out.
	FileIDs []hub.FileID
	Remote  []hub.Attachment
	// AllowMentions is as in Post.
	AllowMentions bool
	// Check is asked about the message as the edit found it; its error refuses
	// the edit. May be nil.
	Check func(*hub.Message) error
}

// Edit changes what a message says, and keeps what it said as a revision.
// Editing it to what it says already changes nothing and is no error.
//
// Errors: Invalid, NotFound (also for deleted messages), Conflict (archived
// channel; key used for another request), hub.RepeatedError, and what e.Check
// returns.
func (s *Service) Edit(ctx context.Context, id hub.MessageID, e Edit, by Cause) (hub.Message, error) {
	done, err := s.order.wait(ctx, hub.MessageOrderKey(id))
	if err != nil {
		return hub.Message{}, err
	}
	defer done()
	for range maxTries {
		m, c, err := s.live(ctx, id, by)
		if err != nil {
			return hub.Message{}, err
		}
		if e.Check != nil {
			if err := e.Check(&m); err != nil {
				return hub.Message{}, err
			}
		}
		before := m.Content
		files, err := s.filesFor(ctx, &m, e.FileIDs, e.Remote)
		if err != nil {
			return m, err
		}
		added := s.newFiles(files, &m)
		m.Files = append(slices.Clone(m.Files), added...)
		changed, err := s.applyEdit(&m, &e)
		if err != nil {
			return m, err
		}
		if !changed && len(added) == 0 {
			return m, s.unchanged(ctx, &m, by)
		}
		m.Revision++
		m.EditedAt = c.at
		data := messageData(&m, &c)
		data.Prior = &hub.PriorText{Content: before}
		event, err := s.event(&c, hub.EventMessageUpdated, hub.MessageOrderKey(id), data)
		if err != nil {
			return hub.Message{}, err
		}
		text := searchable(&m)
		stored, err := s.commit(func(routings []hub.Routing) (bool, error) {
			return s.Store.EditMessage(ctx, &m, added, by.By, text, by.Once, by.leaving(&m), routings...)
		}, event)
		if err != nil {
			return hub.Message{}, err
		}
		if stored {
			return m, nil
		}
	}
	return hub.Message{}, errBusy
}

// leaving returns the call with the message's revision as it leaves it.
func (c *Cause) leaving(m *hub.Message) *hub.Call {
	if c.Call == nil {
		return nil
	}
	logged := *c.Call
	logged.MessageRevision = m.Revision
	return &logged
}

// unchanged logs the call of a change that changed nothing, and remembers its
// key.
func (s *Service) unchanged(ctx context.Context, m *hub.Message, by Cause) error {
	if by.Once == nil && by.Call == nil {
		return nil
	}
	return s.Store.LogCall(ctx, by.Once, by.leaving(m))
}

// applyEdit puts the edit into m and reports whether that changed anything.
func (s *Service) applyEdit(m *hub.Message, e *Edit) (changed bool, err error) {
	var errs hub.FieldErrors
	say := s.edited(&errs, m, e)
	if len(errs) == 0 && isEmpty(say.content, len(say.embeds)+len(m.Files)) {
		errs.Add("content", "must not be empty when there is no embed and no file")
	}
	if err := errs.Err(); err != nil {
		return false, err
	}
	return say.replace(m), nil
}

// edited returns what m says after the edit.
func (s *Service) edited(errs *hub.FieldErrors, m *hub.Message, e *Edit) says {
	if e.Document != nil {
		var content string
		var embeds []hub.Embed
		if e.Content != nil {
			content = *e.Content
		}
		if e.Embeds != nil {
			embeds = *e.Embeds
		}
		return s.compose(errs, content, embeds, *e.Document, e.AllowMentions)
	}
	say := says{content: m.Content, embeds: m.Embeds, document: m.Document}
	if e.Content != nil {
		s.checkContent(errs, *e.Content)
		say.content = contentOf(*e.Content, e.AllowMentions)
	}
	if e.Embeds != nil {
		say.embeds = s.cleanEmbeds(errs, *e.Embeds, e.AllowMentions)
	}
	if say.content != m.Content || !sameEmbeds(say.embeds, m.Embeds) {
		say.document = nil // it said what was there before
	}
	return say
}

// replace lets m say it, and reports whether that is something new.
func (say says) replace(m *hub.Message) (changed bool) {
	if say.content == m.Content && sameEmbeds(say.embeds, m.Embeds) && sameDocument(say.document, m.Document) {
		return false
	}
	m.Content, m.Embeds, m.Document = say.content, say.embeds, say.document
	return true
}

// sameDocument compares what documents say: a database may write JSON in another
// way than it was given.
func sameDocument(a, b json.RawMessage) bool {
	if len(a) == 0 || len(b) == 0 || bytes.Equal(a, b) {
		return len(a) == len(b)
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func sameEmbeds(a, b []hub.Embed) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// live returns a message that may be changed, and the change's frame.
func (s *Service) live(ctx context.Context, id hub.MessageID, by Cause) (hub.Message, change, error) {
	m, err := s.Message(ctx, id)
	if err != nil {
		return m, change{}, err
	}
	if m.IsDeleted {
		return m, change{}, hub.Errorf(hub.NotFound, "The message was deleted.")
	}
	channel, err := s.channel(ctx, m.ChannelID)
	if err != nil {
		return m, change{}, err
	}
	if channel.IsArchived {
		return m, change{}, errArchived
	}
	c, err := s.begin(ctx, by, &channel)
	return m, c, err
}

// Delete deletes a message: reads return it without content from then on, and
// search does not find it. With ScrubDeleted its text is also taken out of the
// database; deliveries that are still to be sent carry the event without the
// text. Deleting a deleted message changes nothing and is no error. Messages
// can be deleted in archived channels too.
//
// Errors: NotFound, Conflict (key used for another request), hub.RepeatedError.
func (s *Service) Delete(ctx context.Context, id hub.MessageID, by Cause) error {
	return s.DeleteIf(ctx, id, nil, by)
}

// DeleteIf is Delete of a message that check, asked about the revision that is
// deleted, has nothing against. It may be nil.
func (s *Service) DeleteIf(ctx context.Context, id hub.MessageID, check func(revision int) error, by Cause) error {
	done, err := s.order.wait(ctx, hub.MessageOrderKey(id))
	if err != nil {
		return err
	}
	defer done()
	m, err := s.Message(ctx, id)
	if err != nil {
		return err
	}
	if check != nil {
		if err := check(m.Revision); err != nil {
			return err
		}
	}
	if m.IsDeleted {
		return s.unchanged(ctx, &m, by)
	}
	channel, err := s.channel(ctx, m.ChannelID)
	if err != nil {
		return err
	}
	c, err := s.begin(ctx, by, &channel)
	if err != nil {
		return err
	}
	files := m.Files
	m.Content, m.Embeds, m.Document, m.Files = "", nil, nil, nil
	event, err := s.event(&c, hub.EventMessageDeleted, hub.MessageOrderKey(id), messageData(&m, &c))
	if err != nil {
		return err
	}
	stored, err := s.commit(func(routings []hub.Routing) (bool, error) {
		return s.Store.DeleteMessage(ctx, id, check, c.at, s.scrubber(), by.Once, by.Call, routings...)
	}, event)
	if err != nil {
		return err
	}
	if !stored {
		return s.unchanged(ctx, &m, by)
	}
	if !s.ScrubDeleted {
		return nil
	}
	for i := range files {
		s.dropBlob(ctx, files[i].Hash)
	}
	return nil
}

// scrubber is what takes the text out of events, nil when it is to stay.
func (s *Service) scrubber() func(json.RawMessage) (json.RawMessage, error) {
	if s.ScrubDeleted {
		return scrub
	}
	return nil
}

// Pin pins a message in its channel; pinning a pinned one changes nothing.
func (s *Service) Pin(ctx context.Context, id hub.MessageID, by Cause) error {
	return s.setPinned(ctx, id, true, hub.EventMessagePinned, by)
}

// Unpin takes a pinned message off; unpinning another changes nothing.
func (s *Service) Unpin(ctx context.Context, id hub.MessageID, by Cause) error {
	return s.setPinned(ctx, id, false, hub.EventMessageUnpinned, by)
}

func (s *Service) setPinned(ctx context.Context, id hub.MessageID, pinned bool, kind string, by Cause) error {
	done, err := s.order.wait(ctx, hub.MessageOrderKey(id))
	if err != nil {
		return err
	}
	defer done()
	m, c, err := s.live(ctx, id, by)
	if err != nil || m.IsPinned == pinned {
		return err
	}
	m.IsPinned = pinned
	event, err := s.event(&c, kind, hub.MessageOrderKey(id), messageData(&m, &c))
	if err != nil {
		return err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return s.Store.SetPinned(ctx, id, pinned, routings...)
	}, event)
	return err
}
