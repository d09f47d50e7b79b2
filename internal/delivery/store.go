package delivery

import (
	"context"
	"time"

	"github.com/nself-chat/hub"
)

// Queue is where deliveries wait. The deliveries' table is the truth; what
// the engine remembers of it may be lost at any time.
type Queue interface {
	// Acquire makes node the one process that serves lanes, as far as no other
	// does, and returns those it serves. Cede gives up lanes of which nothing is
	// leased.
	Acquire(ctx context.Context, node string, lanes []hub.WebhookID) ([]hub.WebhookID, error)
	Cede(ctx context.Context, node string, lanes []hub.WebhookID) error
	// Lanes returns the lanes with due times, with the earliest of each.
	Lanes(ctx context.Context) ([]hub.LaneDue, error)
	// Claim leases due deliveries to node and says when each lane asked for is
	// due next.
	Claim(ctx context.Context, node string, quotas []hub.Quota) ([]hub.Job, []hub.LaneDue, error)
	// SetMark raises the mark of a lane (hub.Quota) by itself.
	SetMark(ctx context.Context, webhook hub.WebhookID, node string, mark int64) error
	// Record writes outcomes and ends their leases, in one commit.
	Record(ctx context.Context, outcomes []*hub.Outcome) ([]hub.Recorded, error)
	// Unlease gives leases back without an attempt: due now, or held.
	Unlease(ctx context.Context, jobs []hub.Job, held bool) error
	// Leased lists leases that were taken before a time; VoidLease ends one
	// that nobody remembers; VoidLeases all of processes that are gone.
	Leased(ctx context.Context, before time.Time, after hub.DeliveryID, limit int) ([]hub.Delivery, error)
	VoidLease(ctx context.Context, id hub.DeliveryID, epoch int64) (bool, error)
	VoidLeases(ctx context.Context) (int, error)
}

// Webhooks is where outgoing webhooks are kept.
type Webhooks interface {
	// Snapshot returns the webhooks in force with the revision they are of.
	Snapshot(ctx context.Context) (int64, []hub.OutgoingWebhook, error)
	// HealthOf returns what is known of webhooks' endpoints, those aside that are
	// deleted.
	HealthOf(ctx context.Context, webhooks []hub.WebhookID) (map[hub.WebhookID]hub.Health, error)
	// Revision is that of the newest subscription.
	Revision(ctx context.Context) (int64, error)
	// Abandoned returns the deleted ones with deliveries to cancel.
	Abandoned(ctx context.Context) ([]hub.WebhookID, error)
}

// Moves are the changes of state that operators and webhook states cause, in
// batches of at most limit.
type Moves interface {
	HasHeld(ctx context.Context, webhook hub.WebhookID) (bool, error)
	HoldDue(ctx context.Context, webhook hub.WebhookID, limit int) (int, error)
	ReleaseHeld(ctx context.Context, webhook hub.WebhookID, limit int) (int, error)
	LastEventID(ctx context.Context) (hub.EventID, error)
	CancelUnfinished(ctx context.Context, webhook hub.WebhookID, below hub.DeliveryID, limit int) (int, error)
	RetryDelivery(ctx context.Context, id hub.DeliveryID) (hub.Delivery, error)
	CancelDelivery(ctx context.Context, id hub.DeliveryID) (hub.Delivery, bool, error)
	CountReplay(ctx context.Context, r *hub.ReplayRequest) (int, error)
	ReplayBatch(ctx context.Context, r *hub.ReplayRequest, after hub.DeliveryID, limit int, due time.Time, gap time.Duration) (
		hub.DeliveryID, int, error)
}

// Counts are what statistics are made of.
type Counts interface {
	DeliveryCounts(ctx context.Context) (map[hub.WebhookID]map[hub.DeliveryStatus]int64, error)
	DueCounts(ctx context.Context, now time.Time) (due int64, oldest time.Time, err error)
}

// Settings are small values that survive a restart.
type Settings interface {
	// Setting returns NotFound, or "", when the key was never set.
	Setting(ctx context.Context, key string) (string, error)
	SetSetting(ctx context.Context, key, value string) error
}

// Events is the event log.
type Events interface {
	Event(ctx context.Context, id hub.EventID) (*hub.Event, error)
}

// Store is all the engine needs of the database.
type Store interface {
	Settings
	Events
	Queue
	Webhooks
	Moves
	Counts
}
