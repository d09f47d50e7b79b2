package hub

import (
	"encoding/json"
	"strings"
	"time"
)

// The event types the hub itself makes (http-api: Events). Any other dotted
// name may be sent through POST /api/events.
const (
	EventMessageCreated  = "message.created"
	EventMessageUpdated  = "message.updated"
	EventMessageDeleted  = "message.deleted"
	EventMessagePinned   = "message.pinned"
	EventMessageUnpinned = "message.unpinned"
	EventReactionAdded   = "message.reaction.added"
	EventReactionRemoved = "message.reaction.removed"
	EventChannelCreated  = "channel.created"
	EventChannelUpdated  = "channel.updated"
	EventChannelDeleted  = "channel.deleted"
	EventChannelArchived = "channel.archived"
	EventUserJoined      = "user.joined"
	EventUserLeft        = "user.left"
	EventUserCreated     = "user.created"
	EventUserUpdated     = "user.updated"
	EventUserDeactivated = "user.deactivated"
	EventThreadCreated   = "thread.created"
	EventThreadUpdated   = "thread.updated"
	EventFileUploaded    = "file.uploaded"
	EventFileDeleted     = "file.deleted"
	EventWebhookTest     = "webhook.test"
	EventWebhookFailing  = "webhook.failing"
	EventWebhookDisabled = "webhook.disabled"
)

// EventTypes lists the event types the hub itself makes, in the order
// documentation and forms show them.
func EventTypes() []string {
	return []string{
		EventMessageCreated, EventMessageUpdated, EventMessageDeleted, EventMessagePinned, EventMessageUnpinned,
		EventReactionAdded, EventReactionRemoved,
		EventChannelCreated, EventChannelUpdated, EventChannelDeleted, EventChannelArchived,
		EventUserJoined, EventUserLeft, EventUserCreated, EventUserUpdated, EventUserDeactivated,
		EventThreadCreated, EventThreadUpdated, EventFileUploaded, EventFileDeleted,
		EventWebhookTest, EventWebhookFailing, EventWebhookDisabled,
	}
}

// MaxHop is the number of hubs an event may pass through. A request that
// arrives with a larger X-Hub-Hop is refused: somebody built a loop.
const MaxHop = 5

// OriginKind says through which door an event came in.
type OriginKind string

// The origins.
const (
	OriginHub      OriginKind = "hub"      // API, console, CLI, or the hub about itself
	OriginIncoming OriginKind = "incoming" // an incoming webhook
	OriginLink     OriginKind = "link"     // a linked external channel
)

// Origin is where an event came from. Nothing is ever sent back to its origin.
type Origin struct {
	Kind OriginKind `json:"kind"`
	// ID is the incoming webhook's or the integration's id; "" for the hub itself.
	ID string `json:"id,omitempty"`
	// External is the remote channel, for links.
	External string `json:"external,omitempty"`
	// Hop is the number of hubs passed so far: 0 for what began here.
	Hop int `json:"hop,omitempty"`
}

// TriggeredBy is the user who caused an event, as receivers see it.
type TriggeredBy struct {
	UserID   UserID `json:"userId"`
	Username string `json:"username"`
}

// AppendJSON appends what json.Marshal makes of it, at a tenth of the cost for plain
// names: every event and every request needs it.
func (a *TriggeredBy) AppendJSON(b []byte) []byte {
	if !isPlain(string(a.UserID)) || !isPlain(a.Username) {
		text, err := json.Marshal(a)
		if err != nil { // two strings: cannot be
			return append(b, "{}"...)
		}
		return append(b, text...)
	}
	b = append(b, `{"userId":"`...)
	b = append(b, a.UserID...)
	b = append(b, `","username":"`...)
	b = append(b, a.Username...)
	return append(b, `"}`...)
}

// isPlain reports whether JSON, as encoding/json writes it, holds s as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// Event is a fact that happened in the hub.
type Event struct {
	// Seq orders the event log and the live stream; assigned by the store.
	Seq  int64
	ID   EventID
	Type string
	// Time is when it happened, in microseconds, UTC.
	Time time.Time
	// Data is a JSON value, kept and delivered byte for byte.
	Data        json.RawMessage
	Origin      Origin
	TriggeredBy *TriggeredBy
	// ChannelID is the channel it happened in, or "".
	ChannelID ChannelID
	// ChannelPrivate: only webhooks that name the channel may receive it.
	ChannelPrivate bool
	// OrderKey names what must stay in order with it: "m:<message>" or
	// "c:<channel>". Empty: nothing (custom events).
	OrderKey string
	// FirstOfKey promises that no earlier event carries the same OrderKey.
	FirstOfKey bool
	// Target limits the event to one webhook: the test ping.
	Target WebhookID
	// Quiet events are logged and streamed and never matched (notices).
	Quiet bool
	// Revision is the state of all subscriptions that the event was matched
	// against; `hub verify` matches it again.
	Revision int64
	// Trace ties everything that one inbound call caused together.
	Trace string
}

// MessageOrderKey is the order key of everything that happens to a message.
func MessageOrderKey(id MessageID) string { return "m:" + string(id) }

// ChannelOrderKey is the order key of what happens to a channel as a whole.
func ChannelOrderKey(id ChannelID) string { return "c:" + string(id) }

// CanonicalEvent returns the name that the hub uses for an event of its own
// which has another one as well: reaction.added is message.reaction.added,
// member.joined is user.joined. Every other name stands for itself.
func CanonicalEvent(name string) string {
	switch name {
	case "reaction.added", "reaction.removed":
		return "message." + name
	case "member.joined", "member.left", "member.created", "member.updated", "member.deactivated":
		return "user." + strings.TrimPrefix(name, "member.")
	}
	return name
}

// AliasPattern returns the other form of an event pattern: reaction.* for
// message.reaction.*, member.* for user.*, and the reverse; the pattern itself
// when it has none. What either form matches is meant.
func AliasPattern(pattern string) string {
	const message = "message."
	switch prefix, rest, _ := strings.Cut(pattern, "."); prefix {
	case "reaction":
		return message + pattern
	case "message":
		if strings.HasPrefix(rest, "reaction.") {
			return rest
		}
	case "member":
		return "user." + rest
	case "user":
		return "member." + rest
	}
	return pattern
}

// ValidEventName reports whether name may be an event's type: 1 to 128
// characters of A–Z, a–z, 0–9, '_', '-' and '.' (Standard Webhooks, "Event
// types"; the hyphen is ours), no empty part between dots.
func ValidEventName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	part := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '.':
			if part == 0 {
				return false
			}
			part = 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
			part++
		default:
			return false
		}
	}
	return part > 0
}

// ValidEventPattern reports whether pattern may subscribe to events: an event
// name in which '*' may stand for any run of characters.
func ValidEventPattern(pattern string) bool {
	return ValidEventName(strings.ReplaceAll(pattern, "*", "x"))
}

// MatchEvent reports whether an event pattern matches an event type. '*'
// stands for any run of characters, dots included: "*" matches everything,
// "message.*" also matches "message.reaction.added". Aliases match the same; see
// [AliasPattern].
func MatchEvent(pattern, event string) bool {
	if glob(pattern, event) {
		return true
	}
	canonical, other := CanonicalEvent(event), AliasPattern(pattern)
	return other != pattern && glob(other, event) || canonical != event && (glob(pattern, canonical) || glob(other, canonical))
}

// glob matches with backtracking to the last star only, so in O(len·len).
func glob(pattern, s string) bool {
	star, mark, p, i := -1, 0, 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
