package control

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/nself-chat/hub"
)

// FieldMap says what of a request becomes which part of a post, for senders that
// the hub does not know. Each member is a JSON Pointer, or a text with pointers in
// braces; "": nothing.
type FieldMap struct {
	Title  string `json:"title,omitempty"`
	Text   string `json:"text,omitempty"`
	Color  string `json:"color,omitempty"`
	Link   string `json:"link,omitempty"`
	Key    string `json:"key,omitempty"`
	Image  string `json:"image,omitempty"`
	Author string `json:"author,omitempty"`
	Thread string `json:"thread,omitempty"`
}

// FieldMapOf returns the field map of a webhook; zero: it has none.
func FieldMapOf(w *hub.IncomingWebhook) (m FieldMap) {
	if w.FieldMap != "" {
		_ = json.Unmarshal([]byte(w.FieldMap), &m) // checked when it was stored
	}
	return m
}

// text is the map as it is stored.
func (m FieldMap) text() string {
	if m == (FieldMap{}) {
		return ""
	}
	b, _ := json.Marshal(m) // strings always encode
	return string(b)
}

// hasNUL reports whether JSON text has U+0000, which Postgres stores in none.
func hasNUL(text []byte) bool {
	for rest := text; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 == len(rest) {
			return false
		}
		if bytes.HasPrefix(rest[i+1:], []byte("u0000")) {
			return true
		}
		rest = rest[i+2:]
	}
}

// Dialects lists the products whose posts incoming webhooks understand, the hub's
// own first.
func (s *Service) Dialects(_ context.Context, a hub.Actor) ([]hub.Dialect, error) {
	if err := allow(a, manageWebhooks); err != nil {
		return nil, err
	}
	return s.Ingress.Dialects(), nil
}

// CallDetail is a call with the message that it made or changed.
type CallDetail struct {
	hub.Call
	// Message is as it is now; nil: there is none, or none that the actor may see.
	Message *hub.Message
	// Rendered is what the message said as the call had made or changed it; nil:
	// there is no message, or that is not known.
	Rendered *hub.Revision
}

// Call returns one call of an incoming webhook with all that is kept of it.
func (s *Service) Call(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID) (CallDetail, error) {
	c, err := s.callOf(ctx, a, id, call)
	if err != nil {
		return CallDetail{}, err
	}
	return s.withMessage(ctx, a, c)
}

// withMessage adds the message that a call made or changed.
func (s *Service) withMessage(ctx context.Context, a hub.Actor, c hub.Call) (CallDetail, error) {
	if c.MessageID == "" {
		return CallDetail{Call: c}, nil
	}
	m, err := s.Message(ctx, a, c.MessageID)
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return CallDetail{Call: c}, nil
	case err != nil:
		return CallDetail{}, err
	}
	rendered, err := s.rendered(ctx, &c, &m)
	return CallDetail{c, &m, rendered}, err
}

// rendered returns what the message said when the call was done.
func (s *Service) rendered(ctx context.Context, c *hub.Call, m *hub.Message) (*hub.Revision, error) {
	switch {
	case c.MessageRevision == 0 || m.IsDeleted:
		return nil, nil
	case c.MessageRevision == m.Revision:
		embeds, err := json.Marshal(m.Embeds)
		return &hub.Revision{MessageID: m.ID, Number: m.Revision, Content: m.Content, Embeds: embeds}, err
	}
	found, _, err := s.Chat.Revisions(ctx, m.ID, c.MessageRevision-1, 1)
	if err != nil || len(found) == 0 || found[0].Number != c.MessageRevision {
		return nil, err
	}
	return &found[0], nil
}

// callOf returns a call if it is one of the webhook's.
func (s *Service) callOf(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID) (hub.Call, error) {
	if _, err := s.Incoming(ctx, a, id); err != nil {
		return hub.Call{}, err
	}
	c, err := s.Store.Call(ctx, call)
	if err == nil && c.IncomingID != id {
		return hub.Call{}, hub.Errorf(hub.NotFound, "There is no such call.")
	}
	return c, err
}

// ReplayCall posts a logged call again, as if it had just come in, and returns
// the new call.
func (s *Service) ReplayCall(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID) (hub.Call, error) {
	if _, err := s.callOf(ctx, a, id, call); err != nil {
		return hub.Call{}, err
	}
	if err := s.intake(); err != nil {
		return hub.Call{}, err
	}
	out, err := s.Ingress.Replay(ctx, call)
	if err != nil {
		return hub.Call{}, err
	}
	s.audit(ctx, a, "incoming_webhook.replay", string(id), nil, map[string]any{"callId": call, "newCallId": out.ID})
	return out, nil
}

// ReadingChange is another reading of what comes, to be tried: absent is the
// webhook's own, null none.
type ReadingChange struct {
	KeyTemplate Change[string]
	FieldMap    Change[FieldMap]
}

// PreviewCall tells what the replay of a logged call would post. Nothing is posted.
func (s *Service) PreviewCall(ctx context.Context, a hub.Actor, id hub.IncomingID, call hub.CallID, c ReadingChange) (hub.Reading, error) {
	if _, err := s.callOf(ctx, a, id, call); err != nil {
		return hub.Reading{}, err
	}
	var fieldMap *string
	if c.FieldMap.Present {
		text := c.FieldMap.Value.text()
		fieldMap = &text
	}
	return s.Ingress.Preview(ctx, call, fieldMap, c.KeyTemplate.or(""))
}
