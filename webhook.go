package hub

import (
	"slices"
	"time"
)

// WebhookState is what an outgoing webhook does with the events that match.
type WebhookState string

// The states of an outgoing webhook.
const (
	// WebhookActive: deliveries are made and sent.
	WebhookActive WebhookState = "active"
	// WebhookPaused: deliveries are made and held.
	WebhookPaused WebhookState = "paused"
	// WebhookDisabled: no deliveries are made; unfinished ones are held.
	WebhookDisabled WebhookState = "disabled"
)

// Signing is the set of signature headers a webhook's requests carry besides
// the hub's own.
type Signing string

// The signing profiles.
const (
	SigningHub      Signing = "nchat"
	SigningStandard Signing = "standard"
	SigningGitHub   Signing = "github" // adds X-Hub-Signature-256, X-GitHub-Event, X-GitHub-Delivery
	SigningSlack    Signing = "slack"  // adds X-Slack-Signature, X-Slack-Request-Timestamp
)

// Ordering says which deliveries of a webhook wait for each other.
type Ordering string

// The orderings.
const (
	// OrderConversation keeps deliveries with the same order key in order.
	OrderConversation Ordering = "conversation"
	// OrderNone sends everything as soon as it is due.
	OrderNone Ordering = "unordered"
)

// ScheduleDays is the retry schedule preset that follows the example of the
// Standard Webhooks specification over about three days.
const ScheduleDays = "days"

// Policy says how an outgoing webhook's deliveries are tried.
type Policy struct {
	Timeout     time.Duration // one attempt in all: connect, TLS, headers, body
	MaxRetries  int           // tries after the first
	RetryDelay  time.Duration // before the first retry; doubles
	Schedule    string        // "" or ScheduleDays
	RateLimit   int           // requests a minute; 0: no limit
	Concurrency int           // requests in flight
	Ordering    Ordering
	Signing     Signing
}

// DefaultPolicy is nself-chat's: 30 s, three retries after 5, 10 and 20 s, ten
// at a time.
func DefaultPolicy() Policy {
	return Policy{
		Timeout: 30 * time.Second, MaxRetries: 3, RetryDelay: 5 * time.Second,
		Concurrency: 10, Ordering: OrderConversation, Signing: SigningHub,
	}
}

// Subscription is what decides which events an outgoing webhook receives. It
// is versioned: an event is matched against the revision in force.
type Subscription struct {
	WebhookID  WebhookID    `json:"webhookId"`
	State      WebhookState `json:"state"`
	Events     []string     `json:"events"`
	ChannelIDs []ChannelID  `json:"channelIds,omitempty"`
	Filter     *Filter      `json:"filter,omitempty"`
	Ordering   Ordering     `json:"ordering"`
}

// Matches reports whether the event is to be delivered to the webhook. data
// returns the event's decoded data for the filter; it is called only when a
// filter needs it.
func (s *Subscription) Matches(e *Event, data func() any) bool {
	if e.Quiet || s.State == WebhookDisabled && e.Target == "" {
		return false
	}
	if e.Target != "" {
		return e.Target == s.WebhookID
	}
	if e.Origin.ID == string(s.WebhookID) { // what a webhook is told about never includes itself
		return false
	}
	if !s.WantsType(e.Type) {
		return false
	}
	named := slices.Contains(s.ChannelIDs, e.ChannelID)
	if e.ChannelID != "" && !named && (len(s.ChannelIDs) > 0 || e.ChannelPrivate) {
		return false
	}
	return s.Filter == nil || s.Filter.Matches(data())
}

// WantsType reports whether one of the subscription's patterns matches the
// event type.
func (s *Subscription) WantsType(event string) bool {
	return slices.ContainsFunc(s.Events, func(p string) bool { return MatchEvent(p, event) })
}

