package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Message is a message as it is shown.
type Message struct {
	ID          hub.MessageID        `json:"id"`
	ChannelID   hub.ChannelID        `json:"channelId"`
	ThreadID    hub.MessageID        `json:"threadId,omitempty" doc:"The root of the thread it is a reply in."`
	Author      hub.Author           `json:"author" doc:"As it looked when it was posted."`
	Content     string               `json:"content" doc:"Markdown; empty when deleted."`
	Type        hub.MessageType      `json:"type" enum:"text,system,bot" doc:"system: a notice of the hub about itself."`
	Embeds      []hub.Embed          `json:"embeds" doc:"Cards."`
	Document    Document             `json:"document,omitzero"`
	Attachments []hub.AttachmentInfo `json:"attachments" doc:"Files."`
	Reactions   []hub.Reaction       `json:"reactions" doc:"In the order in which they came up."`
	ReplyCount  int                  `json:"replyCount" minimum:"0" doc:"Replies in the thread of which it is the root."`
	IsPinned    bool                 `json:"isPinned" doc:"It is among the channel's pinned messages."`
	IsDeleted   bool                 `json:"isDeleted" doc:"A deleted message keeps its place and says nothing."`
	CreatedAt   time.Time            `json:"createdAt"`
	EditedAt    time.Time            `json:"editedAt,omitzero" doc:"Absent: never."`
	DeletedAt   time.Time            `json:"deletedAt,omitzero" doc:"Absent: it is not."`
	Revision    int                  `json:"revision" minimum:"1" doc:"1, and one more by each edit; If-Match takes it, in quotes."`
}

func (m Message) version() string { return control.MessageVersion(m.Revision) }

func (m Message) location() string { return "/api/messages/" + string(m.ID) }

func wireMessage(m hub.Message) Message {
	out := Message{
		ID: m.ID, ChannelID: m.ChannelID, ThreadID: m.ThreadID, Author: m.Author, Content: m.Content, Type: m.Type,
		Embeds: orEmpty(m.Embeds), Document: Document{m.Document}, Attachments: make([]hub.AttachmentInfo, len(m.Files)), Reactions: orEmpty(m.Reactions),
		ReplyCount: m.ReplyCount, IsPinned: m.IsPinned, IsDeleted: m.IsDeleted,
		CreatedAt: m.CreatedAt, EditedAt: m.EditedAt, DeletedAt: m.DeletedAt, Revision: m.Revision,
	}
	for i := range m.Files {
		out.Attachments[i] = wireFile(m.Files[i])
	}
	return out
}

// Document is what a message says as a tree.
type Document struct{ json.RawMessage }

// Schema implements huma.SchemaProvider. The tree is not described to the leaves:
// readers skip what they do not know.
func (Document) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject,
		Description: "All of what the message says, as a tree of blocks, when content and embeds do not say it; otherwise absent. " +
			"A block is an object with a type (paragraph, heading, list, codeBlock, table, card …); one of an unknown type has a fallback.",
		Properties: map[string]*huma.Schema{
			"v":      {Type: huma.TypeInteger, Description: "The version of the format: 1."},
			"blocks": {Type: huma.TypeArray, Description: "What it says, block by block.", Items: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		},
		Required: []string{"v", "blocks"},
	}
}

// Thread is a thread: its root and a page of the replies.
type Thread struct {
	Root       Message   `json:"root" doc:"The message that began it."`
	Items      []Message `json:"items" doc:"The replies, newest first."`
	NextCursor string    `json:"nextCursor,omitempty" doc:"Where the next page begins; absent on the last one."`
}

// Revision is what a message said before an edit.
type Revision struct {
	Number    int         `json:"number" minimum:"1" doc:"From 1, the first text."`
	Content   string      `json:"content" doc:"Markdown."`
	Embeds    []hub.Embed `json:"embeds" doc:"Cards."`
	EditedBy  hub.UserID  `json:"editedBy,omitempty" doc:"Who replaced it; absent: the hub."`
	CreatedAt time.Time   `json:"createdAt" doc:"When it was replaced."`
}

func wireRevision(r hub.Revision) Revision {
	out := Revision{Number: r.Number, Content: r.Content, Embeds: []hub.Embed{}, EditedBy: r.EditedBy, CreatedAt: r.CreatedAt}
	if len(r.Embeds) > 0 {
		_ = json.Unmarshal(r.Embeds, &out.Embeds) // written by the hub
	}
	return out
}

