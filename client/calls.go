package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Dialect is a product whose posts incoming webhooks understand.
type Dialect struct {
	Name  string `json:"name"` // the last part of a webhook's URL that forces it
	Title string `json:"title"`
}

// FieldMap says what of a call becomes which part of its message. Each member is
// a JSON Pointer into the body, or a text with pointers in braces; "": nothing.
type FieldMap struct {
	Title  string `json:"title,omitempty"`
	Text   string `json:"text,omitempty"` // Markdown
	Color  string `json:"color,omitempty"`
	Link   string `json:"link,omitempty"`
	Key    string `json:"key,omitempty"` // what the message is about
	Image  string `json:"image,omitempty"`
	Author string `json:"author,omitempty"`
	Thread string `json:"thread,omitempty"` // what the message replies to
}

// Call is one request to an incoming webhook.
type Call struct {
	ID           string    `json:"id"`
	IncomingID   string    `json:"incomingWebhookId"`
	Verdict      string    `json:"verdict"`
	Reason       string    `json:"reason"`
	Dialect      string    `json:"dialect"`
	RecognisedBy string    `json:"recognisedBy"` // the mark by which the dialect was known
	RemoteIP     string    `json:"remoteIp"`
	Status       int       `json:"status"`
	BodySize     int64     `json:"bodySize"`
	MessageID    string    `json:"messageId"`
	Duration     float64   `json:"duration"` // milliseconds
	CreatedAt    time.Time `json:"createdAt"`

	// What follows is set of a single call only.
	Headers map[string]string `json:"headers"`
	Query   string            `json:"query"`
	Body    string            `json:"body"`
	Answer  string            `json:"answer"`
	Message *Message          `json:"message"` // as it is now; nil: there is none
	// Rendered is what the call made of the message; nil: there is none.
	Rendered *Rendered `json:"rendered"`
	// Events are what was told of the message; only of a call of the inbox.
	Events []CallEvent `json:"events"`
}

// CallEvent is an event that came of a call, and where it was sent.
type CallEvent struct {
	ID         string    `json:"id"`
	Event      string    `json:"event"`
	Timestamp  time.Time `json:"timestamp"`
	TraceID    string    `json:"traceId"`
	Deliveries []struct {
		ID        string `json:"id"`
		WebhookID string `json:"webhookId"`
		Status    string `json:"status"`
	} `json:"deliveries"`
}

// Rendered is what a message said when a call had made or changed it.
type Rendered struct {
	Revision int     `json:"revision"` // of the message
	Content  string  `json:"content"`  // Markdown
	Embeds   []Embed `json:"embeds"`
}

// ReadingFields are another reading of a call than its webhook's, to be tried.
type ReadingFields struct {
	KeyTemplate Field[string]   `json:"keyTemplate,omitzero"`
	FieldMap    Field[FieldMap] `json:"fieldMap,omitzero"`
}

// Reading is what a call would be posted as.
type Reading struct {
	Dialect      string          `json:"dialect"`
	RecognisedBy string          `json:"recognisedBy"`
	Key          string          `json:"key"`    // what the message would be about
	Thread       string          `json:"thread"` // what it would reply to
	Username     string          `json:"username"`
	AvatarURL    string          `json:"avatarUrl"`
	Content      string          `json:"content"` // Markdown
	Embeds       []Embed         `json:"embeds"`
	Document     json.RawMessage `json:"document"` // as in Message
	Attachments  []ReadingFile   `json:"attachments"`
	Losses       []Loss          `json:"losses"`
	Remarks      string          `json:"remarks"` // what could not be read as it is, or as the field mapping says
}

// ReadingFile is a file that a message would have.
type ReadingFile struct {
	Filename string `json:"filename"`
	MimeType string `json:"mimeType"`
	Size     int64  `json:"size"`
	URL      string `json:"url"` // of one that lives elsewhere
}

// Loss is one kind of thing that a message cannot show, and what it does instead.
type Loss struct {
	Kind  string `json:"kind"`
	Done  string `json:"done"`
	Count int    `json:"count"`
}

func callPath(id, callID string) string { return incomingPath(id) + "/log/" + escape(callID) }

// Dialects lists the products whose posts incoming webhooks understand.
func (c *Client) Dialects(ctx context.Context) iter.Seq2[Dialect, error] {
	return func(yield func(Dialect, error) bool) { // one page, whatever is asked for
		p, err := call[page[Dialect]](ctx, c, get(incomingsPath+"/dialects", nil))
		if err != nil {
			yield(Dialect{}, err)
			return
		}
		for _, d := range p.Items {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// Calls lists the calls of an incoming webhook, newest first.
func (c *Client) Calls(ctx context.Context, id string, options ...ListOption) iter.Seq2[Call, error] {
	return list[Call](ctx, c, incomingPath(id)+"/log", nil, options)
}

// Call returns one call with all that is kept of it.
func (c *Client) Call(ctx context.Context, id, callID string) (Call, error) {
	return call[Call](ctx, c, get(callPath(id, callID), nil))
}

// ReplayCall posts a call again and returns the new one.
func (c *Client) ReplayCall(ctx context.Context, id, callID string, options ...CallOption) (Call, error) {
	return call[Call](ctx, c, post(callPath(id, callID)+"/replay", nil, options...))
}

// PreviewCall tells what ReplayCall would post, with another reading than the
// webhook's where f sets one.
func (c *Client) PreviewCall(ctx context.Context, id, callID string, f ReadingFields, options ...CallOption) (Reading, error) {
	return call[Reading](ctx, c, post(callPath(id, callID)+"/preview", f, options...))
}

// Inbox lists the calls of all incoming webhooks, deleted ones too, and of tokens
// that are nobody's, newest first and without bodies.
func (c *Client) Inbox(ctx context.Context, options ...ListOption) iter.Seq2[Call, error] {
	return list[Call](ctx, c, inboxPath, nil, options)
}

// ReplayInbox posts one of the calls in the inbox again and returns the new call.
func (c *Client) ReplayInbox(ctx context.Context, id string, options ...CallOption) (Call, error) {
	return call[Call](ctx, c, post(inboxPath+"/"+escape(id)+"/replay", nil, options...))
}

// InboxCall returns one of the calls in the inbox with its body and what came of it.
func (c *Client) InboxCall(ctx context.Context, id string) (Call, error) {
	return call[Call](ctx, c, get(inboxPath+"/"+escape(id), nil))
}

const inboxPath = "/api/inbox"