// OutgoingWebhook is a subscription of one URL to event types, with what is
// needed to send to it.
type OutgoingWebhook struct {
	ID     WebhookID
	Name   string
	URL    string
	State  WebhookState
	Events []string
	// ChannelIDs limits events that have a channel to these. Events of private
	// channels are delivered only to webhooks that name the channel.
	ChannelIDs []ChannelID
	Filter     *Filter
	Policy     Policy

	// The sealed columns are envelopes of package secret; their plain text
	// never enters this type.
	SealedSecret   string
	SealedPrevious string    // the secret before the last rotation, or ""
	PreviousUntil  time.Time // end of the rotation's overlap
	SealedHeaders  string    // JSON object of custom headers, or ""
	HeaderNames    []string  // their names, to show

	Health    Health
	Notice    Notice // a notice about this webhook that is to be posted
	CreatedBy UserID
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // zero: not deleted
}

// Subscription returns the part of the webhook that decides what it receives.
func (w *OutgoingWebhook) Subscription() Subscription {
	return Subscription{
		WebhookID: w.ID, State: w.State, Events: w.Events, ChannelIDs: w.ChannelIDs,
		Filter: w.Filter, Ordering: w.Policy.Ordering,
	}
}

// Notice is a reason to tell the operators about a webhook.
type Notice string

// The notices.
const (
	NoticeNone       Notice = ""
	NoticeDeadLetter Notice = "dead_letter"
	NoticeBreaker    Notice = "breaker_open"
	NoticeGone       Notice = "gone"
	NoticeFailing    Notice = "failing_for_days"
)

// NoticeRef names a notice that waits with an outgoing webhook.
type NoticeRef struct {
	WebhookID WebhookID
	Notice    Notice
}

// Disabling reports whether the notice tells of a webhook that was disabled.
func (n Notice) Disabling() bool { return n == NoticeGone || n == NoticeFailing }

// IncomingWebhook is a token URL that posts into one channel.
type IncomingWebhook struct {
	ID           IncomingID
	Name         string
	ChannelID    ChannelID
	UserID       UserID // the webhook user its messages are authored by
	Username     string // default look; "": the webhook's name
	AvatarURL    string
	Enabled      bool
	TokenHash    string // hex SHA-256
	PreviousHash string // the token before the last rotation, or ""
	// PreviousUntil is the end of the rotation's overlap.
	PreviousUntil time.Time
	SealedHMAC    string // envelope of the HMAC secret; "": signatures are not asked for
	AllowIPs      []string
	ExpiresAt     time.Time // zero: never
	RateLimit     int       // posts a minute per client; -1: no limit; 0: the hub's default
	AllowMentions bool
	// KeyTemplate makes of each call what its message is about, and FieldMap a
	// card of the calls of senders that nobody knows, as JSON; "": none.
	KeyTemplate  string
	FieldMap     string
	LastUsedAt   time.Time
	CallCount    int64
	RefusedCount int64
	CreatedBy    UserID
	CreatedAt    time.Time
	UpdatedAt    time.Time
	DeletedAt    time.Time
}

// Call is one request to an incoming webhook as the log keeps it.
type Call struct {
	ID         CallID
	IncomingID IncomingID // "": the token was not known
	Verdict    string     // accepted, or why not: bad_signature, rate_limited, …
	Reason     string
	Dialect    string
	// RecognisedBy is by which mark the dialect was known: "the header …".
	RecognisedBy string
	// Headers are those of the request that tell what its body means, and Query the
	// parameters of its URL; both without secrets.
	Headers   map[string]string
	Query     string
	RemoteIP  string
	Status    int    // the HTTP status answered
	Answer    string // the beginning of the body answered
	Body      []byte // as received, secrets masked; kept for accepted and badly formed calls only
	BodySize  int64  // bytes received
	MessageID MessageID
	// MessageRevision is the message's as the call left it; 0: not known.
	MessageRevision int
	Duration        time.Duration
	CreatedAt       time.Time
}
