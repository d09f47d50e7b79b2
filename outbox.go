package hub

import "time"

// Routing is an event with the deliveries that it makes, on its way into the
// commit of the change it tells of.
type Routing struct {
	Event      *Event
	Deliveries []RoutedDelivery
}

// RoutedDelivery is a delivery about to be inserted.
type RoutedDelivery struct {
	Delivery
	// Parked is set by the store when an earlier delivery of the same
	// conversation is unfinished: the row then waits without lease or due time
	// until that one is finished.
	Parked bool
	// Mark is the lane's new mark, to be stored in the same commit; 0: it
	// stays. See Quota.
	Mark int64
	// Handed: it is leased to another process, by a grant of that one, which is
	// told with the commit. The store clears it when that one is not there any
	// more; the delivery is due then.
	Handed bool
}

// Grant lets a process lease deliveries that it publishes to the one that serves
// their lane, as if that one had taken them: it hands them over. Each of the
// numbers is for one lease; see Quota.
type Grant struct {
	WebhookID WebhookID `json:"lane"`
	By        string    `json:"by"` // the node that serves the lane
	To        string    `json:"-"`  // the node that may use it
	// From is the first number, and Until the one after the last.
	From  int64 `json:"from"`
	Until int64 `json:"until"`
	// Mark is up to which number the lane's mark needs no raising by the publisher:
	// it is stored, or the server of the lane sees to it.
	Mark int64 `json:"mark,omitempty"`
}

// Quota asks for at most Max due deliveries of one lane.
//
// What a process leases of a lane is numbered, and sent in the order of the
// numbers, but never beyond the lane's mark: a number that is stored ahead of
// the sending. After a crash, a lease up to the mark may have been sent, and one
// beyond it was not.
type Quota struct {
	WebhookID WebhookID
	Max       int
	// After is the number after which the new leases are numbered, and Ahead
	// the highest mark that they may raise the lane to.
	After, Ahead int64
}

// Job is a delivery that this process holds the lease of, with the event it
// carries.
type Job struct {
	Delivery Delivery
	Event    *Event
}

// LaneDue says when a lane's earliest delivery is due.
type LaneDue struct {
	WebhookID WebhookID
	DueAt     time.Time
}

// Outcome is what an attempt came to, to be recorded in one transaction.
type Outcome struct {
	DeliveryID DeliveryID
	WebhookID  WebhookID
	Node       string // whose lease ends
	Epoch      int64
	OrderKey   string
	Status     DeliveryStatus
	Tries      int
	DueAt      time.Time
	Attempt    Attempt
	// Mark is the lane's new mark; 0: it stays. See Quota.
	Mark int64
	// WebhookVersion is the UpdatedAt of the webhook that was sent to. Of one that
	// was changed since, Health is left out and a disabling Notice, too: it may have
	// another endpoint, or have been enabled again.
	WebhookVersion time.Time
	// Health is the endpoint's new health; nil: unchanged.
	Health *Health
	// Notice is a notice that became due; NoticeNone: none. A disabling one
	// disables the webhook.
	Notice Notice
}

// Recorded tells what else changed with an Outcome.
type Recorded struct {
	// Stale: the lease was not the sender's any more; nothing was written.
	Stale bool
	// Released: the next delivery of the conversation is due now.
	Released bool
}

// QueueStats counts deliveries in nself-chat's words.
type QueueStats struct {
	Total     int64 // all but canceled
	Pending   int64 // due
	Active    int64 // being sent
	Completed int64
	Failed    int64
	Delayed   int64 // retrying or due later, waiting for their turn, or held
	// OldestDue is the age of the delivery that has been due the longest.
	OldestDue time.Duration
	Lanes     []LaneStats
}

// LaneStats are the counts of one outgoing webhook.
type LaneStats struct {
	WebhookID WebhookID
	Counts    map[DeliveryStatus]int64
	Health    Health
	State     WebhookState
}

// ReplayRequest asks that deliveries of one webhook be sent again.
type ReplayRequest struct {
	WebhookID WebhookID
	Status    DeliveryStatus // success, failed or canceled
	Since     time.Time      // event time, included; zero: from the beginning
	Until     time.Time      // event time, excluded; zero: until now
	// RatePerMinute spreads the replay; 0: as fast as the lane takes it.
	RatePerMinute int
	// DryRun only counts.
	DryRun bool
}