// MessagePath is the path of a message.
type MessagePath struct {
	ID hub.MessageID `path:"id"`
}

type (
	listMessagesInput struct {
		ChannelPath
		Paging
		Before hub.MessageID `query:"before" maxLength:"36" doc:"Only messages older than this one."`
		After  hub.MessageID `query:"after" maxLength:"36" doc:"Only messages newer than this one, beginning with the one that follows it."`
		Thread hub.MessageID `query:"thread" maxLength:"36" doc:"Only replies in the thread with this root."`
		Pinned bool          `query:"pinned" doc:"Only pinned messages."`
	}
	postMessageInput struct {
		ChannelPath
		Key  string `header:"Idempotency-Key" hidden:"true"`
		Body struct {
			Content  string        `json:"content,omitempty" limits:"maxLength=16000" doc:"Markdown; may be absent when there is an embed or a file."`
			ThreadID hub.MessageID `json:"threadId,omitempty" doc:"The message to reply to."`
			Embeds   []hub.Embed   `json:"embeds,omitempty" limits:"maxItems=50" doc:"Cards; 64 KiB of JSON together."`
			FileIDs  []hub.FileID  `json:"fileIds,omitempty" limits:"maxItems=20" doc:"Uploaded files of yours that are not posted yet."`
		} `nameHint:"MessageCreate"`
	}
	deleteMessageInput struct {
		MessagePath
		Conditional
	}
	patchMessageInput struct {
		MessagePath
		Conditional
		Body struct {
			Content field[string]      `json:"content,omitzero" limits:"maxLength=16000" doc:"Markdown; null: none, when there is an embed or a file."`
			Embeds  field[[]hub.Embed] `json:"embeds,omitzero" limits:"maxItems=50" doc:"Cards; null: none."`
		} `nameHint:"MessagePatch"`
	}
	messageListInput struct {
		MessagePath
		Paging
	}
	reactionInput struct {
		MessagePath
		Emoji string `path:"emoji" minLength:"1" maxLength:"50" example:"🎉" doc:"An emoji or its name, without spaces."`
	}
)

