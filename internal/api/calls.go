package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Dialect is a product whose posts incoming webhooks understand.
type Dialect struct {
	Name  string `json:"name" doc:"As in the log; as the last part of a webhook's URL it forces the dialect."`
	Title string `json:"title" doc:"The product's name."`
}

func wireDialect(d hub.Dialect) Dialect { return Dialect(d) }

// FieldMap says what of a call becomes which part of its message, for senders that
// the hub does not know.
type FieldMap struct {
	Title  string `json:"title,omitempty" doc:"One line of plain text."`
	Text   string `json:"text,omitempty" doc:"Markdown."`
	Color  string `json:"color,omitempty" doc:"A colour, or a word for how something is: firing, ok, P1 …"`
	Link   string `json:"link,omitempty" doc:"Where the title leads."`
	Key    string `json:"key,omitempty" doc:"What the message is about: the later takes the place of the earlier one."`
	Image  string `json:"image,omitempty" doc:"The URL of a picture."`
	Author string `json:"author,omitempty" doc:"The name that the message shows."`
	Thread string `json:"thread,omitempty" doc:"What the message replies to: the same word for all of a thread, or the id of a message."`
}

func (m FieldMap) control() control.FieldMap { return control.FieldMap(m) }

// Call is one request to an incoming webhook.
type Call struct {
	ID           hub.CallID        `json:"id"`
	IncomingID   hub.IncomingID    `json:"incomingWebhookId" limits:"-" doc:"Empty: the token was nobody's."`
	Verdict      string            `json:"verdict" doc:"accepted, or why not."`
	Reason       string            `json:"reason,omitempty" doc:"Why it was refused, or what of it could not be shown."`
	Dialect      string            `json:"dialect,omitempty" doc:"Whose it was; absent: not known."`
	RecognisedBy string            `json:"recognisedBy,omitempty" doc:"The mark by which the dialect was known."`
	RemoteIP     string            `json:"remoteIp,omitempty" doc:"The client's address."`
	Status       int               `json:"status" minimum:"100" maximum:"599" doc:"HTTP status answered."`
	BodySize     int64             `json:"bodySize" minimum:"0" doc:"Bytes."`
	Headers      map[string]string `json:"headers,omitempty" doc:"Those that say what the body means; in the single call only."`
	Query        string            `json:"query,omitempty" doc:"Of the URL, secrets masked; in the single call only."`
	Body         string            `json:"body,omitempty" doc:"As received, secrets masked; in the single call only."`
	Answer       string            `json:"answer,omitempty" doc:"The beginning of what was answered; in the single call only."`
	MessageID    hub.MessageID     `json:"messageId,omitempty" doc:"That it made or changed."`
	Duration     float64           `json:"duration" doc:"Milliseconds."`
	CreatedAt    time.Time         `json:"createdAt"`
}

func wireCall(c hub.Call) Call {
	return Call{
		ID: c.ID, IncomingID: c.IncomingID, Verdict: c.Verdict, Reason: c.Reason, Dialect: c.Dialect, RecognisedBy: c.RecognisedBy,
		RemoteIP: c.RemoteIP, Status: c.Status, BodySize: c.BodySize, Headers: c.Headers, Query: c.Query, Body: printable(c.Body),
		Answer: c.Answer, MessageID: c.MessageID, Duration: float64(c.Duration.Microseconds()) / 1000, CreatedAt: c.CreatedAt,
	}
}

// CallDetail is a call with the message that it made or changed.
type CallDetail struct {
	Call
	Message *Message `json:"message,omitempty" doc:"As it is now."`
	// Rendered is absent when the message is gone.
	Rendered *Rendered `json:"rendered,omitempty" doc:"What this call made of the message."`
}

// Rendered is what a message said when a call had made or changed it.
type Rendered struct {
	Revision int         `json:"revision" doc:"Of the message."`
	Content  string      `json:"content" doc:"Markdown."`
	Embeds   []hub.Embed `json:"embeds" doc:"Cards."`
}

func wireCallDetail(c control.CallDetail) CallDetail {
	out := CallDetail{Call: wireCall(c.Call)}
	if c.Message != nil {
		out.Message = ptr(wireMessage(*c.Message))
	}
	if c.Rendered != nil {
		r := wireRevision(*c.Rendered)
		out.Rendered = &Rendered{r.Number, r.Content, orEmpty(r.Embeds)}
	}
	return out
}

// Reading is what a call would be posted as.
type Reading struct {
	Dialect      string        `json:"dialect" doc:"Whose call it is."`
	RecognisedBy string        `json:"recognisedBy" doc:"The mark by which the dialect is known."`
	Key          string        `json:"key,omitempty" doc:"What the message would be about."`
	Thread       string        `json:"thread,omitempty" doc:"What it would reply to."`
	Username     string        `json:"username" doc:"The name it would show."`
	AvatarURL    string        `json:"avatarUrl,omitempty" doc:"The picture it would show."`
	Content      string        `json:"content" doc:"Markdown."`
	Embeds       []hub.Embed   `json:"embeds" doc:"Cards."`
	Document     Document      `json:"document,omitzero"`
	Attachments  []ReadingFile `json:"attachments" doc:"Files."`
	Losses       []Loss        `json:"losses" doc:"What a message cannot show, and what it does instead."`
	Remarks      string        `json:"remarks,omitempty" doc:"What could not be read as it is, or as the webhook's field mapping says."`
}

