package ingress

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/secret"
)

// Store is what the ingress needs to know and to write down by itself.
type Store interface {
	// FindIncoming returns the webhook in force whose token has the hash, or NotFound.
	FindIncoming(ctx context.Context, hash string) (hub.IncomingWebhook, error)
	// IncomingByHash returns the webhook whose token has or had the hash, in whatever state.
	IncomingByHash(ctx context.Context, hash string) (hub.IncomingWebhook, error)
	// IncomingWebhook returns a webhook that is not deleted.
	IncomingWebhook(ctx context.Context, id hub.IncomingID) (hub.IncomingWebhook, error)
	// Call returns a logged call with its body.
	Call(ctx context.Context, id hub.CallID) (hub.Call, error)
	// LogCalls adds calls to the log, and counts to webhooks.
	LogCalls(ctx context.Context, calls []hub.Call, uses []hub.IncomingWebhook) error
	// PostedBefore returns the message that the same request posted under its key; "": none.
	PostedBefore(ctx context.Context, once *hub.Idempotency) (hub.MessageID, error)
	// LogCall remembers a key, and logs the call unless it is nil. A key that was used
	// before is a hub.RepeatedError or, by another request, a Conflict.
	LogCall(ctx context.Context, once *hub.Idempotency, call *hub.Call, keys ...hub.MessageKey) error
	// Channel returns a channel.
	Channel(ctx context.Context, id hub.ChannelID) (hub.Channel, error)
}

// Chat is where posts go. It takes the effect of mentions of everybody away
// unless they are allowed, and stores a message with its event, its deliveries
// and the call's row in the log in one commit.
type Chat interface {
	Post(ctx context.Context, p chat.Post) (hub.Message, error)
	Edit(ctx context.Context, id hub.MessageID, e chat.Edit, by chat.Cause) (hub.Message, error)
	Delete(ctx context.Context, id hub.MessageID, by chat.Cause) error
	Message(ctx context.Context, id hub.MessageID) (hub.Message, error)
	Save(ctx context.Context, u chat.Upload, by chat.Cause) (a hub.Attachment, repeated bool, err error)
	DeleteFile(ctx context.Context, id hub.FileID, by chat.Cause) error
	// Preview returns the message that a post would become.
	Preview(ctx context.Context, p chat.Post, uploads []hub.Attachment) (hub.Message, error)
}

// Ingress receives the calls of incoming webhooks; make it with [New]. It is
// safe for concurrent use.
type Ingress struct {
	Options
	lookup  lookup
	limits  *limiter
	room    *room
	masker  *masker
	journal *journal
	// warnedAt is the Unix second of the last warning.
	warnedAt atomic.Int64
}

// Options are what an Ingress works with. All are required but Gate and OnCall.
type Options struct {
	Store Store
	Chat  Chat
	IDs   *hub.IDs
	Now   func() time.Time
	Log   *slog.Logger
	// OpenSecret opens a webhook's SealedHMAC.
	OpenSecret func(*hub.IncomingWebhook) (secret.String, error)
	// Gate is asked before anything else; its error refuses the call, as when
	// the disk's reserve is reached. nil: always open.
	Gate func() error
	// OnCall hears the verdict on every call (dialect.Verdict), for statistics.
	// It must not block. May be nil.
	OnCall func(verdict string)
	// BaseURL is the hub's public address, without a slash at its end.
	BaseURL string
	// RateLimit is how many calls a minute one client may make to one webhook
	// that has no limit of its own; 0: any number.
	RateLimit int
}

// New returns an Ingress. Nothing runs until [Ingress.Run] is called; without
// it, refused calls are neither logged nor counted.
func New(o Options) *Ingress {
	return &Ingress{
		Options: o,
		lookup:  lookup{store: o.Store, open: o.OpenSecret, now: o.Now},
		limits:  newLimiter(),
		room:    newRoom(maxBodies, maxShare),
		masker:  newMasker(),
		journal: newJournal(o),
	}
}

// Mount registers the routes. Other methods are answered by the mux: 405 with
// Allow.
func (in *Ingress) Mount(mux *http.ServeMux) {
	for _, path := range []string{hookPath, hookPath + "/{$}", dialectPath, methodPath} {
		mux.HandleFunc("POST "+path, in.posting(direct))
	}
	for _, path := range []string{hookPath, hookPath + "/{$}", dialectPath} {
		mux.HandleFunc("PUT "+path, in.posting(direct)) // Grafana's contact points may be set so
		mux.HandleFunc("GET "+path, in.usage)
	}
	mux.HandleFunc("PATCH "+messagePath, in.editing(direct))
	mux.HandleFunc("DELETE "+messagePath, in.deleting(direct))
	mux.HandleFunc("POST "+servicesPath, in.posting(like(slackName)))
	mux.HandleFunc("POST "+mattermostPath, in.posting(like("mattermost")))
	mux.HandleFunc("POST "+rocketchatPath, in.posting(like("rocketchat")))
	mux.HandleFunc("POST "+discordPath, in.posting(discordGuide))
	mux.HandleFunc("GET "+hookPath+"/"+discordName, in.describing(discordClient))
	mux.HandleFunc("GET "+clientPath, in.describing(discordClient))
	mux.HandleFunc("POST "+clientPath, in.posting(discordClient))
	for _, path := range []string{clientMessagePath, forcedMessagePath} {
		mux.HandleFunc("GET "+path, in.reading(discordClient))
		mux.HandleFunc("PATCH "+path, in.editing(discordClient))
		mux.HandleFunc("DELETE "+path, in.deleting(discordClient))
	}
}

// Run writes refused calls into the log and counts calls, in batches, until
// ctx ends; then it writes what is left and returns nil.
func (in *Ingress) Run(ctx context.Context) error { return in.journal.run(ctx) }

// Invalidate forgets what is cached of incoming webhooks. Call it after a
// change of one was stored.
func (in *Ingress) Invalidate() { in.lookup.invalidate() }
