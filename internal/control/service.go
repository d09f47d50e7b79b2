package control

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

// Service carries out the operators' actions. All fields must be set before
// its first use and not changed afterwards; it is then safe for concurrent use.
type Service struct {
	Chat    Chat
	Store   Store
	Router  Router
	Engine  Engine
	Egress  Egress
	Ingress Ingress
	Access  Credentials
	Keys    *secret.Keys

	IDs *hub.IDs
	Now func() time.Time
	Log *slog.Logger

	// Bell rings when the event log has grown, so that streams can share what
	// was read of it; nil: each reads for itself.
	Bell *Bell
	// BaseURL is the hub's public URL without a slash at its end.
	BaseURL string
	// Gate is asked before anything is taken in that needs room; its error
	// refuses the request, as when the disk's reserve is reached. nil: always
	// open.
	Gate func() error
	// Defaults are the policy of an outgoing webhook that does not say otherwise.
	Defaults hub.Policy

	tail tail
}

// Router matches events with outgoing webhooks.
type Router interface {
	// Route matches the event with the outgoing webhooks in force and reserves
	// room for its deliveries. It sets e.Revision.
	Route(e *hub.Event) hub.Routing
	// Settle must be called exactly once for the routings of one commit.
	Settle(committed bool, routings ...hub.Routing)
	// CatchUp takes over the subscriptions as they are now, which are not those of
	// that revision any more.
	CatchUp(ctx context.Context, since int64) error
}

// Engine sends deliveries.
type Engine interface {
	// Reload takes up changed outgoing webhooks. When it returns, events are
	// matched and sent by the new state.
	Reload(ctx context.Context) error
	// Retry begins a new series of tries for a delivery.
	Retry(ctx context.Context, id hub.DeliveryID) error
	// Cancel gives a delivery up.
	Cancel(ctx context.Context, id hub.DeliveryID) error
	// ReleaseHeld sends what a webhook holds, or cancels it.
	ReleaseHeld(ctx context.Context, id hub.WebhookID, deliver bool) error
	// Replay sends deliveries again, or counts them. It returns how many.
	Replay(ctx context.Context, r hub.ReplayRequest) (int, error)
	// PauseAll stops sending until ResumeAll; the state survives a restart.
	PauseAll(ctx context.Context) error
	ResumeAll(ctx context.Context) error
	// Stats counts deliveries.
	Stats(ctx context.Context) (hub.QueueStats, error)
	// Request rebuilds the request of a delivery's next or last attempt, the
	// owner's headers masked. The body is the one that was sent, byte for byte.
	Request(ctx context.Context, d hub.Delivery) (header http.Header, body []byte, err error)
}

// Egress knows which URLs the hub may call.
type Egress interface {
	// CheckURL returns an error, fit to be shown, that says what is wrong with
	// the URL and how an administrator may allow it.
	CheckURL(url string) error
}

// Ingress receives the posts to incoming webhooks.
type Ingress interface {
	// Invalidate forgets what is cached of incoming webhooks.
	Invalidate()
	// Dialects lists the products whose posts are understood.
	Dialects() []hub.Dialect
	// CheckReading says what is wrong with a webhook's KeyTemplate and FieldMap.
	CheckReading(keyTemplate, fieldMap string) hub.FieldErrors
	// Replay posts a logged call again and returns the new call.
	Replay(ctx context.Context, id hub.CallID) (hub.Call, error)
	// Preview tells what Replay would post, with another reading than the webhook's
	// where one is given ("": none).
	Preview(ctx context.Context, id hub.CallID, fieldMap, keyTemplate *string) (hub.Reading, error)
}

// Credentials caches who is who.
type Credentials interface {
	// Invalidate forgets what is cached of tokens, sessions and users.
	Invalidate()
}

// Store keeps what the operators manage, the chat apart.
type Store interface {
	outgoingStore
	deliveryStore
	eventStore
	incomingStore
	tokenStore
	sessionStore
	auditStore
	requestStore
}

// intake asks the gate before something new is stored.
func (s *Service) intake() error {
	if s.Gate == nil {
		return nil
	}
	return s.Gate()
}

// audit records an action that was carried out. A failure to record it is
// logged and does not undo the action.
func (s *Service) audit(ctx context.Context, a hub.Actor, action, subject string, before, after any) {
	entry := hub.AuditEntry{
		ID: hub.AuditID(s.IDs.New()), ActorID: a.UserID, TokenID: a.TokenID, SessionID: a.SessionID,
		RemoteIP: a.RemoteIP, UserAgent: a.UserAgent, Trace: traceOf(ctx), Action: action, Subject: subject,
		Before: s.auditJSON(before), After: s.auditJSON(after), CreatedAt: s.Now().UTC().Truncate(time.Microsecond),
	}
	// The action has happened; that its caller went away must not hide it.
	if err := s.Store.AddAudit(context.WithoutCancel(ctx), entry); err != nil {
		s.Log.Error("an action could not be written to the audit log", "action", action, "subject", subject, "error", err)
	}
}

func (s *Service) auditJSON(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		s.Log.Error("an audit entry could not be encoded", "error", err)
		return nil
	}
	return b
}