// ReadingFile is a file that a message would have.
type ReadingFile struct {
	Filename string `json:"filename" doc:"As the sender names it."`
	MimeType string `json:"mimeType,omitempty" doc:"As the sender says; the hub looks at files that it stores."`
	Size     int64  `json:"size,omitempty" doc:"Bytes."`
	URL      string `json:"url,omitempty" doc:"Of one that lives elsewhere."`
}

// Loss is one kind of thing that a message cannot show.
type Loss struct {
	Kind  string `json:"kind" doc:"What it is: image, mention, card …"`
	Done  string `json:"done" doc:"What is done instead: asText, asLink, shortened …"`
	Count int    `json:"count" minimum:"1" doc:"How often."`
}

func wireReading(r hub.Reading) Reading {
	m := &r.Message
	out := Reading{
		Dialect: r.Dialect, RecognisedBy: r.RecognisedBy, Key: r.Key, Thread: r.Thread,
		Username: cmp.Or(m.Author.DisplayName, m.Author.Username), AvatarURL: m.Author.AvatarURL, Content: m.Content, Embeds: orEmpty(m.Embeds),
		Document: Document{m.Document}, Attachments: make([]ReadingFile, len(m.Files)), Losses: make([]Loss, len(r.Losses)),
		Remarks: r.Remarks,
	}
	for i, f := range m.Files {
		out.Attachments[i] = ReadingFile{Filename: f.Filename, MimeType: f.MimeType, Size: f.Size, URL: f.URL}
	}
	for i, l := range r.Losses {
		out.Losses[i] = Loss(l)
	}
	return out
}

// ReadingFields are another reading than the webhook's, to be tried.
type ReadingFields struct {
	KeyTemplate field[string]   `json:"keyTemplate,omitzero" doc:"Instead of the webhook's; null: none."`
	FieldMap    field[FieldMap] `json:"fieldMap,omitzero" doc:"Instead of the webhook's; null: none."`
}

// change returns the change; a body that is not there changes nothing.
func (b *ReadingFields) change() control.ReadingChange {
	if b == nil {
		return control.ReadingChange{}
	}
	return control.ReadingChange{KeyTemplate: b.KeyTemplate.Change, FieldMap: changeTo(b.FieldMap, FieldMap.control)}
}

// CallPath is the path of a call.
type CallPath struct {
	IncomingPath
	CallID hub.CallID `path:"callId"`
}

type (
	callsInput struct {
		IncomingPath
		Paging
	}
	previewInput struct {
		CallPath
		Body *ReadingFields
	}
)

func (a *API) dialectRoutes(list string) {
	register(a, operation{
		method: http.MethodGet, path: list, id: "listDialects", tag: "incoming webhooks", summary: "List the senders that are understood",
		doc: "The hub's own dialect comes first. Everything else is shown as a card of its fields.",
	}, func(ctx context.Context, who hub.Actor, _ *struct{}) (page[Dialect], error) {
		all, err := a.Control.Dialects(ctx, who)
		return pageOf(all, wireDialect, ""), err
	})
}

// notReplayed is why a call cannot be posted again.
const notReplayed = "The call posted nothing that could be posted again, or the channel is archived."

func (a *API) callRoutes(log string) {
	register(a, operation{
		method: http.MethodGet, path: log, id: "listCalls", tag: "incoming webhooks", summary: "List its calls, newest first",
	}, func(ctx context.Context, who hub.Actor, in *callsInput) (page[Call], error) {
		before, err := idCursor[hub.CallID]("call", in.Cursor)
		if err != nil {
			return page[Call]{}, err
		}
		calls, more, err := a.Control.Calls(ctx, who, in.ID, before, in.Limit)
		if err != nil {
			return page[Call]{}, err
		}
		return pageOf(calls, wireCall, nextOf("call", calls, more, func(c hub.Call) string { return string(c.ID) })), nil
	})
	register(a, operation{
		method: http.MethodGet, path: log + "/{callId}", id: "getCall", tag: "incoming webhooks",
		summary: "Show a call with its body, its answer and its message",
	}, func(ctx context.Context, who hub.Actor, in *CallPath) (CallDetail, error) {
		return wired(wireCallDetail)(a.Control.Call(ctx, who, in.ID, in.CallID))
	})
	register(a, operation{
		method: http.MethodPost, path: log + "/{callId}/replay", id: "replayCall", tag: "incoming webhooks", summary: "Post a call again",
		conflict: notReplayed, also: []int{http.StatusLoopDetected},
		doc: "It is read as the webhook is set now.", status: http.StatusAccepted,
	}, func(ctx context.Context, who hub.Actor, in *CallPath) (Call, error) {
		return wired(wireCall)(a.Control.ReplayCall(ctx, who, in.ID, in.CallID))
	})
	register(a, operation{
		method: http.MethodPost, path: log + "/{callId}/preview", id: "previewCall", tag: "incoming webhooks",
		summary:  "Show what a replay would post",
		conflict: notReplayed, also: []int{http.StatusLoopDetected},
		doc: "Nothing is posted. The body may try another keyTemplate or fieldMap than the webhook's. A refusal is what the replay would get.",
	}, func(ctx context.Context, who hub.Actor, in *previewInput) (Reading, error) {
		return wired(wireReading)(a.Control.PreviewCall(ctx, who, in.ID, in.CallID, in.Body.change()))
	})
}