func (a *API) messageRoutes() {
	const list, one = "/api/channels/{id}/messages", "/api/messages/{id}"
	register(a, operation{
		method: http.MethodGet, path: list, id: "listMessages", tag: "messages", summary: "List a channel's messages, newest first",
	}, a.listMessages)
	register(a, operation{
		method: http.MethodPost, path: list, id: "postMessage", tag: "messages", summary: "Post a message",
		conflict: archived,
		doc:      "When the answer comes, the message, its event and the deliveries are on disk.", status: http.StatusCreated, inCommit: true,
	}, func(ctx context.Context, who hub.Actor, in *postMessageInput) (Message, error) {
		b, k := in.Body, keyedOf(ctx)
		m, repeated, err := a.Control.PostOnce(ctx, who, in.ID, control.Draft{
			ThreadID: b.ThreadID, Content: b.Content, Embeds: b.Embeds, FileIDs: b.FileIDs, Key: in.Key, RequestHash: k.hash,
		})
		k.repeated = repeated
		return wired(wireMessage)(m, keyTells(in.Key, err))
	})
	register(a, operation{
		method: http.MethodGet, path: one, id: "getMessage", tag: "messages", summary: "Show a message",
	}, func(ctx context.Context, who hub.Actor, in *MessagePath) (Message, error) {
		return wired(wireMessage)(a.Control.Message(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPatch, path: one, id: "editMessage", tag: "messages", summary: "Edit a message",
		conflict: archived, doc: "What it said is kept as a revision.",
	}, func(ctx context.Context, who hub.Actor, in *patchMessageInput) (Message, error) {
		e := control.Edit{}
		if c := in.Body.Content; c.Present {
			e.Content = &c.Value
		}
		if c := in.Body.Embeds; c.Present {
			e.Embeds = &c.Value
		}
		return wired(wireMessage)(a.Control.EditMessage(ctx, who, in.ID, in.IfMatch, e))
	})
	register(a, operation{
		method: http.MethodDelete, path: one, id: "deleteMessage", tag: "messages", summary: "Delete a message",
	}, func(ctx context.Context, who hub.Actor, in *deleteMessageInput) (nothing, error) {
		return nothing{}, a.Control.DeleteMessage(ctx, who, in.ID, in.IfMatch)
	})
	register(a, operation{
		method: http.MethodGet, path: one + "/thread", id: "getThread", tag: "messages", summary: "Show a message's thread",
		doc: "The message may be its root or any reply.",
	}, func(ctx context.Context, who hub.Actor, in *messageListInput) (Thread, error) {
		before, err := idCursor[hub.MessageID]("reply", in.Cursor)
		if err != nil {
			return Thread{}, err
		}
		root, replies, more, err := a.Control.Thread(ctx, who, in.ID, control.MessageQuery{Before: before, Limit: in.Limit})
		if err != nil {
			return Thread{}, err
		}
		p := pageOf(replies, wireMessage, nextOf("reply", replies, more, messageKey))
		return Thread{wireMessage(root), p.Items, p.NextCursor}, nil
	})
	register(a, operation{
		method: http.MethodGet, path: one + "/revisions", id: "listRevisions", tag: "messages",
		summary: "List what a message said before its edits, oldest first", doc: "Nothing is left of a deleted message.",
	}, a.listRevisions)
	a.messageMarks(one)
}

func (a *API) listRevisions(ctx context.Context, who hub.Actor, in *messageListInput) (page[Revision], error) {
	after := 0
	key, err := decodeCursor("revision", in.Cursor)
	if err == nil && key != "" {
		if after, err = strconv.Atoi(key); err != nil {
			err = badCursor()
		}
	}
	if err != nil {
		return page[Revision]{}, err
	}
	revisions, more, err := a.Control.Revisions(ctx, who, in.ID, after, in.Limit)
	if err != nil {
		return page[Revision]{}, err
	}
	next := nextOf("revision", revisions, more, func(r hub.Revision) string { return strconv.Itoa(r.Number) })
	return pageOf(revisions, wireRevision, next), nil
}

func messageKey(m hub.Message) string { return string(m.ID) }

// archived is why messages of a channel cannot be changed.
const archived = "The channel is archived; nothing can be changed in it."

// messageMarks are the routes of what people set on messages.
func (a *API) messageMarks(one string) {
	for method, set := range map[string]bool{http.MethodPut: true, http.MethodDelete: false} {
		pin, react := operation{
			method: method, path: one + "/pin", id: "pinMessage", tag: "messages", summary: "Pin a message", conflict: archived,
		}, operation{
			method: method, path: one + "/reactions/{emoji}", id: "addReaction", tag: "messages", summary: "React to a message",
			conflict: archived + " Or the message carries as many different reactions as it can.",
		}
		if !set {
			pin.id, pin.summary = "unpinMessage", "Take a pinned message off"
			react.id, react.summary = "removeReaction", "Take a reaction off"
		}
		register(a, pin, func(ctx context.Context, who hub.Actor, in *MessagePath) (nothing, error) {
			return nothing{}, a.Control.SetPinned(ctx, who, in.ID, set)
		})
		register(a, react, func(ctx context.Context, who hub.Actor, in *reactionInput) (nothing, error) {
			return nothing{}, a.Control.SetReaction(ctx, who, in.ID, in.Emoji, set)
		})
	}
}

// Cursors of a channel's messages go either way: back from the newest, or on
// from the one in after.
const (
	olderKind = "older"
	newerKind = "newer"
)

func (a *API) listMessages(ctx context.Context, who hub.Actor, in *listMessagesInput) (page[Message], error) {
	none := page[Message]{}
	q := control.MessageQuery{
		ChannelID: in.ID, Thread: in.Thread, Pinned: in.Pinned, Before: in.Before, After: in.After, Limit: in.Limit,
	}
	if err := checkIDs("before", string(in.Before), "after", string(in.After), "thread", string(in.Thread)); err != nil {
		return none, err
	}
	if q.Before != "" && q.After != "" {
		return none, badField("after", "cannot be combined with before")
	}
	if in.Cursor != "" {
		kind, to := olderKind, &q.Before
		if q.After != "" {
			kind, to = newerKind, &q.After
		}
		id, err := idCursor[hub.MessageID](kind, in.Cursor)
		if err != nil {
			return none, err
		}
		*to = id
	}
	messages, more, err := a.Control.Messages(ctx, who, q)
	if err != nil || !more || len(messages) == 0 {
		return pageOf(messages, wireMessage, ""), err
	}
	next := encodeCursor(olderKind, messageKey(messages[len(messages)-1]))
	if q.After != "" {
		next = encodeCursor(newerKind, messageKey(messages[0])) // newest first: go on above it
	}
	return pageOf(messages, wireMessage, next), nil
}
